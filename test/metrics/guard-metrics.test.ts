/** What a scrape shows of guards: states that go when a guard does, spells and proofs that age between checks. */
import { Registry } from 'prom-client';
import { beforeEach, describe, expect, it } from 'vitest';
import type { GuardReport } from '../../src/domain/guard-report.ts';
import { GuardMetrics } from '../../src/metrics/guard-metrics.ts';
import { valueIn } from '../support/scrape.ts';

const T0 = 1_800_000_000_000;

let now: number;
let registry: Registry;
let guards: GuardMetrics;

beforeEach(() => {
  now = T0;
  registry = new Registry();
  guards = new GuardMetrics(registry, ['main', 'desk'], () => now);
});

function aReport(override: Partial<GuardReport> = {}): GuardReport {
  return {
    account: 'main',
    state: 'PROTECTED',
    unprotectedSince: null,
    provenAt: T0,
    checkedAt: T0,
    nextCheckAt: T0 + 30_000,
    newUnprotectedMs: 0,
    ...override,
  };
}

const shown = async (name: string, labels: Readonly<Record<string, string>> = { account: 'main' }) =>
  valueIn(await registry.metrics(), name, labels);
const inState = (state: string, account = 'main') => shown('stopkeeper_positions', { account, state });

describe('positions by state', () => {
  it('follow the guards, and go when they end', async () => {
    guards.shown('guard:main:BTCUSDT', aReport());
    guards.shown('guard:main:ETHUSDT', aReport({ state: 'UNPROTECTED', unprotectedSince: T0 }));
    guards.shown('guard:desk:BTCUSDT', aReport({ account: 'desk', state: 'BLIND' }));
    expect([
      await inState('PROTECTED'),
      await inState('UNPROTECTED'),
      await inState('BLIND', 'desk'),
    ]).toEqual([1, 1, 1]);
    guards.shown('guard:main:ETHUSDT', aReport());
    expect([await inState('PROTECTED'), await inState('UNPROTECTED')]).toEqual([2, 0]);
    guards.ended('guard:main:BTCUSDT');
    guards.ended('guard:main:ETHUSDT');
    expect([await inState('PROTECTED'), await inState('BLIND', 'desk')]).toEqual([0, 1]);
  });

  it('are 0 for an account without guards, not absent', async () => {
    expect(await inState('UNPROTECTED', 'desk')).toBe(0);
    expect(await shown('stopkeeper_unprotected_seconds_total', { account: 'desk' })).toBe(0);
  });
});

describe('ages', () => {
  it('grow between checks, the longest of the account counts', async () => {
    guards.shown('guard:main:BTCUSDT', aReport({ provenAt: T0 - 5_000 }));
    guards.shown('guard:main:ETHUSDT', aReport({ state: 'UNPROTECTED', unprotectedSince: T0 - 2_000 }));
    now += 10_000;
    expect(await shown('stopkeeper_unprotected_max_seconds')).toBe(12);
    expect(await shown('stopkeeper_proof_age_max_seconds')).toBe(15);
    expect(await shown('stopkeeper_unprotected_max_seconds', { account: 'desk' })).toBe(0);
  });

  it('are never negative where two clocks differ', async () => {
    guards.shown('guard:main:BTCUSDT', aReport({ provenAt: T0 + 500 }));
    expect(await shown('stopkeeper_proof_age_max_seconds')).toBe(0);
  });

  it('of a check begin when it is due, not while it runs', async () => {
    guards.shown('guard:main:BTCUSDT', aReport());
    now += 29_000;
    expect(await shown('stopkeeper_check_overdue_max_seconds')).toBe(0);
    now += 11_000;
    expect(await shown('stopkeeper_check_overdue_max_seconds')).toBe(10);
    guards.shown('guard:main:BTCUSDT', aReport({ checkedAt: now }));
    expect(await shown('stopkeeper_check_overdue_max_seconds')).toBe(0);
  });
});

describe('a guard that another worker took over', () => {
  it('is named as overdue, and forgotten unless it was checked here meanwhile', async () => {
    guards.shown('guard:main:BTCUSDT', aReport());
    expect(guards.overdue(15_000)).toEqual([]);
    now += 46_000;
    expect(guards.overdue(15_000)).toMatchObject([{ id: 'guard:main:BTCUSDT', checkedAt: T0 }]);
    guards.forget('guard:main:BTCUSDT', T0 - 1);
    expect(await inState('PROTECTED')).toBe(1);
    guards.forget('guard:main:BTCUSDT', T0);
    expect(await inState('PROTECTED')).toBe(0);
  });
});

describe('counters', () => {
  it('add up unprotected time and checks', async () => {
    guards.shown('guard:main:BTCUSDT', aReport({ newUnprotectedMs: 1_500 }));
    guards.shown('guard:main:BTCUSDT', aReport({ newUnprotectedMs: 500 }));
    guards.checked({ account: 'main', seen: 'open', lagMs: 300 });
    guards.checked({ account: 'main', seen: 'unreadable', lagMs: null });
    expect(await shown('stopkeeper_unprotected_seconds_total')).toBe(2);
    expect(await shown('stopkeeper_checks_total', { account: 'main', result: 'open' })).toBe(1);
    expect(await shown('stopkeeper_check_lag_seconds_count')).toBe(1);
    expect(await shown('stopkeeper_check_lag_seconds_sum')).toBeCloseTo(0.3);
  });
});
