/** Runs another program for a set-up step: its output is kept for the error message, and it never outlives an interrupted run. */
import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { onInterrupt } from './interrupt.mjs';

const KEEP_LINES = 25;
const KILL_AFTER_MS = 5_000;

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd]
 * @property {Readonly<Record<string, string | undefined>>} [env] the whole environment; default: this process's
 * @property {number} [deadlineMs] stopped after this long
 * @property {(pid: number) => void} [onStart] told its process id
 * @property {number} [keepLines] how many of the last lines go into the result
 * @property {(line: string) => void} [onLine] each line of output as it comes
 */
/** @typedef {{ readonly ok: boolean, readonly why: string, readonly output: string }} RunResult `why` is empty when it succeeded */

/**
 * Never throws: a program that is missing, fails, or takes too long is an answer with its reason.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<RunResult>}
 */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    /** @type {string[]} */
    const tail = [];
    let late = false;
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32' && /\.(cmd|bat)$/iu.test(command),
    });
    if (child.pid !== undefined) options.onStart?.(child.pid);
    // SIGINT, since go and npm stop their own children on it.
    const forget = onInterrupt(() => child.kill('SIGINT'));
    /** @type {NodeJS.Timeout | undefined} */
    let killer;
    const timer =
      options.deadlineMs === undefined
        ? undefined
        : setTimeout(() => {
            late = true;
            child.kill('SIGINT');
            killer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
          }, options.deadlineMs);
    const keep = (/** @type {string} */ line) => {
      if (line.trim() === '') return;
      tail.push(line);
      if (tail.length > (options.keepLines ?? KEEP_LINES)) tail.shift();
      options.onLine?.(line);
    };
    const flushes = [child.stdout, child.stderr].map((stream) => lines(stream, keep));
    const settle = (/** @type {string} */ why) => {
      clearTimeout(timer);
      clearTimeout(killer);
      forget();
      for (const flush of flushes) flush();
      resolve({ ok: why === '', why, output: tail.join('\n') });
    };
    child.on('error', (error) => settle(error.message));
    child.on('close', (code, signal) => {
      if (late) settle(`took longer than ${(options.deadlineMs ?? 0) / 1000} s`);
      else if (code === 0) settle('');
      else settle(signal === null ? `exit code ${code}` : `ended by ${signal}`);
    });
  });
}

/**
 * @param {import('node:stream').Readable} stream
 * @param {(line: string) => void} keep
 * @returns {() => void} hands over an unfinished last line
 */
function lines(stream, keep) {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (/** @type {string} */ chunk) => {
    const parts = (rest + chunk).split(/\r?\n/u);
    rest = parts.pop() ?? '';
    for (const part of parts) keep(part);
  });
  return () => keep(rest);
}

/**
 * The file that a shell would run for `name`, or undefined.
 * @param {string} name
 * @param {Readonly<Record<string, string | undefined>>} env
 * @returns {string | undefined}
 */
export function onPath(name, env) {
  const endings = process.platform === 'win32' ? ['.exe', '.cmd', '.bat'] : [''];
  for (const folder of (env['PATH'] ?? env['Path'] ?? '').split(delimiter)) {
    if (folder === '') continue;
    for (const ending of endings) {
      const file = join(folder, name + ending);
      if (isExecutable(file)) return file;
    }
  }
  return undefined;
}

/** @param {string} file */
export function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
