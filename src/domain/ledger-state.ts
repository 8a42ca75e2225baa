/** The margin book of one account as plain JSON: what it holds, its sums, and what is still free (DESIGN §6). */
import { zero, dec, max, plain } from './decimal.ts';
import type { Dec } from './decimal.ts';
import type { FailureInfo } from './failure.ts';
import type { LedgerLimits } from './ledger-input.ts';
import type { Remembered } from './ledger-memory.ts';
import { byteLength } from './ledger-memory.ts';
import type { BalanceAttempt } from './balance.ts';
import { DEFAULT_POLICY } from './policy.ts';

/** An open allocation (`a-…`) or reservation (`r-…`); the prefix of its id says which. */
export interface LedgerEntry {
  readonly id: string;
  /** USD, exact. */
  readonly amount: string;
  readonly symbol: string;
  /** ms */
  readonly at: number;
  /** ms; only reservations that lapse by themselves. */
  readonly expiresAt?: number;
  readonly text?: string;
}

/** The last balance that could be read; it stays when later reads fail, and its age counts. */
export interface KnownBalance {
  readonly total: string;
  readonly previousTotal: string | null;
  readonly equity: string | null;
  readonly accountType: string;
  readonly marginMode: string | null;
  readonly source: string;
  readonly fallback: boolean;
  readonly tried: readonly BalanceAttempt[];
  /** USD; `null` where the venue does not say (isolated margin). */
  readonly totalInitialMargin: string | null;
  /** ms */
  readonly readAt: number;
}

/** Margin that the venue holds for positions, as last read. */
export interface KnownMargins {
  /** Initial margin of each symbol's positions, USD; symbols without a figure are in `unknown`. */
  readonly bySymbol: Readonly<Record<string, string>>;
  /** Positions whose row carries no initial margin (portfolio margin). */
  readonly unknown: number;
  /** `"BTCUSDT:0:1690872862481"`: leg and open time. */
  readonly legs: readonly string[];
  /** ms */
  readonly readAt: number;
}

export interface SessionBook {
  readonly requestId: string;
  /** ms */
  readonly startedAt: number;
}

export interface Counters {
  readonly allocations: number;
  readonly reservations: number;
  readonly releases: number;
  readonly overexposurePrevented: number;
  /** Positions seen open and then gone since the session began. */
  readonly closed: number;
}

export interface LedgerState {
  readonly version: 1;
  readonly account: string;
  /** `null` before the first read. */
  readonly venue: string | null;
  /** Makes ids of this ledger's life differ from those of an earlier one. */
  readonly epoch: string;
  readonly issued: number;
  readonly limits: LedgerLimits;
  readonly entries: readonly LedgerEntry[];
  readonly entriesBytes: number;
  readonly allocated: string;
  readonly reserved: string;
  readonly allocatedBySymbol: Readonly<Record<string, string>>;
  readonly balance: KnownBalance | null;
  readonly margins: KnownMargins | null;
  readonly balanceFailure: (FailureInfo & { readonly at: number }) | null;
  readonly marginsFailure: { readonly message: string; readonly at: number } | null;
  readonly session: SessionBook | null;
  /** Total at the start of the session; `null` until the first read of the session. */
  readonly baseline: string | null;
  readonly counters: Counters;
  readonly answers: readonly Remembered[];
  readonly answersBytes: number;
}

export const NO_OPERATIONS: Counters = {
  allocations: 0,
  reservations: 0,
  releases: 0,
  overexposurePrevented: 0,
  closed: 0,
};

export const DEFAULT_LIMITS: LedgerLimits = {
  maxAllocationPct: DEFAULT_POLICY.maxAllocationPct,
  minNotionalUsd: DEFAULT_POLICY.minNotionalUsd,
  maxPositions: DEFAULT_POLICY.maxPositions,
};

/** An empty book. `now` in ms; it also makes this ledger's ids its own. */
export function newLedger(
  start: { readonly account: string; readonly venue?: string; readonly limits?: LedgerLimits },
  now: number,
): LedgerState {
  return {
    version: 1,
    account: start.account,
    venue: start.venue ?? null,
    epoch: Math.floor(now / 1000).toString(36),
    issued: 0,
    limits: start.limits ?? DEFAULT_LIMITS,
    entries: [],
    entriesBytes: 0,
    allocated: '0',
    reserved: '0',
    allocatedBySymbol: {},
    balance: null,
    margins: null,
    balanceFailure: null,
    marginsFailure: null,
    session: null,
    baseline: null,
    counters: NO_OPERATIONS,
    answers: [],
    answersBytes: 0,
  };
}

export function isReservation(entry: LedgerEntry): boolean {
  return entry.id.startsWith('r');
}

/** The book with one more open entry, its sums kept. */
export function withEntry(state: LedgerState, entry: LedgerEntry): LedgerState {
  return {
    ...resummed(state, entry, 1),
    entries: [...state.entries, entry],
    entriesBytes: state.entriesBytes + entryBytes(entry),
  };
}

/** The book without one of its entries, its sums kept. */
export function withoutEntry(state: LedgerState, entry: LedgerEntry): LedgerState {
  return {
    ...resummed(state, entry, -1),
    entries: state.entries.filter((each) => each.id !== entry.id),
    entriesBytes: state.entriesBytes - entryBytes(entry),
  };
}

/** The book without the reservations whose time is over. */
export function expireReservations(state: LedgerState, now: number): LedgerState {
  return state.entries
    .filter((entry) => entry.expiresAt !== undefined && entry.expiresAt <= now)
    .reduce(withoutEntry, state);
}

export function entryBytes(entry: LedgerEntry): number {
  return byteLength(JSON.stringify(entry)) + 1;
}

/** All in USD, exact. */
export interface Figures {
  readonly total: Dec;
  readonly allocated: Dec;
  readonly reserved: Dec;
  readonly external: Dec;
  /** `max(0, total − allocated − reserved − external)` */
  readonly available: Dec;
  /** The most that may be in use: the policy's share of the total. */
  readonly cap: Dec;
  /** `max(0, cap − allocated − reserved − external)` */
  readonly headroom: Dec;
}

export function figuresOf(state: LedgerState): Figures {
  const total = dec(state.balance?.total ?? '0');
  const allocated = dec(state.allocated);
  const reserved = dec(state.reserved);
  const external = externalMargin(state);
  const inUse = allocated.plus(reserved).plus(external);
  const cap = total.times(dec(String(state.limits.maxAllocationPct))).div(100);
  return {
    total,
    allocated,
    reserved,
    external,
    available: max(zero(), total.minus(inUse)),
    cap,
    headroom: max(zero(), cap.minus(inUse)),
  };
}

/**
 * Margin on the venue that no allocation covers: `Σ max(0, positionIM(symbol) − allocated(symbol))`, or in portfolio
 * margin, where positions carry no margin of their own, what the whole account uses beyond all allocations.
 */
export function externalMargin(state: LedgerState): Dec {
  const whole = state.balance?.totalInitialMargin ?? null;
  if (externalBasis(state) === 'account' && whole !== null) {
    return max(zero(), dec(whole).minus(dec(state.allocated)));
  }
  let sum = zero();
  for (const [symbol, margin] of Object.entries(state.margins?.bySymbol ?? {})) {
    const covered = dec(state.allocatedBySymbol[symbol] ?? '0');
    sum = sum.plus(max(zero(), dec(margin).minus(covered)));
  }
  return sum;
}

/** Where `external` comes from: the positions' own margins, or the account's total (portfolio margin). */
export function externalBasis(state: LedgerState): 'positions' | 'account' {
  const whole = state.balance?.totalInitialMargin ?? null;
  const portfolio = state.balance?.marginMode === 'PORTFOLIO_MARGIN' || (state.margins?.unknown ?? 0) > 0;
  return portfolio && whole !== null ? 'account' : 'positions';
}

function resummed(state: LedgerState, entry: LedgerEntry, direction: 1 | -1): LedgerState {
  const change = dec(entry.amount).times(direction);
  if (isReservation(entry)) return { ...state, reserved: plain(dec(state.reserved).plus(change)) };
  const onSymbol = dec(state.allocatedBySymbol[entry.symbol] ?? '0').plus(change);
  const { [entry.symbol]: _former, ...others } = state.allocatedBySymbol;
  return {
    ...state,
    allocated: plain(dec(state.allocated).plus(change)),
    allocatedBySymbol: onSymbol.gt(0) ? { ...others, [entry.symbol]: plain(onSymbol) } : others,
  };
}
