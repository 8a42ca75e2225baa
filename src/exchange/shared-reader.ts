/** Shares one kind of read among all who ask: routine callers within a window, fresh callers by the next that begins. */
import { VenueError, type ReadOptions } from './port.ts';
import { within, type TimeSource } from './time-source.ts';
import { unavailable } from './verdict.ts';

export interface SharedReader<T> {
  /**
   * Routine: a value that began within the window, within 3 s or not at all; at once the last failure after three in a row.
   * Fresh: a value that began after this call. Younger than: a value so young, else a fresh one. A caller's impatience never
   * aborts the shared read.
   */
  get(options?: ReadOptions): Promise<T>;
}

export interface SharedReaderOptions<T> {
  readonly name: string;
  readonly read: (fresh: boolean) => Promise<T>;
  /** How old the start of a shared routine value may be, ms. */
  readonly windowMs: () => number;
  readonly time: TimeSource;
  /** Bound of one whole read, ms. */
  readonly deadlineMs: number;
  /** Least ms between starts of fresh reads while it answers > 0: proofs are shared among many writers. */
  readonly freshGapMs?: () => number;
  /** Resolves when `freshGapMs` no longer holds. */
  readonly gapEnds?: () => Promise<void>;
  /** Resolves when those who are about to ask for a fresh read have come; `null` when nobody is. They are waited for, for half a second at most. */
  readonly othersComing?: () => Promise<void> | null;
}

/** A routine check holds a workflow task, and messages to its guard wait for it: bounded, ms. */
const ROUTINE_BOUND_MS = 3_000;
/** After so many failures in a row routine callers no longer wait for the next. */
const FAILURES_UNTIL_AT_ONCE = 3;
/** A write that takes longer than this is not waited for, ms. */
const OTHERS_BOUND_MS = 500;

/**
 * A value that so many routine callers shared from the middle of its window on is replaced before that ends, while it still serves: nobody
 * waits for the next. A session's legs, 8 a second, are fewer: no request is spent ahead for them.
 */
const SHARED_BY_MANY = 20;
/** Share of the window after which the next read begins then. */
const AHEAD_AFTER = 0.9;

interface Attempt<T> {
  readonly startedAt: number;
  readonly value: Promise<T>;
  /** Routine callers that it served from the middle of its window on. */
  servedLate: number;
}

export function createSharedReader<T>(options: SharedReaderOptions<T>): SharedReader<T> {
  const reads = new Sharing(options);
  return {
    get: (asked) => {
      if (asked?.fresh === true) return reads.fresh();
      return asked?.youngerThanMs === undefined ? reads.routine() : reads.younger(asked.youngerThanMs);
    },
  };
}

class Sharing<T> {
  readonly #options: SharedReaderOptions<T>;
  #running: Attempt<T> | null = null;
  #waiting: Promise<T> | null = null;
  #last: Attempt<T> | null = null;
  #answered: Attempt<T> | null = null;
  #freshStartedAt = Number.NEGATIVE_INFINITY;
  #failuresInARow = 0;
  #lastFailure: VenueError | null = null;

  constructor(options: SharedReaderOptions<T>) {
    this.#options = options;
  }

  fresh(): Promise<T> {
    if (this.#waiting) return this.#waiting;
    if (this.#running === null && this.#newHindrance()() === null) return this.#start(true);
    this.#waiting = this.#next();
    return this.#waiting;
  }

  routine(): Promise<T> {
    const { name, time } = this.#options;
    const windowMs = this.#options.windowMs();
    const since = time.mono() - windowMs;
    // An answer that may still be shared, rather than one to wait for.
    const recent = [this.#answered, this.#last].find((one) => one !== null && one.startedAt > since) ?? null;
    if (recent !== null && recent.startedAt <= since + windowMs / 2) recent.servedLate += 1;
    const shared = recent?.value ?? this.#running?.value ?? this.#waiting ?? this.#start(false);
    if (this.#failuresInARow >= FAILURES_UNTIL_AT_ONCE && this.#lastFailure !== null) {
      shared.catch(() => undefined);
      return Promise.reject(this.#lastFailure);
    }
    return within(ROUTINE_BOUND_MS, shared, () =>
      unavailable(`${name} has not answered within ${ROUTINE_BOUND_MS} ms; the shared read goes on`),
    );
  }

  async younger(ms: number): Promise<T> {
    const last = this.#last;
    const young = last !== null && this.#options.time.mono() - last.startedAt < ms ? last.value : null;
    // A failed read is no value: the next may do better.
    return young === null ? this.fresh() : young.catch(() => this.fresh());
  }

  #start(fresh: boolean): Promise<T> {
    const { name, read, time, deadlineMs } = this.#options;
    if (fresh) this.#freshStartedAt = time.mono();
    const value = within(deadlineMs, read(fresh), () => unavailable(`${name} took over ${deadlineMs} ms`));
    const attempt: Attempt<T> = { startedAt: time.mono(), value, servedLate: 0 };
    this.#running = attempt;
    this.#last = attempt;
    value.then(
      () => {
        this.#running = null;
        this.#answered = attempt;
        this.#failuresInARow = 0;
        this.#replaceInTime(attempt);
      },
      (error: unknown) => {
        this.#running = null;
        // What it would have shown may contradict the answer before it: nobody is served that any more.
        this.#answered = null;
        this.#failuresInARow += 1;
        this.#lastFailure =
          error instanceof VenueError ? error : unavailable(`${name} failed: ${String(error)}`);
      },
    );
    return value;
  }

  #replaceInTime(attempt: Attempt<T>): void {
    const { time, windowMs } = this.#options;
    const replace = (): void => {
      const wanted = attempt.servedLate >= SHARED_BY_MANY && this.#last === attempt && this.#waiting === null;
      if (wanted) this.#start(false).catch(() => undefined);
    };
    setTimeout(replace, attempt.startedAt + AHEAD_AFTER * windowMs() - time.mono()).unref();
  }

  /** The next read after the running one, no sooner than others ask for; everyone who comes before it starts joins it. */
  async #next(): Promise<T> {
    const hindrance = this.#newHindrance();
    for (;;) {
      if (this.#running) await this.#running.value.catch(() => undefined);
      const wait = hindrance();
      if (wait !== null) await wait();
      else if (this.#running === null) {
        this.#waiting = null;
        return this.#start(true);
      }
    }
  }

  #newHindrance(): Hindrance {
    return hindranceOf(this.#options, () => this.#freshStartedAt);
  }
}

/** What a fresh read has to wait for now, beside the running one; `null`: nothing. */
type Hindrance = () => (() => Promise<void>) | null;

/** Others are waited for once: while stops are written there is always somebody coming. */
function hindranceOf(
  { freshGapMs, gapEnds, othersComing, time }: SharedReaderOptions<unknown>,
  freshStartedAt: () => number,
): Hindrance {
  let waited = false;
  return () => {
    const gap = freshStartedAt() + (freshGapMs?.() ?? 0) - time.mono();
    if (gap > 0) return () => pause(gap, gapEnds?.());
    const coming = waited ? null : (othersComing?.() ?? null);
    if (coming === null) return null;
    return () => {
      waited = true;
      return pause(OTHERS_BOUND_MS, coming);
    };
  };
}

async function pause(ms: number, ends: Promise<void> | undefined): Promise<void> {
  const bounded = within(ms, ends ?? new Promise<void>(() => undefined), () => new Error('paused'));
  await bounded.catch(() => undefined);
  // Whoever ended the pause asks in this very turn: with them it is one read, without them two.
  await new Promise((resolve) => setTimeout(resolve, 0));
}
