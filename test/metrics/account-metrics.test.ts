/** What a scrape shows of whole accounts, and that it shows no state of the past as the present. */
import { Registry } from 'prom-client';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Board, BoardLeg } from '../../src/domain/board.ts';
import { AccountMetrics } from '../../src/metrics/account-metrics.ts';
import { valueIn } from '../support/scrape.ts';

const T0 = Date.parse('2026-11-22T12:00:00.000Z');
const MAIN = { account: 'main' };

let now: number;
let registry: Registry;
let accounts: AccountMetrics;

beforeEach(() => {
  now = T0;
  registry = new Registry();
  const fact = { account: 'main', venue: 'paper', mode: 'DEMO', discoverEveryMs: 10_000 };
  accounts = new AccountMetrics(registry, [fact], () => now);
});

function aLeg(change: Partial<BoardLeg> = {}): BoardLeg {
  return {
    symbol: 'BTCUSDT',
    positionIdx: 0,
    side: 'long',
    size: '1',
    state: 'PROTECTED',
    stop: '94',
    guard: 'guard:main:BTCUSDT',
    note: null,
    since: new Date(T0).toISOString(),
    ...change,
  };
}

function aBoard(legs: readonly BoardLeg[]): Board {
  const roundAt = new Date(now).toISOString();
  const notCovered = [{ category: 'linear', symbol: 'DOGEUSDT', size: '9', reason: 'ignored by policy' }];
  return { account: 'main', roundAt, rounds: 1, failedRounds: 0, legs, released: [], notCovered };
}

const shown = async (name: string, labels: Readonly<Record<string, string>> = MAIN) =>
  valueIn(await registry.metrics(), name, labels);
const inState = (state: string) => shown('stopkeeper_account_positions', { ...MAIN, state });

describe('positions of the account', () => {
  it('count by the state that the round saw, released and ignored ones apart', async () => {
    const legs = [aLeg(), aLeg({ state: 'RELEASED' }), aLeg({ state: 'UNREADABLE' }), aLeg()];
    accounts.boardRead('main', aBoard(legs));
    expect([await inState('PROTECTED'), await inState('RELEASED'), await inState('UNREADABLE')]).toEqual([
      2, 1, 1,
    ]);
    expect([await inState('UNPROTECTED'), await inState('IGNORED')]).toEqual([0, 1]);
  });

  it('without a stop say for how long, the longest', async () => {
    const since = (ms: number) => new Date(T0 - ms).toISOString();
    const bare = (ms: number) => aLeg({ state: 'UNPROTECTED', stop: null, since: since(ms) });
    accounts.boardRead('main', aBoard([bare(4_000), bare(9_000), aLeg({ since: since(60_000) })]));
    now += 1_000;
    expect(await shown('stopkeeper_account_unprotected_max_seconds')).toBe(10);
  });

  it('are unknown before the first round and once the last is a minute old; when it was stays', async () => {
    expect(await inState('PROTECTED')).toBeUndefined();
    accounts.boardRead('main', aBoard([aLeg()]));
    now += 60_000;
    expect(await inState('PROTECTED')).toBe(1);
    now += 1;
    expect(await inState('PROTECTED')).toBeUndefined();
    expect(await shown('stopkeeper_account_unprotected_max_seconds')).toBeUndefined();
    expect(await shown('stopkeeper_account_round_timestamp_seconds')).toBe(T0 / 1_000);
  });
});

describe('balance and key', () => {
  it('are absent until they are known, and the key counts down', async () => {
    expect(await shown('stopkeeper_balance_read_timestamp_seconds')).toBeUndefined();
    expect(await shown('stopkeeper_api_key_expiry_days')).toBeUndefined();
    accounts.balanceRead('main', T0);
    accounts.keyRead('main', new Date(T0 + 86_400_000).toISOString());
    now += 2 * 86_400_000;
    expect(await shown('stopkeeper_balance_read_timestamp_seconds')).toBe(T0 / 1_000);
    expect(await shown('stopkeeper_api_key_expiry_days')).toBe(-1);
    accounts.keyRead('main', null);
    expect(await shown('stopkeeper_api_key_expiry_days')).toBeUndefined();
  });
});
