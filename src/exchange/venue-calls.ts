/** Sends requests through clock, lane and gate, and judges what comes back: the one way from the port to the venue. */
import type { WriteOutcome } from '../domain/failure.ts';
import type { BybitClient, Params } from './bybit-client.ts';
import { createVenueClock, type VenueClock } from './clock.ts';
import {
  ENDPOINTS,
  LANE_IMPORTANCE,
  type Endpoint,
  type EndpointName,
  type LaneLimits,
  type LaneName,
} from './endpoints.ts';
import type { Gate } from './gate.ts';
import { createLane, READ_RANK, type Lane, type Rank, type Turn } from './limiter.ts';
import type { PortLogger } from './logger.ts';
import { UNCOUNTED, type PortMetrics, type RequestReport } from './port-metrics.ts';
import { integer, isRecord, NO_RATE_HEADERS, type RateHeaders, type Reply } from './reply.ts';
import type { TimeSource } from './time-source.ts';
import { answerOf, isBan, judge, outcomeOf, unavailable, type Answer, type Verdict } from './verdict.ts';

export interface VenueCalls {
  readonly clock: VenueClock;
  /** The answer of a read; throws `VenueError`. */
  read(name: EndpointName, params: Params, rank?: Rank): Promise<Answer>;
  /** Throws `VenueError` only where the write was certainly not executed. */
  write(name: 'setStop' | 'createOrder', params: Params, rank: Rank, turn?: Turn): Promise<WriteOutcome>;
  /** The monotonic clock that a `Turn` counts by, ms. */
  mono(): number;
  /** Stop writes queued or in flight. */
  readonly stopWrites: Underway;
  /** Those of them that are in flight. */
  readonly stopWritesSent: Underway;
  counts(): Readonly<Record<string, number>>;
  close(): void;
}

/** How many of something there are now. */
export interface Underway {
  now(): number;
  /** Resolves when there is none. */
  idle(): Promise<void>;
}

export interface VenueCallsOptions {
  /** Built here because signatures need the clock, and the clock needs the client. */
  readonly client: (signingTime: () => number) => BybitClient;
  readonly gate: Gate;
  readonly limits: LaneLimits;
  readonly time: TimeSource;
  readonly logger: PortLogger;
  readonly metrics?: PortMetrics;
}

/**
 * A burst that the network or a busy machine holds up meets the next one in one of the venue's seconds, and each refusal costs a pause of the
 * whole lane; so writes count from their answers. A venue that answers none of them still gets eight each 1.5 s, ms.
 */
const WRITES_ARE_LATE_MS = 500;

export function createVenueCalls({
  client: makeClient,
  gate,
  limits,
  time,
  logger,
  metrics = UNCOUNTED,
}: VenueCallsOptions): VenueCalls {
  const lanes = createLanes(limits, gate, time);
  const counts = new Map<string, number>();
  const stopWrites = createCounter();
  const stopWritesSent = createCounter();
  const clock = createVenueClock({
    ask: async () => timeOf(answerOf(await send('time', {}, READ_RANK.fresh))),
    time,
    logger,
  });
  const client = makeClient(() => clock.signingTime());

  async function send(name: EndpointName, params: Params, rank: Rank, turn?: Turn): Promise<Verdict> {
    const endpoint = ENDPOINTS[name];
    const lane = lanes.of(endpoint.lane);
    const queuedAt = time.mono();
    const pass = await lane.enter(rank, turn);
    const sentAt = time.mono();
    counts.set(endpoint.path, (counts.get(endpoint.path) ?? 0) + 1);
    const call = (): Promise<Reply> => client.call(name, params);
    const reply = await (name === 'setStop' ? stopWritesSent.count(call) : call());
    pass.settle(isBan(reply) ? 'banned' : reply.kind === 'lost' ? 'lost' : 'answered');
    const verdict = withBanWait(judge(reply, endpoint, clock.venueNow()), reply);
    const refused = verdict.kind === 'failed' && verdict.class === 'rate';
    const rate = reply.kind === 'envelope' ? reply.rate : NO_RATE_HEADERS;
    lane.follow(rate, refused, clock.venueNow());
    metrics.requested(reportOf(endpoint, verdict, rate, { queuedAt, sentAt, endedAt: time.mono() }));
    if (verdict.kind === 'failed') report(verdict, reply);
    return verdict;
  }

  /** A ban has no header that says how long: the breaker knows. */
  function withBanWait(verdict: Verdict, reply: Reply): Verdict {
    const retryAfterMs = isBan(reply) ? gate.refusal()?.retryAfterMs : undefined;
    if (verdict.kind === 'ok' || retryAfterMs === undefined) return verdict;
    return { ...verdict, failure: { ...verdict.failure, retryAfterMs } };
  }

  function report(verdict: Extract<Verdict, { kind: 'failed' }>, reply: Reply): void {
    const fields = { event: 'venue.failure', class: verdict.class, ...verdict.failure };
    if (isBan(reply)) logger.warn(fields, 'the venue has shut this IP address out');
    else logger.debug(fields, 'a venue request failed');
  }

  /** Signed requests need the clock; a clock refusal is followed by a fresh offset before anyone tries again. */
  async function ask(name: EndpointName, params: Params, rank: Rank, turn?: Turn): Promise<Verdict> {
    if (ENDPOINTS[name].signed) await clock.ready();
    const verdict = await send(name, params, rank, turn);
    if (verdict.kind === 'failed' && verdict.class === 'clock') await clock.relearn(verdict.failure.message);
    return verdict;
  }

  return {
    clock,
    read: async (name, params, rank = READ_RANK.routine) => answerOf(await ask(name, params, rank)),
    write: async (name, params, rank, turn) => {
      const outcome = async (): Promise<WriteOutcome> => outcomeOf(await ask(name, params, rank, turn));
      return name === 'setStop' ? stopWrites.count(outcome) : outcome();
    },
    mono: () => time.mono(),
    stopWrites,
    stopWritesSent,
    counts: () => Object.fromEntries(counts),
    close: () => lanes.close(),
  };
}

/** Times in ms of one clock. */
function reportOf(
  { path: endpoint, lane }: Endpoint,
  verdict: Verdict,
  { limit, remaining }: RateHeaders,
  at: { readonly queuedAt: number; readonly sentAt: number; readonly endedAt: number },
): RequestReport {
  return {
    endpoint,
    lane,
    result: verdict.kind === 'ok' ? 'ok' : verdict.class,
    waitedSeconds: (at.sentAt - at.queuedAt) / 1_000,
    tookSeconds: (at.endedAt - at.sentAt) / 1_000,
    limit,
    remaining,
  };
}

interface Lanes {
  of(name: LaneName): Lane;
  close(): void;
}

/** Each made when it is first used. */
function createLanes(limits: LaneLimits, gate: Gate, time: TimeSource): Lanes {
  const lanes = new Map<LaneName, Lane>();
  return {
    of: (name) => {
      const importance = LANE_IMPORTANCE[name];
      const mostLateMs = importance === 'write' ? WRITES_ARE_LATE_MS : 0;
      const lane =
        lanes.get(name) ?? createLane({ perSecond: limits[name], importance, gate, time, mostLateMs });
      lanes.set(name, lane);
      return lane;
    },
    close: () => {
      for (const lane of lanes.values()) lane.close();
    },
  };
}

function timeOf({ time, result }: Answer): number {
  const seconds = isRecord(result) ? integer(result['timeSecond']) : null;
  const venueMs = time ?? (seconds === null ? null : seconds * 1_000);
  if (venueMs === null || venueMs <= 0) throw unavailable('GET /v5/market/time: the answer holds no time');
  return venueMs;
}

interface Counter extends Underway {
  count<T>(work: () => Promise<T>): Promise<T>;
}

function createCounter(): Counter {
  const waiting: (() => void)[] = [];
  let underway = 0;
  return {
    count: async (work) => {
      underway += 1;
      try {
        return await work();
      } finally {
        underway -= 1;
        if (underway === 0) for (const wake of waiting.splice(0)) wake();
      }
    },
    now: () => underway,
    idle: () => (underway === 0 ? Promise.resolve() : new Promise((resolve) => void waiting.push(resolve))),
  };
}
