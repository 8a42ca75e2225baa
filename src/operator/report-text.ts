/** The session report as a person reads it: aligned, coloured on a terminal, plain when piped (DESIGN §7). */
import type { Criterion, PositionReport, SessionReport } from '../domain/report.ts';
import { clock, counted, dateAndClock, gainOrLoss, money, orDash, signed } from './figures.ts';
import { cellsOf, mostUrgentFirst, isCalm } from './position-cells.ts';
import { firstThatFits, renderFacts, renderTable, section, TIGHT, type Fact } from './table.ts';
import { wrap, type Paint, type Terminal } from './terminal.ts';

/** The whole report, ending in a line break. Takes any report, also one of an empty or unreadable account. */
export function renderReport(report: SessionReport, terminal: Terminal): string {
  const lines = [
    ...headline(report, terminal),
    '',
    ...section('Balance', renderFacts(balanceFacts(report, terminal.paint), terminal), terminal),
    ...section('Positions', positionsText(report, terminal), terminal),
    ...section('Protection', renderFacts(protectionFacts(report, terminal.paint), terminal), terminal),
    ...section('Not covered by Stopkeeper', notCoveredText(report, terminal), terminal),
    ...section('System', renderFacts(systemFacts(report, terminal.paint), terminal), terminal),
    ...section('What decided the status', criteriaText(report.criteria, terminal), terminal),
  ];
  return lines.join('\n');
}

export function headline(report: SessionReport, terminal: Terminal): readonly string[] {
  const { paint } = terminal;
  const what = report.dryRun ? 'Plan (nothing is written)' : 'Session';
  const of = `account ${report.account} on ${report.venue} (${report.mode}), ${dateAndClock(report.startedAt)}`;
  return wrap(`${statusText(report.status, paint)}  ${paint.bold(what)}: ${of}`, terminal.width);
}

function statusText(status: SessionReport['status'], paint: Paint): string {
  switch (status) {
    case 'SUCCESS':
      return paint.bold(paint.green(status));
    case 'WARNING':
      return paint.bold(paint.yellow(status));
    case 'FAILED':
      return paint.bold(paint.red(status));
  }
}

export function balanceFacts(report: SessionReport, paint: Paint): readonly Fact[] {
  const { balance, dashboard } = report;
  if ('error' in balance) {
    const { type, code, message, hint } = balance.error;
    return [
      ['balance', paint.bold(paint.red('not available'))],
      ['error', `${message} (${code === null ? type : `${type}, code ${code}`})`],
      ['hint', hint],
    ];
  }
  const source = balance.fallback ? paint.yellow(`fallback ${balance.source}`) : balance.source;
  const pnl = `${signed(dashboard.sessionPnl)} USDT (${signed(dashboard.sessionPnlPct)} %)`;
  return [
    ['total', `${paint.bold(`${money(balance.total)} USDT`)} from ${source}, read ${clock(balance.readAt)}`],
    ['equity', `${money(balance.equity)} USDT`],
    [
      'before',
      balance.previousTotal === null ? 'no earlier session' : `${money(balance.previousTotal)} USDT`,
    ],
    ['account', `${balance.accountType}, margin mode ${orDash(balance.marginMode)}`],
    ['available', `${dashboard.availableBalance} USDT`],
    [
      'in use',
      `allocated ${dashboard.allocatedMargin} (${dashboard.allocationPct} %), reserved ${dashboard.reservedMargin}, ` +
        `external ${dashboard.externalMargin}`,
    ],
    ['session P&L', gainOrLoss(dashboard.sessionPnl, pnl, paint)],
  ];
}

function positionsText({ positions, criteria }: SessionReport, terminal: Terminal): string {
  if (positions.length === 0) return `  ${whyNone(criteria, terminal.paint)}`;
  const sorted = mostUrgentFirst(positions);
  const table = firstThatFits(terminal.width, [
    () => oneLineEach(sorted, terminal),
    () => twoLinesEach(sorted, terminal),
    () => twoLinesEach(sorted, terminal, TIGHT),
    () => oneBlockEach(sorted, terminal),
  ]);
  return [table, ...warningsText(sorted, terminal)].join('\n');
}

/** An empty list says "none" only where the list was read (I4, I7). */
export function whyNone(criteria: readonly Criterion[], paint: Paint): string {
  const unread = criteria.some(({ id, level }) => id === 'positions-read' && level === 'failure');
  return unread
    ? paint.bold(paint.red('Not known: the list of positions could not be read.'))
    : 'No open positions, starting fresh.';
}

/** Who holds the stop, or the state where it is not simply protected. */
function kindText(position: PositionReport, kind: string, state: string): string {
  return isCalm(position.state) ? kind : state;
}

function provenText(position: PositionReport, paint: Paint): string {
  return position.provenAt === null ? paint.bold(paint.red('not proven')) : clock(position.provenAt);
}

function oneLineEach(positions: readonly PositionReport[], terminal: Terminal): string {
  const right = (head: string) => ({ head, align: 'right' as const });
  const left = (head: string) => ({ head, align: 'left' as const });
  const columns = [
    left('SYMBOL'),
    left('SIDE'),
    right('SIZE'),
    right('ENTRY'),
    right('MARK'),
    right('PNL USDT'),
    right('PNL'),
    right('STOP'),
    left('KIND'),
    right('AWAY'),
    right('AT STOP'),
    right(''),
    right('TRIGGER'),
    left('PROVEN'),
  ];
  const rows = positions.map((position) => {
    const cell = cellsOf(position, terminal.paint);
    const kind = kindText(position, cell.kind, cell.state);
    return [
      cell.symbol,
      cell.side,
      cell.size,
      cell.entry,
      cell.mark,
      cell.pnlUsd,
      cell.pnlPct,
      cell.stop,
      kind,
      cell.stopDistance,
      cell.atStopUsd,
      cell.atStopPct,
      cell.trigger,
      provenText(position, terminal.paint),
    ];
  });
  return renderTable(columns, rows, terminal);
}

function twoLinesEach(positions: readonly PositionReport[], terminal: Terminal, gap?: string): string {
  const columns = [
    { head: 'SYMBOL\nSIZE', align: 'left' as const },
    { head: 'ENTRY\nMARK', align: 'right' as const },
    { head: 'PNL\nUSDT', align: 'right' as const },
    { head: 'STOP\nAWAY', align: 'right' as const },
    { head: 'KIND\nPROVEN', align: 'left' as const },
    { head: 'AT STOP\nUSDT', align: 'right' as const },
    { head: 'TRIGGER\nAWAY', align: 'right' as const },
  ];
  const rows = positions.map((position) => {
    const cell = cellsOf(position, terminal.paint);
    return [
      `${cell.symbol} ${cell.side}\n${cell.size}`,
      `${cell.entry}\n${cell.mark}`,
      `${cell.pnlPct}\n${cell.pnlUsd}`,
      `${cell.stop}\n${cell.stopDistance}`,
      `${kindText(position, cell.kind, cell.state)}\n${provenText(position, terminal.paint)}`,
      `${cell.atStopPct}\n${cell.atStopUsd}`,
      `${cell.trigger}\n${cell.triggerDistance}`,
    ];
  });
  return renderTable(columns, rows, terminal, gap);
}

/** For narrow terminals and very long figures. */
function oneBlockEach(positions: readonly PositionReport[], terminal: Terminal): string {
  const blocks = positions.map((position) => {
    const cell = cellsOf(position, terminal.paint);
    const facts: readonly Fact[] = [
      ['entry', `${cell.entry}, mark ${cell.mark}`],
      ['PnL', `${cell.pnlUsd} USDT (${cell.pnlPct})`],
      ['stop', `${cell.stop}, ${cell.stopDistance} away, ${kindText(position, cell.kind, cell.state)}`],
      ['at stop', `${cell.atStopUsd} USDT (${cell.atStopPct})`],
      ['trigger', `${cell.trigger}, ${cell.triggerDistance} away`],
      ['proven', provenText(position, terminal.paint)],
    ];
    return `  ${cell.symbol} ${cell.side} ${cell.size}\n${renderFacts(facts, terminal)}`;
  });
  return blocks.join('\n');
}

function warningsText(positions: readonly PositionReport[], terminal: Terminal): readonly string[] {
  return positions.flatMap((position) =>
    position.warnings.map((warning) => {
      const lines = wrap(`${position.symbol}: ${warning}`, terminal.width - 4);
      return lines
        .map((line, index) => terminal.paint.yellow(`  ${index === 0 ? '! ' : '  '}${line}`))
        .join('\n');
    }),
  );
}

function protectionFacts(report: SessionReport, paint: Paint): readonly Fact[] {
  const { protection, summary, limits, cleared } = report;
  const failures = `${protection.failures} failed`;
  const share = (count: number, percent: string) => `${count} (${percent} %)`;
  return [
    [
      'stops',
      `${counted(protection.total, 'position')}: ${protection.newlyProtected} newly protected, ` +
        `${protection.alreadyProtected} already protected, ` +
        `${protection.failures > 0 ? paint.bold(paint.red(failures)) : failures}; ${protection.trailingActive} trailing`,
    ],
    [
      'protected',
      `${share(summary.protected, summary.protectedPct)}, unprotected ${unprotectedText(summary, paint)}`,
    ],
    [
      'kinds',
      `trailing ${share(summary.trailing, summary.trailingPct)}, fixed ${share(summary.fixed, summary.fixedPct)}, ` +
        `human ${share(summary.human, summary.humanPct)}`,
    ],
    ['risk', riskText(summary.riskLevel, paint)],
    [
      'limits',
      `${limits.positions} of ${counted(limits.maxPositions, 'position')} (${counted(limits.slotsLeft, 'slot')} left), ` +
        `${limits.allocated} of ${limits.maxAllocation} USDT allocated, ${limits.availableForAllocation} free to allocate`,
    ],
    ['cleared', `${cleared.open} open and ${cleared.closed} closed positions of the session before`],
  ];
}

function unprotectedText(summary: SessionReport['summary'], paint: Paint): string {
  const text = `${summary.unprotected} (${summary.unprotectedPct} %)`;
  return summary.unprotected > 0 ? paint.bold(paint.red(text)) : text;
}

export function riskText(level: SessionReport['summary']['riskLevel'], paint: Paint): string {
  switch (level) {
    case 'SECURE':
      return paint.green(level);
    case 'DEGRADED':
      return paint.bold(paint.yellow(level));
    case 'CRITICAL':
      return paint.bold(paint.red(level));
  }
}

function notCoveredText(report: SessionReport, terminal: Terminal): string {
  if (report.notCovered.length === 0) return '';
  const facts = report.notCovered.map(({ category, symbol, size, reason }): Fact => [
    symbol,
    `${category}, size ${size}: ${reason}`,
  ]);
  return renderFacts(facts, terminal);
}

function systemFacts(report: SessionReport, paint: Paint): readonly Fact[] {
  const { system, timingsMs } = report;
  const yesNo = (label: string, value: boolean) =>
    `${label} ${value ? paint.green('yes') : paint.bold(paint.red('no'))}`;
  const states = [
    yesNo('managers ready', system.managersReady),
    yesNo('exchange connected', system.exchangeConnected),
    yesNo('balance synced', system.balanceSynced),
    yesNo('positions protected', system.positionsProtected),
    yesNo('monitor active', system.monitorActive),
    yesNo('ready for trading', system.readyForTrading),
  ];
  const times = [
    `preflight ${timingsMs.preflight}`,
    `balance ${timingsMs.balanceCall} + ${timingsMs.balanceParse}`,
    `positions ${timingsMs.positions}`,
    `protection ${timingsMs.protection} (slowest position ${timingsMs.slowestPosition})`,
    `guards ${timingsMs.guards}`,
    `ledger ${timingsMs.ledger}`,
    `total ${timingsMs.total}`,
  ];
  return [
    ['status', states.join(', ')],
    ['times, ms', times.join(', ')],
  ];
}

export function criteriaText(criteria: readonly Criterion[], terminal: Terminal): string {
  return renderFacts(
    criteria.map((criterion) => criterionFact(criterion, terminal.paint)),
    terminal,
  );
}

function criterionFact({ level, message }: Criterion, paint: Paint): Fact {
  switch (level) {
    case 'ok':
      return ['ok', message];
    case 'warning':
      return ['WARNING', paint.yellow(message)];
    case 'failure':
      return ['FAILURE', paint.bold(paint.red(message))];
  }
}
