/** Every run of every workflow that a server holds, and their replay with the built bundle (I11). */
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { clientDataConverter } from '../../src/encryption/data-converter.ts';
import type { PayloadKeys } from '../../src/encryption/payload-keys.ts';
import { SILENT_SINKS } from './guard-sinks.ts';
import { ROOT } from './root.ts';

export type History = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>;

export interface RunHistory {
  readonly workflowId: string;
  readonly runId: string;
  readonly history: History;
}

/** Runs that were continued and closed included. */
export async function* historiesOf(client: Client): AsyncGenerator<RunHistory> {
  for await (const { workflowId, runId } of client.workflow.list()) {
    yield { workflowId, runId, history: await client.workflow.getHandle(workflowId, runId).fetchHistory() };
  }
}

/** Replays each history, read with `keys`; answers how many did, and what is wrong with those that did not. */
export async function replayEach(
  histories: AsyncIterable<RunHistory>,
  keys: PayloadKeys | null = null,
): Promise<{ readonly count: number; readonly problems: readonly string[] }> {
  const workflowBundle = { codePath: join(ROOT, 'dist/workflow-bundle.js') };
  const dataConverter = clientDataConverter(keys);
  const problems: string[] = [];
  let count = 0;
  for await (const { workflowId, error } of Worker.runReplayHistories(
    { workflowBundle, dataConverter, sinks: SILENT_SINKS },
    histories,
  )) {
    if (error === undefined) count += 1;
    else problems.push(`${workflowId} does not replay: ${error.message}`);
  }
  return { count, problems };
}
