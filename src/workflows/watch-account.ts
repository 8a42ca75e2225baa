/** `watchAccount`: finds positions that nobody guards, starts their guards, and judges every leg by itself (I5, I7; DESIGN §5). */
import {
  allHandlersFinished,
  ApplicationFailure,
  continueAsNew,
  isCancellation,
  log,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Alert } from '../domain/alert.ts';
import { AuditNotes, type AuditEntry } from '../domain/audit.ts';
import {
  inputProblems,
  type AcknowledgeLegInput,
  type AdoptInput,
  type Released,
  type ReprotectInput,
  type WatchInput,
} from '../domain/messages.ts';
import { watchId } from '../domain/names.ts';
import { DEFAULT_POLICY } from '../domain/policy.ts';
import { legKey, type PositionIdx } from '../domain/position.ts';
import { acknowledge, newWatch, roundFailed, swept, type WatchState } from '../domain/watch-state.ts';
import { boardOf } from '../domain/watch-board.ts';
import { aux, sweeping } from './activity-options.ts';
import { waitFor } from './pacing.ts';
import { alertsAmong, isReleased } from './handed-over.ts';
import {
  acknowledgeSignal,
  adoptUpdate,
  alertsLeftSignal,
  boardQuery,
  legReleasedSignal,
  releasedQuery,
  reprotectSignal,
} from './messages.ts';
import { Outbox } from './outbox.ts';
import { checkWatchInput } from './start-input.ts';

/** A round leaves about 1 kB of history; a run of these is replayed in about a second. */
const ROUNDS_IN_A_RUN = 250;
/** With the default interval every five minutes. */
const LEDGER_EVERY_ROUNDS = 30;

export interface WatchCarried extends WatchInput {
  readonly state?: WatchState;
  /** ms; a new run does not sweep before. */
  readonly nextRoundAt?: number;
  readonly notes?: readonly AuditEntry[];
}

interface Watch {
  state: WatchState;
  woken: boolean;
  /** A `reprotect` for all legs that the next round passes on. */
  wakeAll: ReprotectInput | null;
  /** What the audit log is to hear with the next round. */
  readonly notes: AuditNotes;
}

/** Asked anew after each wait: messages set it meanwhile. */
function isWoken(watch: Watch): boolean {
  return watch.woken;
}

function wireMessages(watch: Watch): void {
  setHandler(
    reprotectSignal,
    (input?: ReprotectInput) => {
      const problems = inputProblems('reprotect', input);
      if (problems.length > 0) return log.warn('message.ignored', { problems });
      watch.notes.add({ kind: 'message', leg: null, name: 'reprotect', input: input ?? {} }, Date.now());
      watch.wakeAll = input ?? {};
      watch.woken = true;
    },
    {
      description:
        'Wake every guard of the account: read now, put back what is missing. {"reason"?, "rewrite"?}',
    },
  );
  setHandler(
    legReleasedSignal,
    (released: Released) => {
      if (!isReleased(released)) return log.warn('message.ignored', { message: 'legReleased' });
      const others = watch.state.released.filter((one) => legKey(one) !== legKey(released));
      watch.state = { ...watch.state, released: [...others, released] };
    },
    { description: "From a guard: its leg is in its operator's hands now." },
  );
  setHandler(
    alertsLeftSignal,
    (left: readonly Alert[]) => {
      const alerts = alertsAmong(left);
      if (alerts.length === 0) return log.warn('message.ignored', { message: 'alertsLeft' });
      watch.state = { ...watch.state, outbox: [...watch.state.outbox, ...alerts].slice(-50) };
      watch.woken = true;
    },
    { description: 'From a guard that ended: alerts that it could not deliver.' },
  );
  setHandler(adoptUpdate, (input: AdoptInput) => adopt(watch, input), {
    validator: (input: AdoptInput) => {
      const problems = inputProblems('adopt', input);
      if (problems.length > 0) throw ApplicationFailure.nonRetryable(problems.join('\n'), 'InvalidInput');
    },
    description: 'Guard a released leg again. {"symbol", "positionIdx"?}',
  });
  setHandler(acknowledgeSignal, (input?: AcknowledgeLegInput) => acknowledged(watch, input), {
    description:
      'You look after what was told: no more reminders of it. {"by", "reason"?, "symbol"?, "positionIdx"?}',
  });
  setHandler(boardQuery, () => boardOf(watch.state), {
    description: 'The legs, each with its state as last known.',
  });
  setHandler(releasedQuery, () => watch.state.released, { description: "Legs in their operators' hands." });
}

function acknowledged(watch: Watch, input: AcknowledgeLegInput | undefined): void {
  const problems = inputProblems('acknowledgeLeg', input);
  if (problems.length > 0 || input === undefined) {
    return log.warn('message.ignored', { message: 'acknowledge', problems });
  }
  watch.notes.add({ kind: 'message', leg: null, name: 'acknowledge', input }, Date.now());
  const { by, reason = null } = input;
  const { state, keys } = acknowledge(watch.state, input, { by, reason, at: Date.now() });
  watch.state = state;
  log.info('alerts.acknowledged', { account: state.account, by, legs: keys });
}

function adopt(watch: Watch, input: AdoptInput): { adopted: boolean; message: string } {
  const matches = (one: Released): boolean =>
    one.symbol === input.symbol &&
    (input.positionIdx === undefined || one.positionIdx === (input.positionIdx as PositionIdx));
  const adopted = watch.state.released.filter(matches);
  watch.notes.add({ kind: 'message', leg: null, name: 'adopt', input }, Date.now());
  if (adopted.length === 0) return { adopted: false, message: `${input.symbol} is not released` };
  watch.state = { ...watch.state, released: watch.state.released.filter((one) => !matches(one)) };
  watch.woken = true;
  return { adopted: true, message: `${input.symbol} is guarded again from the next round` };
}

function show(watch: Watch): void {
  const board = boardOf(watch.state);
  const rows = board.legs
    .slice(0, 50)
    .map(
      (leg) =>
        `| ${leg.symbol} | ${leg.side ?? ''} | ${leg.size ?? ''} | ${leg.stop ?? '**none**'} | ${leg.state} |`,
    );
  setCurrentDetails(
    [
      `### ${board.legs.length} open legs on ${board.account}, round ${board.rounds} at ${board.roundAt ?? 'never'}`,
      ...(watch.state.failure === null ? [] : ['', `**last round failed**: ${watch.state.failure}`]),
      '',
      '| symbol | side | size | stop | state |',
      '| --- | --- | --- | --- | --- |',
      ...rows,
      '',
      `Wake all guards: \`temporal workflow signal -w ${watchId(board.account)} --name reprotect\``,
    ].join('\n'),
  );
}

async function round(watch: Watch): Promise<number> {
  const { account, released, token, allClearDay } = watch.state;
  const notes = watch.notes.waiting;
  const wake = watch.wakeAll;
  watch.wakeAll = null;
  try {
    const { result, discoverEveryMs } = await sweeping.sweep({
      account,
      token,
      released,
      wake,
      allClearDay: allClearDay ?? null,
      ...(notes.length === 0 ? {} : { notes }),
    });
    watch.notes.taken(notes);
    watch.state =
      result.kind === 'swept'
        ? swept(watch.state, result)
        : roundFailed(watch.state, `${result.problem}: ${result.reason}`, Date.now());
    return discoverEveryMs;
  } catch (error) {
    if (isCancellation(error)) throw error;
    watch.wakeAll ??= wake;
    watch.state = roundFailed(watch.state, String((error as Error).message), Date.now());
    return DEFAULT_POLICY.discoverEveryMs;
  }
}

/** A ledger that somebody terminated is started again; the next try comes by itself, and nothing here waits for it. */
function keepLedgerAlive({ account, rounds }: WatchState): void {
  if (rounds === 0 || rounds % LEDGER_EVERY_ROUNDS !== 0) return;
  aux.ensureLedger({ account }).catch(() => undefined);
}

/** Runs until it is cancelled; kept alive by the worker at its start and by the ledger at each sync. */
export async function watchAccount(input: WatchCarried): Promise<void> {
  checkWatchInput(input);
  const { workflowId, runId } = workflowInfo();
  const watch: Watch = {
    state: input.state ?? newWatch(input.account),
    woken: false,
    wakeAll: null,
    notes: new AuditNotes({ account: input.account, workflowId, runId }, input.notes),
  };
  const outbox = new Outbox({
    pending: () => watch.state.outbox,
    delivered: (id) => {
      watch.state = { ...watch.state, outbox: watch.state.outbox.filter((alert) => alert.id !== id) };
    },
  });
  wireMessages(watch);
  outbox.flush();
  let nextRoundAt = input.nextRoundAt ?? 0;
  for (let rounds = 0; ; rounds += 1) {
    const wait = nextRoundAt - Date.now();
    if (wait > 0) await waitFor(() => watch.woken, wait, 'next round');
    watch.woken = false;
    const began = Date.now();
    nextRoundAt = began + (await round(watch));
    show(watch);
    keepLedgerAlive(watch.state);
    const full = rounds >= ROUNDS_IN_A_RUN || workflowInfo().continueAsNewSuggested;
    const ready = full && !isWoken(watch) && allHandlersFinished();
    // A full run begins no new delivery: a channel that is down would keep it from ever ending.
    if (!ready) outbox.flush();
    else if (outbox.idle) {
      const notes = watch.notes.handedOver;
      await continueAsNew<typeof watchAccount>({ ...input, state: watch.state, nextRoundAt, notes });
    }
  }
}
