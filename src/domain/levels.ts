/** Price levels of DESIGN §3 for one position: fixed stop, breakeven, trailing trigger and distance, liquidation buffer (I8). */
import { ceilTo, dec, floorTo, max, zero, type Dec } from './decimal.ts';
import type { Policy } from './policy.ts';
import { sign, type Side } from './position.ts';

const HUNDRED = dec('100');
const ONE = dec('1');

/** `price × (1 + s × pct %)`: toward profit for a positive `pct`, toward loss for a negative one. */
export function moved(price: Dec, side: Side, pct: number): Dec {
  const share = dec(String(pct)).div(HUNDRED);
  return price.times(sign(side) === 1 ? ONE.plus(share) : ONE.minus(share));
}

/** Trailing numbers in force; `reduced` when bands were asked for and no ATR was to be had. */
export interface TrailingNumbers {
  readonly triggerPct: number;
  readonly distancePct: number;
  readonly reduced: boolean;
}

/**
 * The numbers of the band that `atrPct` (ATR(14, 1 h) in % of price) falls in; without an ATR the band of 2 %.
 * `undefined` counts as "no ATR" too.
 */
export function trailingNumbers(policy: Policy, atrPct: string | null | undefined): TrailingNumbers {
  const { mode, triggerPct, distancePct, bands } = policy.trailing;
  if (mode !== 'bands') return { triggerPct, distancePct, reduced: false };
  const atr = dec(atrPct ?? '2');
  // The bounds 2 and 4 belong to the middle band ("2–4 %"): the first bound excludes, later ones include.
  const band = bands.find(({ belowAtrPct }, at) =>
    belowAtrPct === null ? true : at === 0 ? atr.lt(String(belowAtrPct)) : atr.lte(String(belowAtrPct)),
  );
  const last = band ?? bands.at(-1);
  if (last === undefined) return { triggerPct, distancePct, reduced: true };
  return { triggerPct: last.triggerPct, distancePct: last.distancePct, reduced: atrPct == null };
}

export interface Levels {
  /** `entry × (1 − s × fixedStopPct)`. */
  readonly fixed: Dec;
  /** `entry × (1 + s × feeAllowancePct)`. */
  readonly breakeven: Dec;
  /** `breakeven × (1 + s × triggerPct)`. */
  readonly trigger: Dec;
}

/** Unrounded levels. Entry 100, long, default policy: fixed 94, breakeven 100.06, trigger 101.0606. */
export function levels(side: Side, entryPrice: string, policy: Policy, numbers: TrailingNumbers): Levels {
  const entry = dec(entryPrice);
  const breakeven = moved(entry, side, policy.feeAllowancePct);
  return {
    fixed: moved(entry, side, -policy.fixedStopPct),
    breakeven,
    trigger: moved(breakeven, side, numbers.triggerPct),
  };
}

/** True when `a` is a tighter stop than `b`: higher for a long, lower for a short. */
export function tighter(side: Side, a: Dec, b: Dec): boolean {
  return side === 'long' ? a.gt(b) : a.lt(b);
}

/** The tighter of two stops. */
export function tightest(side: Side, a: Dec, b: Dec): Dec {
  return tighter(side, a, b) ? a : b;
}

/** True when a stop is on the losing side of the price, so that the venue accepts it and it has not been passed. */
export function legal(side: Side, stop: Dec, price: Dec): boolean {
  return side === 'long' ? stop.lt(price) : stop.gt(price);
}

/**
 * Rounds a stop to the tick toward the price (never more risk than asked), at least one tick away from it.
 * `null` when nothing above 0 is left. Long, price 101.06, tick 0.01: 100.2521 → 100.26.
 */
export function roundStop(side: Side, stop: Dec, price: Dec, tick: Dec): Dec | null {
  const rounded = side === 'long' ? ceilTo(stop, tick) : floorTo(stop, tick);
  const nearest = side === 'long' ? floorTo(price.minus(tick), tick) : ceilTo(price.plus(tick), tick);
  const kept = tighter(side, rounded, nearest) ? nearest : rounded;
  return kept.gt(0) ? kept : null;
}

export interface LiquidationLimit {
  /** The loosest stop that still keeps the buffer, or the middle where the price is nearer than that. */
  readonly stop: Dec;
  /** True when the price is nearer to liquidation than the buffer. */
  readonly near: boolean;
}

/**
 * Where the liquidation rule wants the stop, at least `bufferPct` of price (and `atLeast`) on the safe side of `liqPrice`.
 * `null` when there is no liquidation price on the losing side of the price.
 */
export function liquidationLimit(
  side: Side,
  liqPrice: string | null,
  price: Dec,
  bufferPct: number,
  atLeast: Dec = zero(),
): LiquidationLimit | null {
  if (liqPrice === null) return null;
  const liq = dec(liqPrice);
  if (!legal(side, liq, price)) return null;
  const buffer = max(price.times(String(bufferPct)).div(HUNDRED), atLeast);
  const stop = side === 'long' ? liq.plus(buffer) : liq.minus(buffer);
  if (legal(side, stop, price)) return { stop, near: false };
  return { stop: liq.plus(price).div(2), near: true };
}
