/** The balance chain of DESIGN §6: every source, everything that falls through, and the words of its failures. */
import { describe, expect, it } from 'vitest';
import { balanceFailure, balanceProblem, balanceReading, readBalance } from '../../src/domain/balance.ts';

const raw = (account: Record<string, unknown>) => ({ info: { result: { list: [account] } } });

const SOURCES: readonly (readonly [path: string, shape: (value: unknown) => Record<string, unknown>])[] = [
  ['info.result.list[0].totalWalletBalance', (value) => raw({ totalWalletBalance: value })],
  ['info.result.list[0].totalEquity', (value) => raw({ totalEquity: value })],
  ['totalWalletBalance', (totalWalletBalance) => ({ totalWalletBalance })],
  ['totalEquity', (totalEquity) => ({ totalEquity })],
  ['USDT.total', (total) => ({ USDT: { total } })],
  ['usdt.total', (total) => ({ usdt: { total } })],
  ['USDT:USDT.total', (total) => ({ 'USDT:USDT': { total } })],
  ['USDT.free', (free) => ({ USDT: { free } })],
  ['usdt.free', (free) => ({ usdt: { free } })],
  ['USDT:USDT.free', (free) => ({ 'USDT:USDT': { free } })],
  ['USDT.available', (available) => ({ USDT: { available } })],
  ['usdt.available', (available) => ({ usdt: { available } })],
  ['USDT:USDT.available', (available) => ({ 'USDT:USDT': { available } })],
];

const UNUSABLE: readonly (readonly [value: unknown, outcome: string])[] = [
  [undefined, 'missing'],
  [null, 'missing'],
  ['', 'empty'],
  ['abc', 'not a number'],
  ['NaN', 'not a number'],
  [Number.NaN, 'not a number'],
  [Number.POSITIVE_INFINITY, 'not a number'],
  ['Infinity', 'not a number'],
  [' 12', 'not a number'],
  [true, 'not a number'],
  [{ value: '12' }, 'not a number'],
  ['-0.01', 'negative'],
  [-5, 'negative'],
];

describe('each source', () => {
  it.each(SOURCES)('%s is read and named', (path, shape) => {
    const outcome = readBalance(shape('1234.5600'));
    expect(outcome).toMatchObject({ kind: 'read', total: '1234.56', source: path, zero: false });
    expect(outcome).toMatchObject({ fallback: path !== SOURCES[0]?.[0] });
  });

  it.each(SOURCES)('%s as a number, as ccxt gives it, is read by its digits', (_path, shape) => {
    expect(readBalance(shape(1000.25))).toMatchObject({ kind: 'read', total: '1000.25' });
  });

  it.each(SOURCES)('%s with a true zero is a reading of 0', (path, shape) => {
    expect(readBalance(shape('0'))).toMatchObject({ kind: 'read', total: '0', zero: true, source: path });
    expect(readBalance(shape('0.00'))).toMatchObject({ total: '0', zero: true });
  });

  it.each(SOURCES.flatMap(([path, shape]) => UNUSABLE.map(([v, why]) => [path, v, why, shape] as const)))(
    '%s with %j falls through as %s',
    (path, value, why, shape) => {
      const outcome = readBalance(shape(value));
      expect(outcome.kind).toBe('none');
      expect(outcome).toMatchObject({ tried: expect.arrayContaining([{ path, outcome: why }]) as unknown });
    },
  );
});

describe('the order of the sources', () => {
  it.each(SOURCES.slice(0, -1).map((source, i) => [source[0], SOURCES[i + 1]?.[0] ?? ''] as const))(
    '%s comes before %s',
    (first, second) => {
      const both = merged(shapeOf(first)('7'), shapeOf(second)('8'));
      expect(readBalance(both)).toMatchObject({ source: first, total: '7' });
      const firstEmpty = merged(shapeOf(first)(''), shapeOf(second)('8'));
      expect(readBalance(firstEmpty)).toMatchObject({ source: second, total: '8', fallback: true });
    },
  );

  it('lists what was tried up to the one that was used', () => {
    const outcome = readBalance({ ...raw({ totalWalletBalance: '', totalEquity: '-1' }), totalEquity: '5' });
    expect(outcome).toMatchObject({
      tried: [
        { path: 'info.result.list[0].totalWalletBalance', outcome: 'empty' },
        { path: 'info.result.list[0].totalEquity', outcome: 'negative' },
        { path: 'totalWalletBalance', outcome: 'missing' },
        { path: 'totalEquity', outcome: 'used' },
      ],
    });
  });
});

describe('what stands beside the total', () => {
  it('an isolated-margin account has its total and equity, and no margin in use', () => {
    const account = {
      totalWalletBalance: '50',
      totalEquity: '49.5',
      totalInitialMargin: '',
      accountType: 'UNIFIED',
    };
    expect(readBalance(raw(account))).toMatchObject({
      total: '50',
      equity: '49.5',
      accountType: 'UNIFIED',
      totalInitialMargin: null,
    });
  });

  it('a negative equity is told as it is', () => {
    expect(readBalance(raw({ totalWalletBalance: '5', totalEquity: '-3.2' }))).toMatchObject({
      equity: '-3.2',
    });
  });

  it('an unnamed account type is unknown', () => {
    expect(readBalance({ USDT: { total: 5 } })).toMatchObject({ accountType: 'unknown', equity: null });
  });
});

describe('failures', () => {
  it.each([
    [null, 'null'],
    [undefined, 'nothing'],
    ['<html>', 'text (6 characters)'],
    [42, 'a number'],
    [[{ totalEquity: '5' }], 'a list'],
  ])('%j is not an object, and is told as %s', (shape, got) => {
    const outcome = readBalance(shape);
    expect(outcome).toEqual({ kind: 'not-an-object', got });
    expect(balanceProblem(outcome)).toMatchObject({
      type: 'VenueUnavailable',
      code: 'balance-not-an-object',
      message: `the balance answer is not an object, it is ${got}`,
    });
  });

  it('nothing found says what was there', () => {
    const problem = balanceProblem(readBalance({ timestamp: 1, free: {} }));
    expect(problem?.message).toBe(
      'balance not available: none of the known fields is there, the answer has timestamp, free',
    );
    expect(balanceProblem(readBalance({}))?.message).toBe('balance not available: the answer is empty');
  });

  it('unusable fields are named with what is wrong with them', () => {
    const outcome = readBalance(raw({ totalWalletBalance: '', totalEquity: 'x' }));
    const problem = balanceProblem(outcome);
    expect(problem?.message).toBe(
      'balance not available: info.result.list[0].totalWalletBalance is empty, info.result.list[0].totalEquity is not a number',
    );
    if (problem === null) throw new Error('no problem');
    expect(balanceFailure(problem).error).toMatchObject({ code: 'balance-not-available' });
    expect(problem.hint).not.toBe('');
  });

  it('an account without any assets (empty list) falls through to the coins', () => {
    expect(readBalance({ info: { result: { list: [] } }, USDT: { free: '3' } })).toMatchObject({
      source: 'USDT.free',
    });
  });

  it('inherited properties are not fields of the answer', () => {
    expect(readBalance(Object.create({ totalEquity: '5' })).kind).toBe('none');
  });
});

it('a reading takes the form of the session report', () => {
  const outcome = readBalance(raw({ totalWalletBalance: '10', totalEquity: '11', accountType: 'UNIFIED' }));
  if (outcome.kind !== 'read') throw new Error('not read');
  const context = { previousTotal: '9', marginMode: 'REGULAR_MARGIN', readAt: '2026-01-01T00:00:00.000Z' };
  expect(balanceReading(outcome, context)).toEqual({
    total: '10',
    equity: '11',
    accountType: 'UNIFIED',
    source: 'info.result.list[0].totalWalletBalance',
    fallback: false,
    tried: [{ path: 'info.result.list[0].totalWalletBalance', outcome: 'used' }],
    ...context,
  });
});

function shapeOf(path: string): (value: unknown) => Record<string, unknown> {
  const found = SOURCES.find(([name]) => name === path);
  if (found === undefined) throw new Error(`no source ${path}`);
  return found[1];
}

/** Two answers in one; accounts and coins are merged, not replaced. */
function merged(a: Record<string, unknown>, b: Record<string, unknown>): Record<string, unknown> {
  const both: Record<string, unknown> = { ...a };
  for (const [key, value] of Object.entries(b)) both[key] = mergedValue(both[key], value);
  return both;
}

function mergedValue(a: unknown, b: unknown): unknown {
  if (Array.isArray(a) && Array.isArray(b)) return [mergedValue(a[0], b[0])];
  const objects = typeof a === 'object' && a !== null && typeof b === 'object' && b !== null;
  return objects ? merged({ ...a }, { ...b }) : b;
}
