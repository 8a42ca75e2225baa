/** Builds observations of one open leg: sensible values, overridden by name. */
import type { MarginMode, OpenObservation, OpenPosition } from '../../src/domain/position.ts';

export type OpenOverride = Partial<OpenPosition> &
  Partial<Omit<OpenObservation, 'kind' | 'position'>> & { readonly marginMode?: MarginMode | null };

/** A long of 1 at entry 100 and mark 100, tick 0.01, cross margin, without a stop, read at t = 1,000 s. */
export function anOpen(override: OpenOverride = {}): OpenObservation {
  const { price, tickSize, marginMode, readAt, stopOrder, partialStopQty, ...rest } = override;
  const { stopOrderPrice, atrPct, candleBest, passedThroughZero, ...position } = rest;
  const markPrice = position.markPrice ?? price ?? '100';
  return {
    kind: 'open',
    position: {
      symbol: 'BTCUSDT',
      positionIdx: 0,
      side: 'long',
      size: '1',
      entryPrice: '100',
      leverage: '10',
      liqPrice: null,
      stopLoss: null,
      takeProfit: null,
      nativeTrailing: null,
      status: 'Normal',
      unrealisedPnl: null,
      positionIM: '10',
      openTime: 500_000,
      updatedTime: 500_000,
      ...position,
      markPrice,
    },
    price: price ?? markPrice,
    tickSize: tickSize ?? '0.01',
    marginMode: marginMode === undefined ? 'REGULAR_MARGIN' : marginMode,
    readAt: readAt ?? 1_000_000,
    ...(stopOrder === undefined ? {} : { stopOrder }),
    ...(partialStopQty === undefined ? {} : { partialStopQty }),
    ...(stopOrderPrice === undefined ? {} : { stopOrderPrice }),
    ...(atrPct === undefined ? {} : { atrPct }),
    ...(candleBest === undefined ? {} : { candleBest }),
    ...(passedThroughZero === undefined ? {} : { passedThroughZero }),
  };
}
