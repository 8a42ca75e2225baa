/**
 * Guards and watchers that run and do nothing: their history no longer replays, so that every task of theirs fails, for ever (docs/temporal.md
 * §7). Nobody brings such a run back to life; it is ended, and another takes its place: a guard with the stop on the venue for its floor (I1, I5).
 */
import type { WorkflowHandle } from '@temporalio/client';
import proto from '@temporalio/proto';
import { guardId } from '../domain/names.ts';
import { pooled } from '../domain/pool.ts';
import { legKey, type Leg } from '../domain/position.ts';
import { isOfServer } from '../temporal-errors.ts';
import type { ActivityDeps } from './deps.ts';

/** Guards whose turn it is in a round; all of them have theirs in (guards / 20) rounds. */
const LOOKED_AT = 20;
const AT_ONCE = 10;
/** A guard of this process that has checked within the longest interval of the default cadence does something: a description of it costs more than its check. */
const LATELY_MS = 40_000;
const LIMIT_MS = 5_000;
/** In a row: the first one may be of the worker's memory of the run, which it forgets then. */
const FAILURES = 2;
/** Signals that nobody handled lie between failures. */
const NEWEST_EVENTS = 50;

const { WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR: NOT_REPLAYED } =
  proto.temporal.api.enums.v1.WorkflowTaskFailedCause;

const REASON =
  'stopkeeper: its history does not replay any more, so that it does nothing; a new run takes over';

/** Ends those that are stuck, and answers with their keys: a few of the guards each round, bare legs' always. Never throws for the server. */
export async function endStuckGuards(
  deps: ActivityDeps,
  account: string,
  guarded: readonly (Leg & { readonly state: string })[],
): Promise<ReadonlySet<string>> {
  const ended = new Set<string>();
  const now = deps.now();
  const looked = ofThisRound(
    guarded,
    Math.floor(now / deps.policy(account, '').discoverEveryMs),
    (leg) => now - (deps.checkedAt(guardId(account, leg)) ?? 0) <= LATELY_MS,
  );
  await pooled(looked, AT_ONCE, async (leg) => {
    if (!(await endIfStuck(deps, guardId(account, leg)))) return;
    ended.add(legKey(leg));
    deps.log.error({ account, symbol: leg.symbol, positionIdx: leg.positionIdx }, 'guard.stuck');
  });
  return ended;
}

/** Ends a workflow whose history does not replay any more; its caller starts another. Never throws for the server. */
export async function endIfStuck(deps: Pick<ActivityDeps, 'client'>, workflowId: string): Promise<boolean> {
  const handle = deps.client.workflow.getHandle(workflowId);
  try {
    return await deps.client.withDeadline(Date.now() + LIMIT_MS, async () => {
      if (!(await isStuck(deps, handle))) return false;
      await handle.terminate(REASON);
      return true;
    });
  } catch (error) {
    if (!isOfServer(error)) throw error;
    return false;
  }
}

/** Bare legs, and of the others those whose turn it is, unless they have checked lately. */
export function ofThisRound<T extends { readonly state: string }>(
  guarded: readonly T[],
  round: number,
  hasChecked: (leg: T) => boolean,
): readonly T[] {
  const bare = guarded.filter(({ state }) => state === 'UNPROTECTED');
  const others = guarded.filter(({ state }) => state !== 'UNPROTECTED');
  const from = (round * LOOKED_AT) % Math.max(1, others.length);
  const turn = [...others, ...others].slice(from, from + Math.min(LOOKED_AT, others.length));
  return [...bare, ...turn.filter((leg) => !hasChecked(leg))];
}

async function isStuck({ client }: Pick<ActivityDeps, 'client'>, handle: WorkflowHandle): Promise<boolean> {
  const { raw, runId } = await handle.describe();
  const pending = raw.pendingWorkflowTask;
  if (pending == null) return false;
  const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
    namespace: client.options.namespace,
    execution: { workflowId: handle.workflowId, runId },
    maximumPageSize: NEWEST_EVENTS,
  });
  const events = history?.events ?? [];
  const end = events.findIndex((event) => event.workflowTaskCompletedEventAttributes != null);
  const causes = events
    .slice(0, end < 0 ? events.length : end)
    .flatMap(({ workflowTaskFailedEventAttributes: failed }) => (failed == null ? [] : [failed.cause]));
  // Only the first failure of a task is an event; its attempts count the others.
  const failures = causes.length + Math.max(0, (pending.attempt ?? 1) - 2);
  return causes[0] === NOT_REPLAYED && failures >= FAILURES;
}
