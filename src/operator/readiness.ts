/** Waiting until something that was started can be used, with an end to the wait and a reason when it does not come. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describeEnding, type Child } from './child-process.ts';
import { Interrupted, StartError } from './start-error.ts';

const POLL_MS = 50;
const LOG_LINES = 15;

export interface Wait {
  readonly deadlineMs: number;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Path of the child's log, for the error. */
  readonly logFile: string;
}

/**
 * Asks `probe` again and again until it answers something else than `null`. Throws `StartError` with the end of the child's log when the
 * child ends first or the deadline passes, `Interrupted` when the person gave up.
 */
export async function whenReady<T>(
  child: Child,
  probe: () => Promise<T | null> | T | null,
  wait: Wait,
): Promise<T> {
  const until = Date.now() + wait.deadlineMs;
  for (;;) {
    if (wait.signal.aborted) throw new Interrupted();
    const answer = await probe();
    if (answer !== null) return answer;
    const ending = child.ending();
    if (ending !== null) throw notReady(child, `${describeEnding(ending)} before it was ready`, wait);
    if (Date.now() > until) throw notReady(child, `was not ready after ${wait.deadlineMs / 1_000} s`, wait);
    await sleep(POLL_MS);
  }
}

function notReady(child: Child, what: string, wait: Wait): StartError {
  const tail = child.logTail(LOG_LINES);
  const said = tail === '' ? '' : `; it said:\n${tail.replaceAll(/^/gm, '        ')}`;
  return new StartError([
    { setting: child.name, message: `${what}${said}`, hint: `Its whole log: ${wait.logFile}` },
  ]);
}

/** The first line of the child's standard output that is a JSON object with `key`; `null` while there is none. */
export function announced(child: Child, key: string): Readonly<Record<string, unknown>> | null {
  for (const line of child.output().split('\n').slice(0, -1)) {
    try {
      const json: unknown = JSON.parse(line);
      if (typeof json === 'object' && json !== null && key in json) return { ...json };
    } catch {
      // Not for us.
    }
  }
  return null;
}
