/** One complete, fresh read of the account's linear positions: both settle coins, all pages, or nothing at all (I4, I8). */
import type { MarginMode } from '../domain/position.ts';
import { READ_RANK } from './limiter.ts';
import { readAllPages } from './paging.ts';
import { reconcilePositions } from './parse-positions.ts';
import type { AccountSnapshot, SymbolRead } from './port.ts';
import type { TimeSource } from './time-source.ts';
import type { VenueCalls } from './venue-calls.ts';
import { unavailable } from './verdict.ts';

/** Positions of other settle coins are not linear perpetuals of a unified account. */
export const SETTLE_COINS = ['USDT', 'USDC'] as const;
const PAGE = 200;
/** Answers that are older than this by the venue's own clock prove nothing, ms (I8). */
const STALE_AFTER_MS = 60_000;

export interface SnapshotSource {
  readonly calls: VenueCalls;
  readonly time: TimeSource;
  readonly nextSeq: () => number;
  readonly marginMode: () => MarginMode | null;
}

/** Throws `VenueError` if any page of either coin fails, a row has no name, or the answer is stale. */
export async function readSnapshot(source: SnapshotSource, fresh: boolean): Promise<AccountSnapshot> {
  const { calls, time } = source;
  const seq = source.nextSeq();
  const startedAt = time.wall();
  const rank = fresh ? READ_RANK.fresh : READ_RANK.routine;
  const lists = await Promise.all(
    SETTLE_COINS.map((settleCoin) =>
      readAllPages(calls, 'positions', { category: 'linear', settleCoin, limit: PAGE }, rank),
    ),
  );
  const rows = reconcilePositions(lists.flatMap((list) => list.rows));
  if (rows.broken !== null) throw unavailable(`GET /v5/position/list: ${rows.broken}`);
  return {
    seq,
    startedAt,
    endedAt: time.wall(),
    venueTime: freshTime(
      lists.map((list) => list.venueTime),
      calls,
    ),
    clockOffsetMs: calls.clock.offsetMs(),
    marginMode: source.marginMode(),
    positions: rows.positions,
    unreadable: rows.unreadable,
    requests: lists.reduce((sum, list) => sum + list.requests, 0),
  };
}

/** The rows of one symbol, empty legs included; an answer without any row of it is unreadable, not flat. */
export async function readSymbolRows(
  calls: VenueCalls,
  time: TimeSource,
  symbol: string,
): Promise<SymbolRead> {
  const startedAt = time.wall();
  const list = await readAllPages(
    calls,
    'positions',
    { category: 'linear', symbol, limit: PAGE },
    READ_RANK.fresh,
  );
  const rows = reconcilePositions(list.rows);
  if (rows.broken !== null) throw unavailable(`GET /v5/position/list: ${rows.broken}`);
  const positions = rows.positions.filter((row) => row.symbol === symbol);
  const flat = rows.flat.filter((row) => row.symbol === symbol);
  const unreadable = rows.unreadable.filter((row) => row.symbol === symbol);
  const nothing = positions.length + flat.length + unreadable.length === 0;
  const reason = 'the venue answered no row of this symbol';
  return {
    startedAt,
    venueTime: freshTime([list.venueTime], calls),
    positions,
    flat,
    unreadable: nothing ? [{ symbol, positionIdx: null, size: null, reason }] : unreadable,
  };
}

/** Oldest of the times; throws where one is missing or stale by the venue's clock as last measured. */
function freshTime(times: readonly (number | null)[], calls: VenueCalls): number {
  const oldest = times.reduce((a, b) => (a === null || b === null ? null : Math.min(a, b)));
  if (oldest === null || !Number.isFinite(oldest))
    throw unavailable('GET /v5/position/list: the answer has no time');
  const ageMs = calls.clock.venueNow() - oldest;
  if (ageMs > STALE_AFTER_MS)
    throw unavailable(
      `stale: the venue's answer is ${Math.round(ageMs / 1_000)} s old by its own clock`,
      'stale',
    );
  return oldest;
}
