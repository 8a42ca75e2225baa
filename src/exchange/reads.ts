/** The reads that many guards share, each with its window and cache (DESIGN §3, "reads in a check"). */
import type { MarginMode, StopOrder } from '../domain/position.ts';
import { createInstrumentCache } from './instruments.ts';
import { READ_RANK, type Rank } from './limiter.ts';
import type { PortLogger } from './logger.ts';
import { readAllPages } from './paging.ts';
import { parseAccountInfo } from './parse-account.ts';
import { parseLastPrices } from './parse-market.ts';
import { parseStopOrders } from './parse-orders.ts';
import type { AccountInfo, AccountSnapshot, Instrument, VenuePort } from './port.ts';
import { createSharedReader, type SharedReader } from './shared-reader.ts';
import { readSnapshot, readSymbolRows, SETTLE_COINS } from './snapshot.ts';
import type { TimeSource } from './time-source.ts';
import type { VenueCalls } from './venue-calls.ts';
import { unavailable } from './verdict.ts';

export interface Reads {
  readonly port: Pick<
    VenuePort,
    | 'snapshot'
    | 'readSymbol'
    | 'lastPrice'
    | 'instrument'
    | 'refreshInstruments'
    | 'stopOrders'
    | 'accountInfo'
  >;
  /** The instrument where it is known without asking. */
  readonly knownInstrument: (symbol: string) => Instrument | null;
  /** Begins what every session needs first; a failure is met again, and told, by the first who asks. */
  readonly ahead: () => void;
}

const ROUTINE_WINDOW_MS = 2_000;
/** A shared value must stay far from the age at which it counts as stale, however many pages a snapshot takes. */
const WIDEST_WINDOW_MS = 30_000;
/** Shared lists may take 100 of the 120 routine requests a minute, 111 where the next is read ahead: 0.6 s for each request of a round. */
const WINDOW_PER_REQUEST_MS = 600;
const BUDGET_OF_THAT_WINDOW = 120;
const READ_DEADLINE_MS = 20_000;
/** Least time between starts of proof reads while stops are being written: one snapshot a second of writing. */
const PROOF_GAP_MS = 1_000;

export function createReads(
  calls: VenueCalls,
  time: TimeSource,
  logger: PortLogger,
  perMinute: number,
): Reads {
  const instruments = createInstrumentCache(calls, time, logger);
  const margin = createMarginMode(calls, time);
  let seq = 0;
  /** Of one round of the lists that routine checks read; prices only where a policy triggers by them. */
  const requests: { snapshot: number; prices: number } = { snapshot: SETTLE_COINS.length, prices: 0 };
  const windowMs = (): number => routineWindowMs(requests.snapshot + requests.prices, perMinute);
  const sharing = { windowMs, time, deadlineMs: READ_DEADLINE_MS };

  const snapshots = createSharedReader<AccountSnapshot>({
    ...sharing,
    name: 'the position snapshot',
    read: async (fresh) => {
      margin.refresh();
      const nextSeq = (): number => (seq += 1);
      const snapshot = await readSnapshot({ calls, time, nextSeq, marginMode: () => margin.known() }, fresh);
      requests.snapshot = snapshot.requests;
      return snapshot;
    },
    freshGapMs: () => (calls.stopWrites.now() > 0 ? PROOF_GAP_MS : 0),
    gapEnds: () => calls.stopWrites.idle(),
    othersComing: () => (calls.stopWritesSent.now() > 0 ? calls.stopWritesSent.idle() : null),
  });
  const prices: SharedReader<ReadonlyMap<string, string>> = createSharedReader({
    ...sharing,
    name: 'the list of last prices',
    // All symbols come in one answer, so that a thousand guards cost one request.
    read: async (fresh) => {
      const list = await readAllPages(calls, 'tickers', LINEAR, rankOf(fresh));
      if (!fresh) requests.prices = list.requests;
      return parseLastPrices(list.rows);
    },
  });
  const stops: SharedReader<readonly StopOrder[]> = createSharedReader({
    ...sharing,
    name: 'the list of stop orders',
    read: (fresh) => readStopOrders(calls, rankOf(fresh)),
  });

  return {
    port: {
      snapshot: (asked) => snapshots.get(asked),
      readSymbol: (symbol) => readSymbolRows(calls, time, symbol),
      lastPrice: async (symbol, asked) => {
        const price = (await prices.get(asked)).get(symbol);
        if (price === undefined) throw unavailable(`the venue shows no last price of ${symbol}`);
        return price;
      },
      instrument: (symbol) => instruments.get(symbol),
      refreshInstruments: () => instruments.refresh(),
      stopOrders: (asked) => stops.get(asked),
      accountInfo: () => margin.read(),
    },
    knownInstrument: (symbol) => instruments.peek(symbol),
    ahead: () => {
      void calls.clock.ready().catch(() => undefined);
      void instruments.keepFresh();
      margin.refresh();
    },
  };
}

const LINEAR = { category: 'linear' } as const;

/** How old a shared list may be, ms: `max(2 s, 0.6 s × requests a round)` at 120 requests a minute. */
export function routineWindowMs(requestsPerRound: number, perMinute: number): number {
  const byBudget = (requestsPerRound * WINDOW_PER_REQUEST_MS * BUDGET_OF_THAT_WINDOW) / perMinute;
  return Math.min(WIDEST_WINDOW_MS, Math.max(ROUTINE_WINDOW_MS, byBudget));
}

function rankOf(fresh: boolean): Rank {
  return fresh ? READ_RANK.fresh : READ_RANK.routine;
}

async function readStopOrders(calls: VenueCalls, rank: Rank): Promise<readonly StopOrder[]> {
  const lists = await Promise.all(
    SETTLE_COINS.map((settleCoin) =>
      readAllPages(calls, 'openOrders', { ...LINEAR, settleCoin, orderFilter: 'StopOrder', limit: 50 }, rank),
    ),
  );
  const stops = parseStopOrders(lists.flatMap((list) => list.rows));
  // An order that moved between pages comes twice.
  return [...new Map(stops.map((stop) => [stop.orderId, stop])).values()];
}

const MARGIN_MODE_KEEP_MS = 300_000;
/** A failed read is not repeated before this; a good one serves all who ask for the account's info meanwhile. */
const ACCOUNT_INFO_SHARE_MS = 10_000;

interface MarginModeCache {
  /** As last read; `null` before that. */
  known(): MarginMode | null;
  /** Reads it again in the background where it is old; never throws, never waits. */
  refresh(): void;
  read(): Promise<AccountInfo>;
}

function createMarginMode(calls: VenueCalls, time: TimeSource): MarginModeCache {
  let known: MarginMode | null = null;
  let shared: Promise<AccountInfo> | null = null;
  let began = Number.NEGATIVE_INFINITY;
  const ask = async (): Promise<AccountInfo> => {
    const info = parseAccountInfo((await calls.read('accountInfo', {})).result);
    known = info.marginMode;
    return info;
  };
  const read = (): Promise<AccountInfo> => {
    if (shared !== null && time.mono() - began < ACCOUNT_INFO_SHARE_MS) return shared;
    began = time.mono();
    const asked = ask();
    shared = asked;
    asked.catch(() => {
      if (shared === asked) shared = null;
    });
    return asked;
  };
  return {
    known: () => known,
    refresh: () => {
      const waitMs = known === null ? ACCOUNT_INFO_SHARE_MS : MARGIN_MODE_KEEP_MS;
      // A failure is told to whoever asks for the account info; a snapshot goes on without it.
      if (time.mono() - began >= waitMs) void read().catch(() => undefined);
    },
    read,
  };
}
