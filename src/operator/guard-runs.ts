/** Reads the histories of a guard, run by run, into what its memory depends on; codecs of the client are undone on the way. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import {
  decodeArrayFromPayloads,
  decodeOptionalFailureToOptionalError,
} from '@temporalio/common/lib/internal-non-workflow/index.js';
import { ApplicationFailure } from '@temporalio/common';
import type { FailureInfo } from '../domain/failure.ts';
import type { GuardEvent } from '../domain/guard-state.ts';
import type { GuardEnding } from '../domain/history.ts';
import type { GuardInput } from '../domain/messages.ts';
import { pooled } from '../domain/pool.ts';
import type { ClosingReport } from '../domain/closing.ts';
import type { Observation } from '../domain/position.ts';
import type { Happened } from '../domain/retrace.ts';
import { isOfServer } from '../temporal-errors.ts';

type Converter = Client['options']['loadedDataConverter'];
type History = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>;
type HistoryEvent = NonNullable<History['events']>[number];
type Payloads = Parameters<typeof decodeArrayFromPayloads>[1];

export interface GuardRuns {
  /** Runs that were read, oldest first. */
  readonly runs: number;
  /** Older runs that were left out. */
  readonly leftOut: number;
  readonly running: boolean;
  readonly happened: readonly Happened[];
}

/** Histories in memory at a time; each is some hundred kB. */
const READ_AT_ONCE = 4;

interface ListedRun {
  readonly runId: string;
  /** ms */
  readonly startedAt: number;
}

/** `null` where the server knows no such workflow. At most the newest `most` runs. */
export async function readGuardRuns(client: Client, guard: string, most: number): Promise<GuardRuns | null> {
  const found = await runsOf(client, guard);
  if (found === null) return null;
  const runs = found.runs.toSorted((a, b) => a.startedAt - b.startedAt);
  const wanted = runs.slice(-most);
  const read = await pooled(wanted, READ_AT_ONCE, (run) => happenedIn(client, guard, run));
  return {
    runs: wanted.length,
    leftOut: runs.length - wanted.length,
    running: found.running,
    happened: read.flat(),
  };
}

/** All runs that the list shows, and the newest by description: lists lag behind. */
async function runsOf(
  client: Client,
  guard: string,
): Promise<{ readonly runs: readonly ListedRun[]; readonly running: boolean } | null> {
  const runs = new Map<string, ListedRun>();
  const query = `WorkflowType="guardPosition" AND WorkflowId="${guard}"`;
  for await (const { runId, startTime } of client.workflow.list({ query, pageSize: 1_000 }))
    runs.set(runId, { runId, startedAt: startTime.getTime() });
  try {
    const { runId, startTime, status } = await client.workflow.getHandle(guard).describe();
    runs.set(runId, { runId, startedAt: startTime.getTime() });
    return { runs: [...runs.values()], running: status.name === 'RUNNING' };
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    return runs.size === 0 ? null : { runs: [...runs.values()], running: false };
  }
}

async function happenedIn(client: Client, guard: string, run: ListedRun): Promise<readonly Happened[]> {
  try {
    const history = await client.workflow.getHandle(guard, run.runId).fetchHistory();
    return await happenedOf(client.options.loadedDataConverter, history, run.runId);
  } catch (error) {
    // Retention may take a run away between the list and the look at it.
    if (!isOfServer(error)) throw error;
    return [{ kind: 'gap', at: run.startedAt, reason: `run ${run.runId} cannot be read: ${error.message}` }];
  }
}

/** What one run's history holds, in order. */
export async function happenedOf(
  converter: Converter,
  { events }: History,
  runId: string,
): Promise<readonly Happened[]> {
  const reader = new RunReader(converter, runId);
  const found: Happened[] = [];
  for (const event of events ?? []) {
    const happened = await reader.read(event);
    if (happened !== null) found.push(happened);
  }
  return found;
}

class RunReader {
  readonly #converter: Converter;
  readonly #runId: string;
  /** Types of the activities by the event that scheduled them. */
  readonly #scheduled = new Map<string, string>();

  constructor(converter: Converter, runId: string) {
    this.#converter = converter;
    this.#runId = runId;
  }

  async read(event: HistoryEvent): Promise<Happened | null> {
    const at = timeOf(event);
    const signal = event.workflowExecutionSignaledEventAttributes;
    if (signal != null) return this.#message(at, signal.signalName, signal.input?.payloads, signal.identity);
    const update = event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest;
    if (update != null)
      return this.#message(at, update.input?.name, update.input?.args?.payloads, update.meta?.identity);
    const marker = event.markerRecordedEventAttributes;
    if (marker?.markerName === 'core_local_activity') {
      const result = await this.#first(marker.details?.['result']?.payloads);
      const error = await decodeOptionalFailureToOptionalError(this.#converter, marker.failure);
      // The routine check is the one local activity of a guard.
      return result === undefined ? unreadable(at, error) : observed(at, result);
    }
    return this.#activity(event, at) ?? this.#life(event, at);
  }

  #activity(event: HistoryEvent, at: number): Promise<Happened | null> | null {
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled != null) {
      this.#scheduled.set(String(event.eventId), scheduled.activityType?.name ?? '');
      return null;
    }
    const completed = event.activityTaskCompletedEventAttributes;
    if (completed != null) {
      const type = this.#scheduled.get(String(completed.scheduledEventId)) ?? '';
      return this.#first(completed.result?.payloads).then((result) => completedAs(type, at, result));
    }
    const failed = event.activityTaskFailedEventAttributes ?? event.activityTaskTimedOutEventAttributes;
    if (failed == null) return null;
    const type = this.#scheduled.get(String(failed.scheduledEventId)) ?? '';
    return decodeOptionalFailureToOptionalError(this.#converter, failed.failure).then((error) =>
      failedAs(type, at, error),
    );
  }

  async #life(event: HistoryEvent, at: number): Promise<Happened | null> {
    const started = event.workflowExecutionStartedEventAttributes;
    if (started != null) {
      // The input of our own workflow, as its starter wrote it.
      const input = (await this.#first(started.input?.payloads)) as GuardInput;
      return { kind: 'started', at, runId: this.#runId, input };
    }
    const completed = event.workflowExecutionCompletedEventAttributes;
    if (completed != null) {
      const ending = (await this.#first(completed.result?.payloads)) as GuardEnding;
      return { kind: 'ended', at, how: ending.ended, ending };
    }
    if (event.workflowExecutionTerminatedEventAttributes != null) {
      const { reason } = event.workflowExecutionTerminatedEventAttributes;
      return { kind: 'ended', at, how: `terminated by hand${reason ? `: ${reason}` : ''}`, ending: null };
    }
    if (event.workflowExecutionCanceledEventAttributes != null)
      return { kind: 'ended', at, how: 'cancelled', ending: null };
    if (event.workflowExecutionFailedEventAttributes != null)
      return { kind: 'ended', at, how: 'failed', ending: null };
    return null;
  }

  async #message(
    at: number,
    name: string | null | undefined,
    payloads: Payloads,
    by: string | null | undefined,
  ): Promise<Happened> {
    return {
      kind: 'message',
      at,
      name: name ?? '',
      input: (await this.#first(payloads)) ?? {},
      by: by ?? '',
    };
  }

  async #first(payloads: Payloads): Promise<unknown> {
    const [value] = await decodeArrayFromPayloads(this.#converter, payloads);
    return value;
  }
}

function observed(at: number, result: unknown): Happened {
  return { kind: 'observed', at, observation: result as Observation };
}

/** What the guard makes of a read that did not come back. */
function unreadable(at: number, error: Error | undefined): Happened {
  const reason = error?.message ?? 'no result';
  const observation = { kind: 'unreadable', problem: 'VenueUnavailable', reason, readAt: at } as const;
  return { kind: 'observed', at, observation };
}

/** Results of our own activities, by their names; others say nothing of the stop. */
function completedAs(type: string, at: number, result: unknown): Happened | null {
  switch (type) {
    case 'observe':
      return observed(at, result);
    case 'ensureStop':
      return { kind: 'ensured', at, events: (result as { readonly events: readonly GuardEvent[] }).events };
    case 'closingRecord':
      return result == null ? null : { kind: 'record', at, report: result as ClosingReport };
    default:
      return null;
  }
}

function failedAs(type: string, at: number, error: Error | undefined): Happened | null {
  if (type === 'observe') return unreadable(at, error);
  if (type !== 'ensureStop') return null;
  const details = error instanceof ApplicationFailure ? (error.details ?? []) : [];
  const [detail] = details as readonly (
    { failure: FailureInfo; written: readonly GuardEvent[] } | undefined
  )[];
  const message = error?.message ?? 'no answer from the worker in time';
  const unknown = { type: 'VenueUnknown', code: null, message, hint: '' } as const;
  return { kind: 'ensure-failed', at, failure: detail?.failure ?? unknown, written: detail?.written ?? [] };
}

function timeOf({ eventTime }: HistoryEvent): number {
  return Number(eventTime?.seconds ?? 0) * 1_000 + Math.floor((eventTime?.nanos ?? 0) / 1_000_000);
}
