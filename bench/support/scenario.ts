/** Accounts on the paper exchange as the benchmarks need them: so many positions, with a stop or bare, at a venue's distance. */

export const LATENCY_MS = 100;
/** What one walk of prices may move in a step, percent: prices change at every check, levels are not reached. */
const WALK_PCT = '0.005';

export interface AccountOptions {
  readonly positions: number;
  /** True: every position has a tight stop of its owner, so that nothing has to be written. */
  readonly stopped: boolean;
  /** Instruments without a position, for openings during the run. */
  readonly spare?: number;
}

/** `P0007USDT`; spare instruments follow those with positions. */
export function symbolAt(index: number): string {
  return `P${String(index).padStart(4, '0')}USDT`;
}

/** Even positions are long, odd ones short, so that both sides are measured. */
export function isLong(index: number): boolean {
  return index % 2 === 0;
}

/** A scenario file with Bybit's own limits; entry and price 100, one unit each. */
export function scenarioOf({ positions, stopped, spare = 0 }: AccountOptions): object {
  const at = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
  const stopOf = (index: number): string => (stopped ? (isLong(index) ? '97.00' : '103.00') : '');
  return {
    latencyMs: LATENCY_MS,
    account: { wallet: '1000000' },
    instruments: at(positions + spare).map((index) => ({
      symbol: symbolAt(index),
      tickSize: '0.01',
      qtyStep: '0.1',
      price: '100',
    })),
    positions: at(positions).map((index) => ({
      symbol: symbolAt(index),
      side: isLong(index) ? 'Buy' : 'Sell',
      size: '1',
      entryPrice: '100',
      stopLoss: stopOf(index),
      stopLossTriggerBy: 'MarkPrice',
    })),
    prices: at(positions + spare).map((index) => ({
      symbol: symbolAt(index),
      walk: { stepPct: WALK_PCT, everyMs: 5_000 },
    })),
  };
}
