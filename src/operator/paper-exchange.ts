/** The paper exchange of `npm start`: one process, with a state file of its own, for each account on paper that has no address. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../config-environment.ts';
import { startChild, type Child } from './child-process.ts';
import { freePort } from './ports.ts';
import { announced, whenReady } from './readiness.ts';
import { withoutSecrets } from './child-environment.ts';

const PROGRAM = fileURLToPath(new URL('../paper/main.js', import.meta.url));
const READY_WITHIN_MS = 30_000;
const GRACE_MS = 5_000;

export interface PaperExchange {
  readonly alias: string;
  readonly url: string;
  readonly child: Child;
  /** Starts it again on the same port and state. */
  readonly start: () => Child;
}

export interface PaperExchangeOptions {
  readonly alias: string;
  readonly dataDir: string;
  /** Absolute path; `null`: the scenario of the state file, or the default one. */
  readonly scenario: string | null;
  /** Where it listened the last time: clients that were left running find it again. */
  readonly lastUrl: string | null;
  readonly env: Environment;
  readonly signal: AbortSignal;
  /** Another program, for tests. */
  readonly program?: string;
}

/** Starts it and returns once it listens; throws `StartError`, leaving nothing behind. */
export async function startPaperExchange(options: PaperExchangeOptions): Promise<PaperExchange> {
  const { alias, dataDir, scenario, lastUrl } = options;
  const lastPort = lastUrl === null ? null : Number(new URL(lastUrl).port);
  const port = await freePort(lastPort);
  const suffix = alias === 'main' ? '' : `-${alias}`;
  const logFile = join(dataDir, 'logs', `paper${suffix}.log`);
  const start = (): Child =>
    startChild({
      name: `paper exchange${alias === 'main' ? '' : ` of ${alias}`}`,
      command: process.execPath,
      args: [
        '--enable-source-maps',
        options.program ?? PROGRAM,
        '--port',
        String(port),
        '--state',
        join(dataDir, `paper-state${suffix}.json`),
        ...(scenario === null ? [] : ['--scenario', scenario]),
      ],
      env: withoutSecrets(options.env),
      logFile,
      graceMs: GRACE_MS,
    });
  const child = start();
  try {
    const wait = { deadlineMs: READY_WITHIN_MS, signal: options.signal, logFile };
    const line = await whenReady(child, () => announced(child, 'listening'), wait);
    return { alias, url: String(line['listening']).replace(/\/+$/, ''), child, start };
  } catch (error) {
    await child.stop();
    throw error;
  }
}
