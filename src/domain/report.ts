/** The session report (DESIGN §7): its shape, an interface, and the criteria that decide its status. */
import type { PositionIdx, Side } from './position.ts';

export type SessionStatus = 'SUCCESS' | 'WARNING' | 'FAILED';
export type RiskLevel = 'SECURE' | 'DEGRADED' | 'CRITICAL';

export interface Criterion {
  readonly id: string;
  readonly level: 'ok' | 'warning' | 'failure';
  readonly message: string;
}

export interface BalanceReading {
  readonly total: string;
  readonly previousTotal: string | null;
  readonly equity: string | null;
  readonly accountType: string;
  readonly marginMode: string | null;
  /** Path of the source that answered. */
  readonly source: string;
  /** True for any source but the first. */
  readonly fallback: boolean;
  readonly tried: readonly { readonly path: string; readonly outcome: string }[];
  readonly readAt: string;
}

export interface BalanceFailure {
  readonly error: {
    readonly type: string;
    readonly code: string | null;
    readonly message: string;
    readonly hint: string;
  };
}

export interface Dashboard {
  readonly mode: 'DEMO' | 'LIVE';
  readonly totalBalance: string;
  readonly availableBalance: string;
  readonly allocatedMargin: string;
  readonly allocationPct: string;
  readonly reservedMargin: string;
  readonly externalMargin: string;
  readonly sessionPnl: string;
  readonly sessionPnlPct: string;
  readonly operations: { readonly total: number; readonly allocations: number; readonly releases: number };
  readonly overexposurePrevented: number;
  /** ISO 8601; `null` before the first successful read. */
  readonly lastSync: string | null;
}

export interface PositionReport {
  readonly symbol: string;
  readonly positionIdx: PositionIdx | null;
  readonly side: Side | null;
  readonly size: string | null;
  readonly entryPrice: string | null;
  readonly markPrice: string | null;
  readonly leverage: string | null;
  readonly pnlUsd: string | null;
  readonly pnlPct: string | null;
  readonly stop: string | null;
  readonly stopKind: 'fixed' | 'trailing' | 'human' | null;
  /** The rule of DESIGN §3 that the stop follows. */
  readonly rule: string | null;
  readonly previousStop: string | null;
  readonly takeProfit: string | null;
  /** Price at which trailing starts. */
  readonly trigger: string | null;
  readonly bestPrice: string | null;
  readonly liqPrice: string | null;
  /** ISO 8601; `null` means not proven. */
  readonly provenAt: string | null;
  readonly pnlAtStopUsd: string | null;
  readonly pnlAtStopPct: string | null;
  readonly atRiskUsd: string | null;
  readonly state: string;
  readonly warnings: readonly string[];
  /** Workflow id of its guard; `null` when none runs. */
  readonly guard: string | null;
  readonly episode: string | null;
}

export interface NotCovered {
  readonly category: string;
  readonly symbol: string;
  readonly size: string;
  readonly reason: string;
}

export interface SessionReport {
  readonly status: SessionStatus;
  readonly criteria: readonly Criterion[];
  readonly account: string;
  readonly venue: string;
  readonly mode: 'DEMO' | 'LIVE';
  readonly dryRun: boolean;
  readonly startedAt: string;
  readonly balance: BalanceReading | BalanceFailure;
  readonly dashboard: Dashboard;
  readonly protection: {
    readonly total: number;
    readonly newlyProtected: number;
    readonly alreadyProtected: number;
    readonly trailingActive: number;
    readonly failures: number;
  };
  readonly summary: {
    readonly protected: number;
    readonly protectedPct: string;
    readonly trailing: number;
    readonly trailingPct: string;
    readonly fixed: number;
    readonly fixedPct: string;
    readonly human: number;
    readonly humanPct: string;
    readonly unprotected: number;
    readonly unprotectedPct: string;
    readonly riskLevel: RiskLevel;
  };
  readonly positions: readonly PositionReport[];
  readonly notCovered: readonly NotCovered[];
  readonly balanceManager: {
    readonly totalBalance: string;
    readonly allocatedMargin: string;
    readonly availableBalance: string;
    readonly sessionPnl: string;
    readonly operationsCount: number;
    readonly mode: 'DEMO' | 'LIVE';
  };
  readonly positionManager: {
    readonly openPositions: number;
    readonly closedPositions: number;
    readonly sessionBalance: string;
    readonly trailingActive: number;
  };
  readonly system: {
    readonly managersReady: boolean;
    readonly exchangeConnected: boolean;
    readonly balanceSynced: boolean;
    readonly positionsProtected: boolean;
    readonly monitorActive: boolean;
    readonly readyForTrading: boolean;
  };
  readonly limits: {
    readonly maxPositions: number;
    readonly positions: number;
    readonly slotsLeft: number;
    readonly maxAllocation: string;
    readonly allocated: string;
    readonly availableForAllocation: string;
  };
  readonly cleared: { readonly open: number; readonly closed: number };
  readonly timingsMs: {
    readonly preflight: number;
    readonly balanceCall: number;
    readonly balanceParse: number;
    readonly positions: number;
    readonly protection: number;
    readonly slowestPosition: number;
    readonly guards: number;
    readonly ledger: number;
    readonly total: number;
  };
}
