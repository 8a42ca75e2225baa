/** Every run that a test starts is remembered, and its history replayed when the test ends (I11). */
import { readFileSync } from 'node:fs';
import type { Client, WorkflowClientInterceptor } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { SILENT_SINKS } from './guard-sinks.ts';

type History = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>;

export interface Run {
  readonly workflowId: string;
  readonly runId: string;
}

/** The code that the worker of the tests runs, and the replays too: what is shipped, read once. */
export const workflowBundle = { code: readFileSync(pathFrom('STOPKEEPER_WORKFLOW_BUNDLE'), 'utf8') };

/** Remembers the runs that a client begins or meets; continued runs are found by their histories. */
export class RunLog {
  #runs: Run[] = [];

  readonly interceptor: WorkflowClientInterceptor = {
    startWithDetails: async (input, next) => {
      const started = await next(input);
      this.#note(input.options.workflowId, started.runId);
      return started;
    },
    signalWithStart: async (input, next) => {
      const runId = await next(input);
      this.#note(input.options.workflowId, runId);
      return runId;
    },
  };

  #note(workflowId: string, runId: string): void {
    if (!this.#runs.some((one) => one.runId === runId)) this.#runs.push({ workflowId, runId });
  }

  get workflowIds(): readonly string[] {
    return [...new Set(this.#runs.map(({ workflowId }) => workflowId))];
  }

  /** How often a workflow was begun; a start that met a running one does not count, nor does a continuation. */
  startsOf(workflowId: string): number {
    return this.#runs.filter((run) => run.workflowId === workflowId).length;
  }

  /** Histories of all runs so far, each followed through its continuations. */
  async histories(client: Client): Promise<readonly (Run & { readonly history: History })[]> {
    const found = new Map<string, Run & { readonly history: History }>();
    for (const { workflowId, runId: first } of this.#runs) {
      let runId: string | null = first;
      while (runId !== null && !found.has(runId)) {
        const history: History = await client.workflow.getHandle(workflowId, runId).fetchHistory();
        found.set(runId, { workflowId, runId, history });
        const continued = history.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes;
        runId = continued?.newExecutionRunId ?? null;
      }
    }
    return [...found.values()];
  }

  forget(): void {
    this.#runs = [];
  }
}

/**
 * What the time-skipping server wrote into the middle of a workflow task, where a real server waits for the task's end; `null`: nothing.
 * Such a history is no history: the SDK's replay neither replays it nor says so, it never ends.
 */
export function tornBy({ events }: History): string | null {
  const at = (events ?? []).findIndex((event, index) => {
    const next = events?.[index + 1];
    return event.workflowTaskStartedEventAttributes != null && next !== undefined && !endsTask(next);
  });
  const found = at < 0 ? undefined : events?.[at + 1];
  if (found === undefined) return null;
  const named = Object.entries(found).find(
    ([key, value]) => key.endsWith('EventAttributes') && value !== null,
  );
  return `${named?.[0].replace(/EventAttributes$/, '') ?? 'an event'} (event ${String(found.eventId)})`;
}

type HistoryEvent = NonNullable<History['events']>[number];

function endsTask(event: HistoryEvent): boolean {
  return (
    event.workflowTaskCompletedEventAttributes != null ||
    event.workflowTaskFailedEventAttributes != null ||
    event.workflowTaskTimedOutEventAttributes != null ||
    event.workflowExecutionTerminatedEventAttributes != null
  );
}

/** Histories of the time-skipping server that are whole; the others are told. A real server's are all replayed. */
export function replayable<T extends { readonly workflowId: string; readonly history: History }>(
  histories: readonly T[],
): readonly T[] {
  return histories.filter(({ workflowId, history }) => {
    const torn = tornBy(history);
    if (torn !== null)
      console.warn(`${workflowId} is not replayed: ${torn} in the middle of a workflow task`);
    return torn === null;
  });
}

/** Throws with every history that the code of now would not have made. */
export async function replayAll(
  histories: readonly { readonly workflowId: string; readonly history: unknown }[],
): Promise<void> {
  if (histories.length === 0) return;
  const problems: string[] = [];
  for await (const { workflowId, runId, error } of Worker.runReplayHistories(
    { workflowBundle, sinks: SILENT_SINKS },
    histories.map(({ workflowId: id, history }) => ({ workflowId: id, history })),
  )) {
    if (error !== undefined) problems.push(`${workflowId} (run ${runId}): ${error.message}`);
  }
  if (problems.length > 0) throw new Error(`histories that do not replay:\n${problems.join('\n')}`);
}

/** A run as it is recorded; `history` is what `temporal workflow show --output json` writes. */
export interface RecordedRun {
  readonly workflowId: string;
  readonly history: { readonly events: readonly unknown[] };
}

export function recorded(workflowId: string, history: History): RecordedRun {
  return { workflowId, history: JSON.parse(historyToJSON(history)) as RecordedRun['history'] };
}

/** A path that the global set-up has found; throws where a test runs without it. */
export function pathFrom(variable: string): string {
  const path = process.env[variable];
  if (path === undefined || path === '')
    throw new Error(`${variable} is not set: run the tests with npm test`);
  return path;
}
