/** A margin book for tests: one reading with one override, and the operations written short. */
import { balanceRead } from '../../src/domain/ledger-sync.ts';
import type { LedgerReading } from '../../src/domain/ledger-sync.ts';
import { newLedger } from '../../src/domain/ledger-state.ts';
import type { LedgerState } from '../../src/domain/ledger-state.ts';

export const T0 = Date.UTC(2026, 0, 5, 12);
export const MINUTE = 60_000;

export function reading(override: Partial<LedgerReading> = {}): LedgerReading {
  return {
    venue: 'paper',
    total: '1000',
    source: 'info.result.list[0].totalWalletBalance',
    fallback: false,
    equity: '1000',
    accountType: 'UNIFIED',
    marginMode: 'REGULAR_MARGIN',
    tried: [{ path: 'info.result.list[0].totalWalletBalance', outcome: 'used' }],
    totalInitialMargin: '0',
    positions: [],
    positionsProblem: null,
    callMs: 5,
    parseMs: 0,
    ...override,
  };
}

/** A position's row as the ledger sees it. */
export function margin(symbol: string, amount: string | null, positionIdx = 0) {
  return { symbol, positionIdx, margin: amount, openTime: 1 };
}

/** A book that has just read its balance, at `T0`. */
export function book(override: Partial<LedgerReading> = {}, maxAllocationPct = 80): LedgerState {
  const limits = { maxAllocationPct, minNotionalUsd: 200, maxPositions: 20 };
  return balanceRead(newLedger({ account: 'main', venue: 'paper', limits }, T0), reading(override), T0);
}
