/** The balance shape, the account's mode and the key, from documented answers and their empty forms. */
import { describe, expect, test } from 'vitest';
import { balanceShape, parseAccountInfo, parseKeyInfo } from '../../src/exchange/parse-account.ts';
import { VenueError } from '../../src/exchange/port.ts';
import { fixture } from './fixtures.ts';

function answerWith(result: unknown) {
  return { retCode: 0, retMsg: 'OK', result, time: 1 };
}

describe('the balance shape', () => {
  test('carries the raw answer as info', () => {
    const { result } = fixture('wallet-balance');
    expect(balanceShape(answerWith(result)).info).toEqual({ retCode: 0, retMsg: 'OK', result, time: 1 });
  });

  test('gives each coin its wallet balance, and what is left of it', () => {
    const coin = [
      {
        coin: 'USDT',
        walletBalance: '1000.50',
        totalPositionIM: '100.25',
        totalOrderIM: '50',
        locked: '0.25',
        availableToWithdraw: '0',
      },
      { coin: 'BTC', walletBalance: '0.5', totalPositionIM: '', totalOrderIM: '', locked: '' },
    ];
    expect(balanceShape(answerWith({ list: [{ coin }] }))).toMatchObject({
      USDT: { total: '1000.5', free: '850', used: '150.5' },
      BTC: { total: '0.5', free: '0.5', used: '0' },
    });
  });

  test.each([
    undefined,
    null,
    {},
    { list: null },
    { list: [] },
    { list: [null] },
    { list: [{}] },
    { list: [{ coin: {} }] },
    { list: [{ coin: [null, 7, {}, { coin: '' }, { coin: 'USDT' }, { coin: 'USDT', walletBalance: '' }] }] },
  ])('of %j has no coins, and keeps the answer for whoever explains it', (result) => {
    expect(Object.keys(balanceShape(answerWith(result)))).toEqual(['info']);
  });
});

describe('the account', () => {
  test('is read from the documented answer', () => {
    expect(parseAccountInfo(fixture('account-info').result)).toEqual({
      marginMode: 'REGULAR_MARGIN',
      unifiedMarginStatus: 4,
    });
  });

  test.each([null, {}, { marginMode: 'NEW_MODE', unifiedMarginStatus: 5 }, { marginMode: 'REGULAR_MARGIN' }])(
    'of %j is unavailable, naming the field',
    (result) => {
      expect(() => parseAccountInfo(result)).toThrow(VenueError);
    },
  );
});

describe('the key', () => {
  test('is read from the documented answer: bound addresses, so it does not expire', () => {
    expect(parseKeyInfo(fixture('query-api').result)).toMatchObject({
      readOnly: true,
      permissions: { ContractTrade: ['Order', 'Position'], Options: [] },
      ips: ['18.181.170.164', '13.212.45.47', '13.212.45.48'],
      expiresAt: null,
      unified: true,
    });
  });

  test('without bound addresses expires when the venue says', () => {
    const result = {
      readOnly: 0,
      permissions: { Wallet: null },
      ips: ['*'],
      expiredAt: '2026-12-01T10:00:00Z',
      uta: 1,
    };
    expect(parseKeyInfo(result)).toEqual({
      readOnly: false,
      permissions: { Wallet: [] },
      ips: ['*'],
      expiresAt: '2026-12-01T10:00:00.000Z',
      unified: true,
    });
  });

  test.each([{ readOnly: 0 }, { readOnly: '1', permissions: null, ips: null, expiredAt: 'soon' }])(
    'of %j is readable',
    (result) => {
      expect(parseKeyInfo(result)).toMatchObject({
        permissions: {},
        ips: [],
        expiresAt: null,
        unified: false,
      });
    },
  );

  test('that does not say whether it may write is unavailable', () => {
    expect(() => parseKeyInfo({ permissions: {} })).toThrow(/readOnly/);
  });
});
