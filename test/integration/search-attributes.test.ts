/** Search attributes on a real server: there from the start on that of `npm start`, usable once the worker says so elsewhere. */
import { Client } from '@temporalio/client';
import type { SearchAttributes } from '@temporalio/common';
import { msToTs } from '@temporalio/common/lib/time.js';
import { expect, onTestFinished, test } from 'vitest';
import { SEARCH_ATTRIBUTES } from '../../src/domain/names.ts';
import { startTemporalServer } from '../../src/operator/temporal-server.ts';
import { registerSearchAttributes } from '../../src/search-attributes.ts';
import { connectClient, temporalSettings } from '../../src/temporal-connection.ts';
import { scratchFolder } from '../support/scratch.ts';
import { until } from '../support/waiting.ts';

async function serverConnection() {
  const server = await startTemporalServer({
    cli: process.env['STOPKEEPER_TEMPORAL_CLI'] ?? null,
    dataDir: scratchFolder(),
    env: process.env,
    signal: new AbortController().signal,
  });
  onTestFinished(() => server.child.stop());
  const connection = await connectClient(temporalSettings(server.env));
  onTestFinished(() => connection.close());
  return connection;
}

/** One value for each, as a workflow is started with them. */
const VALUES = { KEYWORD: ['main'], BOOL: [true], DATETIME: [new Date(0)] };

const ALL: SearchAttributes = Object.fromEntries(
  Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => [name, VALUES[type]]),
);

test('the server of npm start has them before a worker asks', async () => {
  const connection = await serverConnection();
  expect(await registerSearchAttributes(connection, 'default')).toEqual({ kind: 'on', registered: [] });
});

test('in a namespace that had none a workflow can be started with them as soon as they are said to be on', async () => {
  const connection = await serverConnection();
  const namespace = 'desk';
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs('1 day'),
  });
  const { workflow } = new Client({ connection, namespace });
  const start = (workflowId: string, searchAttributes: SearchAttributes) =>
    workflow.start('anything', { taskQueue: 'nobody-polls', workflowId, searchAttributes });
  await until('the server knows the namespace', () =>
    start('first', {}).then(
      () => true,
      () => false,
    ),
  );
  const found = await registerSearchAttributes(connection, namespace);
  expect(found).toEqual({ kind: 'on', registered: Object.keys(SEARCH_ATTRIBUTES) });
  await start('with attributes', ALL);
  // What is there already is not waited for.
  expect(await registerSearchAttributes(connection, namespace)).toEqual({ kind: 'on', registered: [] });
});
