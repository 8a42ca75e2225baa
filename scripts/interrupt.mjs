/** What must still happen when a set-up step is interrupted: locks released, children stopped, half-made folders removed. */

const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
/** @type {Readonly<Record<string, number | undefined>>} */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

/** @type {Set<() => void>} */
const cleanups = new Set();

/**
 * Registers a synchronous clean-up for Ctrl-C and its kind. The handlers are installed only while something is registered, so that
 * a process that later hands over (a test runner, the operator's program) keeps its own.
 * @param {() => void} cleanup
 * @returns {() => void} takes the registration back
 */
export function onInterrupt(cleanup) {
  if (cleanups.size === 0) for (const signal of SIGNALS) process.on(signal, interrupted);
  cleanups.add(cleanup);
  return () => {
    cleanups.delete(cleanup);
    if (cleanups.size === 0) for (const signal of SIGNALS) process.off(signal, interrupted);
  };
}

/** @param {NodeJS.Signals} signal */
function interrupted(signal) {
  // The newest first: a child is stopped before the folder that it writes into goes.
  for (const cleanup of [...cleanups].toReversed()) {
    try {
      cleanup();
    } catch {
      // The next run cleans what could not be cleaned now.
    }
  }
  process.stderr.write(
    `\ninterrupted (${signal}); nothing half-made is left in use, run the command again\n`,
  );
  process.exit(EXIT_CODES[signal] ?? 1);
}
