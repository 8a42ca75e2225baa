/** The venue's records: candles, executions, closing records, and positions of categories that are not guarded. */
import { dec, isDecimalString } from '../domain/decimal.ts';
import type { EndpointName } from './endpoints.ts';
import { readAllPages } from './paging.ts';
import { parseCandles } from './parse-market.ts';
import { parseClosedPnl, parseExecutions } from './parse-orders.ts';
import { VenueError, type Candle, type ClosedPnl, type Execution } from './port.ts';
import { isRecord } from './reply.ts';
import { listPage, problemsOf } from './schemas.ts';
import type { VenueCalls } from './venue-calls.ts';
import { unavailable } from './verdict.ts';

export interface CandleRequest {
  readonly symbol: string;
  readonly interval: '1' | '60';
  readonly price: 'mark' | 'last';
  readonly limit: number;
  /** First start, ms. */
  readonly startAt?: number;
}

const MOST_CANDLES = 1_000;

/** The latest `limit` candles, from `startAt` on where it is given; oldest first, the unfinished one included. */
export async function readCandles(calls: VenueCalls, request: CandleRequest): Promise<readonly Candle[]> {
  const { symbol, interval, startAt } = request;
  const name = request.price === 'mark' ? 'markKline' : 'kline';
  const byStart = new Map<number, Candle>();
  let end: number | null = null;
  while (byStart.size < request.limit) {
    const limit = Math.min(MOST_CANDLES, request.limit - byStart.size);
    const bounds = { ...(startAt !== undefined && { start: startAt }), ...(end !== null && { end }) };
    const answer = await calls.read(name, { category: 'linear', symbol, interval, ...bounds, limit });
    const page = parseCandles(rowsOf(answer.result));
    const before = byStart.size;
    for (const candle of page) byStart.set(candle.startAt, candle);
    const oldest = page[0];
    // A short page is the last one; one that brings nothing new would be asked for for ever.
    if (oldest === undefined || page.length < limit || byStart.size === before) break;
    end = oldest.startAt - 1;
  }
  return [...byStart.values()].toSorted((a, b) => a.startAt - b.startAt).slice(-request.limit);
}

/** Candles have no cursor. */
function rowsOf(result: unknown): readonly unknown[] {
  const read = listPage.safeParse(result);
  if (!read.success) throw unavailable(`candles: ${problemsOf(read.error)}`);
  return read.data.list;
}

/** The venue answers at most seven days at a time, ms. */
const WINDOW_MS = 7 * 24 * 3_600_000;
/** And keeps two years, ms; a day less, for its clock and ours. */
const HISTORY_MS = 729 * 24 * 3_600_000;

/** Every execution of the symbol since then (ms), oldest first. */
export async function readExecutions(
  calls: VenueCalls,
  symbol: string,
  since: number,
): Promise<readonly Execution[]> {
  return parseExecutions(await readSince(calls, 'executions', symbol, since));
}

/** Every closing record of the symbol since then (ms), oldest first. */
export async function readClosedPnl(
  calls: VenueCalls,
  symbol: string,
  since: number,
): Promise<readonly ClosedPnl[]> {
  return parseClosedPnl(await readSince(calls, 'closedPnl', symbol, since));
}

async function readSince(
  calls: VenueCalls,
  name: EndpointName,
  symbol: string,
  since: number,
): Promise<readonly unknown[]> {
  const now = calls.clock.venueNow();
  const rows: unknown[] = [];
  // The last window has no end of its own, so that a record younger than our idea of "now" is not lost.
  for (let startTime = Math.floor(Math.max(since, now - HISTORY_MS)); ; startTime += WINDOW_MS) {
    const last = startTime + WINDOW_MS > now;
    const bounds = last ? { startTime } : { startTime, endTime: startTime + WINDOW_MS };
    const page = await readAllPages(calls, name, { category: 'linear', symbol, ...bounds, limit: 100 });
    rows.push(...page.rows);
    if (last) return rows;
  }
}

export interface NotCoveredPosition {
  readonly category: string;
  readonly symbol: string;
  readonly size: string;
  readonly reason: string;
}

const NOT_GUARDED = {
  inverse: 'inverse contracts are not guarded',
  option: 'options are not guarded',
} as const;

/** Open positions of other categories; a category that the key or the venue does not serve is left out, a failed read throws. */
export async function readNotCovered(calls: VenueCalls): Promise<readonly NotCoveredPosition[]> {
  const categories = ['inverse', 'option'] as const;
  const lists = await Promise.all(
    categories.map(async (category) => {
      const rows = await readAllPages(calls, 'positions', { category, limit: 200 }).then(
        (list) => list.rows,
        emptyWhereRefused,
      );
      return rows.flatMap((row) => notCovered(row, category));
    }),
  );
  return lists.flat();
}

function notCovered(row: unknown, category: keyof typeof NOT_GUARDED): readonly NotCoveredPosition[] {
  if (!isRecord(row) || typeof row['symbol'] !== 'string')
    throw unavailable(`a position of category ${category} has no symbol`);
  const size = row['size'];
  if (isDecimalString(size) && dec(size).eq(0)) return [];
  const known = isDecimalString(size);
  const reason = NOT_GUARDED[category];
  return [
    {
      category,
      symbol: row['symbol'],
      size: known ? size : '',
      reason: known ? reason : `${reason}; size unreadable`,
    },
  ];
}

function emptyWhereRefused(error: unknown): readonly unknown[] {
  if (error instanceof VenueError && (error.info.type === 'VenueRefused' || error.info.code === '10005'))
    return [];
  throw error;
}
