/** The Temporal servers that measurements run on. */
import { join } from 'node:path';
import type { Environment } from '../../src/config-environment.ts';
import { startChild, type Child } from '../../src/operator/child-process.ts';
import { freePort } from '../../src/operator/ports.ts';
import { whenReady } from '../../src/operator/readiness.ts';
import { startTemporalServer } from '../../src/operator/temporal-server.ts';
import { connectClient, temporalSettings } from '../../src/temporal-connection.ts';
import { interrupted, pids, remembered } from './leftovers.ts';
import { startPostgresServer } from './postgres-server.ts';

/** A server that runs. */
export interface Server {
  readonly pid: number;
  readonly databasePid: number | null;
  readonly env: Environment;
  /** SQLite's file; empty where the server has none. */
  readonly database: string;
  readonly stop: () => Promise<void>;
}

/** A development server on the SQLite file of the folder. */
function onSqlite(child: Child, folder: string, env: Environment): Server {
  remembered(child);
  return {
    pid: child.identity.pid,
    databasePid: null,
    env,
    database: join(folder, 'temporal.sqlite'),
    stop: () => child.stop(),
  };
}

/** The server as `npm start` runs it. */
async function ownServer(dataDir: string, env: Environment): Promise<Server> {
  const cli = process.env['STOPKEEPER_TEMPORAL_CLI'] ?? null;
  const { child, env: serverEnv } = await startTemporalServer({
    cli,
    dataDir,
    env,
    signal: interrupted.signal,
  });
  return onSqlite(child, dataDir, serverEnv);
}

/** The development server with its defaults: no write-ahead log, no setting of ours. */
async function plainServer(folder: string, env: Environment): Promise<Server> {
  const port = await freePort(null);
  const address = `127.0.0.1:${port}`;
  const database = join(folder, 'temporal.sqlite');
  const logFile = join(folder, 'logs', 'temporal.log');
  const child = startChild({
    name: 'Temporal server with defaults',
    command: process.env['STOPKEEPER_TEMPORAL_CLI'] ?? 'temporal',
    args: [
      'server',
      'start-dev',
      '--ip',
      '127.0.0.1',
      '--port',
      String(port),
      '--headless',
      '--db-filename',
      database,
      '--log-level',
      'warn',
    ],
    env,
    logFile,
    graceMs: 10_000,
  });
  const serverEnv: Environment = { ...env, TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: 'default' };
  const answers = async (): Promise<true | null> => {
    try {
      await (await connectClient(temporalSettings(serverEnv), 1_000)).close();
      return true;
    } catch {
      return null;
    }
  };
  await whenReady(child, answers, { deadlineMs: 60_000, signal: interrupted.signal, logFile });
  return onSqlite(child, folder, serverEnv);
}

/** The server as the compose file runs it. */
async function serverOnPostgres(folder: string, env: Environment): Promise<Server> {
  const { server, database, env: serverEnv } = await startPostgresServer(folder, env);
  const [pid, databasePid] = [server.pid, database.program.pid];
  if (pid === null || databasePid === null) throw new Error('the server or its database has ended');
  pids.add(pid).add(databasePid);
  return {
    pid,
    databasePid,
    env: serverEnv,
    database: '',
    stop: async () => {
      await server.kill('SIGTERM');
      await database.close();
      pids.delete(pid);
      pids.delete(databasePid);
    },
  };
}

export type ServerKind = 'product' | 'plain' | 'postgres';

/** `product`: as `npm start` runs it; `plain`: with its defaults; `postgres`: as the compose file runs it. */
export const SERVERS: Readonly<Record<ServerKind, (folder: string, env: Environment) => Promise<Server>>> = {
  product: ownServer,
  plain: plainServer,
  postgres: serverOnPostgres,
};
