/** The facts of the daily all-clear: a read that shows a stop, and a guard that says it is proven; both, or it is none. */
import type { Client } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { allClearOf } from '../../src/activities/all-clear.ts';
import type { ActivityDeps } from '../../src/activities/deps.ts';
import { DEFAULT_POLICY } from '../../src/domain/policy.ts';
import { FakeVenue } from '../support/fake-port.ts';
import { UNAVAILABLE } from '../support/fake-venue-records.ts';

const NOW = Date.parse('2026-11-22T08:00:05.000Z');
const FRESH = new Date(NOW - 30_000).toISOString();

type Said = { readonly state: string; readonly provenAt: string | null; readonly message: string };
const PROVEN: Said = { state: 'PROTECTED', provenAt: FRESH, message: 'in place' };

/** An account whose guards say what is given; those of no answer do not run. */
function account(guards: Readonly<Record<string, Said>>, ignore: readonly string[] = []) {
  const venue = new FakeVenue({ account: 'main', now: () => NOW });
  // Of a client only what is asked of a guard.
  const client = {
    withDeadline: <T>(_deadline: number, work: () => Promise<T>) => work(),
    workflow: {
      getHandle: (id: string) => ({
        query: async () => {
          const said = guards[id];
          if (said === undefined) throw new Error('workflow not found');
          return said;
        },
      }),
    },
  } as unknown as Client;
  // What this asks of the process, and nothing else.
  const deps = {
    port: () => venue.port,
    policy: () => ({ ...DEFAULT_POLICY, ignore }),
    client,
    allClearAt: 8 * 60,
    now: () => NOW,
  } as unknown as ActivityDeps;
  const ask = (allClearDay: string | null = '2026-11-21', released: readonly string[] = []) => {
    const legs = released.map((symbol) => ({ symbol, positionIdx: 0 as const }));
    const input = { account: 'main', token: null, released: legs, wake: null, allClearDay };
    return allClearOf(deps, input, new Set());
  };
  return { venue, ask };
}

describe('a due all-clear', () => {
  it('counts what a read shows protected and its guard calls proven', async () => {
    const { venue, ask } = account({ 'guard:main:BTCUSDT': PROVEN, 'guard:main:ETHUSDT': PROVEN });
    venue.open({ stopLoss: '94' });
    venue.open({ symbol: 'ETHUSDT', stopLoss: '97' });
    const { allClear } = await ask();
    expect(allClear).toMatchObject({ day: '2026-11-22', facts: { open: 2, proven: 2, missing: [] } });
  });

  it.each([
    ['no stop on the venue', null, PROVEN],
    ['its guard says UNCERTAIN: stop sent', '94', { ...PROVEN, state: 'UNCERTAIN', message: 'stop sent' }],
    ['its last proof is 600 s old', '94', { ...PROVEN, provenAt: new Date(NOW - 600_000).toISOString() }],
    ['its guard does not answer: workflow not found', '94', undefined],
  ])('is none with %s', async (reason, stopLoss, said) => {
    const { venue, ask } = account(said === undefined ? {} : { 'guard:main:BTCUSDT': said });
    venue.open({ stopLoss });
    const { allClear } = await ask();
    expect(allClear?.facts).toMatchObject({ open: 1, proven: 0, missing: [{ reason }] });
  });

  it('leaves released and ignored legs out, by name', async () => {
    const { venue, ask } = account({}, ['DOGEUSDT']);
    venue.open({ symbol: 'SOLUSDT' });
    venue.open({ symbol: 'DOGEUSDT' });
    const { allClear } = await ask('2026-11-21', ['SOLUSDT']);
    expect(allClear?.facts).toMatchObject({
      open: 0,
      missing: [],
      released: ['SOLUSDT'],
      ignored: ['DOGEUSDT'],
    });
  });

  it('waits while the account cannot be read', async () => {
    const { venue, ask } = account({});
    venue.fault({ call: 'snapshot', kind: 'fail', failure: UNAVAILABLE, times: 'always' });
    expect(await ask()).toEqual({});
  });
});

describe('no all-clear', () => {
  it('is due twice on a day', async () => {
    expect(await account({}).ask('2026-11-22')).toEqual({});
  });

  it('is told by a watcher that has only just begun', async () => {
    expect(await account({}).ask(null)).toEqual({ allClear: { day: '2026-11-22', facts: null } });
  });
});
