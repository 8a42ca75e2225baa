/** The two clocks of this machine, passed in so that tests own them. */

export interface TimeSource {
  /** ms since 1970; may step. For showing, signing and staleness against the venue's own clock. */
  readonly wall: () => number;
  /** ms from any origin; never steps back. For windows, limits and ages. */
  readonly mono: () => number;
}

export const SYSTEM_TIME: TimeSource = {
  wall: () => Date.now(),
  mono: () => performance.now(),
};

/** Calls `run` after `ms`; the returned function cancels it. */
export function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, Math.max(0, Math.ceil(ms)));
  return () => clearTimeout(timer);
}

/** Settles as `work` does, or rejects with `late()` after `ms`; `work` itself goes on and its late failure is swallowed. */
export function within<T>(ms: number, work: Promise<T>, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = after(ms, () => reject(late()));
    work.then(resolve, reject).finally(cancel);
  });
}
