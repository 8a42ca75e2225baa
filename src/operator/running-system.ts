/** Brings up what a session needs (Temporal, paper exchanges, workers), keeps it alive, and stops it in order: workers first. */
import type { Client } from '@temporalio/client';
import { accountVariables } from '../config-accounts.ts';
import type { Config } from '../config.ts';
import type { Environment } from '../config-environment.ts';
import { createClient } from '../temporal-client.ts';
import { connectClient, namesServer, temporalSettings } from '../temporal-connection.ts';
import { stopProcess } from './child-process.ts';
import { checkKeys } from './key-check.ts';
import { startPaperExchange } from './paper-exchange.ts';
import { isAlive } from './process-identity.ts';
import type { Progress } from './progress.ts';
import { Interrupted, StartError } from './start-error.ts';
import { readSystemFile, type SystemFile } from './system-file.ts';
import { SystemParts } from './system-parts.ts';
import { startTemporalServer } from './temporal-server.ts';
import { startWorkerProcess } from './worker-process.ts';

const LEFTOVER_GRACE_MS = 12_000;
const VENUE_ANSWERS_WITHIN_MS = 3_000;

export interface RunningSystem {
  readonly client: Client;
  /** Rejects when a program keeps ending; for the time until the first report. */
  readonly broken: Promise<never>;
  /** Workers, then paper exchanges, then Temporal; safe to call twice. The stops stay on the venue. */
  stop(): Promise<void>;
}

export interface BringUpOptions {
  readonly config: Config;
  /** Without blanks. */
  readonly env: Environment;
  /** Absolute path of the paper exchange's scenario. */
  readonly scenario: string | null;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Told when a program ended by itself and when it was started again. */
  readonly notice: (text: string) => void;
}

/** Throws `StartError`, `TemporalConnectionError` or `Interrupted`, and then nothing that it started is left. */
export async function bringUp(options: BringUpOptions): Promise<RunningSystem> {
  const last = await stopLeftovers(options.config.dataDir, options.progress);
  const parts = new SystemParts(options.config.dataDir, options.notice);
  try {
    const temporalEnv = await temporalFor(options, parts);
    const venueEnv = await papersFor(options, parts, last?.paperUrls ?? {});
    await checkKeys(options.config.accounts, venueEnv);
    const env = { ...temporalEnv, ...venueEnv };
    await workersFor(options, parts, env);
    if (options.signal.aborted) throw new Interrupted();
    const settings = temporalSettings(env);
    const connection = await connectClient(settings);
    return {
      client: createClient(connection, settings.namespace, options.config.payloadKeys),
      broken: parts.broken,
      stop: async () => {
        await connection.close();
        await parts.stop();
      },
    };
  } catch (error) {
    await parts.stop();
    throw error;
  }
}

/** What a start that was killed left running: it went on guarding, and now makes place. */
async function stopLeftovers(dataDir: string, progress: Progress): Promise<SystemFile | null> {
  const last = readSystemFile(dataDir);
  for (const { name, ...identity } of last?.processes ?? []) {
    if (!isAlive(identity)) continue;
    progress.note(`stopping the ${name} (process ${identity.pid}) that an earlier start left running`);
    await stopProcess(identity, LEFTOVER_GRACE_MS);
  }
  return last;
}

async function temporalFor(options: BringUpOptions, parts: SystemParts): Promise<Environment> {
  const { config, env, progress, signal } = options;
  if (namesServer(env)) {
    const settings = temporalSettings(env);
    await (await connectClient(settings)).close();
    progress.note(`Temporal: the server at ${settings.address}, namespace ${settings.namespace}`);
    parts.know({ temporalAddress: settings.address, temporalNamespace: settings.namespace });
    return env;
  }
  const step = progress.step('Temporal server');
  try {
    const { dataDir, temporalCli: cli } = config;
    const server = await startTemporalServer({ cli, dataDir, env, signal, codecUrl: codecUrlOf(config) });
    parts.know({
      temporalAddress: server.address,
      temporalNamespace: server.namespace,
      uiUrl: server.uiUrl,
    });
    parts.keep(server.child, server.start);
    step.done(`Temporal server: ${server.address}, UI ${server.uiUrl}`);
    return server.env;
  } catch (error) {
    step.failed();
    throw error;
  }
}

function codecUrlOf({ payloadKeys, codec: { host, port } }: Config): string | null {
  if (payloadKeys === null) return null;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The variables by which a worker finds the paper exchanges that were started. */
async function papersFor(
  options: BringUpOptions,
  parts: SystemParts,
  lastUrls: SystemFile['paperUrls'],
): Promise<Environment> {
  const { config, env, scenario, progress, signal } = options;
  const variables: Record<string, string> = {};
  const paperUrls: Record<string, string> = {};
  for (const { alias, venue, venueUrl } of config.accounts.filter((account) => account.venue === 'paper')) {
    if (venueUrl !== null) {
      await mustAnswer(accountVariables(alias).venueUrl, venueUrl);
      continue;
    }
    const step = progress.step(`${venue} exchange${alias === 'main' ? '' : ` of ${alias}`}`);
    try {
      const lastUrl = lastUrls[alias] ?? null;
      const { dataDir } = config;
      const paper = await startPaperExchange({ alias, dataDir, scenario, lastUrl, env, signal });
      parts.keep(paper.child, paper.start);
      paperUrls[alias] = paper.url;
      variables[accountVariables(alias).venueUrl] = paper.url;
      parts.know({ paperUrl: Object.values(paperUrls)[0] ?? null, paperUrls: { ...paperUrls } });
      step.done(`${paper.child.name}: ${paper.url}`);
    } catch (error) {
      step.failed();
      throw error;
    }
  }
  return variables;
}

/** A paper exchange that somebody else runs; a real venue's troubles are the session's to report. */
async function mustAnswer(setting: string, url: string): Promise<void> {
  try {
    await fetch(`${url}/v5/market/time`, { signal: AbortSignal.timeout(VENUE_ANSWERS_WITHIN_MS) });
  } catch (error) {
    throw new StartError(
      [
        {
          setting,
          message: `no paper exchange answers at ${url}`,
          hint: 'Start it with "npm run paper", or unset the variable: "npm start" then starts one.',
        },
      ],
      { cause: error },
    );
  }
}

async function workersFor(options: BringUpOptions, parts: SystemParts, env: Environment): Promise<void> {
  const { config, progress, signal } = options;
  for (let index = 0; index < config.workers; index += 1) {
    const step = progress.step(index === 0 ? 'worker' : `worker ${index + 1}`);
    try {
      const worker = await startWorkerProcess({ config, env, index, signal });
      parts.keep(worker.child, worker.start);
      const metrics = worker.metricsUrl === null ? '' : `, metrics ${worker.metricsUrl}`;
      step.done(`${worker.child.name}: process ${worker.child.identity.pid}${metrics}`);
    } catch (error) {
      step.failed();
      throw error;
    }
  }
}
