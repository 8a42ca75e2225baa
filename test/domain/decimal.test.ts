/** Exact decimals: what counts as a number, rounding to steps, money for people (I8). */
import { describe, expect, it } from 'vitest';
import {
  ceilTo,
  cents,
  dec,
  floorTo,
  isDecimalString,
  isPositive,
  percentOf,
  plain,
} from '../../src/domain/decimal.ts';

describe('decimal strings', () => {
  it.each(['0', '12', '-0.5', '1e-7', '0.10', '1E3', '00.5'])('%s is one', (text) => {
    expect(isDecimalString(text)).toBe(true);
  });

  it.each([
    '',
    ' 1',
    '1 ',
    'NaN',
    'Infinity',
    '.5',
    '5.',
    '1,000',
    '0x10',
    '1e999',
    '--1',
    '1'.repeat(65),
    1,
    null,
    undefined,
    {},
  ])('%j is none, and is refused', (value) => {
    expect(isDecimalString(value)).toBe(false);
    expect(() => dec(value as string)).toThrow(/number|Invalid/);
  });

  it('positive means above 0', () => {
    expect(['0.0000001', '5'].map(isPositive)).toEqual([true, true]);
    expect(['0', '0.000', '-1', '', 'x', null].map(isPositive)).toEqual(Array(6).fill(false));
  });

  it.each([
    ['1.50', '1.5'],
    ['1e-7', '0.0000001'],
    ['-0.0', '0'],
    ['100000000000000000000000', '100000000000000000000000'],
  ])('%s is plainly %s', (text, expected) => {
    expect(plain(text)).toBe(expected);
  });
});

describe('rounding to a step', () => {
  it.each([
    ['1.25', '0.1', '1.2', '1.3'],
    ['1.2', '0.1', '1.2', '1.2'],
    ['-1.25', '0.1', '-1.3', '-1.2'],
    ['0.00000015', '0.0000001', '0.0000001', '0.0000002'],
    ['7', '5', '5', '10'],
  ])('%s by %s is %s down and %s up', (value, step, down, up) => {
    expect(plain(floorTo(dec(value), dec(step)))).toBe(down);
    expect(plain(ceilTo(dec(value), dec(step)))).toBe(up);
  });
});

it.each([
  ['1.999', '1.99'],
  ['-0.001', '-0.01'],
  ['0', '0.00'],
  ['5', '5.00'],
])('%s is %s in cents', (value, text) => {
  expect(cents(value)).toBe(text);
});

it.each([
  ['1', '3', '33.33'],
  ['2', '3', '66.67'],
  ['-1', '8', '-12.5'],
  ['5', '0', '0'],
  ['0', '7', '0'],
])('%s of %s is %s %%', (part, whole, text) => {
  expect(percentOf(part, whole)).toBe(text);
});
