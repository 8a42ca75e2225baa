/** The Temporal server of `npm start`: a development server on a SQLite file in the data folder, with what Stopkeeper needs set. */
import { join } from 'node:path';
import type { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import type { Environment } from '../config-environment.ts';
import { SEARCH_ATTRIBUTES } from '../domain/names.ts';
import { connectClient, TemporalConnectionError, temporalSettings } from '../temporal-connection.ts';
import { goEnvironment, localTemporalEnv, withoutSecrets } from './child-environment.ts';
import { startChild, type Child } from './child-process.ts';
import { freePort } from './ports.ts';
import { whenReady } from './readiness.ts';
import { StartError } from './start-error.ts';

const USUAL_PORT = 7233;
const USUAL_UI_PORT = 8233;
const READY_WITHIN_MS = 60_000;
/** The server ends its shards and closes the database on SIGTERM. */
const GRACE_MS = 10_000;
const RETENTION_DAYS = 14;
const PORT_ATTEMPTS = 3;
const DAY_SECONDS = 86_400;
/** Of a port that it was told to use, or of one that it chose for its metrics and its inner services. */
const LOST_PORT = /address already in use|failed assigning ephemeral port/;

/** The server ended since another program was faster. */
class PortLost extends StartError {}

export interface TemporalServer {
  readonly child: Child;
  /** Starts it again on the same ports and database. */
  readonly start: () => Child;
  readonly uiUrl: string;
  /** Environment in which TEMPORAL_* means this server. */
  readonly env: Environment;
  readonly address: string;
  readonly namespace: string;
}

export interface TemporalServerOptions {
  readonly cli: string | null;
  readonly dataDir: string;
  readonly env: Environment;
  readonly signal: AbortSignal;
  /** Where the UI finds the codec server; none where nothing is encrypted. */
  readonly codecUrl?: string | null;
}

/** Starts the server and returns once its namespace answers; throws `StartError`, leaving nothing behind. */
export async function startTemporalServer(options: TemporalServerOptions): Promise<TemporalServer> {
  const { cli } = options;
  if (cli === null) {
    throw new StartError([
      {
        setting: 'STOPKEEPER_TEMPORAL_CLI',
        message: 'no Temporal CLI is known, and TEMPORAL_ADDRESS names no server',
        hint: '"npm start" finds or builds one by itself; without npm set one of the two.',
      },
    ]);
  }
  for (let attempt = 1; ; attempt += 1) {
    try {
      // Between looking for a free port and listening on it another program may take it: then any other port will do.
      const port = await freePort(attempt === 1 ? USUAL_PORT : null);
      const uiPort = await freePort(attempt === 1 ? USUAL_UI_PORT : null);
      return await startOn({ ...options, cli, port, uiPort });
    } catch (error) {
      if (!(error instanceof PortLost) || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

async function startOn(
  options: TemporalServerOptions & { readonly cli: string; readonly port: number; readonly uiPort: number },
): Promise<TemporalServer> {
  const { cli, dataDir, env, port, uiPort, codecUrl = null } = options;
  const address = `127.0.0.1:${port}`;
  const namespace = env['TEMPORAL_NAMESPACE'] ?? 'default';
  const serverEnv = localTemporalEnv(env, address, namespace);
  const logFile = join(dataDir, 'logs', 'temporal.log');
  const start = (): Child =>
    startChild({
      name: 'Temporal server',
      command: cli,
      args: serverArguments({ dataDir, port, uiPort, namespace, codecUrl }),
      env: goEnvironment(withoutSecrets(env)),
      logFile,
      graceMs: GRACE_MS,
    });
  const child = start();
  try {
    const wait = { deadlineMs: READY_WITHIN_MS, signal: options.signal, logFile };
    // Our own server first: until it listens, another one on that port would answer in its place.
    await whenReady(child, () => (listens(child, port) ? true : null), wait);
    const connection = await whenReady(child, () => tryConnect(serverEnv), wait);
    await keepHistory(connection, namespace);
    await connection.close();
    return { child, start, uiUrl: `http://127.0.0.1:${uiPort}`, env: serverEnv, address, namespace };
  } catch (error) {
    await child.stop();
    const lost = LOST_PORT.test(child.logTail(Number.POSITIVE_INFINITY));
    throw lost && error instanceof StartError ? new PortLost(error.problems) : error;
  }
}

interface ServerPlace {
  readonly dataDir: string;
  readonly port: number;
  readonly uiPort: number;
  readonly namespace: string;
  readonly codecUrl: string | null;
}

function serverArguments({ dataDir, port, uiPort, namespace, codecUrl }: ServerPlace): readonly string[] {
  return [
    'server',
    'start-dev',
    '--ip',
    '127.0.0.1',
    '--port',
    String(port),
    '--ui-ip',
    '127.0.0.1',
    '--ui-port',
    String(uiPort),
    ...(codecUrl === null ? [] : ['--ui-codec-endpoint', codecUrl]),
    '--namespace',
    namespace,
    '--db-filename',
    join(dataDir, 'temporal.sqlite'),
    // A write-ahead log with full syncs: what the server acknowledged survives a power cut.
    '--sqlite-pragma',
    'journal_mode=WAL',
    '--sqlite-pragma',
    'synchronous=FULL',
    // The default of 10 refuses the ledger's callers while the worker is away.
    '--dynamic-config-value',
    'history.maxInFlightUpdates=1000',
    // The development server's default is to read them from the database for each task, where a production server remembers them.
    '--dynamic-config-value',
    'system.forceSearchAttributesCacheRefreshOnRead=false',
    // So they have to be there when a new namespace is made; a database of before got them from the worker.
    ...Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
    '--log-level',
    'warn',
    '--log-format',
    'json',
  ];
}

/** The server prints its addresses once it listens on them. */
function listens(child: Child, port: number): boolean {
  return new RegExp(`Server:\\s+\\S*:${port}\\b`).test(child.output());
}

async function tryConnect(env: Environment): Promise<Connection | null> {
  try {
    return await connectClient(temporalSettings(env), 1_000);
  } catch (error) {
    if (error instanceof TemporalConnectionError) return null;
    throw error;
  }
}

/** The development server keeps closed histories for one day; nobody looks into yesterday's trouble within one day. */
async function keepHistory(connection: Connection, namespace: string): Promise<void> {
  const { config } = await connection.workflowService.describeNamespace({ namespace });
  const now = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0);
  if (now >= RETENTION_DAYS * DAY_SECONDS) return;
  const workflowExecutionRetentionTtl = msToTs(`${RETENTION_DAYS} days`);
  await connection.workflowService.updateNamespace({ namespace, config: { workflowExecutionRetentionTtl } });
}
