/** Rate limits: requests of a key in a rolling second for each call, and requests of an address in 5 s before it is banned. */

/** What the three headers of a limited call say. */
export interface LimitStatus {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** Venue ms: when the limit frees up if it is exceeded, else now. */
  readonly resetMs: number;
}

const windowMs = 1000;
const addressWindowMs = 5000;

/** Times of recent events, oldest first. */
class Window {
  readonly #times: number[] = [];
  #from = 0;

  /** How many lie after `sinceMs`; the rest is forgotten. */
  countAfter(sinceMs: number): number {
    while (this.#from < this.#times.length && (this.#times[this.#from] ?? 0) <= sinceMs) this.#from += 1;
    if (this.#from > 256) {
      this.#times.splice(0, this.#from);
      this.#from = 0;
    }
    return this.#times.length - this.#from;
  }

  oldest(): number {
    return this.#times[this.#from] ?? 0;
  }

  add(timeMs: number): void {
    this.#times.push(timeMs);
  }

  clear(): void {
    this.#times.length = 0;
    this.#from = 0;
  }
}

/** Limits by call for one key. A refused request does not count against the window. */
export class CallLimits {
  readonly #overrides: Readonly<Record<string, number>>;
  readonly #windows = new Map<string, Window>();

  constructor(overrides: Readonly<Record<string, number>>) {
    this.#overrides = overrides;
  }

  /** Counts a request; `undefined` where the call has no limit. Times in host ms, `offsetMs` leads to the venue's. */
  take(path: string, standard: number, nowMs: number, offsetMs: number): LimitStatus | undefined {
    const limit = this.#overrides[path] ?? this.#overrides['*'] ?? standard;
    if (limit === 0) return undefined;
    let window = this.#windows.get(path);
    if (window === undefined) this.#windows.set(path, (window = new Window()));
    const used = window.countAfter(nowMs - windowMs);
    if (used >= limit) {
      return {
        allowed: false,
        limit,
        remaining: 0,
        resetMs: Math.ceil(window.oldest() + windowMs + offsetMs),
      };
    }
    window.add(nowMs);
    return { allowed: true, limit, remaining: limit - used - 1, resetMs: Math.floor(nowMs + offsetMs) };
  }
}

/** Bans an address that sends more than its share in 5 s. */
export class AddressLimit {
  readonly #most: number;
  readonly #banMs: number;
  readonly #windows = new Map<string, Window>();
  readonly #bannedUntilMs = new Map<string, number>();

  constructor(most: number, banMs: number) {
    this.#most = most;
    this.#banMs = banMs;
  }

  /** Counts a request of an address; false while it is banned. */
  take(address: string, nowMs: number): boolean {
    if (this.#most === 0) return true;
    const until = this.#bannedUntilMs.get(address);
    if (until !== undefined && nowMs < until) return false;
    let window = this.#windows.get(address);
    if (window === undefined) this.#windows.set(address, (window = new Window()));
    if (window.countAfter(nowMs - addressWindowMs) >= this.#most) {
      this.#bannedUntilMs.set(address, nowMs + this.#banMs);
      window.clear();
      return false;
    }
    window.add(nowMs);
    return true;
  }
}
