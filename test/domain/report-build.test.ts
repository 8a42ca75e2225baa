/** The session report of DESIGN §7: which facts make which criteria, status, counts and risk level. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/domain/ledger-state.ts';
import { dashboardOf, limitsOf } from '../../src/domain/ledger-view.ts';
import { buildReport } from '../../src/domain/report-build.ts';
import type { SessionFacts } from '../../src/domain/report-build.ts';
import type { LegFacts } from '../../src/domain/report-criteria.ts';
import type { PositionReport, SessionReport } from '../../src/domain/report.ts';
import { T0, book } from '../support/ledger-book.ts';

const AT = '2026-01-05T12:00:00.000Z';
const BALANCE = {
  total: '1000',
  previousTotal: null,
  equity: '1000',
  accountType: 'UNIFIED',
  marginMode: 'REGULAR_MARGIN',
  source: 'info.result.list[0].totalWalletBalance',
  fallback: false,
  tried: [],
  readAt: AT,
} as const;
const EXPIRED = {
  error: { type: 'VenueAuth', code: '33004', message: 'API key has expired', hint: 'make a new key' },
} as const;
const TIMINGS = {
  preflight: 1,
  balanceCall: 2,
  balanceParse: 0,
  positions: 3,
  protection: 4,
  slowestPosition: 4,
  guards: 5,
  ledger: 6,
  total: 20,
} as const;

function position(override: Partial<PositionReport> = {}): PositionReport {
  return {
    symbol: 'BTCUSDT',
    positionIdx: 0,
    side: 'long',
    size: '0.01',
    entryPrice: '43462.5',
    markPrice: '44000',
    leverage: '10',
    pnlUsd: '5.37',
    pnlPct: '12.37',
    stop: '43648',
    stopKind: 'trailing',
    rule: 'trailing',
    previousStop: null,
    takeProfit: null,
    trigger: '43927.84',
    bestPrice: '44000',
    liqPrice: null,
    provenAt: AT,
    pnlAtStopUsd: '1.85',
    pnlAtStopPct: '4.27',
    atRiskUsd: '0.00',
    state: 'PROTECTED',
    warnings: [],
    guard: 'guard:main:BTCUSDT',
    episode: 'e1',
    ...override,
  };
}

function leg(override: Partial<LegFacts> = {}, report: Partial<PositionReport> = {}): LegFacts {
  return {
    report: position(report),
    outcome: 'newly',
    wroteUnchanged: false,
    guard: 'running',
    problems: [],
    ...override,
  };
}

const unproven = (state: string) =>
  leg(
    { outcome: 'failed', problems: ['no stop seen'] },
    { state, provenAt: null, stop: null, stopKind: null },
  );

function report(override: Partial<SessionFacts> = {}): SessionReport {
  const facts: SessionFacts = {
    account: 'main',
    venue: 'paper',
    dryRun: false,
    startedAt: AT,
    balance: BALANCE,
    positionsProblem: null,
    legs: [leg()],
    ledgerSynced: true,
    ledgerProblem: null,
    watcherRunning: true,
    key: {
      readOnly: false,
      hasPositionPermission: true,
      mayWithdraw: false,
      ipBound: true,
      expiresInDays: null,
    },
    clockOffsetMs: 12,
    reducedFunctionality: [],
    policyRefusals: [],
    dashboard: dashboardOf(book(), T0),
    limits: limitsOf(book(), T0),
    closedPositions: 0,
    notCovered: [],
    cleared: { open: 0, closed: 0 },
    timingsMs: TIMINGS,
    ...override,
  };
  return buildReport(facts, DEFAULT_LIMITS);
}

const ids = (built: SessionReport, level: string) =>
  built.criteria.filter((each) => each.level === level).map((each) => each.id);

describe('SUCCESS', () => {
  it('needs nothing but ok criteria, and is then ready for trading', () => {
    const built = report();
    expect(built.status).toBe('SUCCESS');
    expect(ids(built, 'ok')).toEqual([
      'balance-read',
      'positions-protected',
      'guards-running',
      'watcher-running',
      'ledger-synced',
      'key-may-write',
      'clock-offset',
    ]);
    expect(built.system).toEqual({
      managersReady: true,
      exchangeConnected: true,
      balanceSynced: true,
      positionsProtected: true,
      monitorActive: true,
      readyForTrading: true,
    });
    expect(built.limits).toEqual({
      maxPositions: 20,
      positions: 1,
      slotsLeft: 19,
      maxAllocation: '800.00',
      allocated: '0.00',
      availableForAllocation: '800.00',
    });
    expect(built.balanceManager.totalBalance).toBe('1000.00');
    expect(built.positionManager).toEqual({
      openPositions: 1,
      closedPositions: 0,
      sessionBalance: '1000.00',
      trailingActive: 1,
    });
  });

  it('an empty account starts fresh: all percentages "0", SECURE, no number but zero', () => {
    const built = report({ legs: [] });
    expect(built.status).toBe('SUCCESS');
    expect(built.criteria.find((each) => each.id === 'positions-protected')?.message).toBe(
      'no open positions, starting fresh',
    );
    expect(built.protection.total).toBe(0);
    expect(built.summary).toEqual({
      protected: 0,
      protectedPct: '0',
      trailing: 0,
      trailingPct: '0',
      fixed: 0,
      fixedPct: '0',
      human: 0,
      humanPct: '0',
      unprotected: 0,
      unprotectedPct: '0',
      riskLevel: 'SECURE',
    });
    expect(JSON.stringify(built)).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('a proven stop that was there is already protected and no warning', () => {
    const built = report({ legs: [leg({ outcome: 'already' }, { stopKind: 'human' })] });
    expect(built.status).toBe('SUCCESS');
    expect(built.protection).toMatchObject({ newlyProtected: 0, alreadyProtected: 1, failures: 0 });
  });

  it('what was not looked at is absent, never fine', () => {
    const built = report({ key: null, clockOffsetMs: null, watcherRunning: null, ledgerSynced: null });
    expect(built.criteria.map((each) => each.id)).toEqual([
      'balance-read',
      'positions-protected',
      'guards-running',
    ]);
    expect(built.system).toMatchObject({
      monitorActive: false,
      balanceSynced: false,
      readyForTrading: false,
    });
  });
});

describe('WARNING', () => {
  const key = {
    readOnly: false,
    hasPositionPermission: true,
    mayWithdraw: false,
    ipBound: true,
    expiresInDays: null,
  };
  it.each<readonly [string, Partial<SessionFacts>]>([
    ['balance-fallback', { balance: { ...BALANCE, source: 'totalEquity', fallback: true } }],
    ['balance-zero', { balance: { ...BALANCE, total: '0' } }],
    ['write-unchanged', { legs: [leg({ wroteUnchanged: true })] }],
    ['released', { legs: [leg({ outcome: 'already', guard: 'not-expected' }, { state: 'RELEASED' })] }],
    ['reduced-functionality', { reducedFunctionality: ['no candles: middle volatility band'] }],
    ['policy-refused', { policyRefusals: ['BTCUSDT keeps its tighter stop'] }],
    ['key-expiry', { key: { ...key, expiresInDays: 6 } }],
    ['key-may-withdraw', { key: { ...key, mayWithdraw: true } }],
    ['key-may-write', { key: { ...key, readOnly: true } }],
    ['key-may-write', { key: { ...key, hasPositionPermission: false } }],
    ['clock-offset', { clockOffsetMs: -501 }],
    ['clock-offset', { clockOffsetMs: 501 }],
  ])('%s', (id, override) => {
    const built = report(override);
    expect(built.status).toBe('WARNING');
    expect(ids(built, 'warning')).toEqual([id]);
    expect(ids(built, 'failure')).toEqual([]);
  });

  it.each<readonly [string, Partial<SessionFacts>]>([
    ['key-ip', { key: { ...key, ipBound: false } }],
    [
      'not-covered',
      { notCovered: [{ category: 'inverse', symbol: 'BTCUSD', size: '1', reason: 'not linear' }] },
    ],
  ])('%s is a note, not a warning', (id, override) => {
    const built = report(override);
    expect(built.status).toBe('SUCCESS');
    expect(ids(built, 'ok')).toContain(id);
  });

  it.each([
    [7, 500],
    [null, -500],
  ])('a key that expires in %s days and a clock %s ms off are still fine', (expiresInDays, clockOffsetMs) => {
    expect(report({ key: { ...key, expiresInDays }, clockOffsetMs }).status).toBe('SUCCESS');
  });

  it('a key that cannot write is not ready for trading', () => {
    expect(report({ key: { ...key, readOnly: true } }).system.readyForTrading).toBe(false);
  });
});

describe('FAILED', () => {
  it('without a balance, for that one reason, while every position is protected', () => {
    const built = report({ balance: EXPIRED, ledgerSynced: false });
    expect(built.status).toBe('FAILED');
    expect(ids(built, 'failure')).toEqual(['balance-read']);
    expect(built.balance).toEqual(EXPIRED);
    expect(built.system).toMatchObject({
      positionsProtected: true,
      balanceSynced: false,
      readyForTrading: false,
    });
  });

  it('where the ledger did not answer, with zeros and the policy in place of its figures', () => {
    const built = report({
      ledgerSynced: false,
      ledgerProblem: 'no answer within 30 s',
      dashboard: null,
      limits: null,
    });
    expect(ids(built, 'failure')).toEqual(['ledger-synced']);
    expect(built.dashboard).toMatchObject({ totalBalance: '0.00', lastSync: null });
    expect(built.limits).toMatchObject({ maxPositions: 20, positions: 1, slotsLeft: 19 });
    expect(built.system.managersReady).toBe(false);
  });

  it('with a guard that did not start, named with its reason', () => {
    const built = report({ legs: [leg({ guard: 'failed', problems: ['does not answer'] })] });
    expect(ids(built, 'failure')).toEqual(['guards-running']);
    expect(built.criteria.find((each) => each.id === 'guards-running')?.message).toContain(
      'BTCUSDT (does not answer)',
    );
  });

  it('without a watcher', () => {
    expect(ids(report({ watcherRunning: false }), 'failure')).toEqual(['watcher-running']);
  });

  it('with a position without proof, CRITICAL', () => {
    const built = report({ legs: [leg(), unproven('UNPROTECTED')] });
    expect(built.status).toBe('FAILED');
    expect(ids(built, 'failure')).toEqual(['positions-protected']);
    expect(built.summary).toMatchObject({
      protected: 1,
      unprotected: 1,
      unprotectedPct: '50',
      riskLevel: 'CRITICAL',
    });
    expect(built.protection).toMatchObject({ total: 2, newlyProtected: 1, failures: 1, trailingActive: 1 });
  });

  it.each(['BLIND', 'UNCERTAIN', 'CONFIRMING'])('with a %s position is DEGRADED', (state) => {
    expect(report({ legs: [leg(), unproven(state)] }).summary.riskLevel).toBe('DEGRADED');
  });

  it('with a row that cannot be read is CRITICAL', () => {
    expect(report({ legs: [unproven('UNREADABLE')] }).summary.riskLevel).toBe('CRITICAL');
  });

  it('where the list of positions cannot be read never says that there are none', () => {
    const built = report({ legs: [], positionsProblem: 'page 2 timed out' });
    expect(ids(built, 'failure')).toEqual(['positions-read']);
    expect(JSON.stringify(built.criteria)).not.toContain('starting fresh');
    expect(built.summary.riskLevel).toBe('DEGRADED');
    expect(built.system).toMatchObject({ exchangeConnected: false, positionsProtected: false });
  });
});

describe('counts', () => {
  it('new, already and failed make the total; trailing, fixed, human and unprotected do too', () => {
    const legs = [
      leg(),
      leg({}, { stopKind: 'fixed' }),
      leg({ outcome: 'already' }, { stopKind: 'human' }),
      leg({ outcome: 'already' }, { stopKind: 'trailing' }),
      leg({ outcome: 'already' }, { stopKind: 'fixed' }),
      unproven('UNPROTECTED'),
    ];
    const { protection, summary } = report({ legs });
    expect(protection).toEqual({
      total: 6,
      newlyProtected: 2,
      alreadyProtected: 3,
      trailingActive: 2,
      failures: 1,
    });
    expect(summary).toMatchObject({ protected: 5, trailing: 2, fixed: 2, human: 1, unprotected: 1 });
    expect(summary).toMatchObject({ protectedPct: '83.33', humanPct: '16.67' });
  });

  it('more positions than slots leave none, never fewer', () => {
    expect(report({ legs: Array.from({ length: 25 }, () => leg()) }).limits).toMatchObject({
      positions: 25,
      slotsLeft: 0,
    });
  });

  it('positions under the smallest new trade are noted and count as any other', () => {
    // 0.004 × 44000 = 176; 200 itself is enough.
    const small = leg({}, { symbol: 'ETHUSDT', size: '0.004' });
    const just = leg({}, { symbol: 'SOLUSDT', size: '2', markPrice: '100' });
    const built = report({ legs: [leg(), small, just] });
    expect(built.criteria).toContainEqual({
      id: 'below-minimum',
      level: 'ok',
      message: 'under the 200 USD that a new trade needs: ETHUSDT',
    });
    expect(built.status).toBe('SUCCESS');
    expect(ids(report({ legs: [leg()] }), 'ok')).not.toContain('below-minimum');
  });
});

describe('a dry run', () => {
  it('says what a session would do, and what is unprotected now', () => {
    const planned = leg(
      { outcome: 'planned', guard: 'not-expected' },
      { provenAt: null, state: 'UNPROTECTED' },
    );
    const resting = leg({ outcome: 'already', guard: 'not-expected' }, { previousStop: '43000' });
    const built = report({
      dryRun: true,
      legs: [planned, resting],
      ledgerSynced: null,
      watcherRunning: null,
    });
    expect(built.criteria.find((each) => each.id === 'plan')).toMatchObject({
      level: 'ok',
      message: 'nothing was written; a session would set 1 of 2 stops',
    });
    expect(built.protection).toMatchObject({ newlyProtected: 1, alreadyProtected: 1 });
    expect(built.summary).toMatchObject({ protected: 1, unprotected: 1, riskLevel: 'CRITICAL' });
    expect(ids(built, 'ok')).not.toContain('positions-protected');
  });

  it('names what would be refused', () => {
    const refused = leg({ outcome: 'failed', guard: 'not-expected', problems: ['stop rounds to 0'] });
    const built = report({ dryRun: true, legs: [refused] });
    expect(built.status).toBe('FAILED');
    expect(JSON.stringify(built.criteria)).toContain('stop rounds to 0');
  });
});

it('the mode is DEMO on the paper exchange and LIVE on every Bybit environment', () => {
  expect(report().mode).toBe('DEMO');
  for (const venue of ['bybit-demo', 'bybit-testnet', 'bybit-mainnet']) {
    expect(report({ venue })).toMatchObject({ mode: 'LIVE', dashboard: { mode: 'LIVE' } });
  }
});
