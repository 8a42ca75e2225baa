/** What people and the session report see of the ledger: dashboard, limits, balance, and the page in the UI. */
import { cents, dec, percentOf, plain } from './decimal.ts';
import type { Dec } from './decimal.ts';
import { slotsLeft } from './ledger.ts';
import type { Cleared } from './ledger-answers.ts';
import { expireReservations, externalBasis, figuresOf, isReservation } from './ledger-state.ts';
import type { LedgerEntry, LedgerState } from './ledger-state.ts';
import { balanceFailure } from './balance.ts';
import type { BalanceFailure, BalanceReading, Dashboard, SessionReport } from './report.ts';

export type LimitsView = SessionReport['limits'];

/** Answer of the `summary` query: the dashboard's fields and what explains them. */
export interface LedgerSummary extends Dashboard {
  readonly account: string;
  readonly venue: string | null;
  /** Age of the last good balance, ms; `null` before the first. */
  readonly balanceAgeMs: number | null;
  readonly limits: LimitsView;
  readonly openAllocations: number;
  readonly openReservations: number;
  /** Positions closed since the session began. */
  readonly closedPositions: number;
  /** Anything a reader should know about the figures: failed reads, the basis of `externalMargin`. */
  readonly notes: readonly string[];
}

/** Answer of the `newSession` update: all that a session's report takes from the ledger. */
export interface SessionOpening {
  readonly dashboard: Dashboard;
  readonly limits: LimitsView;
  readonly balance: BalanceReading | BalanceFailure;
  /** True when balance and positions' margin were both read for this session. */
  readonly synced: boolean;
  /** Why it is not synced, apart from the balance's own failure; `null` otherwise. */
  readonly problem: string | null;
  readonly cleared: Cleared;
  /** Positions closed since the session began; absent in answers of older builds. */
  readonly closedPositions?: number;
  /** Time in the venue's wallet call, and in judging its answer, ms. */
  readonly callMs: number;
  readonly parseMs: number;
}

/** DEMO is the paper exchange, LIVE any Bybit environment (DESIGN §6). */
export function modeOf(venue: string | null): 'DEMO' | 'LIVE' {
  return venue === 'paper' ? 'DEMO' : 'LIVE';
}

/** Money is rounded down to the cent, percentages of a zero base are `"0"`. `now` in ms. */
export function dashboardOf(state: LedgerState, now: number): Dashboard {
  const book = expireReservations(state, now);
  const figures = figuresOf(book);
  const pnl = sessionPnl(book);
  const { allocations, reservations, releases, overexposurePrevented } = book.counters;
  return {
    mode: modeOf(book.venue),
    totalBalance: cents(figures.total),
    availableBalance: cents(figures.available),
    allocatedMargin: cents(figures.allocated),
    allocationPct: percentOf(figures.allocated, figures.total),
    reservedMargin: cents(figures.reserved),
    externalMargin: cents(figures.external),
    sessionPnl: cents(pnl),
    sessionPnlPct: percentOf(pnl, book.baseline ?? '0'),
    operations: { total: allocations + reservations + releases, allocations, releases },
    overexposurePrevented,
    lastSync: book.balance === null ? null : iso(book.balance.readAt),
  };
}

/** The room for new trades; positions beyond the maximum leave 0 slots, never fewer. */
export function limitsOf(state: LedgerState, now: number): LimitsView {
  const book = expireReservations(state, now);
  const figures = figuresOf(book);
  return {
    maxPositions: book.limits.maxPositions,
    positions: book.margins?.legs.length ?? 0,
    slotsLeft: slotsLeft(book),
    maxAllocation: cents(figures.cap),
    allocated: cents(figures.allocated),
    availableForAllocation: cents(figures.headroom),
  };
}

export function summaryOf(state: LedgerState, now: number): LedgerSummary {
  const book = expireReservations(state, now);
  const reservations = book.entries.filter(isReservation).length;
  return {
    ...dashboardOf(book, now),
    account: book.account,
    venue: book.venue,
    balanceAgeMs: book.balance === null ? null : now - book.balance.readAt,
    limits: limitsOf(book, now),
    openAllocations: book.entries.length - reservations,
    openReservations: reservations,
    closedPositions: book.counters.closed,
    notes: notesOf(book),
  };
}

/** What a session is told when it begins; `now` in ms. */
export function sessionOpening(
  state: LedgerState,
  cleared: Cleared,
  timings: { readonly callMs: number; readonly parseMs: number },
  now: number,
): SessionOpening {
  return {
    dashboard: dashboardOf(state, now),
    limits: limitsOf(state, now),
    balance: reportedBalance(state),
    synced: state.balance !== null && state.balanceFailure === null && state.marginsFailure === null,
    problem:
      state.marginsFailure === null
        ? null
        : `the positions' margin could not be read: ${state.marginsFailure.message}`,
    cleared,
    closedPositions: state.counters.closed,
    callMs: timings.callMs,
    parseMs: timings.parseMs,
  };
}

/** The last read as the report shows it: the failure where the latest read failed, whatever was known before. */
export function reportedBalance(state: LedgerState): BalanceReading | BalanceFailure {
  if (state.balanceFailure !== null) return balanceFailure(state.balanceFailure);
  if (state.balance === null) {
    return {
      error: {
        type: 'VenueUnavailable',
        code: 'balance-not-available',
        message: 'balance not available: it has not been read yet',
        hint: 'signal syncBalance to the ledger, or look at its pending activity in the UI',
      },
    };
  }
  const { totalInitialMargin: _inUse, readAt, ...reading } = state.balance;
  return { ...reading, readAt: iso(readAt) };
}

/** The ledger's page in the Temporal UI, markdown; at most the 20 newest entries. `now` in ms. */
export function ledgerDetails(state: LedgerState, now: number): string {
  const summary = summaryOf(state, now);
  const book = expireReservations(state, now);
  const lines = [
    `### ${summary.mode} balance of ${summary.account}${summary.venue === null ? '' : ` on ${summary.venue}`}`,
    '',
    '| | USD |',
    '| --- | ---: |',
    `| total | ${summary.totalBalance} |`,
    `| available | ${summary.availableBalance} |`,
    `| allocated (${summary.allocationPct} %) | ${summary.allocatedMargin} |`,
    `| reserved | ${summary.reservedMargin} |`,
    `| external | ${summary.externalMargin} |`,
    `| session P&L (${summary.sessionPnlPct} %) | ${summary.sessionPnl} |`,
    '',
    `Last sync: ${summary.lastSync ?? 'never'}. Operations: ${summary.operations.total}; over-exposures prevented: ${summary.overexposurePrevented}.`,
    ...summary.notes.map((note) => `\n> ${note}`),
  ];
  const newest = book.entries.slice(-20).toReversed();
  if (newest.length === 0) return lines.join('\n');
  lines.push('', '| id | symbol | USD | since | |', '| --- | --- | ---: | --- | --- |');
  return [...lines, ...newest.map(entryRow)].join('\n');
}

function entryRow(entry: LedgerEntry): string {
  const until = entry.expiresAt === undefined ? '' : `until ${iso(entry.expiresAt)} `;
  const text = (entry.text ?? '').replaceAll('|', '/').replaceAll('\n', ' ');
  return `| ${entry.id} | ${entry.symbol} | ${plain(entry.amount)} | ${iso(entry.at)} | ${until}${text} |`;
}

function notesOf(state: LedgerState): string[] {
  const notes: string[] = [];
  if (state.balanceFailure !== null) {
    const { message, hint, at } = state.balanceFailure;
    notes.push(`balance could not be read at ${iso(at)}: ${message} (${hint})`);
  }
  if (state.marginsFailure !== null) {
    const { message, at } = state.marginsFailure;
    notes.push(`positions' margin could not be read at ${iso(at)}: ${message}`);
  }
  if (externalBasis(state) === 'account') {
    notes.push(
      "external margin is the account's total initial margin beyond all allocations (portfolio margin)",
    );
  } else if ((state.margins?.unknown ?? 0) > 0) {
    notes.push(`external margin lacks ${state.margins?.unknown} positions without a margin figure`);
  }
  return notes;
}

function sessionPnl(state: LedgerState): Dec {
  if (state.balance === null || state.baseline === null) return dec('0');
  return dec(state.balance.total).minus(dec(state.baseline));
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
