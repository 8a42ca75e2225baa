/** Temporal's settings from the environment, and what is said when no server answers. */
import { devNull } from 'node:os';
import { once } from 'node:events';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { expect, test } from 'vitest';
import {
  boundedCalls,
  connectClient,
  namesServer,
  TemporalConnectionError,
  temporalSettings,
} from '../../src/temporal-connection.ts';

/** A configuration file of the person who runs the tests must not decide them. */
const NO_FILE = { TEMPORAL_CONFIG_FILE: '/nonexistent/temporal.toml' };

test('without variables the settings are the local server and the default namespace', () => {
  expect(temporalSettings(NO_FILE)).toMatchObject({ address: 'localhost:7233', namespace: 'default' });
});

test('address, namespace, API key and TLS come from TEMPORAL_* variables', () => {
  const settings = temporalSettings({
    ...NO_FILE,
    TEMPORAL_ADDRESS: 'cloud.example:7233',
    TEMPORAL_NAMESPACE: 'desk',
    TEMPORAL_API_KEY: 'cloud-key',
    TEMPORAL_TLS_SERVER_NAME: 'inner.example',
  });
  expect(settings).toMatchObject({ address: 'cloud.example:7233', namespace: 'desk' });
  expect(settings.connectionOptions).toMatchObject({
    apiKey: 'cloud-key',
    tls: { serverNameOverride: 'inner.example' },
  });
});

test('a server is named by its address, not by a file that has none', () => {
  expect(namesServer({ ...NO_FILE, TEMPORAL_ADDRESS: '127.0.0.1:7233' })).toBe(true);
  for (const env of [{}, NO_FILE, { TEMPORAL_CONFIG_FILE: devNull }, { TEMPORAL_ADDRESS: ' ' }]) {
    expect(namesServer(env)).toBe(false);
  }
});

test('with the null device as its file no file is read', () => {
  expect(temporalSettings({ TEMPORAL_CONFIG_FILE: devNull })).toMatchObject({ address: 'localhost:7233' });
});

test('an address where nothing listens is named with the reason and what to do', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const settings = temporalSettings({ ...NO_FILE, TEMPORAL_ADDRESS: `127.0.0.1:${port}` });
  const error = await connectClient(settings, 500).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(TemporalConnectionError);
  expect((error as TemporalConnectionError).problem).toMatchObject({
    setting: 'TEMPORAL_ADDRESS',
    message: expect.stringContaining(`no Temporal server answers at 127.0.0.1:${port}`),
    hint: expect.stringContaining('npm start'),
  });
});

test('a call that a server takes and never answers ends by itself, as does one with a deadline of its own', async () => {
  const server = createHttp2Server(() => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const connection = Connection.lazy({ address: `127.0.0.1:${port}`, interceptors: [boundedCalls(200)] });
  const ask = () => connection.workflowService.getSystemInfo({});
  try {
    await expect(ask()).rejects.toThrow('DEADLINE_EXCEEDED');
    const own = connection.withDeadline(Date.now() + 60_000, ask);
    const first = await Promise.race([own.catch(() => 'its own'), sleep(600, 'still waiting')]);
    expect(first).toBe('still waiting');
  } finally {
    await connection.close();
    server.close();
  }
});
