/** Ctrl-C and its kind as one abort signal: the first asks for an orderly end, later ones only say that it is under way. */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** A terminal and npm both pass on one press of Ctrl-C. */
const SAME_PRESS_MS = 1_000;

export interface StopSignals {
  readonly signal: AbortSignal;
  /** Takes the handlers back. */
  ignore(): void;
}

export function onStopSignals(say: (text: string) => void): StopSignals {
  const stopping = new AbortController();
  let firstMs = 0;
  const handle = (): void => {
    const now = Date.now();
    if (!stopping.signal.aborted) {
      firstMs = now;
      stopping.abort();
    } else if (now - firstMs > SAME_PRESS_MS) {
      say('already stopping: the worker finishes what is in flight');
    }
  };
  for (const signal of SIGNALS) process.on(signal, handle);
  return {
    signal: stopping.signal,
    ignore: () => {
      for (const signal of SIGNALS) process.off(signal, handle);
    },
  };
}
