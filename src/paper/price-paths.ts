/** Where prices go: constant, along a script, or on a walk drawn from the seed. */
import { amount, text, toStep } from './decimals.ts';
import type { Instrument } from './instruments.ts';
import type { PriceRecord } from './records.ts';
import type { ScenarioPrice } from './scenario.ts';
import { unitFrom } from './seeded.ts';

/** The three prices of a symbol. */
export interface Prices {
  readonly last: string;
  readonly mark: string;
  readonly index: string;
}

/** Prices around one price, with the offsets that the scenario gives the symbol. */
export function pricesAround(price: string, instrument: Instrument, path: ScenarioPrice | undefined): Prices {
  return {
    last: price,
    mark: offset(price, path?.markOffsetPct, instrument),
    index: offset(price, path?.indexOffsetPct, instrument),
  };
}

function offset(price: string, pct: string | undefined, instrument: Instrument): string {
  if (pct === undefined || amount(pct).eq(0)) return price;
  const moved = amount(price).times(amount('1').plus(amount(pct).div('100')));
  return text(toStep(moved, instrument.tickSize, 'nearest'));
}

/** Engine time at which a symbol's price takes its next step; `Infinity` when it stands still. */
export function nextStepAtMs(path: ScenarioPrice | undefined, price: PriceRecord): number {
  if (path?.walk !== undefined) return (price.steps + 1) * path.walk.everyMs;
  return path?.script?.[price.steps]?.atMs ?? Number.POSITIVE_INFINITY;
}

/** The prices after the next step. */
export function stepped(
  seed: number,
  path: ScenarioPrice,
  price: PriceRecord,
  instrument: Instrument,
): Prices {
  const point = path.script?.[price.steps];
  if (point !== undefined) {
    if ('price' in point) return pricesAround(point.price, instrument, path);
    return { last: point.last, mark: point.mark, index: point.index ?? point.mark };
  }
  const drawn = unitFrom(seed, instrument.symbol, price.steps) * 2 - 1;
  const move = amount(path.walk?.stepPct ?? '0')
    .times(drawn.toFixed(6))
    .div('100');
  const moved = toStep(amount(price.last).times(amount('1').plus(move)), instrument.tickSize, 'nearest');
  const next = moved.lt(instrument.tickSize) ? amount(instrument.tickSize) : moved;
  return pricesAround(text(next), instrument, path);
}
