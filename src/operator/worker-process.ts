/** The worker processes of `npm start`: each with the environment of the system, a metrics address of its own, and a log file. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config.ts';
import type { Environment } from '../config-environment.ts';
import { startChild, type Child } from './child-process.ts';
import { freePort, isFree } from './ports.ts';
import { announced, whenReady } from './readiness.ts';
import { StartError } from './start-error.ts';

const PROGRAM = fileURLToPath(new URL('../worker.js', import.meta.url));
/** The workflow bundle is made, Temporal and the search attributes are asked. */
const READY_WITHIN_MS = 120_000;
/** The worker's own forced end comes after 9 s (`shutdownForceTime`). */
const GRACE_MS = 12_000;

export interface WorkerProcess {
  readonly child: Child;
  readonly start: () => Child;
  /** `null`: it has no endpoint. */
  readonly metricsUrl: string | null;
}

export interface WorkerOptions {
  readonly config: Config;
  /** Complete: Temporal's and the venues' addresses are in it. */
  readonly env: Environment;
  /** 0 for the first. */
  readonly index: number;
  readonly signal: AbortSignal;
  /** Another program, for tests. */
  readonly program?: string;
}

/** Starts it and returns once it polls; throws `StartError`, leaving nothing behind. */
export async function startWorkerProcess(options: WorkerOptions): Promise<WorkerProcess> {
  const { config, env, index } = options;
  const metrics = await metricsAddress(config, env, index);
  const name = index === 0 ? 'worker' : `worker ${index + 1}`;
  const logFile = join(config.dataDir, 'logs', `${name.replace(' ', '-')}.log`);
  const start = (): Child =>
    startChild({
      name,
      command: process.execPath,
      args: ['--enable-source-maps', options.program ?? PROGRAM],
      env: { ...env, STOPKEEPER_METRICS: metrics ?? 'off' },
      logFile,
      graceMs: GRACE_MS,
    });
  const child = start();
  try {
    const wait = { deadlineMs: READY_WITHIN_MS, signal: options.signal, logFile };
    await whenReady(child, () => announced(child, 'ready'), wait);
    return { child, start, metricsUrl: metrics === null ? null : `http://${metrics}/metrics` };
  } catch (error) {
    await child.stop();
    throw error;
  }
}

/** The address as configured; where nobody configured one, another port when the usual one is taken. */
async function metricsAddress(config: Config, env: Environment, index: number): Promise<string | null> {
  if (config.metrics === null) return null;
  const { host, port } = config.metrics;
  const asHost = host.includes(':') ? `[${host}]` : host;
  const wanted = port === 0 ? 0 : port + index;
  if (wanted !== 0 && (await isFree(wanted, host))) return `${asHost}:${wanted}`;
  const chosen = env['STOPKEEPER_METRICS'] !== undefined && env['STOPKEEPER_METRICS'] !== '';
  if (chosen && wanted !== 0) {
    throw new StartError([
      {
        setting: 'STOPKEEPER_METRICS',
        message: `${asHost}:${wanted} cannot be listened on (in use, or not an address of this machine)`,
        hint: 'Give another address, or unset it to use any free port.',
      },
    ]);
  }
  return `${asHost}:${await freePort(null)}`;
}
