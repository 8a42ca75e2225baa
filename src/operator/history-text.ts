/** Ended episodes as a person reads them, and what this list cannot know. */
import { pnlSum, type EndedEpisode } from '../domain/history.ts';
import { counted, dateAndClock, DASH, gainOrLoss, money, orDash, pct, signed } from './figures.ts';
import type { AuditReading } from '../audit/audit-reader.ts';
import type { GuardHistory } from './guard-history.ts';
import { firstThatFits, renderFacts, renderTable, section, type Column, type Fact } from './table.ts';
import { wrap, type Paint, type Terminal } from './terminal.ts';

/** The whole page of one account, ending in a line break. */
export function renderHistory(history: GuardHistory, terminal: Terminal): string {
  const { account, episodes, known } = history;
  const shown = episodes.length < known ? `${episodes.length} newest of ${known}` : String(known);
  const title = `${terminal.paint.bold('Ended episodes')}: account ${account}, ${shown}`;
  return [
    ...wrap(title, terminal.width),
    '',
    ...section(
      'Newest first (slippage above 0: filled worse than the stop)',
      episodesText(episodes, terminal),
      terminal,
    ),
    ...section('Together', sumText(episodes, terminal.paint), terminal),
    ...section('What this list does not know', limitsText(history, terminal), terminal),
  ].join('\n');
}

function episodesText(episodes: readonly EndedEpisode[], terminal: Terminal): string {
  if (episodes.length === 0) return '  None.';
  const table = firstThatFits(terminal.width, [
    () => oneLineEach(episodes, terminal),
    () => twoLinesEach(episodes, terminal),
    () => oneBlockEach(episodes, terminal),
  ]);
  const notes = episodes.flatMap(({ symbol, note }) =>
    note === null ? [] : wrap(`${symbol}: ${note}`, terminal.width - 4),
  );
  return [table, ...notes.map((line) => terminal.paint.yellow(`  ! ${line}`))].join('\n');
}

interface Cells {
  readonly name: string;
  readonly size: string;
  readonly closed: string;
  readonly reason: string;
  readonly entry: string;
  readonly exit: string;
  readonly pnl: string;
  readonly stop: string;
  readonly slippage: string;
  readonly slippagePct: string;
  readonly lasted: string;
  readonly unprotected: string;
}

function cellsOf(episode: EndedEpisode, paint: Paint): Cells {
  const { symbol, side, reason, pnl, slippage } = episode;
  const harm = ['liquidation', 'adl', 'unexplained', 'unknown'].includes(reason);
  return {
    name: `${paint.bold(symbol)} ${side ?? DASH}`,
    size: orDash(episode.size),
    // Without the venue's record the guard's own end is the nearest time that is known.
    closed: episode.closedAt === null ? `by ${stamp(episode.endedAt)}` : stamp(episode.closedAt),
    reason: harm ? paint.bold(paint.yellow(reason)) : reason,
    entry: orDash(episode.entryPrice),
    exit: orDash(episode.exitPrice),
    pnl: gainOrLoss(pnl, signed(pnl === null ? null : money(pnl)), paint),
    stop: orDash(episode.stop),
    slippage: signed(slippage),
    slippagePct: pct(episode.slippagePct),
    lasted: episode.durationMs === null ? DASH : span(episode.durationMs),
    unprotected: episode.unprotectedSeconds === null ? DASH : `${episode.unprotectedSeconds} s`,
  };
}

function stamp(iso: string): string {
  return dateAndClock(iso).replace(' UTC', '');
}

/** `"45 s"`, `"12 min 5 s"`, `"3 h 20 min"`, `"2 d 4 h"`. */
export function span(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return '0 s';
  const shown = parts.slice(first, first + 2).filter(([count]) => count > 0);
  return shown.map(([count, unit]) => `${count} ${unit}`).join(' ');
}

const left = (head: string): Column => ({ head, align: 'left' });
const right = (head: string): Column => ({ head, align: 'right' });

function oneLineEach(episodes: readonly EndedEpisode[], terminal: Terminal): string {
  const columns = [
    left('CLOSED, UTC'),
    left('SYMBOL'),
    right('SIZE'),
    left('REASON'),
    right('ENTRY'),
    right('EXIT'),
    right('PNL'),
    right('STOP'),
    right('SLIPPAGE'),
    right(''),
    right('LASTED'),
    right('UNPROTECTED'),
  ];
  const rows = episodes.map((episode) => {
    const cell = cellsOf(episode, terminal.paint);
    const first = [cell.closed, cell.name, cell.size, cell.reason, cell.entry, cell.exit, cell.pnl];
    return [...first, cell.stop, cell.slippage, cell.slippagePct, cell.lasted, cell.unprotected];
  });
  return renderTable(columns, rows, terminal);
}

function twoLinesEach(episodes: readonly EndedEpisode[], terminal: Terminal): string {
  const columns = [
    left('SYMBOL\nREASON'),
    left('CLOSED, UTC\nLASTED'),
    right('ENTRY\nEXIT'),
    right('SIZE\nPNL'),
    right('STOP\nSLIPPAGE'),
    right('UNPRO-\nTECTED'),
  ];
  const rows = episodes.map((episode) => {
    const cell = cellsOf(episode, terminal.paint);
    return [
      `${cell.name}\n${cell.reason}`,
      `${cell.closed}\n${cell.lasted}`,
      `${cell.entry}\n${cell.exit}`,
      `${cell.size}\n${cell.pnl}`,
      `${cell.stop}\n${cell.slippage}`,
      cell.unprotected,
    ];
  });
  return renderTable(columns, rows, terminal);
}

/** For narrow terminals and very long figures. */
function oneBlockEach(episodes: readonly EndedEpisode[], terminal: Terminal): string {
  const blocks = episodes.map((episode) => {
    const cell = cellsOf(episode, terminal.paint);
    const facts: readonly Fact[] = [
      ['closed', `${cell.closed}: ${cell.reason}`],
      ['price', `${cell.entry} -> ${cell.exit}`],
      ['PnL', cell.pnl],
      ['stop', `${cell.stop}, slippage ${cell.slippage}`],
      ['lasted', `${cell.lasted}, unprotected ${cell.unprotected}`],
    ];
    return `  ${cell.name} ${cell.size}\n${renderFacts(facts, terminal)}`;
  });
  return blocks.join('\n');
}

function sumText(episodes: readonly EndedEpisode[], paint: Paint): string {
  const { pnl, counted: known, without } = pnlSum(episodes);
  if (known + without === 0) return '';
  const rest = without === 0 ? '' : `; ${without} without a record of their PnL not counted`;
  return `  ${gainOrLoss(pnl, signed(money(pnl)), paint)} in ${counted(known, 'episode')}${rest}`;
}

function limitsText(history: GuardHistory, terminal: Terminal): string {
  const { ended, retentionDays, audit, withoutServer } = history;
  const kept =
    retentionDays === null ? 'only as long as its namespace says' : `for ${counted(retentionDays, 'day')}`;
  const older = audit === null ? '; STOPKEEPER_AUDIT keeps a log that outlives it' : '';
  const facts: Fact[] = [
    withoutServer === null
      ? ['older', `the Temporal server keeps what has ended ${kept}${older}`]
      : ['server', `not asked: ${withoutServer}`],
    ...auditFacts(audit),
  ];
  if (audit === null)
    facts.push(['flips', 'of a guard that went on after an episode the last 5 endings are known']);
  if (ended > 0 && withoutServer === null) {
    const guards = counted(ended, 'guard');
    facts.push(['ended', `${guards} ended by hand or by an error left no report; see the Temporal UI`]);
  }
  return renderFacts(facts, terminal);
}

/** What was read of the audit log, and what of it could not be. */
function auditFacts(audit: AuditReading | null): readonly Fact[] {
  if (audit === null) return [];
  const { files, entries, duplicates, unreadable, torn } = audit;
  const twice = duplicates === 0 ? '' : `, ${duplicates} written twice and counted once`;
  const known = entries === 1 ? '1 entry' : `${entries} entries`;
  const facts: Fact[] = [['audit', `${known} in ${counted(files, 'file')}${twice}`]];
  if (torn) facts.push(['torn', 'its last line is cut off, as a power cut leaves it: one entry is lost']);
  if (unreadable > 0)
    facts.push(['lines', `${unreadable} of its lines are no entries that this version reads`]);
  return facts;
}
