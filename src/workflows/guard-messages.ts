/** The messages of a guard: what each asks of the loop, and what malformed ones do, which is nothing (DESIGN §5). */
import {
  ApplicationFailure,
  condition,
  getExternalWorkflowHandle,
  log,
  setHandler,
} from '@temporalio/workflow';
import { guardStatus } from '../domain/guard-view.ts';
import {
  inputProblems,
  type AcknowledgeInput,
  type CloseAnswer,
  type CloseNowInput,
  type MessageName,
  type ReleaseInput,
  type ReprotectAnswer,
  type ReprotectInput,
} from '../domain/messages.ts';
import { watchId } from '../domain/names.ts';
import { changedPolicy, policyProblems } from '../domain/policy-change.ts';
import type { Policy } from '../domain/policy.ts';
import type { GuardRun } from './guard-run.ts';
import {
  acknowledgeSignal,
  closeNowUpdate,
  decisionsQuery,
  episodesQuery,
  policyQuery,
  releaseSignal,
  reprotectNowUpdate,
  reprotectSignal,
  setPolicyUpdate,
  statusQuery,
  type SetPolicyInput,
} from './messages.ts';

/** How long `closeNow` waits for reads to show the leg flat. */
const CLOSE_LIMIT_MS = 60_000;
const CLOSE_READ_MS = 1_000;

/** What messages ask of the loop. */
export interface Wishes {
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
export function isWoken(wishes: Wishes): boolean {
  return wishes.woken;
}

export function wireMessages(run: GuardRun, wishes: Wishes): void {
  wireProtection(run, wishes);
  wireControl(run, wishes);
}

function wireProtection(run: GuardRun, wishes: Wishes): void {
  setHandler(
    reprotectSignal,
    (input?: ReprotectInput) => {
      if (!usable('reprotect', input)) return;
      run.heard('reprotect', input);
      wishes.woken = true;
      wishes.rewrite ||= input?.rewrite ?? false;
    },
    { description: 'Read now; put back a stop that is missing or too loose. {"reason"?, "rewrite"?}' },
  );
  setHandler(
    reprotectNowUpdate,
    async (input?: ReprotectInput): Promise<ReprotectAnswer> => {
      run.heard('reprotectNow', input);
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
      run.heard('setPolicy', input);
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
      run.heard('release', input);
      wishes.release = input;
      wishes.woken = true;
    },
    {
      description:
        'Stop guarding; the stop stays on the venue. {"reason", "resumeAfterMs"?, "untilAdopted"?}',
    },
  );
  setHandler(acknowledgeSignal, (input?: AcknowledgeInput) => acknowledge(run, input), {
    description: 'You look after what this guard has told: no more reminders of it. {"by", "reason"?}',
  });
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
  setHandler(episodesQuery, () => run.book.reported ?? [], {
    description: 'How the last episodes ended while this guard went on, oldest first.',
  });
  setHandler(decisionsQuery, () => run.book.log, { description: 'The last 50 decisions, oldest first.' });
}

/** The watcher tells of the same leg by itself: it hears of it too. */
async function acknowledge(run: GuardRun, input: AcknowledgeInput | undefined): Promise<void> {
  if (!usable('acknowledge', input) || input === undefined) return;
  run.heard('acknowledge', input);
  const { by, reason } = input;
  run.apply({ kind: 'acknowledged', by, reason: reason ?? null, at: Date.now() });
  run.show();
  const { symbol, positionIdx } = run.book.leg;
  try {
    const watcher = getExternalWorkflowHandle(watchId(run.account));
    await watcher.signal(acknowledgeSignal, { ...input, symbol, positionIdx });
  } catch {
    log.info('acknowledge.watcher-not-told', { ...run.book.leg });
  }
}

async function closeNow(run: GuardRun, wishes: Wishes, input: CloseNowInput): Promise<CloseAnswer> {
  run.heard('closeNow', input);
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
