/** Time as the paper exchange sees it: the host's clock, injectable so that tests run years in seconds. */
export interface Clock {
  /** Milliseconds since the epoch, with fractions; never runs backwards. */
  readonly nowMs: () => number;
}

/** The machine's clock, monotonic within one process. */
export const hostClock: Clock = { nowMs: () => performance.timeOrigin + performance.now() };

/** A clock that moves only when told to. */
export class ManualClock implements Clock {
  #nowMs: number;

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  readonly nowMs = (): number => this.#nowMs;

  /** Moves time forward by `byMs`, which must not be negative. */
  advance(byMs: number): void {
    if (byMs < 0) throw new RangeError(`time does not run backwards: ${byMs} ms`);
    this.#nowMs += byMs;
  }
}
