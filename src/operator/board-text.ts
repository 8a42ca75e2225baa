/** The live board: dashboard, every position with its stop, and what the stops make together; trouble first and standing out. */
import type { BoardLeg, GuardStatus } from '../domain/board.ts';
import { cents, dec, isDecimalString, percentOf, zero, type Dec } from '../domain/decimal.ts';
import { age, clock, counted, DASH, gainOrLoss, signed } from './figures.ts';
import { cellsOf, isCalm, mostUrgentFirst, type PositionCells } from './position-cells.ts';
import { riskText } from './report-text.ts';
import type { SystemView } from './system-view.ts';
import { firstThatFits, renderFacts, renderTable, section, TIGHT, type Column, type Fact } from './table.ts';
import { wrap, type Paint, type Terminal } from './terminal.ts';

export interface BoardOptions {
  readonly nowMs: number;
  /** Hides the distance to the trigger and the bar. */
  readonly triggers: boolean;
  /** Hides best prices of trailing stops. */
  readonly trailing: boolean;
  /** Why the view could not be read again since it was; `null` while it is fresh. */
  readonly stale: string | null;
}

/** A board older than this says so: three of the watcher's default rounds. */
const STALE_AFTER_MS = 30_000;

interface Row {
  readonly position: GuardStatus | LegOnly;
  readonly status: GuardStatus | null;
  readonly symbol: string;
  readonly positionIdx: number | null;
  readonly state: string;
  readonly note: string | null;
}

/** What is known of a leg whose guard gave no answer. */
type LegOnly = Parameters<typeof cellsOf>[0];

export function renderBoard(view: SystemView, terminal: Terminal, options: BoardOptions): string {
  const rows = rowsOf(view);
  const { paint } = terminal;
  const stale = staleText(view, options);
  return [
    ...wrap(headline(view, rows, terminal, options), terminal.width),
    ...(stale === null ? [] : wrap(stale, terminal.width).map((line) => paint.bold(paint.yellow(line)))),
    '',
    ...section('Balance', renderFacts(dashboardFacts(view, terminal), terminal), terminal),
    ...section('Positions', rowsText(view, rows, terminal, options), terminal),
    ...section('If every stop fires', atStopsText(view, rows, terminal), terminal),
    ...section('Notes', notesText(view, rows, terminal), terminal),
  ].join('\n');
}

/** What makes a board worth printing again where it cannot be redrawn: not prices, but legs, stops and states. */
export function boardSignature(view: SystemView): string {
  const rows = rowsOf(view).map(({ position, state }) =>
    [position.symbol, position.side, position.size, state, position.stop, position.stopKind].join(' '),
  );
  const silent = view.silent.map((item) => item.workflowId).toSorted();
  return JSON.stringify([rows, silent, view.board?.released ?? [], view.board?.notCovered ?? []]);
}

/** Everything answered, the watcher has looked, and every leg is protected. */
export function isQuiet(view: SystemView): boolean {
  if (view.silent.length > 0 || (view.board?.roundAt ?? null) === null) return false;
  return rowsOf(view).every((row) => isCalm(row.state));
}

/** Every leg of the board, with its guard's own view where it answered; closed episodes leave the board with the watcher. */
function rowsOf(view: SystemView): readonly Row[] {
  const byGuard = new Map(view.guards.map((guard) => [guard.guard, guard]));
  const rows = (view.board?.legs ?? []).map((leg): Row => {
    const status = (leg.guard === null ? undefined : byGuard.get(leg.guard)) ?? null;
    const base = { status, symbol: leg.symbol, positionIdx: leg.positionIdx, note: leg.note };
    if (status !== null) return { ...base, position: status, state: status.state };
    const state = leg.guard === null ? leg.state : 'NO ANSWER';
    return { ...base, position: legOnly(leg, state), state };
  });
  return mostUrgentFirst(rows);
}

function legOnly(leg: BoardLeg, state: string): LegOnly {
  const unknown = {
    entryPrice: null,
    markPrice: null,
    leverage: null,
    pnlUsd: null,
    pnlPct: null,
    rule: null,
  };
  const none = { stopKind: null, previousStop: null, takeProfit: null, trigger: null, bestPrice: null };
  const atStop = { liqPrice: null, provenAt: null, pnlAtStopUsd: null, pnlAtStopPct: null, atRiskUsd: null };
  const side = leg.side === 'long' || leg.side === 'short' ? leg.side : null;
  const { symbol, size, stop, guard } = leg;
  return {
    ...unknown,
    ...none,
    ...atStop,
    symbol,
    side,
    size,
    stop,
    guard,
    state,
    warnings: [],
    episode: null,
  };
}

function headline(view: SystemView, rows: readonly Row[], terminal: Terminal, options: BoardOptions): string {
  const { paint } = terminal;
  const mode = view.dashboard === null ? '' : ` (${view.dashboard.mode})`;
  const at = clock(new Date(options.nowMs).toISOString());
  return `${paint.bold(`Stopkeeper: account ${view.account}${mode}`)}  ${stateOfAll(view, rows, paint)}  ${at} UTC`;
}

/** Before the watcher's first round, and without its answer, an empty board means nothing. */
function stateOfAll(view: SystemView, rows: readonly Row[], paint: Paint): string {
  if (rows.length === 0 && (view.board?.roundAt ?? null) === null) {
    return paint.yellow('positions not known yet');
  }
  const bad = rows.filter((row) => !isCalm(row.state)).length;
  const state = bad === 0 ? paint.green('all protected') : paint.bold(paint.red(`${bad} NOT PROTECTED`));
  const open = rows.length === 0 ? 'no open positions' : `${counted(rows.length, 'position')}, ${state}`;
  return `${open}  risk ${riskText(riskOf(rows), paint)}`;
}

/** DESIGN §7: CRITICAL with anything unprotected, DEGRADED with anything blind or uncertain. */
function riskOf(rows: readonly Row[]): 'SECURE' | 'DEGRADED' | 'CRITICAL' {
  const states = rows.map((row) => row.state);
  if (states.some((state) => ['UNPROTECTED', 'UNGUARDED', 'UNREADABLE', 'RELEASED'].includes(state))) {
    return 'CRITICAL';
  }
  return states.every(isCalm) ? 'SECURE' : 'DEGRADED';
}

function staleText(view: SystemView, options: BoardOptions): string | null {
  const asked = new Date(view.askedAt).toISOString();
  if (options.stale !== null) {
    return `STALE: shown as of ${clock(asked)} (${age(asked, options.nowMs)} ago): ${options.stale}`;
  }
  if (view.board === null)
    return 'STALE: the watcher does not answer; positions that have no guard are not shown';
  const { roundAt } = view.board;
  if (roundAt === null) return 'The watcher has not finished its first round yet.';
  if (options.nowMs - Date.parse(roundAt) <= STALE_AFTER_MS) return null;
  return `STALE: the watcher's last complete round was ${age(roundAt, options.nowMs)} ago`;
}

function dashboardFacts(view: SystemView, terminal: Terminal): readonly Fact[] {
  const { dashboard } = view;
  if (dashboard === null) return [['ledger', terminal.paint.yellow('does not answer')]];
  const { operations } = dashboard;
  const pnl = `${signed(dashboard.sessionPnl)} USDT (${signed(dashboard.sessionPnlPct)} %)`;
  return [
    [
      'total',
      `${terminal.paint.bold(`${dashboard.totalBalance} USDT`)}, available ${dashboard.availableBalance}, ` +
        `synced ${clock(dashboard.lastSync)}`,
    ],
    [
      'in use',
      `allocated ${dashboard.allocatedMargin} (${dashboard.allocationPct} %), reserved ${dashboard.reservedMargin}, ` +
        `external ${dashboard.externalMargin}`,
    ],
    ['session P&L', gainOrLoss(dashboard.sessionPnl, pnl, terminal.paint)],
    [
      'operations',
      `${operations.total} (${counted(operations.allocations, 'allocation')}, ${counted(operations.releases, 'release')}), ` +
        `over-exposure prevented ${dashboard.overexposurePrevented}`,
    ],
  ];
}

function rowsText(view: SystemView, rows: readonly Row[], terminal: Terminal, options: BoardOptions): string {
  if (rows.length === 0) return (view.board?.roundAt ?? null) === null ? '' : '  No open positions.';
  const table = (bar: number, gap?: string) => () => tableOf(rows, terminal, options, bar, gap);
  const wide = options.triggers ? [table(24), table(12)] : [];
  const narrow = [table(0), table(0, TIGHT), () => blocksOf(rows, terminal, options)];
  return firstThatFits(terminal.width, [...wide, ...narrow]);
}

function tableOf(
  rows: readonly Row[],
  terminal: Terminal,
  options: BoardOptions,
  bar: number,
  gap?: string,
): string {
  const left = (head: string): Column => ({ head, align: 'left' });
  const right = (head: string): Column => ({ head, align: 'right' });
  const columns = [
    left('SYMBOL\nSIZE'),
    left('STATE\nPROVEN'),
    right('ENTRY\nMARK'),
    right('PNL\nUSDT'),
    right('STOP\nAWAY'),
    left('KIND\nBEST'),
    right('AT STOP\nUSDT'),
    ...(options.triggers ? [right('TRIGGER\nAWAY')] : []),
    ...(bar > 0 ? [left('')] : []),
  ];
  const lines = rows.map((row) => {
    const cell = cellsOf({ ...row.position, state: row.state }, terminal.paint);
    return [
      `${cell.symbol} ${cell.side}\n${cell.size}`,
      `${cell.state}\n${provenText(row, options)}`,
      `${cell.entry}\n${cell.mark}`,
      `${cell.pnlPct}\n${cell.pnlUsd}`,
      `${cell.stop}\n${cell.stopDistance}`,
      `${cell.kind}\n${options.trailing ? (row.position.bestPrice ?? '') : ''}`,
      `${cell.atStopPct}\n${cell.atStopUsd}`,
      ...(options.triggers ? [`${cell.trigger}\n${cell.triggerDistance}`] : []),
      ...(bar > 0 ? [barText(row.position, bar)] : []),
    ];
  });
  return renderTable(columns, lines, terminal, gap);
}

function blocksOf(rows: readonly Row[], terminal: Terminal, options: BoardOptions): string {
  const blocks = rows.map((row) => {
    const cell = cellsOf({ ...row.position, state: row.state }, terminal.paint);
    const facts: readonly Fact[] = [
      ['state', `${cell.state}, proven ${provenText(row, options)}`],
      ['entry', `${cell.entry}, mark ${cell.mark}`],
      ['PnL', `${cell.pnlUsd} USDT (${cell.pnlPct})`],
      ['stop', stopText(row, cell, options)],
      ['at stop', `${cell.atStopUsd} USDT (${cell.atStopPct})`],
      ...(options.triggers ? [['trigger', `${cell.trigger}, ${cell.triggerDistance} away`] as const] : []),
    ];
    return `  ${cell.symbol} ${cell.side} ${cell.size}\n${renderFacts(facts, terminal)}`;
  });
  return blocks.join('\n');
}

function stopText(row: Row, cell: PositionCells, options: BoardOptions): string {
  const { bestPrice } = row.position;
  const best = options.trailing && bestPrice !== null ? `, best ${bestPrice}` : '';
  return `${cell.stop}, ${cell.stopDistance} away, ${cell.kind}${best}`;
}

function provenText(row: Row, options: BoardOptions): string {
  const { provenAt } = row.position;
  return provenAt === null ? DASH : `${age(provenAt, options.nowMs)} ago`;
}

/**
 * Where the mark price stands between the stop and what comes next: the trigger, or the best price once trailing.
 * Example: stop 94, mark 100, trigger 106 → `SL ───●─── trigger`.
 */
export function barText(position: Omit<LegOnly, 'warnings'>, width: number): string {
  const { stop, markPrice, trigger, bestPrice, stopKind } = position;
  const end = stopKind === 'trailing' ? bestPrice : trigger;
  if (!isDecimalString(stop) || !isDecimalString(markPrice) || !isDecimalString(end)) return '';
  const span = dec(end).minus(stop);
  if (span.eq(0)) return '';
  // For a short both differences are negative, so the share is the same.
  const share = dec(markPrice).minus(stop).div(span).toNumber();
  const steps = Math.round(Math.min(1, Math.max(0, share)) * (width - 1));
  const line = `${'─'.repeat(steps)}●${'─'.repeat(width - 1 - steps)}`;
  return `SL ${line} ${stopKind === 'trailing' ? 'best' : 'trigger'}`;
}

/** Sum over the stops, in USDT and as % of equity (balance and unrealised PnL of the positions shown). */
function atStopsText(view: SystemView, rows: readonly Row[], terminal: Terminal): string {
  if (rows.length === 0) return '';
  const add = (pick: (row: Row) => string | null): Dec =>
    rows.reduce((sum, row) => {
      const value = pick(row);
      return isDecimalString(value) ? sum.plus(value) : sum;
    }, zero());
  const sum = cents(add((row) => row.position.pnlAtStopUsd));
  const without = rows.filter((row) => row.position.pnlAtStopUsd === null).length;
  const total = view.dashboard?.totalBalance ?? null;
  const share = isDecimalString(total)
    ? `, ${signed(percentOf(sum, dec(total).plus(add((row) => row.position.pnlUsd))))} % of equity`
    : '';
  const text = gainOrLoss(sum, `${signed(sum)} USDT${share}`, terminal.paint);
  const missing = `${counted(without, 'position')} without a known stop not counted`;
  return `  ${text}${without === 0 ? '' : `; ${terminal.paint.bold(terminal.paint.red(missing))}`}`;
}

function notesText(view: SystemView, rows: readonly Row[], terminal: Terminal): string {
  const facts: Fact[] = [];
  for (const row of rows) {
    const since = row.status?.unprotectedSince ?? null;
    if (since !== null) facts.push([row.symbol, `without a proven stop since ${clock(since)} UTC`]);
    if (row.note !== null) facts.push([row.symbol, row.note]);
    for (const warning of row.position.warnings) facts.push([row.symbol, warning]);
    if (!isCalm(row.state) && row.status !== null) facts.push([row.symbol, row.status.message]);
  }
  for (const { symbol, positionIdx, reason, until } of view.board?.released ?? []) {
    const leg = positionIdx === 0 ? symbol : `${symbol} ${positionIdx === 1 ? 'long' : 'short'}`;
    facts.push([leg, `released: ${reason}${until === null ? '' : `, until ${clock(until)} UTC`}`]);
  }
  for (const { category, symbol, size, reason } of view.board?.notCovered ?? []) {
    facts.push([symbol, `not covered: ${category}, size ${size}: ${reason}`]);
  }
  for (const { workflowId, reason } of view.silent) facts.push([workflowId, `does not answer: ${reason}`]);
  return renderFacts(facts, terminal);
}
