/** Finds the system that runs already: at TEMPORAL_ADDRESS, or where the data folder says that `npm start` listens. */
import { readFileSync } from 'node:fs';
import { join, isAbsolute } from 'node:path';
import type { Client, Connection } from '@temporalio/client';
import { auditSettings, type AuditSettings } from '../config.ts';
import {
  READER_FILE_SETTINGS,
  readEnvironment,
  withoutBlanks,
  type Environment,
} from '../config-environment.ts';
import { ConfigError } from '../config-error.ts';
import { withFileValues } from '../config-files.ts';
import type { PayloadKeys } from '../encryption/payload-keys.ts';
import { TASK_QUEUE } from '../domain/names.ts';
import { createClient } from '../temporal-client.ts';
import { connectClient, namesServer, temporalSettings } from '../temporal-connection.ts';
import { isAlive } from './process-identity.ts';
import { StartError } from './start-error.ts';
import { readSystemFile } from './system-file.ts';
import { localTemporalEnv } from './child-environment.ts';

export interface OperatorSettings {
  readonly accounts: readonly string[];
  readonly dataDir: string;
  /** `null`: no audit log is kept. */
  readonly audit: AuditSettings | null;
  /** TEMPORAL_* of the running system; `null` where none is known to run. */
  readonly temporalEnv: Environment | null;
  /** What Temporal stores is read with these; `null`: it is not encrypted. */
  readonly payloadKeys: PayloadKeys | null;
}

/** Needs no keys of an account: whoever looks on may not have them. Throws `ConfigError`. */
export function operatorSettings(given: Environment): OperatorSettings {
  const readFile = (path: string): string => readFileSync(path, 'utf8');
  const files = withFileValues(READER_FILE_SETTINGS, {
    env: withoutBlanks(given),
    cwd: process.cwd(),
    readFile,
  });
  const { env } = files;
  const environment = readEnvironment(env);
  const { settings } = environment;
  const problems = [...files.problems, ...environment.problems];
  if (settings === null || problems.length > 0) throw new ConfigError(problems);
  const folder = settings.STOPKEEPER_DATA;
  const dataDir = isAbsolute(folder) ? folder : join(process.cwd(), folder);
  return {
    accounts: settings.STOPKEEPER_ACCOUNTS,
    dataDir,
    audit: auditSettings(settings, process.cwd()),
    temporalEnv: temporalEnvOf(given, dataDir),
    payloadKeys: settings.STOPKEEPER_PAYLOAD_KEYS ?? null,
  };
}

function temporalEnvOf(env: Environment, dataDir: string): Environment | null {
  if (namesServer(env)) return env;
  const system = readSystemFile(dataDir);
  if (system === null || !system.processes.some(isAlive)) return null;
  // A server that somebody else runs keeps its keys and certificates; one of ours has none.
  if (system.uiUrl === null) return { ...env, TEMPORAL_ADDRESS: system.temporalAddress };
  return localTemporalEnv(env, system.temporalAddress, system.temporalNamespace);
}

export interface Connected {
  readonly client: Client;
  readonly connection: Connection;
}

/** Throws `StartError` where no system runs, `TemporalConnectionError` where it cannot be reached. The caller closes the connection. */
export async function connectToRunning(settings: OperatorSettings): Promise<Connected> {
  if (settings.temporalEnv === null) {
    throw new StartError([
      {
        setting: 'STOPKEEPER_DATA',
        message: `no system runs on ${settings.dataDir}`,
        hint: 'Start one with "npm start", or set TEMPORAL_ADDRESS to the server of one that runs elsewhere.',
      },
    ]);
  }
  const temporal = temporalSettings(settings.temporalEnv);
  const connection = await connectClient(temporal);
  return { connection, client: createClient(connection, temporal.namespace, settings.payloadKeys) };
}

/** Whether a worker polls: without one a workflow would wait for ever. */
export async function workerPolls({ client, connection }: Connected): Promise<boolean> {
  const { namespace } = client.options;
  const request = { namespace, taskQueue: { name: TASK_QUEUE }, taskQueueType: 1 };
  const { pollers } = await connection.workflowService.describeTaskQueue(request);
  return pollers.length > 0;
}
