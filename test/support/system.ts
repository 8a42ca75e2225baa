/**
 * A whole system for a test, real in every part: Temporal server on SQLite, paper exchange, worker, each a process of its own that can
 * be killed. Everything is on free ports of 127.0.0.1, in a folder of its own, and stopped by process id; at the end every history is replayed.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Connection, type Client } from '@temporalio/client';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { parsePayloadKeys, type PayloadKeys } from '../../src/encryption/payload-keys.ts';
import { freePort } from '../../src/operator/ports.ts';
import { createClient } from '../../src/temporal-client.ts';
import { Paper } from './paper-control.ts';
import { Program, type Launch } from './program.ts';
import { ROOT } from './root.ts';
import { historiesOf, replayEach } from './server-histories.ts';

export interface SystemOptions {
  /** Path of a scenario file, or its content. */
  readonly scenario: string | object;
  /** Content of the policy file. */
  readonly policy?: object;
  readonly workers?: number;
  /** Content of STOPKEEPER_PAYLOAD_KEYS: workers, the client and the replay encrypt and read with them. */
  readonly payloadKeys?: string;
  /** More environment for the workers. */
  readonly env?: Readonly<Record<string, string>>;
  /** Folder of the built program that the workers run, asked at each start; `dist` by default. */
  readonly build?: () => string;
  /** More environment for one worker, by its number from 0. */
  readonly workerEnv?: (at: number) => Readonly<Record<string, string>>;
  /** Folder of the built program that the paper exchange is run from; `dist` by default. */
  readonly paperBuild?: string;
  /** False: `close` replays nothing; a test in which histories shall not replay looks at them itself. */
  readonly replays?: false;
  /** Another Temporal server than the development server on SQLite. */
  readonly server?: ServerPart;
}

/** A Temporal server that a test brings along; what it stands on (a database) belongs to the test. */
export interface ServerPart {
  readonly launch: (place: { readonly port: number; readonly folder: string }) => Promise<Launch>;
  /** Runs once, when it answers for the first time, before the first worker. */
  readonly prepare: (address: string) => Promise<void>;
}

export interface System {
  readonly folder: string;
  readonly client: Client;
  readonly address: string;
  readonly paper: Paper;
  readonly programs: {
    readonly temporal: Program;
    readonly paper: Program;
    readonly workers: readonly Program[];
  };
  /** Runs the Temporal CLI against this system's server; returns its standard output. */
  readonly temporal: (...args: string[]) => Promise<string>;
  /** Takes everything down and leaves its folder, with the logs, to the caller. */
  readonly stop: () => Promise<void>;
  readonly close: () => Promise<void>;
}

Runtime.install({ logger: new DefaultLogger('WARN') });

/** Brings everything up; `close` takes it down, replays every history and fails on one that does not replay. */
export async function startSystem(options: SystemOptions): Promise<System> {
  const folder = await mkdtemp(join(tmpdir(), 'stopkeeper-system-'));
  const scenario =
    typeof options.scenario === 'string' ? join(ROOT, options.scenario) : join(folder, 'scenario.json');
  if (typeof options.scenario !== 'string') await writeFile(scenario, JSON.stringify(options.scenario));
  const policy = join(folder, 'policy.json');
  await writeFile(policy, JSON.stringify(options.policy ?? {}));
  const cli = process.env['STOPKEEPER_TEMPORAL_CLI'] ?? '';
  const [port, paperPort] = [await freePort(null), await freePort(null)];
  const address = `127.0.0.1:${port}`;
  const paper = new Paper(`http://127.0.0.1:${paperPort}`);
  const server = await options.server?.launch({ port, folder });
  const temporal = new Program(
    'temporal',
    folder,
    () => server ?? { command: cli, args: serverArguments(folder, port), env: process.env },
    () => healthy(cli, address),
  );
  const exchange = new Program(
    'paper',
    folder,
    () => ({
      command: process.execPath,
      args: [
        join(options.paperBuild ?? join(ROOT, 'dist'), 'paper/main.js'),
        '--port',
        String(paperPort),
        '--scenario',
        scenario,
        '--state',
        join(folder, 'paper.json'),
      ],
      env: process.env,
    }),
    (output) => output.includes('listening'),
  );
  const workers = Array.from(
    { length: options.workers ?? 1 },
    (_, at) =>
      new Program(
        `worker-${at}`,
        folder,
        () => ({
          command: process.execPath,
          args: [join(options.build?.() ?? join(ROOT, 'dist'), 'worker.js')],
          env: {
            ...process.env,
            TEMPORAL_ADDRESS: address,
            STOPKEEPER_VENUE: 'paper',
            STOPKEEPER_VENUE_URL: paper.url,
            STOPKEEPER_CONFIG: policy,
            STOPKEEPER_METRICS: 'off',
            // Tests run at any hour.
            STOPKEEPER_ALL_CLEAR: 'off',
            ...(options.payloadKeys === undefined ? {} : { STOPKEEPER_PAYLOAD_KEYS: options.payloadKeys }),
            ...options.env,
            ...options.workerEnv?.(at),
          },
        }),
        (output) => output.includes('"ready":true'),
      ),
  );
  const programs = { temporal, paper: exchange, workers };
  try {
    await Promise.all([temporal.start(), exchange.start()]);
    await options.server?.prepare(address);
    for (const worker of workers) await worker.start();
  } catch (error) {
    for (const program of [...workers, exchange, temporal]) await program.kill();
    throw error;
  }
  const connection = await Connection.connect({ address });
  const keys = parsePayloadKeys(options.payloadKeys ?? '').keys;
  const client = createClient(connection, 'default', keys);
  const run = promisify(execFile);
  const stop = async (): Promise<void> => {
    await connection.close();
    for (const program of [...workers, exchange, temporal]) await program.kill('SIGTERM');
  };
  return {
    folder,
    client,
    address,
    paper,
    programs,
    temporal: async (...args) => {
      const { stdout } = await run(cli, ['--address', address, ...args], { maxBuffer: 100_000_000 });
      return stdout;
    },
    stop,
    close: async () => {
      try {
        if (options.replays !== false) await replayAll(client, keys);
      } finally {
        await stop();
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

function serverArguments(folder: string, port: number): readonly string[] {
  const listening = ['--ip', '127.0.0.1', '--port', String(port), '--headless', '--log-level', 'error'];
  const storing = ['--db-filename', join(folder, 'temporal.db'), '--sqlite-pragma', 'journal_mode=WAL'];
  const settings = ['--dynamic-config-value', 'history.maxInFlightUpdates=1000'];
  return ['server', 'start-dev', ...listening, ...storing, ...settings];
}

/** The server's frontend answers. */
export async function healthy(cli: string, address: string): Promise<boolean> {
  try {
    await promisify(execFile)(cli, [
      '--address',
      address,
      '--command-timeout',
      '2s',
      'operator',
      'cluster',
      'health',
    ]);
    return true;
  } catch {
    return false;
  }
}

/** Replays of several systems in one process take turns: the SDK's runtime ends with the last worker of any of them. */
let replaying: Promise<unknown> = Promise.resolve();

/** Replays every run of every workflow that this server holds (I11). */
function replayAll(client: Client, keys: PayloadKeys | null): Promise<number> {
  const mine = replaying.then(() => replayed(client, keys));
  replaying = mine.catch(() => undefined);
  return mine;
}

async function replayed(client: Client, keys: PayloadKeys | null): Promise<number> {
  const { count, problems } = await replayEach(historiesOf(client), keys);
  if (problems.length > 0) throw new Error(`histories that do not replay:\n${problems.join('\n')}`);
  return count;
}

/** Waits for a condition, at most `deadlineMs`; returns what it gave, and fails naming what never came. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | null | false>,
  deadlineMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${deadlineMs} ms`);
    await sleep(100);
  }
}
