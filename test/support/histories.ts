/** What the histories of workflows show: their runs, what was carried between them, attempts, failures. */
import { WorkflowFailedError, type Client, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { tsToMs } from '@temporalio/common/lib/time.js';

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;

/** The failure that a workflow ended with. */
export async function failureOf(work: Promise<unknown>): Promise<ApplicationFailure> {
  const error: unknown = await work.then(
    () => new Error('expected a failure'),
    (reason: unknown) => reason,
  );
  const cause = error instanceof WorkflowFailedError ? error.cause : (error as Error).cause;
  if (!(cause instanceof ApplicationFailure)) throw error;
  return cause;
}

/** Histories of the run that the handle means and of those that it continued, newest first. */
export async function runsOf(handle: WorkflowHandle): Promise<readonly History[]> {
  const found: History[] = [];
  let runId: string | null | undefined = undefined;
  do {
    const run: WorkflowHandle = handle.client.getHandle(handle.workflowId, runId ?? undefined);
    const history: History = await run.fetchHistory();
    found.push(history);
    runId = history.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
  } while (runId !== null && runId !== undefined && runId !== '');
  return found;
}

/** Size of what a run was started with. */
export function carriedBytes(history: History): number {
  const payloads = history.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  return payloads.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
}

/** Number of the last attempt of each activity of one type that has ended, in their order. */
export function attemptsOf(history: History, activityType: string): readonly number[] {
  const events = history.events ?? [];
  const wanted = new Set(
    events.flatMap((event) => {
      const scheduled = event.activityTaskScheduledEventAttributes;
      return scheduled?.activityType?.name === activityType ? [String(event.eventId)] : [];
    }),
  );
  return events.flatMap(({ activityTaskStartedEventAttributes: started }) =>
    started != null && wanted.has(String(started.scheduledEventId)) ? [started.attempt ?? 0] : [],
  );
}

/** All that a history says, payloads included: as bytes they hide from a search in its JSON. */
export function textOf(history: History): string {
  const texts: string[] = [];
  const visit = (value: unknown): void => {
    if (typeof value === 'string') texts.push(value);
    else if (value instanceof Uint8Array) texts.push(Buffer.from(value).toString('utf8'));
    else if (typeof value === 'object' && value !== null)
      for (const inner of Object.values(value)) visit(inner);
  };
  visit(history);
  return texts.join('\n');
}

/** When a guard's routine checks were recorded, over all its runs, oldest first, ms: each leaves the marker of its local activity. */
export async function checkTimes(client: Client, guardId: string): Promise<readonly number[]> {
  const runs = await runsOf(client.workflow.getHandle(guardId));
  return runs
    .toReversed()
    .flatMap(({ events }) => events ?? [])
    .filter(({ markerRecordedEventAttributes: marker }) => marker?.markerName === 'core_local_activity')
    .map(({ eventTime }) => (eventTime == null ? 0 : tsToMs(eventTime)));
}
