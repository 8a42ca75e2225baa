/**
 * What a measurement runs on, real in every part: Temporal server, paper exchange and worker as processes of their own, on free ports
 * of 127.0.0.1 and in a folder of its own, started as `npm start` starts them and stopped by process id.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { loadConfig } from '../../src/config.ts';
import type { Environment } from '../../src/config-environment.ts';
import { startChild, type Child } from '../../src/operator/child-process.ts';
import { startPaperExchange, type PaperExchange } from '../../src/operator/paper-exchange.ts';
import { announced, whenReady } from '../../src/operator/readiness.ts';
import { startWorkerProcess } from '../../src/operator/worker-process.ts';
import { connectClient, temporalSettings } from '../../src/temporal-connection.ts';
import { folders, interrupted, remembered } from './leftovers.ts';
import { SERVERS, type ServerKind } from './servers.ts';
import { Venue } from './venue.ts';

/** The compiled benchmarks stand in `.bench/build/bench/support`; the product that is measured in `dist`. */
export const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const PROGRAMS = fileURLToPath(new URL('../programs', import.meta.url));

/** Which server and which worker a design has; `null`: neither, the paper exchange stands alone. */
const PARTS = {
  product: { server: 'product', worker: ownWorker },
  postgres: { server: 'postgres', worker: ownWorker },
  plain: { server: 'plain', worker: plainWorker },
  bare: { server: 'product', worker: plainWorker },
  venue: null,
} as const satisfies Readonly<Record<string, StageParts | null>>;

interface StageParts {
  readonly server: ServerKind;
  readonly worker: (folder: string, env: Environment, profile: string | undefined) => Promise<Child>;
}

export type StageDesign = keyof typeof PARTS;

export interface StageOptions {
  readonly scenario: object;
  readonly policy?: object;
  readonly design?: StageDesign;
  /** Folder for a CPU profile of the worker. */
  readonly profile?: string;
}

export interface StagePids {
  readonly worker: number;
  readonly server: number;
  /** A database with processes of its own. */
  readonly database: number | null;
}

export interface Stage {
  readonly folder: string;
  readonly venue: Venue;
  /** For programs that talk to the venue and to Temporal. */
  readonly env: Environment;
  readonly database: string;
  readonly pids: () => StagePids;
  readonly client: Client;
  /** `kill -9` of the worker. */
  readonly killWorker: () => Promise<void>;
  readonly startWorker: () => Promise<void>;
  /** SIGTERM, and its end waited for. */
  readonly stopWorker: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function setStage(options: StageOptions): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'stopkeeper-bench-'));
  folders.add(folder);
  const running: Running[] = [];
  const close = async (): Promise<void> => {
    for (const one of running.splice(0).toReversed()) await one.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    folders.delete(folder);
  };
  try {
    return await bringUp(options, folder, running, close);
  } catch (error) {
    await close();
    throw error;
  }
}

interface Running {
  readonly stop: () => Promise<void>;
}

type Keep = (child: Child) => Child;

async function bringUp(
  options: StageOptions,
  folder: string,
  running: Running[],
  close: () => Promise<void>,
): Promise<Stage> {
  const keep: Keep = (child) => {
    running.push(remembered(child));
    return child;
  };
  const { paper, env: venueEnv } = await paperOf(options, folder, keep);
  const parts = PARTS[options.design ?? 'product'];
  const server = parts === null ? null : await SERVERS[parts.server](folder, venueEnv);
  if (server !== null) running.push(server);
  const env = server?.env ?? venueEnv;
  let worker: Child | null = null;
  const startWorker = async (): Promise<void> => {
    if (parts !== null) worker = keep(await parts.worker(folder, env, options.profile));
  };
  if (server !== null) await startWorker();
  const connection = server === null ? null : await connectClient(temporalSettings(env));
  return {
    folder,
    venue: new Venue(paper.url),
    env,
    database: server?.database ?? '',
    pids: () => {
      if (server === null) throw new Error('this stage has no Temporal server');
      return { worker: pidOf(worker), server: server.pid, database: server.databasePid };
    },
    get client() {
      if (connection === null) throw new Error('this stage has no Temporal server');
      return new Client({ connection });
    },
    killWorker: async () => {
      process.kill(pidOf(worker), 'SIGKILL');
      await worker?.exited;
    },
    startWorker,
    stopWorker: async () => worker?.stop(),
    close: async () => {
      await connection?.close();
      await close();
    },
  };
}

function pidOf(child: Child | null | undefined): number {
  if (child == null) throw new Error('this stage does not run that program');
  return child.identity.pid;
}

/** The paper exchange with the scenario, and the environment in which programs find it. */
async function paperOf(
  options: StageOptions,
  folder: string,
  keep: Keep,
): Promise<{ readonly paper: PaperExchange; readonly env: Environment }> {
  const write = (name: string, content: object): string => {
    const path = join(folder, name);
    writeFileSync(path, JSON.stringify(content));
    return path;
  };
  const base = { ...process.env, STOPKEEPER_DATA: folder, STOPKEEPER_METRICS: 'off' };
  const paper = await startPaperExchange({
    alias: 'main',
    dataDir: folder,
    scenario: write('scenario.json', options.scenario),
    lastUrl: null,
    env: base,
    signal: interrupted.signal,
    program: join(ROOT, 'dist/paper/main.js'),
  });
  keep(paper.child);
  const config = write('policy.json', options.policy ?? {});
  const own = { STOPKEEPER_VENUE: 'paper', STOPKEEPER_VENUE_URL: paper.url, STOPKEEPER_CONFIG: config };
  return { paper, env: { ...base, ...own } };
}

async function ownWorker(folder: string, env: Environment, profile: string | undefined): Promise<Child> {
  const program = join(ROOT, 'dist/worker.js');
  // The profiler's flags are not allowed in NODE_OPTIONS.
  if (profile !== undefined)
    return startNode('worker', folder, env, ['--cpu-prof', `--cpu-prof-dir=${profile}`, program]);
  const { signal } = interrupted;
  const { child } = await startWorkerProcess({ config: loadConfig(env), env, index: 0, signal, program });
  return child;
}

async function plainWorker(folder: string, env: Environment): Promise<Child> {
  return startProgram('plain-worker', folder, env);
}

/** Starts a program of this benchmark and waits until it announces `ready`. */
export function startProgram(name: string, folder: string, env: Environment): Promise<Child> {
  return startNode(name, folder, env, [join(PROGRAMS, `${name}.js`)]);
}

async function startNode(
  name: string,
  folder: string,
  env: Environment,
  args: readonly string[],
): Promise<Child> {
  const logFile = join(folder, 'logs', `${name}.log`);
  const child = remembered(
    startChild({ name, command: process.execPath, args, env, logFile, graceMs: 20_000 }),
  );
  await whenReady(child, () => announced(child, 'ready'), {
    deadlineMs: 60_000,
    signal: interrupted.signal,
    logFile,
  });
  return child;
}

/** Looks again and again, at most `deadlineMs`; fails naming what never came. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null>,
  deadlineMs = 120_000,
  everyMs = 50,
): Promise<T> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    interrupted.signal.throwIfAborted();
    const found = await look();
    if (found !== null) return found;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${deadlineMs / 1_000} s`);
    await sleep(everyMs);
  }
}
