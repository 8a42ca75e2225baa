/** Builds the session report of DESIGN §7 from what a session found out; the same facts always give the same report. */
import { cents, dec, percentOf } from './decimal.ts';
import type { LedgerLimits } from './ledger-input.ts';
import { dashboardOf, limitsOf, modeOf } from './ledger-view.ts';
import { newLedger } from './ledger-state.ts';
import { criteriaOf, smallPositionCriteria, statusOf } from './report-criteria.ts';
import type { CriteriaFacts, LegFacts } from './report-criteria.ts';
import type { Dashboard, NotCovered, RiskLevel, SessionReport } from './report.ts';

export interface SessionFacts extends CriteriaFacts {
  readonly account: string;
  /** `paper`, `bybit-demo`, `bybit-testnet` or `bybit-mainnet`. */
  readonly venue: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Of the ledger; `null` where it did not answer. */
  readonly dashboard: Dashboard | null;
  readonly limits: SessionReport['limits'] | null;
  /** Positions closed since this session began. */
  readonly closedPositions: number;
  readonly notCovered: readonly NotCovered[];
  readonly cleared: SessionReport['cleared'];
  readonly timingsMs: SessionReport['timingsMs'];
}

/** What a session reports while its ledger does not answer: zeros, with the policy's limits. */
function withoutLedger(
  account: string,
  venue: string,
  policy: LedgerLimits,
): { readonly dashboard: Dashboard; readonly limits: SessionReport['limits'] } {
  const { maxAllocationPct, minNotionalUsd, maxPositions } = policy;
  const book = newLedger({ account, venue, limits: { maxAllocationPct, minNotionalUsd, maxPositions } }, 0);
  return { dashboard: dashboardOf(book, 0), limits: limitsOf(book, 0) };
}

/** The report; `policy` gives the limits where the ledger gave none. */
export function buildReport(facts: SessionFacts, policy: LedgerLimits): SessionReport {
  const criteria = [...criteriaOf(facts), ...smallPositionCriteria(facts.legs, policy.minNotionalUsd)];
  const status = statusOf(criteria);
  const absent = withoutLedger(facts.account, facts.venue, policy);
  const dashboard = facts.dashboard ?? absent.dashboard;
  const mode = modeOf(facts.venue);
  const open = facts.legs.length;
  const limits = facts.limits ?? absent.limits;
  const trailing = facts.legs.filter((leg) => isProtected(leg) && leg.report.stopKind === 'trailing').length;
  return {
    status,
    criteria,
    account: facts.account,
    venue: facts.venue,
    mode,
    dryRun: facts.dryRun,
    startedAt: facts.startedAt,
    balance: facts.balance ?? NOT_ASKED,
    dashboard: { ...dashboard, mode },
    protection: {
      total: open,
      newlyProtected: facts.legs.filter(({ outcome }) => outcome === 'newly' || outcome === 'planned').length,
      alreadyProtected: facts.legs.filter(({ outcome }) => outcome === 'already').length,
      trailingActive: trailing,
      failures: facts.legs.filter(({ outcome }) => outcome === 'failed').length,
    },
    summary: summaryOfLegs(facts),
    positions: facts.legs.map((leg) => leg.report),
    notCovered: facts.notCovered,
    balanceManager: {
      totalBalance: dashboard.totalBalance,
      allocatedMargin: dashboard.allocatedMargin,
      availableBalance: dashboard.availableBalance,
      sessionPnl: dashboard.sessionPnl,
      operationsCount: dashboard.operations.total,
      mode,
    },
    positionManager: {
      openPositions: open,
      closedPositions: facts.closedPositions,
      sessionBalance: sessionBalance(dashboard),
      trailingActive: trailing,
    },
    system: systemOf(facts, status !== 'FAILED'),
    limits: { ...limits, positions: open, slotsLeft: Math.max(0, limits.maxPositions - open) },
    cleared: facts.cleared,
    timingsMs: facts.timingsMs,
  };
}

const NOT_ASKED = {
  error: {
    type: 'VenueUnavailable',
    code: null,
    message: 'the balance was not read',
    hint: 'run the session again',
  },
} as const;

/** In a dry run a leg counts as protected when a stop rests now: nothing else does yet. */
function isProtected(leg: LegFacts): boolean {
  switch (leg.outcome) {
    case 'newly':
    case 'already':
      return true;
    case 'planned':
      return leg.report.previousStop !== null;
    case 'failed':
      return false;
  }
}

function summaryOfLegs(facts: SessionFacts): SessionReport['summary'] {
  const total = facts.legs.length;
  const safe = facts.legs.filter(isProtected);
  const trailing = safe.filter((leg) => leg.report.stopKind === 'trailing').length;
  const human = safe.filter((leg) => leg.report.stopKind === 'human').length;
  const fixed = safe.length - trailing - human;
  const unprotected = total - safe.length;
  return {
    protected: safe.length,
    protectedPct: share(safe.length, total),
    trailing,
    trailingPct: share(trailing, total),
    fixed,
    fixedPct: share(fixed, total),
    human,
    humanPct: share(human, total),
    unprotected,
    unprotectedPct: share(unprotected, total),
    riskLevel: riskLevel(facts),
  };
}

/** CRITICAL: something known to be unprotected; DEGRADED: something that cannot be seen at the moment; else SECURE. */
function riskLevel(facts: SessionFacts): RiskLevel {
  const doubtful = facts.legs.filter((leg) => !isProtected(leg));
  if (doubtful.some((leg) => !CANNOT_BE_SEEN.has(leg.report.state))) return 'CRITICAL';
  return doubtful.length > 0 || facts.positionsProblem !== null ? 'DEGRADED' : 'SECURE';
}

/** A row that cannot be parsed (`UNREADABLE`) is not among them: it is UNPROTECTED with its reason (I7). */
const CANNOT_BE_SEEN: ReadonlySet<string> = new Set(['BLIND', 'UNCERTAIN', 'CONFIRMING']);

function systemOf(facts: SessionFacts, notFailed: boolean): SessionReport['system'] {
  const protectedAll = facts.positionsProblem === null && facts.legs.every(isProtected);
  const guardsRun = facts.legs.every((leg) => leg.guard !== 'failed');
  const mayWrite = facts.key !== null && !facts.key.readOnly && facts.key.hasPositionPermission;
  return {
    managersReady: facts.dashboard !== null && guardsRun,
    exchangeConnected: facts.positionsProblem === null,
    balanceSynced: facts.ledgerSynced === true,
    positionsProtected: protectedAll,
    monitorActive: facts.watcherRunning === true,
    readyForTrading: notFailed && mayWrite && protectedAll,
  };
}

/** Balance at the start of the session: what it is now without what the session made of it. */
function sessionBalance(dashboard: Dashboard): string {
  return cents(dec(dashboard.totalBalance).minus(dec(dashboard.sessionPnl)));
}

function share(count: number, total: number): string {
  return percentOf(String(count), String(total));
}
