/** What the histories of a soak say, read once while they are replayed: checks, writes with their proofs, workflow tasks that failed, secrets (I2, I9). */
import { tsToMs } from '@temporalio/common/lib/time.js';
import { factsOf, type RunFacts } from '../bench/support/histories.ts';
import type { GuardEvent } from '../src/domain/guard-state.ts';
import type { History, RunHistory } from '../test/support/server-histories.ts';

type HistoryEvent = NonNullable<History['events']>[number];

/** A write of a stop as an `ensureStop` activity tells it. */
export interface ToldWrite {
  readonly workflowId: string;
  readonly symbol: string;
  readonly positionIdx: number;
  readonly stop: string;
  /** When the read had ended that it was decided by, by the worker's clock, ms. */
  readonly decidedAt: number;
  readonly writtenAt: number;
  /** What the read after it showed; `null` where it is not said to be proven. */
  readonly proof: { readonly stop: string; readonly at: number } | null;
}

/** A workflow task that a worker took and did not finish. */
export interface LostTask {
  readonly workflowId: string;
  readonly takenAt: number;
  readonly lostAt: number;
}

export interface Run extends RunFacts {
  readonly workflowId: string;
  readonly runId: string;
  /** Run that this one was continued as; `null` where it was not. */
  readonly continuedAs: string | null;
  readonly writes: readonly ToldWrite[];
  /** Of its first and its last event, ms. */
  readonly from: number;
  readonly to: number;
  /** What it completed with; `null` where it did not. */
  readonly result: unknown;
  readonly lostTasks: readonly LostTask[];
  /** Workflow tasks that failed, and failed again or for good: a bug, or a history that the code does not fit. */
  readonly failedTasks: readonly string[];
  /** Those whose next attempt was done: the SDK had lost its way, and began the run anew from its history. */
  readonly mendedTasks: readonly string[];
  /** Names of secrets that the history holds. */
  readonly leaked: readonly string[];
}

/** `WorkflowTaskFailedCause` of Temporal's API. */
const UNHANDLED_COMMAND = 2;

interface Payload {
  readonly data?: Uint8Array | null;
}

function decoded(payload: Payload | null | undefined): unknown {
  try {
    return JSON.parse(Buffer.from(payload?.data ?? []).toString('utf8'));
  } catch {
    return null;
  }
}

/** Legs of the `ensureStop` activities by the number of the event that scheduled them. */
function scheduledStops(
  events: readonly HistoryEvent[],
): Map<string, { symbol: string; positionIdx: number }> {
  const found = new Map<string, { symbol: string; positionIdx: number }>();
  for (const { eventId, activityTaskScheduledEventAttributes: scheduled } of events) {
    if (scheduled?.activityType?.name !== 'ensureStop') continue;
    const input = decoded(scheduled.input?.payloads?.[0]) as {
      readonly book?: { readonly leg?: { symbol: string; positionIdx: number } };
    } | null;
    if (input?.book?.leg !== undefined) found.set(String(eventId), input.book.leg);
  }
  return found;
}

function writesOf(workflowId: string, events: readonly HistoryEvent[]): ToldWrite[] {
  const legs = scheduledStops(events);
  return events.flatMap(({ activityTaskCompletedEventAttributes: completed }) => {
    const leg = legs.get(String(completed?.scheduledEventId));
    if (completed == null || leg === undefined) return [];
    const answer = decoded(completed.result?.payloads?.[0]) as {
      readonly events?: readonly GuardEvent[];
    } | null;
    return toldBy(answer?.events ?? []).map((told) => ({ workflowId, ...leg, ...told }));
  });
}

/** A write between two reads; an earlier attempt's has no read before it and is left out. */
function toldBy(
  events: readonly GuardEvent[],
): Pick<ToldWrite, 'stop' | 'decidedAt' | 'writtenAt' | 'proof'>[] {
  return events.flatMap((event, at) => {
    const [before, after] = [events[at - 1], events[at + 1]];
    if (event.kind !== 'written' || before?.kind !== 'observed') return [];
    const shown = after?.kind === 'observed' && after.observation.kind === 'open' ? after.observation : null;
    const stop = shown?.position.stopLoss ?? null;
    const proof = shown === null || stop === null ? null : { stop, at: shown.readAt };
    return [{ stop: event.stop, decidedAt: before.observation.readAt, writtenAt: event.at, proof }];
  });
}

function lostTasksOf(workflowId: string, events: readonly HistoryEvent[]): LostTask[] {
  const started = new Map(events.map((event) => [String(event.eventId), event]));
  return events.flatMap((event) => {
    const lost = event.workflowTaskTimedOutEventAttributes;
    const taken = started.get(String(lost?.startedEventId));
    if (lost == null || taken?.workflowTaskStartedEventAttributes == null) return [];
    return [{ workflowId, takenAt: tsToMs(taken.eventTime), lostAt: tsToMs(event.eventTime) }];
  });
}

function failedTasksOf(
  workflowId: string,
  events: readonly HistoryEvent[],
): Pick<Run, 'failedTasks' | 'mendedTasks'> {
  const ends = events.filter(
    ({ workflowTaskFailedEventAttributes: failed, workflowTaskCompletedEventAttributes: completed }) =>
      // New events while a workflow wanted to end are no failure: the server asks again.
      completed != null || (failed != null && failed.cause !== UNHANDLED_COMMAND),
  );
  const failures = ends.flatMap(({ workflowTaskFailedEventAttributes: failed }, at) => {
    if (failed == null) return [];
    const alone = ends[at - 1]?.workflowTaskFailedEventAttributes == null;
    const mended = alone && ends[at + 1]?.workflowTaskCompletedEventAttributes != null;
    return [{ mended, text: `${workflowId}: ${failed.failure?.message ?? `cause ${failed.cause}`}` }];
  });
  const texts = (wanted: boolean): string[] =>
    failures.filter(({ mended }) => mended === wanted).map(({ text }) => text);
  return { failedTasks: texts(false), mendedTasks: texts(true) };
}

/** Names of the secrets that occur in any text or payload below `value`. */
function secretsIn(value: unknown, secrets: Readonly<Record<string, string>>): readonly string[] {
  const found = new Set<string>();
  const look = (part: unknown): void => {
    if (part === null || part === undefined) return;
    const text =
      typeof part === 'string' ? part : part instanceof Uint8Array ? Buffer.from(part).toString() : null;
    if (text !== null) {
      for (const [name, secret] of Object.entries(secrets)) if (text.includes(secret)) found.add(name);
    } else if (typeof part === 'object') Object.values(part).forEach(look);
  };
  look(value);
  return [...found];
}

/** The facts of one run. */
export function runFacts(
  { workflowId, runId, history }: RunHistory,
  secrets: Readonly<Record<string, string>>,
): Run {
  const events = history.events ?? [];
  const continued = events.at(-1)?.workflowExecutionContinuedAsNewEventAttributes;
  return {
    ...factsOf(workflowId, history),
    workflowId,
    runId,
    continuedAs: continued?.newExecutionRunId ?? null,
    writes: writesOf(workflowId, events),
    from: tsToMs(events[0]?.eventTime),
    to: tsToMs(events.at(-1)?.eventTime),
    result: decoded(events.at(-1)?.workflowExecutionCompletedEventAttributes?.result?.payloads?.[0]),
    lostTasks: lostTasksOf(workflowId, events),
    ...failedTasksOf(workflowId, events),
    leaked: secretsIn(history, secrets),
  };
}
