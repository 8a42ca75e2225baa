/** Volatility for the trailing bands: ATR(14) after Wilder, in % of price. */
import { dec, plain, zero, max } from './decimal.ts';

export interface Bar {
  readonly high: string;
  readonly low: string;
  readonly close: string;
}

const PERIOD = 14;

/**
 * ATR(14) of finished candles, oldest first, as % of the last close, 6 decimals; `null` with fewer than 15 candles.
 * The first value is the mean of 14 true ranges, each later one (13 × previous + range) / 14 (Wilder, 1978).
 */
export function atrPct(bars: readonly Bar[]): string | null {
  if (bars.length <= PERIOD) return null;
  const ranges = bars.slice(1).map((bar, at) => {
    const before = dec(bars[at]?.close ?? bar.close);
    const spread = dec(bar.high).minus(bar.low);
    return max(spread, max(dec(bar.high).minus(before).abs(), dec(bar.low).minus(before).abs()));
  });
  const first = ranges
    .slice(0, PERIOD)
    .reduce((sum, range) => sum.plus(range), zero())
    .div(PERIOD);
  const atr = ranges.slice(PERIOD).reduce(
    (last, range) =>
      last
        .times(PERIOD - 1)
        .plus(range)
        .div(PERIOD),
    first,
  );
  const close = dec(bars.at(-1)?.close ?? '0');
  return close.lte(0) ? null : plain(atr.times(100).div(close).round(6));
}
