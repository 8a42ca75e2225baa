/** Bybit behind the port: one account's reads, stops and closes, in the product's words (DESIGN §10). */
import type { WriteOutcome } from '../domain/failure.ts';
import { createBybitClient, DEADLINES, type Deadlines } from './bybit-client.ts';
import { LANE_LIMITS, lanesOf, type LaneLimits } from './endpoints.ts';
import { createGate, type Gate } from './gate.ts';
import { SILENT, type PortLogger } from './logger.ts';
import { balanceShape, parseKeyInfo } from './parse-account.ts';
import { TurnPassed, type VenueName, type VenuePort, type WriteUrgency } from './port.ts';
import { UNCOUNTED, type PortMetrics } from './port-metrics.ts';
import { createReads } from './reads.ts';
import { readCandles, readClosedPnl, readExecutions, readNotCovered } from './records.ts';
import { createRedactor } from './redaction.ts';
import { SYSTEM_TIME, type TimeSource } from './time-source.ts';
import { createVenueCalls } from './venue-calls.ts';
import { closePosition, orderByLinkId, setStop } from './writes.ts';

export interface PortLimits {
  /** Requests a second of each lane. */
  readonly lanes: LaneLimits;
  /** Routine requests a minute (DESIGN §3, monitoring budget). */
  readonly requestsPerMinute: number;
  /** Worker processes that share the account's limits: each takes its part. */
  readonly workers: number;
}

export interface BybitPortOptions {
  readonly account: string;
  readonly venue: VenueName;
  /** Needed for `paper`; otherwise in place of the venue's own URL. */
  readonly baseUrl?: string;
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly limits?: Partial<PortLimits>;
  readonly deadlines?: Partial<Deadlines>;
  /** Shared by all ports of a process (one IP address); an own one by default. */
  readonly gate?: Gate;
  /** This machine's clock, ms. */
  readonly now?: () => number;
  readonly logger?: PortLogger;
  readonly metrics?: PortMetrics;
  /** Measures the clock and reads the instruments now, so that the first session does not wait for them. */
  readonly readAhead?: boolean;
}

/** Throws `Error` where the options cannot work: no URL for the paper venue, not a URL, an empty key. */
export function createBybitPort(options: BybitPortOptions): VenuePort {
  const { account, venue, baseUrl, apiKey, apiSecret, logger = SILENT, metrics = UNCOUNTED } = options;
  if (apiKey === '' || apiSecret === '') throw new Error('API key or secret is empty');
  const time: TimeSource = { ...SYSTEM_TIME, ...(options.now && { wall: options.now }) };
  const limits = { lanes: LANE_LIMITS, requestsPerMinute: 120, workers: 1, ...options.limits };
  const deadlines = { ...DEADLINES, ...options.deadlines };
  const redact = createRedactor([apiKey, apiSecret]);
  const url = baseUrl === undefined ? {} : { baseUrl };
  const calls = createVenueCalls({
    client: (signingTime) =>
      createBybitClient({ venue, ...url, apiKey, apiSecret, deadlines, signingTime, redact }),
    gate: options.gate ?? createGate({ time }),
    limits: lanesOf(limits.lanes, limits.workers),
    time,
    logger,
    metrics,
  });
  const reads = createReads(calls, time, logger, limits.requestsPerMinute / limits.workers);
  if (options.readAhead === true) reads.ahead();
  return {
    account,
    venue,
    ...reads.port,
    setStop: (request, urgency, waitingSince) => {
      const instrument = reads.knownInstrument(request.symbol);
      return counted(metrics, urgency, setStop(calls, instrument, request, urgency, waitingSince));
    },
    closePosition: (request) => closePosition(calls, request),
    orderByLinkId: (symbol, orderLinkId) => orderByLinkId(calls, symbol, orderLinkId),
    wallet: async () => balanceShape(await calls.read('wallet', { accountType: 'UNIFIED' })),
    keyInfo: async () => parseKeyInfo((await calls.read('keyInfo', {})).result),
    clock: () => calls.clock.read(),
    notCovered: () => readNotCovered(calls),
    candles: (symbol, interval, price, limit, startAt) =>
      readCandles(calls, { symbol, interval, price, limit, ...(startAt !== undefined && { startAt }) }),
    executions: (symbol, since) => readExecutions(calls, symbol, since),
    closedPnl: (symbol, since) => readClosedPnl(calls, symbol, since),
    requestCounts: () => calls.counts(),
    close: () => calls.close(),
  };
}

async function counted(
  metrics: PortMetrics,
  urgency: WriteUrgency,
  write: Promise<WriteOutcome>,
): Promise<WriteOutcome> {
  try {
    const outcome = await write;
    metrics.stopWritten(urgency, outcome.kind);
    return outcome;
  } catch (error) {
    metrics.stopWritten(urgency, error instanceof TurnPassed ? 'postponed' : 'not-sent');
    throw error;
  }
}
