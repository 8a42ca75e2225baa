/** What the doctor says of a venue: key, clock, balance, positions; one check that fails hides none of the others. */
import { describe, expect, test } from 'vitest';
import type { Criterion } from '../../src/domain/report.ts';
import { VenueError, type AccountSnapshot, type VenuePort } from '../../src/exchange/port.ts';
import { checkVenue } from '../../src/operator/doctor-checks.ts';

const NOW_MS = Date.parse('2025-01-02T12:00:00.000Z');

const SNAPSHOT: AccountSnapshot = {
  seq: 1,
  startedAt: NOW_MS,
  endedAt: NOW_MS,
  venueTime: NOW_MS,
  clockOffsetMs: 0,
  marginMode: 'REGULAR_MARGIN',
  positions: [],
  unreadable: [],
  requests: 2,
};

const GOOD: Partial<VenuePort> = {
  clock: () => Promise.resolve({ offsetMs: 12, roundTripMs: 30 }),
  keyInfo: () =>
    Promise.resolve({
      readOnly: false,
      permissions: { ContractTrade: ['Order', 'Position'] },
      ips: ['192.0.2.1'],
      expiresAt: null,
      unified: true,
    }),
  accountInfo: () => Promise.resolve({ marginMode: 'REGULAR_MARGIN', unifiedMarginStatus: 5 }),
  wallet: () => Promise.resolve({ info: {}, USDT: { total: '12.5' } }),
  snapshot: () => Promise.resolve(SNAPSHOT),
  notCovered: () => Promise.resolve([]),
};

function examine(over: Partial<VenuePort> = {}): Promise<readonly Criterion[]> {
  // The checks use only the calls that are there.
  return checkVenue({ ...GOOD, ...over } as VenuePort, () => NOW_MS);
}

const refused = (message: string, code: string) => () =>
  Promise.reject(new VenueError({ type: 'VenueAuth', code, message, hint: 'Make a new key.' }));

test('a good key on a good venue has no failure', async () => {
  const criteria = await examine();
  expect(criteria.filter(({ level }) => level === 'failure')).toEqual([]);
  expect(criteria.map(({ message }) => message)).toContain('the API key may set stops');
});

test('a key that expired is named by every call that it fails, each with the hint', async () => {
  const call = refused('API key has expired', '33004');
  const criteria = await examine({ keyInfo: call, wallet: call, snapshot: call });
  expect(criteria.filter(({ level }) => level === 'failure').map(({ message }) => message)).toEqual([
    'key: API key has expired (VenueAuth, code 33004). Make a new key.',
    'balance: API key has expired (VenueAuth, code 33004). Make a new key.',
    'positions: API key has expired (VenueAuth, code 33004). Make a new key.',
  ]);
});

describe('what is worth a warning', () => {
  const warnings = async (over: Partial<VenuePort>): Promise<readonly string[]> =>
    (await examine(over)).filter(({ level }) => level === 'warning').map(({ id }) => id);
  const key = (over: object) => async () => ({ ...(await GOOD.keyInfo?.()), ...over }) as never;

  test.each([
    [
      'a clock over half a second off',
      { clock: () => Promise.resolve({ offsetMs: -900, roundTripMs: 1 }) },
      'clock-offset',
    ],
    ['a key close to its end', { keyInfo: key({ expiresAt: '2025-01-05T00:00:00.000Z' }) }, 'key-expiry'],
    [
      'a key that may withdraw',
      { keyInfo: key({ permissions: { ContractTrade: ['Position'], Wallet: ['Withdraw'] } }) },
      'key-may-withdraw',
    ],
    ['a read-only key', { keyInfo: key({ readOnly: true }) }, 'key-may-write'],
    [
      'a position that is not covered',
      {
        notCovered: () =>
          Promise.resolve([{ category: 'inverse', symbol: 'BTCUSD', size: '1', reason: 'inverse' }]),
      },
      'not-covered',
    ],
  ])('%s', async (_what, over, id) => {
    expect(await warnings(over)).toContain(id);
  });
});

test('a row that cannot be read is a failure with its reason', async () => {
  const unreadable = [{ symbol: 'DOGEUSDT', positionIdx: 0 as const, size: '5', reason: 'markPrice is ""' }];
  const criteria = await examine({ snapshot: () => Promise.resolve({ ...SNAPSHOT, unreadable }) });
  expect(criteria).toContainEqual({
    id: 'positions',
    level: 'failure',
    message: 'DOGEUSDT cannot be read: markPrice is ""',
  });
});
