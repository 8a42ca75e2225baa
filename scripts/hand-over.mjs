/** Runs the program that a command is for: same terminal, same signals, same exit code. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const FORWARDED = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
/** Ctrl-C reaches this process from the terminal and again from npm: one press is one signal. */
const SAME_PRESS_MS = 1_000;

/**
 * @param {string} command @param {readonly string[]} args @param {Readonly<Record<string, string | undefined>>} env
 * @returns {Promise<number>} exit code; 128 + number after a signal
 */
export function handOver(command, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', env: { ...env } });
    /** @type {Map<string, number>} */
    const last = new Map();
    const forward = (/** @type {NodeJS.Signals} */ signal) => {
      const now = Date.now();
      if (now - (last.get(signal) ?? -SAME_PRESS_MS) < SAME_PRESS_MS) return;
      last.set(signal, now);
      child.kill(signal);
    };
    for (const signal of FORWARDED) process.on(signal, forward);
    const done = () => {
      for (const signal of FORWARDED) process.off(signal, forward);
    };
    child.on('error', (error) => {
      done();
      reject(error);
    });
    child.on('exit', (code, signal) => {
      done();
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
