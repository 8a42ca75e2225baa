/** Exact decimal arithmetic on the strings in which prices, sizes and money travel (I8). */
import { Big } from 'big.js';

/** A calculation's own constructor: 40 digits after the point for quotients, never an exponent in output. */
const Exact = Big();
Exact.DP = 40;
Exact.RM = 1;
Exact.NE = -1000;
Exact.PE = 1000;

export type Dec = Big;

/** Parses a decimal string; throws `RangeError` on anything else (numbers are refused: they are floats). */
export function dec(value: string | Dec): Dec {
  if (typeof value === 'object') return new Exact(value);
  if (!isDecimalString(value)) throw new RangeError(`not a decimal number: ${JSON.stringify(value)}`);
  return new Exact(value);
}

/** True for `"12"`, `"-0.5"`, `"1e-7"`; false for `""`, `"NaN"`, `"Infinity"`, `" 1"`, numbers and anything else. */
export function isDecimalString(value: unknown): value is string {
  return (
    typeof value === 'string' && value.length <= 64 && /^-?\d+(?:\.\d+)?(?:e[+-]?\d{1,2})?$/i.test(value)
  );
}

/** True for a decimal string greater than zero. */
export function isPositive(value: unknown): value is string {
  return isDecimalString(value) && new Exact(value).gt(0);
}

/** Plain digits without an exponent or trailing zeros: `"1.50"` → `"1.5"`, `"1e-7"` → `"0.0000001"`. */
export function plain(value: string | Dec): string {
  const text = dec(value).toFixed();
  return text === '-0' ? '0' : text;
}

/** Largest multiple of `step` that is not above `value`: floor to the tick. `step` must be positive. */
export function floorTo(value: Dec, step: Dec): Dec {
  const rest = value.mod(step);
  const down = value.minus(rest);
  return rest.lt(0) ? down.minus(step) : down;
}

/** Smallest multiple of `step` that is not below `value`: ceiling to the tick. `step` must be positive. */
export function ceilTo(value: Dec, step: Dec): Dec {
  const down = floorTo(value, step);
  return down.eq(value) ? down : down.plus(step);
}

/** Money for people: rounded down (toward minus infinity) to the cent, two decimals: `"-0.001"` → `"-0.01"`. */
export function cents(value: string | Dec): string {
  const floored = floorTo(dec(value), new Exact('0.01'));
  const text = floored.toFixed(2);
  return text === '-0.00' ? '0.00' : text;
}

/** `part` as a percentage of `whole` with two decimals, half away from zero; `"0"` where the base is zero. */
export function percentOf(part: string | Dec, whole: string | Dec): string {
  const base = dec(whole);
  if (base.eq(0)) return '0';
  const text = dec(part).times(100).div(base).toFixed(2, 1);
  return plain(text);
}

/** A value of its own each time: what a module exports is frozen for workflows, and big.js writes to the constructor of its values. */
export function zero(): Dec {
  return new Exact(0);
}

export function max(a: Dec, b: Dec): Dec {
  return a.gte(b) ? a : b;
}
