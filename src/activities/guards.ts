/** Activities that start, ask and count workflows; they run on their own queue, apart from protective writes (docs/temporal.md §4, §7). */
import { activityInfo, heartbeat } from '@temporalio/activity';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import type { GuardStatus } from '../domain/board.ts';
import type { GuardBook } from '../domain/guard-state.ts';
import type { GuardInput, Released, ReprotectAnswer, ReprotectInput } from '../domain/messages.ts';
import { guardId, TASK_QUEUE, watchId } from '../domain/names.ts';
import { pooled } from '../domain/pool.ts';
import { guardPolicy } from '../domain/policy-change.ts';
import type { Policy } from '../domain/policy.ts';
import { legKey, type Leg, type Side } from '../domain/position.ts';
import { isOfServer } from '../temporal-errors.ts';
import type { ActivityDeps } from './deps.ts';
import { endIfStuck } from './stuck-runs.ts';

/** A guard that does not answer within this time is bypassed. */
const ASK_LIMIT_MS = 15_000;
const ASKED_AT_ONCE = 20;
/** Guards of legs that are gone are never worth delaying those of open ones. */
const WAKE_LIMIT_MS = 5_000;

export interface StartGuardInput {
  readonly account: string;
  readonly leg: Leg;
  readonly policy: Policy;
  readonly side: Side | null;
  /** Memory of the write that protected the leg, so that the guard does not begin blind; absent after a crash. */
  readonly book?: GuardBook;
  readonly reason: string;
  readonly rewrite?: boolean;
}

export type GuardAnswer =
  | { readonly leg: Leg; readonly kind: 'not-running' }
  | {
      readonly leg: Leg;
      readonly kind: 'answered';
      readonly answer: ReprotectAnswer;
      readonly status: GuardStatus;
      /** Why the guard refused this session's policy; `null` when it follows it. */
      readonly policyRefusal: string | null;
    }
  | { readonly leg: Leg; readonly kind: 'silent'; readonly reason: string };

export interface AskGuardsInput {
  readonly account: string;
  readonly legs: readonly Leg[];
  readonly reason: string;
}

export const KEYS = {
  account: defineSearchAttributeKey('StopkeeperAccount', 'KEYWORD'),
  symbol: defineSearchAttributeKey('PositionSymbol', 'KEYWORD'),
  side: defineSearchAttributeKey('PositionSide', 'KEYWORD'),
} as const;

function attributesOf(input: StartGuardInput): TypedSearchAttributes {
  return new TypedSearchAttributes([
    { key: KEYS.account, value: input.account },
    { key: KEYS.symbol, value: input.leg.symbol },
    ...(input.side === null ? [] : [{ key: KEYS.side, value: input.side }]),
  ]);
}

/** The guard of a leg, started or, where one runs, woken: never two (docs/temporal.md §7). */
export async function startGuardOf(deps: ActivityDeps, input: StartGuardInput): Promise<void> {
  const { account, leg, policy, book } = input;
  const guard: GuardInput = {
    account,
    leg,
    policy,
    searchAttributes: deps.searchAttributes,
    ...(book === undefined ? {} : { book }),
  };
  const signal: ReprotectInput = {
    reason: input.reason,
    ...(input.rewrite === true ? { rewrite: true } : {}),
  };
  await deps.client.workflow.signalWithStart('guardPosition', {
    workflowId: guardId(account, leg),
    taskQueue: TASK_QUEUE,
    args: [guard],
    signal: 'reprotect',
    signalArgs: [signal],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: `stop of ${leg.symbol} on ${account}`,
    ...(deps.searchAttributes === 'on' ? { typedSearchAttributes: attributesOf(input) } : {}),
  });
}

interface PolicyBrought {
  /** The guard follows another policy than before. */
  readonly changed: boolean;
  /** Why it refused to; `null` where it follows the session's. */
  readonly refusal: string | null;
}

/** A guard follows a policy that changed since it started, as a `setPolicy` without `allowLooser`. */
async function bringPolicy(deps: ActivityDeps, account: string, leg: Leg): Promise<PolicyBrought> {
  const handle = deps.client.workflow.getHandle(guardId(account, leg));
  const wanted = guardPolicy(deps.policy(account, leg.symbol));
  const held = guardPolicy(await handle.query<Policy>('policy'));
  if (JSON.stringify(held) === JSON.stringify(wanted)) return { changed: false, refusal: null };
  try {
    await handle.executeUpdate('setPolicy', { args: [{ policy: wanted }] });
    return { changed: true, refusal: null };
  } catch (error) {
    if (!(error instanceof WorkflowUpdateFailedError)) throw error;
    return { changed: false, refusal: error.cause?.message ?? error.message };
  }
}

async function askOne(deps: ActivityDeps, account: string, leg: Leg, reason: string): Promise<GuardAnswer> {
  const handle = deps.client.workflow.getHandle(guardId(account, leg));
  try {
    return await deps.client.withDeadline(Date.now() + ASK_LIMIT_MS, async () => {
      const ask = (): Promise<ReprotectAnswer> =>
        handle.executeUpdate('reprotectNow', { args: [{ reason }] });
      // Asked before anything is queried, which would have a guard that this process does not hold yet read twice (docs/temporal.md §7).
      const first = await ask();
      const policy = await bringPolicy(deps, account, leg);
      const answer = policy.changed ? await ask() : first;
      const status = await handle.query<GuardStatus>('status');
      return { leg, kind: 'answered', answer, status, policyRefusal: policy.refusal };
    });
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { leg, kind: 'not-running' };
    return { leg, kind: 'silent', reason: `guard does not answer: ${(error as Error).message}` };
  }
}

/**
 * Wakes the running guards of legs that the import did not show: each looks at once, and ends by its own two reads or goes on (I4).
 * A guard that visibility does not list, or that is not reached, finds out at its next check.
 */
async function wakeOthers(deps: ActivityDeps, { account, legs, reason }: AskGuardsInput): Promise<void> {
  const shown = new Set(legs.map((leg) => guardId(account, leg)));
  const query = `WorkflowType="guardPosition" AND ExecutionStatus="Running" AND WorkflowId STARTS_WITH "guard:${account}:"`;
  const signal: ReprotectInput = { reason: `${reason}: the leg is not among the open positions` };
  try {
    await deps.client.withDeadline(Date.now() + WAKE_LIMIT_MS, async () => {
      const others: string[] = [];
      for await (const { workflowId } of deps.client.workflow.list({ query, pageSize: 1_000 }))
        if (!shown.has(workflowId)) others.push(workflowId);
      await pooled(others, ASKED_AT_ONCE, (guard) =>
        deps.client.workflow.getHandle(guard).signal('reprotect', signal),
      );
    });
  } catch (error) {
    // The client wraps what the server answers to a list; whatever it is, the guards of open legs must be asked all the same.
    if (!isOfServer(error)) throw error;
    deps.log.warn({ account, error: error.message }, 'guards.not-woken');
  }
}

/** Starts the watcher of an account or leaves the one that runs; one whose history does not replay any more is replaced. */
export async function startWatcherOf(deps: ActivityDeps, account: string): Promise<void> {
  if (await endIfStuck(deps, watchId(account))) deps.log.error({ account }, 'watcher.stuck');
  try {
    await deps.client.workflow.start('watchAccount', {
      workflowId: watchId(account),
      taskQueue: TASK_QUEUE,
      args: [{ account, searchAttributes: deps.searchAttributes }],
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: `positions of ${account} that nobody guards yet`,
      ...(deps.searchAttributes === 'on'
        ? { typedSearchAttributes: new TypedSearchAttributes([{ key: KEYS.account, value: account }]) }
        : {}),
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

export function createGuardActivities(deps: ActivityDeps) {
  return {
    async startGuard(input: StartGuardInput): Promise<void> {
      await startGuardOf(deps, input);
    },

    /**
     * Asks running guards to protect now, at most 20 at a time; guards that do not run are named too. Guards of legs that are not
     * in the list are woken.
     */
    async askGuards(input: AskGuardsInput): Promise<readonly GuardAnswer[]> {
      const beat = setInterval(() => heartbeat(activityInfo().attempt), 1_000);
      try {
        const running = await deps.runningGuards(input.account, input.legs);
        const asked = pooled(input.legs, ASKED_AT_ONCE, async (leg): Promise<GuardAnswer> =>
          running.has(legKey(leg))
            ? askOne(deps, input.account, leg, input.reason)
            : { leg, kind: 'not-running' },
        );
        const [answers] = await Promise.all([asked, wakeOthers(deps, input)]);
        return answers;
      } finally {
        clearInterval(beat);
      }
    },

    /** Tells the watcher, started if need be, that a leg is in its operator's hands; the guard ends only after this. */
    async recordRelease(input: { readonly account: string; readonly released: Released }): Promise<void> {
      await deps.client.workflow.signalWithStart('watchAccount', {
        workflowId: watchId(input.account),
        taskQueue: TASK_QUEUE,
        args: [{ account: input.account, searchAttributes: deps.searchAttributes }],
        signal: 'legReleased',
        signalArgs: [input.released],
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        workflowIdConflictPolicy: 'USE_EXISTING',
      });
    },

    async ensureWatcher(input: { readonly account: string }): Promise<void> {
      await startWatcherOf(deps, input.account);
    },
  };
}
