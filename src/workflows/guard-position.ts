/** `guardPosition`: watches one leg until the venue proves it closed or an operator takes it over (I4, I5; DESIGN §4, §5). */
import {
  allHandlersFinished,
  ApplicationFailure,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  log,
  setHandler,
  setWorkflowOptions,
  workflowInfo,
} from '@temporalio/workflow';
import type { ClosingReport } from '../domain/closing.ts';
import { carried } from '../domain/guard-state.ts';
import { guardStatus, protectionState } from '../domain/guard-view.ts';
import {
  inputProblems,
  type CloseAnswer,
  type CloseNowInput,
  type GuardInput,
  type MessageName,
  type Released,
  type ReleaseInput,
  type ReprotectAnswer,
  type ReprotectInput,
} from '../domain/messages.ts';
import { watchId } from '../domain/names.ts';
import { changedPolicy, policyProblems } from '../domain/policy-change.ts';
import type { Policy } from '../domain/policy.ts';
import { aux } from './activity-options.ts';
import { GuardRun } from './guard-run.ts';
import {
  alertsLeftSignal,
  closeNowUpdate,
  decisionsQuery,
  policyQuery,
  releaseSignal,
  reprotectNowUpdate,
  reprotectSignal,
  setPolicyUpdate,
  statusQuery,
  type SetPolicyInput,
} from './messages.ts';
import { waitFor } from './pacing.ts';
import { leavePinnedBuild, pinRun } from './pinned-run.ts';
import { checkGuardInput } from './start-input.ts';

/** Memory and log that a run hands to the next, bytes; with the policy the carried state stays under 8 kB. */
const CARRIED_BYTES = 6_500;
const DRAIN_MS = 30_000;
/** How long `closeNow` waits for reads to show the leg flat. */
const CLOSE_LIMIT_MS = 60_000;
const CLOSE_READ_MS = 1_000;

export type GuardResult =
  | { readonly ended: 'closed'; readonly report: ClosingReport }
  /** `released` outlives a watcher that loses its memory. */
  | { readonly ended: 'released'; readonly reason: string; readonly released: Released };

/** What messages ask of the loop. */
interface Wishes {
  woken: boolean;
  rewrite: boolean;
  started: number;
  finished: number;
  release: ReleaseInput | null;
  ended: boolean;
}

function refuse(message: MessageName, input: unknown, more: readonly string[] = []): void {
  const problems = [...inputProblems(message, input), ...more];
  if (problems.length > 0) throw ApplicationFailure.nonRetryable(problems.join('\n'), 'InvalidInput');
}

/** A signal cannot be refused: a malformed one is logged and changes nothing. */
function usable(message: MessageName, input: unknown): boolean {
  const problems = inputProblems(message, input);
  if (problems.length > 0) log.warn('message.ignored', { message, problems });
  return problems.length === 0;
}

function answerOf(run: GuardRun): ReprotectAnswer {
  const { state, stop, provenAt, message } = guardStatus(run.book, {
    checks: run.checks,
    nextCheckAt: null,
    now: Date.now(),
  });
  return { state, stop, provenAt, message };
}

/** Asked anew after each wait: messages set it meanwhile. */
function isWoken(wishes: Wishes): boolean {
  return wishes.woken;
}

function wireMessages(run: GuardRun, wishes: Wishes): void {
  wireProtection(run, wishes);
  wireControl(run, wishes);
}

function wireProtection(run: GuardRun, wishes: Wishes): void {
  setHandler(
    reprotectSignal,
    (input?: ReprotectInput) => {
      if (!usable('reprotect', input)) return;
      wishes.woken = true;
      wishes.rewrite ||= input?.rewrite ?? false;
    },
    { description: 'Read now; put back a stop that is missing or too loose. {"reason"?, "rewrite"?}' },
  );
  setHandler(
    reprotectNowUpdate,
    async (input?: ReprotectInput): Promise<ReprotectAnswer> => {
      // Only a check that begins from now on answers this.
      const want = wishes.started + 1;
      wishes.woken = true;
      wishes.rewrite ||= input?.rewrite ?? false;
      await condition(() => wishes.finished >= want || wishes.ended);
      return answerOf(run);
    },
    {
      validator: (input?: ReprotectInput) => refuse('reprotect', input),
      description: 'As reprotect, and answers with state, stop and proof time once it is done.',
    },
  );
}

function wireControl(run: GuardRun, wishes: Wishes): void {
  setHandler(
    setPolicyUpdate,
    (input: SetPolicyInput): Policy => {
      run.policy = changedPolicy(run.policy, input.policy);
      if (input.allowLooser === true) run.apply({ kind: 'loosening-allowed' });
      wishes.woken = true;
      return run.policy;
    },
    {
      validator: (input: SetPolicyInput) =>
        refuse(
          'setPolicy',
          input,
          inputProblems('setPolicy', input).length > 0 ? [] : policyProblems(input.policy),
        ),
      description:
        'Change this guard\'s policy. {"policy": {...}, "allowLooser"?}; allowLooser lowers the floor once.',
    },
  );
  setHandler(
    releaseSignal,
    (input?: ReleaseInput) => {
      if (!usable('release', input) || input === undefined) return;
      wishes.release = input;
      wishes.woken = true;
    },
    {
      description:
        'Stop guarding; the stop stays on the venue. {"reason", "resumeAfterMs"?, "untilAdopted"?}',
    },
  );
  setHandler(closeNowUpdate, (input: CloseNowInput) => closeNow(run, wishes, input), {
    validator: (input: CloseNowInput) => {
      const { symbol } = run.book.leg;
      const mismatch = input.confirm === symbol ? [] : [`confirm: expected the symbol ${symbol}`];
      refuse('closeNow', input, mismatch);
    },
    description: 'Close the position with a reduce-only market order. {"reason", "confirm": "<symbol>"}',
  });
  setHandler(
    statusQuery,
    () => guardStatus(run.book, { checks: run.checks, nextCheckAt: run.nextCheckAt, now: Date.now() }),
    { description: 'The leg, its levels, stop and proof.' },
  );
  setHandler(policyQuery, () => run.policy, { description: 'The policy in force.' });
  setHandler(decisionsQuery, () => run.book.log, { description: 'The last 50 decisions, oldest first.' });
}

async function closeNow(run: GuardRun, wishes: Wishes, input: CloseNowInput): Promise<CloseAnswer> {
  log.warn('position.close-asked', { ...run.book.leg, reason: input.reason });
  const message = await run.close();
  for (let waitedMs = 0; waitedMs < CLOSE_LIMIT_MS && !wishes.ended; waitedMs += CLOSE_READ_MS) {
    wishes.woken = true;
    await condition(() => wishes.ended, CLOSE_READ_MS);
  }
  const flat = wishes.ended;
  return {
    flat,
    message: flat ? `${message}; flat, shown by reads` : `${message}; not yet shown flat by a read`,
  };
}

/** Watches until the end; each run hands its memory to the next by continue-as-new. */
export async function guardPosition(input: GuardInput): Promise<GuardResult> {
  checkGuardInput(input);
  const run = new GuardRun(input);
  const wishes: Wishes = {
    woken: false,
    rewrite: false,
    started: 0,
    finished: 0,
    release: null,
    ended: false,
  };
  wireMessages(run, wishes);
  run.show();
  run.outbox.flush();
  for (;;) {
    const result = await nextCheck(run, wishes);
    if (result !== null) return result;
    const full =
      wishes.finished >= run.policy.continueAsNewAfterChecks || workflowInfo().continueAsNewSuggested;
    // Never wait for handlers that wait for the loop: check once more instead (docs/temporal.md §1).
    const ready = full && !wishes.woken && allHandlersFinished();
    // A full run begins no new delivery: a channel that is down would keep it from ever ending.
    if (!ready) run.outbox.flush();
    else if (run.outbox.idle) {
      leavePinnedBuild();
      // The next run may be another worker's, and says at its start where it is.
      run.ended();
      await continueAsNew<typeof guardPosition>({
        account: run.account,
        leg: run.book.leg,
        policy: run.policy,
        book: carried(run.book, CARRIED_BYTES),
        searchAttributes: input.searchAttributes ?? 'on',
        carried: run.carried,
      });
    }
  }
}

setWorkflowOptions(pinRun, guardPosition);

/** Waits for the next check, makes it, and ends the guard where that is due. */
async function nextCheck(run: GuardRun, wishes: Wishes): Promise<GuardResult | null> {
  const wait = run.nextCheckAt - Date.now();
  if (wait > 0) await waitFor(() => wishes.woken, wait, `next check of ${run.book.leg.symbol}`);
  if (wishes.release !== null) return released(run, wishes, wishes.release);
  // Cleared before the check: what arrives during it asks for another one.
  const { rewrite, woken } = wishes;
  wishes.woken = false;
  wishes.rewrite = false;
  wishes.started += 1;
  // The signal that starts a guard asks for nothing that its first check would not do with the shared snapshot.
  const asked = woken && run.checks > 0;
  const report = await run.check(asked, rewrite);
  // Woken since the last read began: somebody may have seen the leg open again.
  if (report !== null && !isWoken(wishes)) {
    await end(run, wishes);
    return { ended: 'closed', report };
  }
  wishes.finished = wishes.started;
  run.schedule();
  run.show();
  return null;
}

async function end(run: GuardRun, wishes: Wishes): Promise<void> {
  run.show();
  run.ended();
  await run.outbox.drain(DRAIN_MS);
  const left = run.book.outbox;
  if (left.length > 0) {
    try {
      await getExternalWorkflowHandle(watchId(run.account)).signal(alertsLeftSignal, left);
    } catch {
      log.error('alerts.lost', { alerts: left.map(({ message }) => message) });
    }
  }
  wishes.ended = true;
  await condition(allHandlersFinished);
}

async function released(run: GuardRun, wishes: Wishes, release: ReleaseInput): Promise<GuardResult> {
  const now = Date.now();
  const record: Released = {
    ...run.book.leg,
    reason: release.reason,
    since: now,
    until: release.resumeAfterMs === undefined ? null : now + release.resumeAfterMs,
    untilAdopted: release.untilAdopted ?? false,
    episode: run.book.episode?.id ?? null,
  };
  // Without a limit of attempts: a release that nobody remembers would be taken back by the next round.
  const retry = { maximumAttempts: Number.POSITIVE_INFINITY, maximumInterval: '30 seconds' } as const;
  await aux.recordRelease.executeWithOptions({ summary: 'tell the watcher', retry }, [
    { account: run.account, released: record },
  ]);
  log.warn('position.released', { ...record, state: protectionState(run.book) });
  run.showReleased();
  await end(run, wishes);
  return { ended: 'released', reason: release.reason, released: record };
}
