/** Every field of the ledger's messages: what fits, and what is refused by name. */
import { describe, expect, it } from 'vitest';
import {
  MAX_EXPIRY_MS,
  allocateMarginProblems,
  ledgerStartProblems,
  newSessionProblems,
  releaseMarginProblems,
  reserveMarginProblems,
  validateNewTradeProblems,
} from '../../src/domain/ledger-input.ts';

const allocate = { requestId: 'r1', amount: '120', symbol: 'BTCUSDT' };
const reserve = { ...allocate, expiresInMs: 60_000 };
const release = { requestId: 'r2', id: 'a-t8f0-1' };
const trade = { symbol: 'BTCUSDT', notional: '1000', leverage: '10' };
const limits = { maxAllocationPct: 80, minNotionalUsd: 200, maxPositions: 20 };

describe('messages that fit', () => {
  it.each([
    [allocateMarginProblems, allocate],
    [allocateMarginProblems, { ...allocate, reservationId: 'r-t8f0-1', description: 'grid' }],
    [allocateMarginProblems, { ...allocate, amount: '0.000000000000000001', symbol: 'BTCUSDT-26DEC25' }],
    [reserveMarginProblems, reserve],
    [releaseMarginProblems, release],
    [validateNewTradeProblems, trade],
    [validateNewTradeProblems, { ...trade, leverage: 12.5, requestId: 'v1' }],
    [newSessionProblems, { requestId: 's1' }],
    [newSessionProblems, { requestId: 's1', limits }],
    [ledgerStartProblems, undefined],
    [ledgerStartProblems, {}],
    [ledgerStartProblems, { account: 'main', venue: 'paper', limits }],
  ])('%o takes %j', (problems, input) => {
    expect(problems(input)).toEqual([]);
  });
});

describe('refused by the name of the field', () => {
  it.each([
    [allocateMarginProblems, { ...allocate, amount: 120 }, 'amount: must be a decimal string'],
    [allocateMarginProblems, { ...allocate, amount: '-5' }, 'amount: must not be negative'],
    [allocateMarginProblems, { ...allocate, amount: '0' }, 'amount: must be greater than 0'],
    [allocateMarginProblems, { ...allocate, amount: '1e3' }, 'amount: must be a decimal string'],
    [allocateMarginProblems, { ...allocate, amount: 'NaN' }, 'amount: must be a decimal string'],
    [allocateMarginProblems, { ...allocate, amount: '' }, 'amount: must be a decimal string'],
    [allocateMarginProblems, { amount: '1', symbol: 'BTCUSDT' }, 'requestId: is missing'],
    [allocateMarginProblems, { ...allocate, requestId: '' }, 'requestId: must be 1 to 64'],
    [allocateMarginProblems, { ...allocate, requestId: 'x'.repeat(65) }, 'requestId: must be 1 to 64'],
    [allocateMarginProblems, { ...allocate, requestId: 7 }, 'requestId: must be 1 to 64'],
    [allocateMarginProblems, { ...allocate, symbol: 'btcusdt' }, 'symbol: must be a symbol in capitals'],
    [allocateMarginProblems, { ...allocate, symbol: undefined }, 'symbol: is missing'],
    [allocateMarginProblems, { ...allocate, foo: 1 }, 'foo: unknown field'],
    [allocateMarginProblems, { ...allocate, reservationId: null }, 'reservationId: must be'],
    [allocateMarginProblems, { ...allocate, description: 'x'.repeat(201) }, 'description: must be text'],
    [reserveMarginProblems, { ...reserve, expiresInMs: '60000' }, 'expiresInMs: must be a whole number'],
    [reserveMarginProblems, { ...reserve, expiresInMs: 0 }, 'expiresInMs: must be a whole number'],
    [reserveMarginProblems, { ...reserve, expiresInMs: 1.5 }, 'expiresInMs: must be a whole number'],
    [reserveMarginProblems, { ...reserve, expiresInMs: MAX_EXPIRY_MS + 1 }, 'expiresInMs: must be'],
    [releaseMarginProblems, { requestId: 'r' }, 'id: is missing'],
    [releaseMarginProblems, { ...release, amount: '5' }, 'amount: unknown field'],
    [validateNewTradeProblems, { ...trade, leverage: 0 }, 'leverage: must be a number greater than 0'],
    [validateNewTradeProblems, { ...trade, leverage: Number.NaN }, 'leverage: must be'],
    [validateNewTradeProblems, { ...trade, leverage: '1001' }, 'leverage: must be'],
    [validateNewTradeProblems, { ...trade, notional: '-1' }, 'notional: must not be negative'],
    [
      newSessionProblems,
      { requestId: 's', limits: { ...limits, maxAllocationPct: 101 } },
      'limits: maxAllocationPct',
    ],
    [newSessionProblems, { requestId: 's', limits: 'all' }, 'limits: input: must be one object'],
    [ledgerStartProblems, { account: 'Main' }, 'account: must be an account alias'],
    [ledgerStartProblems, { accounts: 'main' }, 'accounts: unknown field'],
    [ledgerStartProblems, { state: 'full' }, 'state: must be left out'],
  ])('%o refuses %j', (problems, input, start) => {
    const found = problems(input);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(start);
  });

  it.each([undefined, null, 'r1', 7, [allocate]])('%j is not an input', (input) => {
    expect(allocateMarginProblems(input)).toHaveLength(1);
    expect(allocateMarginProblems(input)[0]).toContain('requestId, amount, symbol');
  });

  it('all problems are told at once', () => {
    expect(allocateMarginProblems({ amount: '-1', symbol: '', colour: 'red' })).toHaveLength(4);
  });

  it('long values are cut where they are shown', () => {
    const [problem] = allocateMarginProblems({ ...allocate, amount: '9'.repeat(5_000) });
    expect(problem?.length).toBeLessThan(250);
  });
});
