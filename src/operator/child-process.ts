/**
 * One program of the running system as a process of its own.
 *
 * It is detached, so that Ctrl-C in the terminal reaches only the starter, which then stops its programs in order. It writes to files,
 * not to pipes: should the starter be killed, the worker goes on guarding, and the next start finds and replaces it (DESIGN §9).
 */
import { spawn } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identityOf, isAlive, type ProcessIdentity } from './process-identity.ts';

export interface ChildSpec {
  /** As people read it: `worker`, `paper exchange`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Its standard error, appended. */
  readonly logFile: string;
  /** How long it may take to end after SIGTERM before it is killed, ms. */
  readonly graceMs: number;
  /** When the log is put aside; for tests. */
  readonly logLimit?: LogLimit;
}

interface LogLimit {
  readonly bytes: number;
  /** How often its size is looked at, ms. */
  readonly everyMs: number;
}

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it could not be started at all. */
  readonly error?: string;
}

export interface Child {
  readonly name: string;
  readonly identity: ProcessIdentity;
  readonly exited: Promise<Ending>;
  /** Set once it has ended. */
  ending(): Ending | null;
  /** Its standard output so far. */
  output(): string;
  /** What it wrote to its log since it began, the last lines only. */
  logTail(lines: number): string;
  /** SIGTERM, then SIGKILL after its grace; returns when it is gone. */
  stop(): Promise<void>;
}

/** A log beyond this is put aside, one generation: with it a program's log takes about twice as much. */
const LOG_LIMIT: LogLimit = { bytes: 20_000_000, everyMs: 30_000 };

export function startChild(spec: ChildSpec): Child {
  const outFile = `${spec.logFile}.out`;
  mkdirSync(dirname(spec.logFile), { recursive: true });
  const { bytes, everyMs } = spec.logLimit ?? LOG_LIMIT;
  putAside(spec.logFile, bytes);
  let logStart = sizeOf(spec.logFile);
  const [out, log] = [openSync(outFile, 'w'), openSync(spec.logFile, 'a')];
  const child = spawn(spec.command, spec.args, {
    detached: true,
    env: { ...spec.env },
    stdio: ['ignore', out, log],
  });
  closeSync(out);
  closeSync(log);
  const bounding = setInterval(() => {
    if (putAside(spec.logFile, bytes)) logStart = 0;
  }, everyMs).unref();
  let ending: Ending | null = null;
  const exited = new Promise<Ending>((resolve) => {
    const end = (how: Ending): void => {
      ending ??= how;
      clearInterval(bounding);
      resolve(ending);
    };
    child.once('exit', (code, signal) => end({ code, signal }));
    child.once('error', (error) => {
      // Also emitted when a signal cannot be sent; only a child without a pid was never started.
      if (child.pid === undefined) end({ code: null, signal: null, error: error.message });
    });
  });
  const identity = identityOf(child.pid ?? -1);
  return {
    name: spec.name,
    identity,
    exited,
    ending: () => ending,
    output: () => contentFrom(outFile, 0),
    logTail: (lines) => contentFrom(spec.logFile, logStart).trimEnd().split('\n').slice(-lines).join('\n'),
    stop: async () => {
      if (ending === null) child.kill('SIGTERM');
      const patience = new AbortController();
      const late = sleep(spec.graceMs, 'late' as const, { signal: patience.signal }).catch(
        () => 'late' as const,
      );
      if ((await Promise.race([exited, late])) === 'late') child.kill('SIGKILL');
      patience.abort();
      await exited;
      rmSync(outFile, { force: true });
    },
  };
}

/** Stops a process that this one did not start; only the very process that was identified, never another with its pid. */
export async function stopProcess(identity: ProcessIdentity, graceMs: number): Promise<void> {
  for (const [signal, patienceMs] of [
    ['SIGTERM', graceMs],
    ['SIGKILL', 5_000],
  ] as const) {
    if (!isAlive(identity)) return;
    process.kill(identity.pid, signal);
    const until = Date.now() + patienceMs;
    while (isAlive(identity) && Date.now() < until) await sleep(50);
  }
}

/** `exit code 2`, `ended by SIGKILL`: for a sentence. */
export function describeEnding(ending: Ending): string {
  if (ending.error !== undefined) return `could not be started: ${ending.error}`;
  return ending.signal === null ? `ended with exit code ${ending.code}` : `was ended by ${ending.signal}`;
}

/** Copied and emptied, not renamed: the program appends to the file that it has open. True where the log was put aside. */
function putAside(file: string, limitBytes: number): boolean {
  if (sizeOf(file) <= limitBytes) return false;
  try {
    copyFileSync(file, `${file}.1`);
    truncateSync(file);
    return true;
  } catch {
    // A full disk must not end the programs; the next look tries again.
    return false;
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function contentFrom(file: string, offset: number): string {
  try {
    return readFileSync(file).subarray(offset).toString('utf8');
  } catch {
    return '';
  }
}
