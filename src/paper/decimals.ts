/** The paper exchange's own exact arithmetic on decimal strings, shared with nothing that it is there to check. */
import { Big } from 'big.js';

/** 24 digits after the point for quotients, half away from zero; sums and products are exact. */
const Exact = Big();
Exact.DP = 24;
Exact.RM = 1;
Exact.NE = -1000;
Exact.PE = 1000;

/** A calculation in progress; what is stored and sent is a string. */
export type Amount = Big;

/** Starts a calculation; throws on anything that is not a decimal number. */
export function amount(value: string | number | Amount): Amount {
  return new Exact(value);
}

/** Plain digits without exponent or trailing zeros: `1.50` → `"1.5"`. */
export function text(value: Amount): string {
  const digits = value.toFixed();
  return digits === '-0' ? '0' : digits;
}

/** `a + b` as a string. */
export function plus(a: string, b: string): string {
  return text(amount(a).plus(b));
}

/** `a − b` as a string. */
export function minus(a: string, b: string): string {
  return text(amount(a).minus(b));
}

/** `a × b` as a string, exact. */
export function times(a: string, b: string): string {
  return text(amount(a).times(b));
}

/** −1, 0 or 1, by value: `compare("1.0", "1")` is 0. */
export function compare(a: string, b: string): -1 | 0 | 1 {
  return amount(a).cmp(b);
}

/** True when the value is zero however it is written. */
export function isZero(value: string): boolean {
  return amount(value).eq(0);
}

/** Zero, `""` and absent are all "no value" in the venue's rows. */
export function isUnset(value: string | undefined): boolean {
  return value === undefined || value === '' || isZero(value);
}

/** A decimal string without exponent, as the venue accepts it: digits, at most one point, an optional minus. */
export function isDecimal(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 48 && /^-?\d+(?:\.\d+)?$/.test(value);
}

/** Digits after the point as written: `"0.10"` → 2. It is how the venue pads its prices. */
export function decimalsOf(step: string): number {
  const point = step.indexOf('.');
  return point < 0 ? 0 : step.length - point - 1;
}

/** Pads to the decimals in which `step` is written: `("44000", "0.10")` → `"44000.00"`; never cuts digits off. */
export function paddedTo(value: string, step: string): string {
  const exact = amount(value);
  const decimals = decimalsOf(step);
  return exact.round(decimals, 0).eq(exact) ? exact.toFixed(decimals) : text(exact);
}

/** True when `value` is a whole multiple of `step`. */
export function isMultiple(value: string, step: string): boolean {
  return amount(value).mod(step).eq(0);
}

/** The multiple of `step` nearest to, at or below (`down`), or at or above (`up`) a positive value. */
export function toStep(value: Amount, step: string, way: 'nearest' | 'down' | 'up'): Amount {
  const rest = value.mod(step);
  if (rest.eq(0)) return value;
  const down = value.minus(rest);
  switch (way) {
    case 'down':
      return down;
    case 'up':
      return down.plus(step);
    case 'nearest':
      return rest.times(2).lt(step) ? down : down.plus(step);
  }
}

/** Rounds to decimals, half away from zero, without trailing zeros; for displayed quotients. */
export function rounded(value: Amount, decimals: number): string {
  return text(value.round(decimals, 1));
}
