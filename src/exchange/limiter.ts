/** One endpoint's lane: a rolling limit, served by rank, that follows the venue's rate headers (DESIGN §3, write lane). */
import type { Importance } from './endpoints.ts';
import type { Gate, Pass } from './gate.ts';
import { TurnPassed, VenueError, type WriteUrgency } from './port.ts';
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

/** How long a request is worth sending, and its place among its equals. Times of the lane's monotonic clock, ms. */
export interface Turn {
  /** A turn that comes later is not taken: what was read before the request was made is too old by then. */
  readonly notAfter: number;
  /** Since when its sender waits: those who wait longest go first, also when they had to read again. */
  readonly since: number;
}

export interface Lane {
  /**
   * Resolves when the request may be sent; throws `VenueRateLimited` while the IP address is banned, `VenueUnavailable` where too many
   * that are as urgent wait already, and `TurnPassed` where the turn came after `notAfter`: nothing was sent, and the turn went to the next.
   */
  enter(rank: Rank, turn?: Turn): Promise<Pass>;
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
  /**
   * The venue counts a request when it serves it, somewhere between its sending and its answer. So long after its sending, at most, an
   * unanswered request is taken to be on its way, ms; 0: requests count when they are sent.
   */
  readonly mostLateMs?: number;
  /** How many requests may wait; beyond that the least urgent is refused, unsent. */
  readonly mostQueued?: number;
}

/** Part of the venue's own limit that we use when a header names it: others on the account write too. */
const SHARE_OF_LIMIT = 0.8;
/** With nothing remaining and no refusal yet, others are using the limit up; a rolling second frees a slot soon, ms. */
const EXHAUSTED_PAUSE_MS = 200;
const WINDOW_MS = 1_000;
/** Four minutes of the write lane, far beyond what any attempt waits for; a worker has 200 activities at a time. */
const MOST_QUEUED = 2_000;

interface Waiting {
  readonly rank: Rank;
  readonly turn: Turn;
  readonly admit: (pass: Pass) => void;
  readonly refuse: (error: VenueError) => void;
}

function pauseAfter({ remaining }: RateHeaders): number {
  return remaining === 0 ? EXHAUSTED_PAUSE_MS : 0;
}

/** Behind those who go first: by rank, then by how long they wait. */
function insert(queue: Waiting[], one: Waiting): void {
  const behind = queue.findLastIndex(
    ({ rank, turn }) => rank < one.rank || (rank === one.rank && turn.since <= one.turn.since),
  );
  queue.splice(behind + 1, 0, one);
}

/** Turns the least urgent away, once what may go has gone. */
function shorten(queue: Waiting[], most: number): void {
  if (queue.length <= most) return;
  queue.pop()?.refuse(unavailable(`over ${most} requests wait already; it was not sent`));
}

interface Sent {
  readonly at: number;
  answeredAt: number | null;
}

interface Window {
  /** Counts a request that is sent now; settling the pass that is returned says that its answer has come. */
  counting(pass: Pass): Pass;
  /** Until another one keeps within `limit` a second, ms. */
  waitMs(limit: number): number;
}

/** The requests that the venue may have served in the last second: each at its answer, or so long after its sending. */
function createWindow(mostLateMs: number, time: TimeSource): Window {
  let sent: Sent[] = [];
  return {
    counting: (pass) => {
      const one: Sent = { at: time.mono(), answeredAt: null };
      sent.push(one);
      return {
        settle: (verdict) => {
          one.answeredAt = time.mono();
          pass.settle(verdict);
        },
      };
    },
    waitMs: (limit) => {
      const now = time.mono();
      const servedBy = ({ at, answeredAt }: Sent): number => Math.min(at + mostLateMs, answeredAt ?? now);
      sent = sent.filter((one) => servedBy(one) > now - WINDOW_MS);
      const blocking = sent.map(servedBy).toSorted((a, b) => b - a)[limit - 1];
      return blocking === undefined ? 0 : blocking + WINDOW_MS - now;
    },
  };
}

export function createLane({
  perSecond,
  importance,
  gate,
  time = SYSTEM_TIME,
  mostLateMs = 0,
  mostQueued = MOST_QUEUED,
}: LaneOptions): Lane {
  const queue: Waiting[] = [];
  const served = createWindow(mostLateMs, time);
  let limit = perSecond;
  let pausedUntil = Number.NEGATIVE_INFINITY;
  let cancelTimer: (() => void) | null = null;
  let closed = false;

  function ownWaitMs(): number {
    return Math.max(0, pausedUntil - time.mono(), served.waitMs(limit));
  }

  function serveNext(): void {
    const next = queue.shift();
    if (next === undefined) return;
    const now = time.mono();
    if (now > next.turn.notAfter) return next.refuse(new TurnPassed(now - next.turn.since, next.turn.since));
    next.admit(served.counting(gate.take()));
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
      serveNext();
    }
  }

  return {
    enter: (rank, turn = { notAfter: Number.POSITIVE_INFINITY, since: time.mono() }) =>
      new Promise((admit, refuse) => {
        if (closed) return refuse(unavailable('the port is closed; no request was sent'));
        insert(queue, { rank, turn, admit, refuse });
        pump();
        shorten(queue, mostQueued);
      }),
    follow: (rate, refused, venueNow) => {
      if (rate.limit !== null && rate.limit > 0)
        limit = Math.max(1, Math.min(perSecond, Math.floor(rate.limit * SHARE_OF_LIMIT)));
      const pauseMs = refused ? rateWaitMs(rate.resetAt, venueNow) : pauseAfter(rate);
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
