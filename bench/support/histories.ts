/** What histories say about checks: when each was due and when its result was recorded, by the server's clock. */
import type { Client } from '@temporalio/client';
import { tsToMs } from '@temporalio/common/lib/time.js';
import { pooled } from '../../src/domain/pool.ts';

/** One check that a timer asked for; times in ms. */
export interface Check {
  readonly workflowId: string;
  readonly dueAt: number;
  /** The worker took the workflow task. */
  readonly begunAt: number;
  /** The observation is in the history: what survives a crash. */
  readonly doneAt: number;
}

export interface RunFacts {
  readonly checks: readonly Check[];
  /** When each result of an activity was recorded, ms: of all checks, those included that no timer asked for. */
  readonly resultsAt: readonly number[];
  /** When the check that is still to come was or is due; `null` where no timer runs. */
  readonly nextDueAt: number | null;
}

type History = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>;
type HistoryEvent = NonNullable<History['events']>[number];

function atOf(event: HistoryEvent): number {
  return tsToMs(event.eventTime);
}

/** Of an activity, local or not. */
function isResult(event: HistoryEvent): boolean {
  return event.markerRecordedEventAttributes != null || event.activityTaskCompletedEventAttributes != null;
}

/** A check is a fired timer, then the next workflow task, then the next result of an activity, local or not. */
export function factsOf(workflowId: string, { events }: History): RunFacts {
  const timers = new Map<string, number>();
  const checks: Check[] = [];
  let due: number | null = null;
  let begun: number | null = null;
  for (const event of events ?? []) {
    const started = event.timerStartedEventAttributes;
    if (started != null) timers.set(String(event.eventId), atOf(event) + tsToMs(started.startToFireTimeout));
    const cancelled = event.timerCanceledEventAttributes;
    if (cancelled != null) timers.delete(String(cancelled.startedEventId));
    const fired = event.timerFiredEventAttributes;
    if (fired != null) {
      due = timers.get(String(fired.startedEventId)) ?? null;
      begun = null;
      timers.delete(String(fired.startedEventId));
    }
    if (event.workflowTaskStartedEventAttributes != null && due !== null) begun ??= atOf(event);
    if (isResult(event) && due !== null && begun !== null) {
      checks.push({ workflowId, dueAt: due, begunAt: begun, doneAt: atOf(event) });
      due = null;
    }
  }
  return {
    checks,
    resultsAt: (events ?? []).filter(isResult).map(atOf),
    nextDueAt: due ?? timers.values().next().value ?? null,
  };
}

const FETCHED_AT_ONCE = 16;

/** The histories of every run of these workflow types that had not closed before `since`, by workflow id. */
export async function runsSince(
  client: Client,
  type: string,
  since: number,
): Promise<ReadonlyMap<string, readonly RunFacts[]>> {
  const runs: { readonly workflowId: string; readonly runId: string }[] = [];
  const query = `WorkflowType="${type}"`;
  for await (const { workflowId, runId, closeTime } of client.workflow.list({ query, pageSize: 1_000 })) {
    if (closeTime === undefined || closeTime.getTime() >= since) runs.push({ workflowId, runId });
  }
  const facts = await pooled(runs, FETCHED_AT_ONCE, async ({ workflowId, runId }) => ({
    workflowId,
    facts: factsOf(workflowId, await client.workflow.getHandle(workflowId, runId).fetchHistory()),
  }));
  const byId = new Map<string, RunFacts[]>();
  for (const one of facts) byId.set(one.workflowId, [...(byId.get(one.workflowId) ?? []), one.facts]);
  return byId;
}

/** Size of a running execution's history, for differences over a while. */
export interface HistorySize {
  readonly runId: string;
  readonly events: number;
  readonly bytes: number;
}

export async function historySizes(
  client: Client,
  workflowIds: readonly string[],
): Promise<ReadonlyMap<string, HistorySize>> {
  const sizes = await pooled(workflowIds, FETCHED_AT_ONCE, async (id) => {
    const { runId, historyLength, historySize } = await client.workflow.getHandle(id).describe();
    return [id, { runId, events: historyLength, bytes: historySize ?? 0 }] as const;
  });
  return new Map(sizes);
}
