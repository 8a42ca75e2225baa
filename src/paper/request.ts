/** A call as the venue's rules see it: parameters by name, refused in the venue's words when they are missing or wrong. */
import { isDecimal } from './decimals.ts';
import { Refusal, type PositionIdx, type TriggerBy } from './records.ts';

export type Parameters = Readonly<Record<string, unknown>>;

/** `params error: …`, the text that the venue gives for most bad parameters. */
export function badParameter(text: string): Refusal {
  return new Refusal(10001, `params error: ${text}`);
}

/** A text parameter; `""` when it is absent, null or empty. */
export function textOf(parameters: Parameters, name: string): string {
  const value = parameters[name];
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw badParameter(`${name} invalid`);
  return value;
}

/** A whole number, also when it is sent as text; `undefined` when absent. */
export function integerOf(parameters: Parameters, name: string): number | undefined {
  const value = parameters[name];
  if (value === undefined || value === null || value === '') return undefined;
  const number = typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw badParameter(`${name} invalid`);
  return number;
}

export function flagOf(parameters: Parameters, name: string): boolean {
  const value = parameters[name];
  if (value === undefined || value === null || value === '') return false;
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  throw badParameter(`${name} invalid`);
}

/** A decimal of zero or more; `""` when absent. A number that is not a string is refused, as the venue does. */
export function decimalOf(parameters: Parameters, name: string): string {
  const value = textOf(parameters, name);
  if (value === '') return '';
  if (!isDecimal(value) || value.startsWith('-')) throw badParameter(`${name} invalid`);
  return value;
}

export function oneOf<T extends string>(parameters: Parameters, name: string, allowed: readonly T[]): T | '' {
  const value = textOf(parameters, name);
  if (value === '') return '';
  const found = allowed.find((entry) => entry === value);
  if (found === undefined) throw badParameter(`${name} invalid`);
  return found;
}

export function triggerByOf(parameters: Parameters, name: string): TriggerBy | '' {
  return oneOf(parameters, name, ['LastPrice', 'MarkPrice', 'IndexPrice']);
}

export function positionIdxOf(parameters: Parameters): PositionIdx | undefined {
  const idx = integerOf(parameters, 'positionIdx');
  if (idx === undefined || idx === 0 || idx === 1 || idx === 2) return idx;
  throw badParameter('positionIdx invalid');
}

/** The category, which only `linear` fits for what concerns orders and positions here. */
export function requireLinear(parameters: Parameters): void {
  const category = textOf(parameters, 'category');
  if (category !== 'linear') throw badParameter('category invalid');
}
