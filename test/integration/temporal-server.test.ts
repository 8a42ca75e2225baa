/** The Temporal server of `npm start`: settings, ports that are taken, the same database again, and errors that leave nothing. */
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { expect, onTestFinished, test } from 'vitest';
import { isAlive } from '../../src/operator/process-identity.ts';
import { startTemporalServer, type TemporalServer } from '../../src/operator/temporal-server.ts';
import { connectClient, temporalSettings, TemporalConnectionError } from '../../src/temporal-connection.ts';
import { scratchFolder, writeScript } from '../support/scratch.ts';

const cli = process.env['STOPKEEPER_TEMPORAL_CLI'] ?? null;

async function start(
  dataDir: string,
  over: { cli?: string | null; signal?: AbortSignal } = {},
): Promise<TemporalServer> {
  const signal = new AbortController().signal;
  const server = await startTemporalServer({ cli, dataDir, env: process.env, signal, ...over });
  onTestFinished(() => server.child.stop());
  return server;
}

async function connect(server: TemporalServer, namespace = server.namespace): Promise<Client> {
  const settings = { ...temporalSettings(server.env), namespace };
  const connection = await connectClient(settings);
  onTestFinished(() => connection.close());
  return new Client({ connection, namespace });
}

test('histories are kept 14 days, in a database with a write-ahead log', async () => {
  const dataDir = scratchFolder();
  const { workflowService } = (await connect(await start(dataDir))).connection;
  const { config } = await workflowService.describeNamespace({ namespace: 'default' });
  expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(14 * 86_400);
  expect(existsSync(join(dataDir, 'temporal.sqlite-wal'))).toBe(true);
});

test('two servers live side by side: the second takes other ports', async () => {
  const first = await start(scratchFolder());
  const second = await start(scratchFolder());
  expect(second.address).not.toBe(first.address);
  expect(second.uiUrl).not.toBe(first.uiUrl);
  expect((await fetch(second.uiUrl)).status).toBe(200);
});

test('the next server on the same folder has the same workflows', async () => {
  const dataDir = scratchFolder();
  const first = await start(dataDir);
  const options = { taskQueue: 'nobody-polls', workflowId: 'left-running' };
  await (await connect(first)).workflow.start('anything', options);
  await first.child.stop();
  expect(isAlive(first.child.identity)).toBe(false);
  const again = await connect(await start(dataDir));
  const { status } = await again.workflow.getHandle('left-running').describe();
  expect(status.name).toBe('RUNNING');
});

test('a namespace that is not there is named with the command that makes it', async () => {
  const server = await start(scratchFolder());
  const error = await connect(server, 'desk').catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(TemporalConnectionError);
  expect((error as TemporalConnectionError).problem).toMatchObject({
    setting: 'TEMPORAL_NAMESPACE',
    message: expect.stringContaining('no namespace "desk"'),
    hint: expect.stringContaining('temporal operator namespace create'),
  });
});

test('a program that is no Temporal server is an error with its own words', async () => {
  const dataDir = scratchFolder();
  await expect(start(dataDir, { cli: process.execPath })).rejects.toThrow(
    /Temporal server: ended with exit code/,
  );
  expect(readFileSync(join(dataDir, 'logs', 'temporal.log'), 'utf8')).not.toBe('');
});

test('without a program the error says what sets one', async () => {
  await expect(start(scratchFolder(), { cli: null })).rejects.toThrow(
    /STOPKEEPER_TEMPORAL_CLI: no Temporal CLI/,
  );
});

/** What the program says when the race for a port is lost, and how many lines of stack follow. */
const LOST_RACES = [
  ['one that it was told to use', 'listen tcp 127.0.0.1: bind: address already in use', 0],
  ['one that it chose for itself', 'panic: failed assigning ephemeral port: in use', 40],
] as const;

test.each(LOST_RACES)('a port lost to another program, %s, is replaced', async (_, words, stackLines) => {
  const folder = scratchFolder();
  const said = [words, ...Array.from({ length: stackLines }, (_unused, at) => `main.frame${at}()`)];
  // Stands for the lost race: the program finds its port taken, whichever it is given the first time.
  const once = writeScript(join(folder, 'cli'), [
    `if mkdir '${join(folder, 'lost')}' 2>/dev/null; then`,
    ...said.map((line) => `  echo '${line}' >&2`),
    '  exit 2',
    'fi',
    `exec '${cli ?? ''}' "$@"`,
  ]);
  const server = await start(join(folder, 'data'), { cli: once });
  // Nobody else's server is mistaken for ours.
  expect(server.child.output()).toContain(server.address.replace('127.0.0.1', ''));
  expect(['7233', '8233']).not.toContain(new URL(server.uiUrl).port);
});

test('a port that is taken by another program is not used', async () => {
  const other = createServer().listen(7233, '127.0.0.1');
  // Where another server holds the port already, it is taken all the same.
  await new Promise((resolve) => other.once('listening', resolve).once('error', resolve));
  onTestFinished(() => void other.close());
  const server = await start(scratchFolder());
  expect(server.address).not.toBe('127.0.0.1:7233');
});
