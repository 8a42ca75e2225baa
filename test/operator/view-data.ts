/** Fixed data for the views: an account with a trailing, a fixed and a human's stop, at the numbers of DESIGN §3. */
import type { Board, BoardLeg, GuardStatus } from '../../src/domain/board.ts';
import type { Dashboard, PositionReport, SessionReport } from '../../src/domain/report.ts';
import type { SystemView } from '../../src/operator/system-view.ts';

export const NOW_MS = Date.parse('2025-01-02T12:00:20.000Z');

export const BTC: PositionReport = {
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
  trigger: '43923.46',
  bestPrice: '44000',
  liqPrice: '39300.5',
  provenAt: '2025-01-02T12:00:03.120Z',
  pnlAtStopUsd: '1.85',
  pnlAtStopPct: '4.27',
  atRiskUsd: '0.00',
  state: 'PROTECTED',
  warnings: [],
  guard: 'guard:main:BTCUSDT',
  episode: 'BTCUSDT:0:1',
};

export const ETH: PositionReport = {
  ...BTC,
  symbol: 'ETHUSDT',
  side: 'short',
  size: '0.5',
  entryPrice: '2600',
  markPrice: '2610',
  leverage: '5',
  pnlUsd: '-5.00',
  pnlPct: '-1.92',
  stop: '2756',
  stopKind: 'fixed',
  rule: 'fixed',
  previousStop: '2800',
  trigger: '2572.46',
  bestPrice: null,
  liqPrice: '3080',
  provenAt: '2025-01-02T12:00:03.480Z',
  pnlAtStopUsd: '-78.00',
  pnlAtStopPct: '-30',
  atRiskUsd: '78.00',
  guard: 'guard:main:ETHUSDT',
};

export const SOL: PositionReport = {
  ...BTC,
  symbol: 'SOLUSDT',
  size: '20',
  entryPrice: '150',
  markPrice: '151',
  pnlUsd: '20.00',
  pnlPct: '6.67',
  stop: '149',
  stopKind: 'human',
  rule: 'kept',
  previousStop: '149',
  trigger: '151.59',
  bestPrice: null,
  liqPrice: '136.2',
  provenAt: '2025-01-02T12:00:02.900Z',
  pnlAtStopUsd: '-20.00',
  pnlAtStopPct: '-6.67',
  atRiskUsd: '20.00',
  guard: 'guard:main:SOLUSDT',
};

/** A leg without a stop: the venue refused three attempts. */
export const DOGE: PositionReport = {
  ...BTC,
  symbol: 'DOGEUSDT',
  size: '5000',
  entryPrice: '0.08412',
  markPrice: '0.08391',
  pnlUsd: '-1.05',
  pnlPct: '-2.5',
  stop: null,
  stopKind: null,
  rule: null,
  previousStop: null,
  trigger: '0.08501',
  bestPrice: null,
  liqPrice: '0.0762',
  provenAt: null,
  pnlAtStopUsd: null,
  pnlAtStopPct: null,
  atRiskUsd: null,
  state: 'UNPROTECTED',
  warnings: ['the venue refused the stop 3 times: 10016 server error; check the symbol at the venue by hand'],
  guard: 'guard:main:DOGEUSDT',
};

export const DASHBOARD: Dashboard = {
  mode: 'DEMO',
  totalBalance: '1000.00',
  availableBalance: '396.54',
  allocatedMargin: '0.00',
  allocationPct: '0',
  reservedMargin: '0.00',
  externalMargin: '603.46',
  sessionPnl: '0.00',
  sessionPnlPct: '0',
  operations: { total: 0, allocations: 0, releases: 0 },
  overexposurePrevented: 0,
  lastSync: '2025-01-02T12:00:01.050Z',
};

const HEALTHY: SessionReport = {
  status: 'SUCCESS',
  criteria: [
    { id: 'balance', level: 'ok', message: 'balance read: 1000.00 USDT' },
    { id: 'protection', level: 'ok', message: 'all 3 positions proven protected' },
    { id: 'guards', level: 'ok', message: '3 guards and the watcher are running' },
    { id: 'ledger', level: 'ok', message: 'ledger synced' },
  ],
  account: 'main',
  venue: 'paper',
  mode: 'DEMO',
  dryRun: false,
  startedAt: '2025-01-02T12:00:00.500Z',
  balance: {
    total: '1000.00',
    previousTotal: null,
    equity: '1020.37',
    accountType: 'UNIFIED',
    marginMode: 'REGULAR_MARGIN',
    source: 'info.result.list[0].totalWalletBalance',
    fallback: false,
    tried: [{ path: 'info.result.list[0].totalWalletBalance', outcome: '1000' }],
    readAt: '2025-01-02T12:00:01.050Z',
  },
  dashboard: DASHBOARD,
  protection: { total: 3, newlyProtected: 2, alreadyProtected: 1, trailingActive: 1, failures: 0 },
  summary: {
    protected: 3,
    protectedPct: '100',
    trailing: 1,
    trailingPct: '33.33',
    fixed: 1,
    fixedPct: '33.33',
    human: 1,
    humanPct: '33.33',
    unprotected: 0,
    unprotectedPct: '0',
    riskLevel: 'SECURE',
  },
  positions: [BTC, ETH, SOL],
  notCovered: [],
  balanceManager: {
    totalBalance: '1000.00',
    allocatedMargin: '0.00',
    availableBalance: '396.54',
    sessionPnl: '0.00',
    operationsCount: 0,
    mode: 'DEMO',
  },
  positionManager: { openPositions: 3, closedPositions: 0, sessionBalance: '1000.00', trailingActive: 1 },
  system: {
    managersReady: true,
    exchangeConnected: true,
    balanceSynced: true,
    positionsProtected: true,
    monitorActive: true,
    readyForTrading: true,
  },
  limits: {
    maxPositions: 20,
    positions: 3,
    slotsLeft: 17,
    maxAllocation: '800.00',
    allocated: '0.00',
    availableForAllocation: '800.00',
  },
  cleared: { open: 0, closed: 0 },
  timingsMs: {
    preflight: 41,
    balanceCall: 18,
    balanceParse: 1,
    positions: 22,
    protection: 130,
    slowestPosition: 96,
    guards: 88,
    ledger: 60,
    total: 410,
  },
};

export function report(over: Partial<SessionReport> = {}): SessionReport {
  return { ...HEALTHY, ...over };
}

/** A session in which one leg stayed without a stop. */
export function failedReport(): SessionReport {
  return report({
    status: 'FAILED',
    criteria: [
      { id: 'balance', level: 'warning', message: 'balance from the fallback source USDT.total' },
      { id: 'protection', level: 'failure', message: '1 of 4 positions has no proven stop: DOGEUSDT' },
    ],
    balance: { ...HEALTHY.balance, source: 'USDT.total', fallback: true } as SessionReport['balance'],
    positions: [BTC, ETH, SOL, DOGE],
    protection: { total: 4, newlyProtected: 2, alreadyProtected: 1, trailingActive: 1, failures: 1 },
    summary: {
      ...HEALTHY.summary,
      unprotected: 1,
      unprotectedPct: '25',
      protectedPct: '75',
      riskLevel: 'CRITICAL',
    },
    notCovered: [
      { category: 'inverse', symbol: 'BTCUSD', size: '100', reason: 'inverse contracts are not guarded' },
    ],
    system: { ...HEALTHY.system, positionsProtected: false, readyForTrading: false },
  });
}

/** An account without positions. */
export function emptyReport(): SessionReport {
  const none = { protected: 0, trailing: 0, fixed: 0, human: 0, unprotected: 0 };
  const zero = { protectedPct: '0', trailingPct: '0', fixedPct: '0', humanPct: '0', unprotectedPct: '0' };
  return report({
    criteria: [{ id: 'protection', level: 'ok', message: 'no open positions, starting fresh' }],
    positions: [],
    protection: { total: 0, newlyProtected: 0, alreadyProtected: 0, trailingActive: 0, failures: 0 },
    summary: { ...none, ...zero, riskLevel: 'SECURE' },
  });
}

export function guardStatus(position: PositionReport, over: Partial<GuardStatus> = {}): GuardStatus {
  return {
    ...position,
    account: 'main',
    checkedAt: '2025-01-02T12:00:13.000Z',
    nextCheckAt: '2025-01-02T12:00:43.000Z',
    unprotectedSince: null,
    unprotectedSeconds: '0.0',
    checks: 4,
    acknowledged: null,
    message: 'the stop is in place',
    ...over,
  };
}

export function boardLeg(position: PositionReport, over: Partial<BoardLeg> = {}): BoardLeg {
  const { symbol, side, size, stop, guard } = position;
  const since = '2025-01-02T12:00:03.000Z';
  return { symbol, positionIdx: 0, side, size, state: 'PROTECTED', stop, guard, note: null, since, ...over };
}

export function systemView(over: Partial<SystemView> = {}, board: Partial<Board> = {}): SystemView {
  return {
    account: 'main',
    askedAt: NOW_MS,
    board: {
      account: 'main',
      roundAt: '2025-01-02T12:00:12.000Z',
      rounds: 2,
      failedRounds: 0,
      legs: [boardLeg(BTC), boardLeg(ETH), boardLeg(SOL)],
      released: [],
      notCovered: [],
      ...board,
    },
    dashboard: DASHBOARD,
    guards: [guardStatus(BTC), guardStatus(ETH), guardStatus(SOL)],
    silent: [],
    ...over,
  };
}

/** One leg without a stop, one whose guard is silent, one that nobody guards, one released, one not covered. */
export function troubledView(): SystemView {
  const unguarded = { ...SOL, symbol: 'ADAUSDT', size: '900', stop: null, guard: null };
  return systemView(
    {
      guards: [
        guardStatus(BTC),
        guardStatus(DOGE, {
          unprotectedSince: '2025-01-02T11:58:00.000Z',
          message: 'writing the stop again',
        }),
      ],
      silent: [{ workflowId: 'guard:main:SOLUSDT', reason: 'query timed out' }],
    },
    {
      legs: [
        boardLeg(BTC),
        boardLeg(SOL),
        boardLeg(DOGE, { state: 'UNPROTECTED' }),
        boardLeg(unguarded, { state: 'UNGUARDED', note: 'its guard is being started' }),
      ],
      released: [
        { symbol: 'ETHUSDT', positionIdx: 0, reason: 'hedged elsewhere', until: '2025-01-02T18:00:00.000Z' },
      ],
      notCovered: [{ category: 'inverse', symbol: 'BTCUSD', size: '100', reason: 'not guarded' }],
    },
  );
}
