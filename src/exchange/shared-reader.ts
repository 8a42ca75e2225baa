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

interface Attempt<T> {
  readonly startedAt: number;
  readonly value: Promise<T>;
}

export function createSharedReader<T>(options: SharedReaderOptions<T>): SharedReader<T> {
  const { name, read, time } = options;
  let running: Attempt<T> | null = null;
  let waiting: Promise<T> | null = null;
  let last: Attempt<T> | null = null;
  let freshStartedAt = Number.NEGATIVE_INFINITY;
  let failuresInARow = 0;
  let lastFailure: VenueError | null = null;

  function start(fresh: boolean): Promise<T> {
    if (fresh) freshStartedAt = time.mono();
    const value = within(options.deadlineMs, read(fresh), () =>
      unavailable(`${name} took over ${options.deadlineMs} ms`),
    );
    const attempt: Attempt<T> = { startedAt: time.mono(), value };
    running = attempt;
    last = attempt;
    value.then(
      () => {
        running = null;
        failuresInARow = 0;
      },
      (error: unknown) => {
        running = null;
        failuresInARow += 1;
        lastFailure = error instanceof VenueError ? error : unavailable(`${name} failed: ${String(error)}`);
      },
    );
    return value;
  }

  const newHindrance = (): Hindrance => hindranceOf(options, () => freshStartedAt);

  /** The next read after the running one, no sooner than others ask for; everyone who comes before it starts joins it. */
  async function next(): Promise<T> {
    const hindrance = newHindrance();
    for (;;) {
      if (running) await running.value.catch(() => undefined);
      const wait = hindrance();
      if (wait !== null) await wait();
      else if (running === null) {
        waiting = null;
        return start(true);
      }
    }
  }

  function fresh(): Promise<T> {
    if (waiting) return waiting;
    if (running === null && newHindrance()() === null) return start(true);
    waiting = next();
    return waiting;
  }

  function routine(): Promise<T> {
    const recent = last !== null && time.mono() - last.startedAt < options.windowMs() ? last : null;
    const shared = recent?.value ?? running?.value ?? waiting ?? start(false);
    if (failuresInARow >= FAILURES_UNTIL_AT_ONCE && lastFailure !== null) {
      shared.catch(() => undefined);
      return Promise.reject(lastFailure);
    }
    return within(ROUTINE_BOUND_MS, shared, () =>
      unavailable(`${name} has not answered within ${ROUTINE_BOUND_MS} ms; the shared read goes on`),
    );
  }

  async function younger(ms: number): Promise<T> {
    const young = last !== null && time.mono() - last.startedAt < ms ? last.value : null;
    // A failed read is no value: the next may do better.
    return young === null ? fresh() : young.catch(() => fresh());
  }

  return {
    get: (asked) => {
      if (asked?.fresh === true) return fresh();
      return asked?.youngerThanMs === undefined ? routine() : younger(asked.youngerThanMs);
    },
  };
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
