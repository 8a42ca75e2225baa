/** Figures as people read them: signs, units, distances, ages; a dash where a figure is not known. */
import { cents, dec, isDecimalString, isPositive, percentOf, plain } from '../domain/decimal.ts';
import type { Paint } from './terminal.ts';

export const DASH = '-';

export function orDash(value: string | null): string {
  return value ?? DASH;
}

/** `"5.37"` → `"+5.37"`; zero has no sign. */
export function signed(value: string | null): string {
  if (!isDecimalString(value)) return DASH;
  return dec(value).gt(0) ? `+${value}` : value;
}

export function signedPct(value: string | null): string {
  const text = signed(value);
  return text === DASH ? DASH : `${text} %`;
}

/** Green for a gain, red for a loss; `text` shows the sign also without colours. */
export function gainOrLoss(value: string | null, text: string, paint: Paint): string {
  if (!isDecimalString(value)) return text;
  const amount = dec(value);
  if (amount.gt(0)) return paint.green(text);
  return amount.lt(0) ? paint.red(text) : text;
}

/**
 * Way from `from` to `to` as % of `from`, without a sign.
 * Example: from 44000 to 43648 → `"0.8"`; `null` where either is missing.
 */
export function distancePct(from: string | null, to: string | null): string | null {
  if (!isPositive(from) || !isPositive(to)) return null;
  return percentOf(dec(to).minus(from).abs(), from);
}

/**
 * A computed price with no more digits than the prices beside it: `"43923.463275"` beside `"43462.5"` and `"44399.90"` → `"43923.46"`.
 */
export function asFineAs(price: string | null, beside: readonly (string | null)[]): string {
  if (!isDecimalString(price)) return DASH;
  const digits = beside.map((text) => (text?.split('.')[1] ?? '').length);
  return plain(dec(price).toFixed(Math.max(0, ...digits)));
}

/** Money to the cent, rounded down. */
export function money(value: string | null): string {
  return isDecimalString(value) ? cents(value) : DASH;
}

export function pct(value: string | null): string {
  return value === null ? DASH : `${value} %`;
}

/** Time of day in UTC, to the second: `"2025-01-02T12:00:03.120Z"` → `"12:00:03"`. */
export function clock(iso: string | null): string {
  const at = iso === null ? Number.NaN : Date.parse(iso);
  return Number.isNaN(at) ? DASH : new Date(at).toISOString().slice(11, 19);
}

/** Date and time in UTC: `"2025-01-02 12:00:03 UTC"`. */
export function dateAndClock(iso: string): string {
  const at = Date.parse(iso);
  return Number.isNaN(at) ? DASH : `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** Age of a moment at `nowMs`: `"7 s"`, `"4 min"`, `"3 h"`, `"2 d"`. */
export function age(iso: string | null, nowMs: number): string {
  const at = iso === null ? Number.NaN : Date.parse(iso);
  if (Number.isNaN(at)) return DASH;
  const seconds = Math.max(0, Math.round((nowMs - at) / 1_000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

/** `1 position`, `3 positions`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
