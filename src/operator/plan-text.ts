/** The plan of a dry run as a person reads it: for each position old stop, new stop, rule, distance, USD at risk before and after. */
import { zero, cents, dec, isDecimalString, max } from '../domain/decimal.ts';
import { pnlUsd } from '../domain/exposure.ts';
import type { PositionReport, SessionReport } from '../domain/report.ts';
import { DASH, orDash } from './figures.ts';
import { cellsOf, mostUrgentFirst } from './position-cells.ts';
import { balanceFacts, criteriaText, headline, whyNone } from './report-text.ts';
import { firstThatFits, renderFacts, renderTable, section, type Fact } from './table.ts';
import { wrap, type Terminal } from './terminal.ts';

export function renderPlan(report: SessionReport, terminal: Terminal): string {
  const notCovered = report.notCovered.map(({ category, symbol, size, reason }): Fact => [
    symbol,
    `${category}, size ${size}: ${reason}`,
  ]);
  return [
    ...headline(report, terminal),
    '',
    ...section('Balance', renderFacts(balanceFacts(report, terminal.paint), terminal), terminal),
    ...section('What a session would do', stepsText(report, terminal), terminal),
    ...section('Not covered by Stopkeeper', renderFacts(notCovered, terminal), terminal),
    ...section('Checks', criteriaText(report.criteria, terminal), terminal),
  ].join('\n');
}

function stepsText({ positions, criteria }: SessionReport, terminal: Terminal): string {
  if (positions.length === 0) return `  ${whyNone(criteria, terminal.paint)}`;
  const sorted = mostUrgentFirst(positions);
  const table = firstThatFits(terminal.width, [
    () => tableOf(sorted, terminal),
    () => blocksOf(sorted, terminal),
  ]);
  const warnings = sorted.flatMap((position) =>
    position.warnings.flatMap((warning) => wrap(`${position.symbol}: ${warning}`, terminal.width - 4)),
  );
  return [table, ...warnings.map((line) => terminal.paint.yellow(`  ! ${line}`))].join('\n');
}

interface Step {
  readonly before: string;
  readonly after: string;
  readonly rule: string;
  readonly away: string;
  readonly riskBefore: string;
  readonly riskAfter: string;
}

function stepOf(position: PositionReport, terminal: Terminal): Step {
  const { paint } = terminal;
  const cell = cellsOf(position, paint);
  const kept = samePrice(position.previousStop, position.stop);
  return {
    before: position.previousStop ?? paint.red('none'),
    after: kept ? 'kept' : cell.stop,
    rule: orDash(position.rule),
    away: cell.stopDistance,
    riskBefore:
      position.previousStop === null ? paint.red('no stop') : riskAt(position, position.previousStop),
    riskAfter: orDash(position.atRiskUsd),
  };
}

/** The venue writes a price with its tick's zeros, the rules without. */
function samePrice(a: string | null, b: string | null): boolean {
  return isDecimalString(a) && isDecimalString(b) && dec(a).eq(b);
}

/** USD lost if a stop at `price` fired; 0 where that would be a gain. */
function riskAt(position: PositionReport, price: string): string {
  const { side, size, entryPrice, leverage } = position;
  if (side === null || size === null || entryPrice === null) return DASH;
  return cents(max(zero(), dec(pnlUsd({ side, size, entryPrice, leverage }, price)).times(-1)));
}

function tableOf(positions: readonly PositionReport[], terminal: Terminal): string {
  const columns = [
    { head: 'SYMBOL\nSIZE', align: 'left' as const },
    { head: 'MARK', align: 'right' as const },
    { head: 'STOP\nNOW', align: 'right' as const },
    { head: 'STOP\nTHEN', align: 'right' as const },
    { head: 'AWAY', align: 'right' as const },
    { head: 'RULE', align: 'left' as const },
    { head: 'AT RISK\nNOW', align: 'right' as const },
    { head: 'USDT\nTHEN', align: 'right' as const },
  ];
  const rows = positions.map((position) => {
    const cell = cellsOf(position, terminal.paint);
    const step = stepOf(position, terminal);
    const name = `${cell.symbol} ${cell.side}\n${cell.size}`;
    const { before, after, away, rule, riskBefore, riskAfter } = step;
    return [name, cell.mark, before, after, away, rule, riskBefore, riskAfter];
  });
  return renderTable(columns, rows, terminal);
}

function blocksOf(positions: readonly PositionReport[], terminal: Terminal): string {
  const blocks = positions.map((position) => {
    const cell = cellsOf(position, terminal.paint);
    const step = stepOf(position, terminal);
    const facts: readonly Fact[] = [
      ['mark', cell.mark],
      ['stop', `${step.before} -> ${step.after}, ${step.away} away (${step.rule})`],
      ['at risk', `${step.riskBefore} -> ${step.riskAfter} USDT`],
    ];
    return `  ${cell.symbol} ${cell.side} ${cell.size}\n${renderFacts(facts, terminal)}`;
  });
  return blocks.join('\n');
}
