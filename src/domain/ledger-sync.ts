/** How a read of the balance and of the positions' margin enters the ledger, and how a failed one does (DESIGN §6). */
import { dec, plain } from './decimal.ts';
import type { BalanceAttempt } from './balance.ts';
import type { FailureInfo } from './failure.ts';
import type { KnownMargins, LedgerState } from './ledger-state.ts';

export interface PositionMargin {
  readonly symbol: string;
  readonly positionIdx: number;
  /** Initial margin, USD; `null` in portfolio margin. */
  readonly margin: string | null;
  /** ms; `null` where the venue does not say. */
  readonly openTime: number | null;
}

/** One read as plain data: what the ledger's activity returns. */
export interface LedgerReading {
  readonly venue: string;
  readonly total: string;
  readonly source: string;
  readonly fallback: boolean;
  readonly equity: string | null;
  readonly accountType: string;
  readonly marginMode: string | null;
  readonly tried: readonly BalanceAttempt[];
  readonly totalInitialMargin: string | null;
  /** Of every open position; `null` when the balance was read and the positions were not. */
  readonly positions: readonly PositionMargin[] | null;
  readonly positionsProblem: string | null;
  /** Time in the venue's wallet call, and in judging its answer, ms. */
  readonly callMs: number;
  readonly parseMs: number;
}

/** The book after a good read; the first one of a session is its baseline. `now` in ms. */
export function balanceRead(state: LedgerState, reading: LedgerReading, now: number): LedgerState {
  return {
    ...withPositions(state, reading, now),
    venue: reading.venue,
    balance: {
      total: reading.total,
      previousTotal: state.balance?.total ?? null,
      equity: reading.equity,
      accountType: reading.accountType,
      marginMode: reading.marginMode,
      source: reading.source,
      fallback: reading.fallback,
      tried: reading.tried,
      totalInitialMargin: reading.totalInitialMargin,
      readAt: now,
    },
    balanceFailure: null,
    baseline: state.baseline ?? reading.total,
  };
}

/** The book after a read that failed: the last balance stays and grows older. `now` in ms. */
export function balanceFailed(state: LedgerState, failure: FailureInfo, now: number): LedgerState {
  return { ...state, balanceFailure: { ...failure, at: now } };
}

function withPositions(state: LedgerState, reading: LedgerReading, now: number): LedgerState {
  if (reading.positions === null) {
    const message = reading.positionsProblem ?? 'the positions could not be read';
    return { ...state, marginsFailure: { message, at: now } };
  }
  const margins = marginsOf(reading.positions, now);
  const open = openTimes(margins.legs);
  const gone = (state.margins?.legs ?? []).filter((leg) => isGone(leg, open)).length;
  return {
    ...state,
    margins,
    marginsFailure: null,
    counters: { ...state.counters, closed: state.counters.closed + gone },
  };
}

function marginsOf(positions: readonly PositionMargin[], now: number): KnownMargins {
  const bySymbol: Record<string, string> = {};
  let unknown = 0;
  for (const position of positions) {
    if (position.margin === null) unknown += 1;
    else {
      const former = bySymbol[position.symbol] ?? '0';
      bySymbol[position.symbol] = plain(dec(former).plus(dec(position.margin)));
    }
  }
  const legs = positions.map((each) => `${each.symbol}:${each.positionIdx}:${each.openTime ?? ''}`);
  return { bySymbol, unknown, legs, readAt: now };
}

/** Leg → its open time, `""` where the venue does not say. */
function openTimes(legs: readonly string[]): ReadonlyMap<string, string> {
  return new Map(legs.map(legAndTime));
}

/** Closed, or closed and opened again; a row that only lost its open time is still the same position. */
function isGone(leg: string, open: ReadonlyMap<string, string>): boolean {
  const [key, openTime] = legAndTime(leg);
  const now = open.get(key);
  return now === undefined || (now !== '' && openTime !== '' && now !== openTime);
}

function legAndTime(leg: string): readonly [leg: string, openTime: string] {
  const cut = leg.lastIndexOf(':');
  return [leg.slice(0, cut), leg.slice(cut + 1)];
}
