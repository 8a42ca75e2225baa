/** A Temporal server behind TLS, client certificates and an API key, as a cloud has it: reached with Temporal's own settings, and each mistake named. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTemporalServer, type TemporalServer } from '../../src/operator/temporal-server.ts';
import {
  connectClient,
  connectWorker,
  namesServer,
  TemporalConnectionError,
  temporalSettings,
} from '../../src/temporal-connection.ts';
import { GrpcGate, tlsFile } from '../support/grpc-gate.ts';
import { Program } from '../support/program.ts';

const KEY = 'cloud-api-key-0000000001';

let folder: string;
let server: TemporalServer;
let gate: GrpcGate;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stopkeeper-tls-'));
  const cli = process.env['STOPKEEPER_TEMPORAL_CLI'] ?? null;
  const { signal } = new AbortController();
  server = await startTemporalServer({ cli, dataDir: folder, env: process.env, signal });
  gate = await GrpcGate.start({ target: server.address, apiKey: KEY });
});

afterAll(async () => {
  await gate.close();
  await server.child.stop();
  await rm(folder, { recursive: true, force: true });
});

/** All that a person sets; `change` has `undefined` for what is left out. */
function settings(change: Record<string, string | undefined> = {}): Record<string, string> {
  const all: Record<string, string | undefined> = {
    // A person's own file must not decide the test.
    TEMPORAL_CONFIG_FILE: join(folder, 'none.toml'),
    TEMPORAL_ADDRESS: gate.address,
    TEMPORAL_NAMESPACE: 'default',
    TEMPORAL_API_KEY: KEY,
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: tlsFile('ca.pem'),
    TEMPORAL_TLS_CLIENT_CERT_PATH: tlsFile('client.pem'),
    TEMPORAL_TLS_CLIENT_KEY_PATH: tlsFile('client.key.pem'),
    ...change,
  };
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

test('a worker gets through with certificate and key, and polls', async () => {
  const worker = new Program(
    'worker',
    folder,
    () => ({
      command: process.execPath,
      args: [fileURLToPath(new URL('../../dist/worker.js', import.meta.url))],
      env: {
        PATH: process.env['PATH'],
        // Nothing answers there; a worker polls nevertheless.
        STOPKEEPER_VENUE_URL: 'http://127.0.0.1:9',
        STOPKEEPER_METRICS: 'off',
        ...settings(),
      },
    }),
    () => gate.served.has('PollWorkflowTaskQueue') && gate.served.has('PollActivityTaskQueue'),
  );
  try {
    await worker.start();
    expect([...gate.clients]).toEqual(['client.test']);
    expect(worker.log + worker.output).not.toContain(KEY);
  } finally {
    await worker.kill('SIGTERM');
  }
});

test("a profile of Temporal's configuration file is as good as variables, and names the server by itself", async () => {
  const file = join(folder, 'temporal.toml');
  await writeFile(
    file,
    `[profile.desk]
address = "${gate.address}"
namespace = "default"
api_key = "${KEY}"
[profile.desk.tls]
server_name = "temporal.test"
server_ca_cert_path = "${tlsFile('ca.pem')}"
client_cert_path = "${tlsFile('client.pem')}"
client_key_path = "${tlsFile('client.key.pem')}"
[profile.empty]
namespace = "default"
`,
  );
  const desk = { TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'desk' };
  expect(namesServer(desk)).toBe(true);
  expect(namesServer({ ...desk, TEMPORAL_PROFILE: 'empty' })).toBe(false);
  const connection = await connectClient(temporalSettings(desk));
  const { capabilities } = await connection.workflowService.getSystemInfo({});
  await connection.close();
  expect(capabilities).toBeDefined();
});

test.each([
  ['another API key', { TEMPORAL_API_KEY: 'not-the-key' }, 'TEMPORAL_API_KEY', 'refuses these credentials'],
  ['no API key', { TEMPORAL_API_KEY: undefined }, 'TEMPORAL_API_KEY', 'refuses these credentials'],
  [
    'no client certificate',
    { TEMPORAL_TLS_CLIENT_CERT_PATH: undefined, TEMPORAL_TLS_CLIENT_KEY_PATH: undefined },
    'TEMPORAL_TLS_*',
    'certificate required',
  ],
  [
    'an authority that is not trusted',
    { TEMPORAL_TLS_SERVER_CA_CERT_PATH: undefined },
    'TEMPORAL_TLS_*',
    'self-signed certificate in certificate chain',
  ],
  [
    "a server name that is not the certificate's",
    { TEMPORAL_TLS_SERVER_NAME: 'other.test' },
    'TEMPORAL_TLS_*',
    'other.test',
  ],
])('with %s both connections are refused by name, without the key', async (_, change, setting, message) => {
  const wrong = temporalSettings(settings(change));
  const errors = await Promise.all([
    connectClient(wrong, 3_000).catch((error: unknown) => error),
    connectWorker(wrong).catch((error: unknown) => error),
  ]);
  for (const error of errors) {
    expect(error).toBeInstanceOf(TemporalConnectionError);
    expect(String((error as Error).stack)).not.toContain(KEY);
  }
  expect((errors[0] as TemporalConnectionError).problem).toMatchObject({
    setting,
    message: expect.stringContaining(message),
  });
});

test('a certificate file that is not there is named', () => {
  expect(() => temporalSettings(settings({ TEMPORAL_TLS_CLIENT_CERT_PATH: '/nonexistent.pem' }))).toThrow(
    /nonexistent\.pem/,
  );
});
