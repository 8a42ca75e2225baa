/** What the doctor says of a venue and of Temporal; one check that fails hides none of the others. */
import { describe, expect, test } from 'vitest';
import type { Criterion } from '../../src/domain/report.ts';
import { VenueError, type AccountSnapshot, type VenuePort } from '../../src/exchange/port.ts';
import type { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../../src/domain/names.ts';
import { checkTemporal, checkVenue } from '../../src/operator/doctor-checks.ts';

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

test('what is no trouble is said too: days until the key expires, and that no address is bound to it', async () => {
  const free = { expiresAt: '2025-03-02T12:00:00.000Z', ips: ['*'] };
  const keyInfo = async () => ({ ...(await GOOD.keyInfo?.()), ...free }) as never;
  const notes = (await examine({ keyInfo })).filter(({ level }) => level === 'ok');
  expect(notes.map(({ message }) => message)).toEqual(
    expect.arrayContaining([
      'the API key expires in 59 days',
      'the API key is not bound to an IP address',
      'the clock is 12 ms off',
    ]),
  );
});

describe('Temporal', () => {
  const TYPES = { KEYWORD: 2, BOOL: 5, DATETIME: 6 };
  const REGISTERED = Object.fromEntries(
    Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => [name, TYPES[type]]),
  );
  const denied = Object.assign(new Error('7 PERMISSION_DENIED: no'), {
    code: 7,
    details: 'no',
    metadata: {},
  });

  interface Answers {
    readonly days?: number;
    readonly attributes?: Readonly<Record<string, number>>;
    readonly denies?: boolean;
    readonly polls?: boolean;
  }

  function look({ days = 14, attributes = REGISTERED, denies = false, polls = true }: Answers) {
    const answer = async <T>(value: T): Promise<T> => {
      if (denies) throw denied;
      return value;
    };
    const config = { workflowExecutionRetentionTtl: { seconds: days * 86_400 } };
    const connection = {
      workflowService: {
        getSystemInfo: async () => ({ serverVersion: '1.29.1' }),
        describeNamespace: () => answer({ config }),
      },
      operatorService: { listSearchAttributes: () => answer({ customAttributes: attributes }) },
    };
    // The checks use only the calls that are there.
    return checkTemporal(connection as unknown as Connection, 'desk', polls);
  }

  test('that has all it needs is told point by point', async () => {
    expect(await look({})).toEqual([
      { id: 'temporal', level: 'ok', message: 'the server answers, version 1.29.1' },
      { id: 'retention', level: 'ok', message: 'namespace desk keeps closed histories for 14 days' },
      { id: 'search-attributes', level: 'ok', message: 'search attributes are registered' },
      { id: 'worker', level: 'ok', message: 'a worker polls' },
    ]);
  });

  test.each([
    ['a retention of a day', { days: 1 }, 'keeps closed histories for 1 day; 14 are advised'],
    ['missing search attributes', { attributes: {} }, 'missing: ProtectionState, SessionStatus'],
    [
      'a search attribute of another type',
      { attributes: { ...REGISTERED, TrailingActive: 2 } },
      'TrailingActive is not BOOL',
    ],
    ['a key that may not look', { denies: true }, 'cannot be listed: 7 PERMISSION_DENIED: no'],
    [
      'a key that may not look at the namespace',
      { denies: true },
      'retention of namespace desk cannot be read',
    ],
  ])('with %s is a warning', async (_what, answers, words) => {
    const warnings = (await look(answers)).filter(({ level }) => level === 'warning');
    expect(warnings.map(({ message }) => message).join('\n')).toContain(words);
  });

  test('without a worker is a failure', async () => {
    expect(await look({ polls: false })).toContainEqual({
      id: 'worker',
      level: 'failure',
      message: 'no worker polls: nothing is guarded; start one with "npm start"',
    });
  });
});
