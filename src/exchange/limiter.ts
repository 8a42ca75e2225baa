/** One endpoint's lane: a rolling limit, served by rank, that follows the venue's rate headers (DESIGN §3, write lane). */
import type { Importance } from './endpoints.ts';
import type { Gate, Pass } from './gate.ts';
import { VenueError, type WriteUrgency } from './port.ts';
import type { RateHeaders } from './reply.ts';
import { after, SYSTEM_TIME, type TimeSource } from './time-source.ts';
import { rateWaitMs, unavailable } from './verdict.ts';

/** Smaller goes first. */
export type Rank = number;

export const STOP_RANK: Readonly<Record<WriteUrgency, Rank>> = {
  'no-stop': 0,
  loosened: 1,
  tighten: 2,
  rewrite: 3,
};

/** Proofs and confirmations before routine reads. */
export const READ_RANK = { fresh: 0, routine: 1 } as const satisfies Record<string, Rank>;

export interface Lane {
  /** Resolves when the request may be sent; throws `VenueRateLimited` while the IP address is banned. */
  enter(rank: Rank): Promise<Pass>;
  /** Learns from an answer. `refused`: it was a rate refusal (10006, 429). */
  follow(rate: RateHeaders, refused: boolean, venueNow: number): void;
  readonly queued: number;
  close(): void;
}

export interface LaneOptions {
  readonly perSecond: number;
  readonly importance: Importance;
  readonly gate: Gate;
  readonly time?: TimeSource;
  /** Length of the rolling window, ms. */
  readonly windowMs?: number;
}

/** Part of the venue's own limit that we use when a header names it: others on the account write too. */
const SHARE_OF_LIMIT = 0.8;
/** With nothing remaining and no refusal yet, others are using the limit up; a rolling second frees a slot soon, ms. */
const EXHAUSTED_PAUSE_MS = 200;
const WINDOW_MS = 1_000;

interface Waiting {
  readonly rank: Rank;
  readonly admit: (pass: Pass) => void;
  readonly refuse: (error: VenueError) => void;
}

export function createLane({
  perSecond,
  importance,
  gate,
  time = SYSTEM_TIME,
  windowMs = WINDOW_MS,
}: LaneOptions): Lane {
  const queue: Waiting[] = [];
  let sentAt: number[] = [];
  let limit = perSecond;
  let pausedUntil = Number.NEGATIVE_INFINITY;
  let cancelTimer: (() => void) | null = null;
  let closed = false;

  function ownWaitMs(): number {
    const now = time.mono();
    sentAt = sentAt.filter((at) => at > now - windowMs);
    const blocking = sentAt[sentAt.length - limit];
    return Math.max(0, pausedUntil - now, blocking === undefined ? 0 : blocking + windowMs - now);
  }

  function pump(): void {
    cancelTimer?.();
    cancelTimer = null;
    while (queue.length > 0) {
      const refusal = gate.refusal();
      if (refusal !== null) {
        for (const waiting of queue.splice(0)) waiting.refuse(new VenueError(refusal));
        return;
      }
      const waitMs = Math.max(ownWaitMs(), gate.waitMs(importance));
      if (waitMs > 0) {
        cancelTimer = after(waitMs, pump);
        return;
      }
      sentAt.push(time.mono());
      queue.shift()?.admit(gate.take());
    }
  }

  return {
    enter: (rank) =>
      new Promise((admit, refuse) => {
        if (closed) return refuse(unavailable('the port is closed; no request was sent'));
        const behind = queue.findLastIndex((waiting) => waiting.rank <= rank);
        queue.splice(behind + 1, 0, { rank, admit, refuse });
        pump();
      }),
    follow: (rate, refused, venueNow) => {
      if (rate.limit !== null && rate.limit > 0)
        limit = Math.max(1, Math.min(perSecond, Math.floor(rate.limit * SHARE_OF_LIMIT)));
      const pauseMs = refused
        ? rateWaitMs(rate.resetAt, venueNow)
        : rate.remaining === 0
          ? EXHAUSTED_PAUSE_MS
          : 0;
      if (pauseMs > 0) pausedUntil = Math.max(pausedUntil, time.mono() + pauseMs);
    },
    get queued() {
      return queue.length;
    },
    close: () => {
      closed = true;
      cancelTimer?.();
      for (const waiting of queue.splice(0))
        waiting.refuse(unavailable('the port was closed while the request waited; it was not sent'));
    },
  };
}
