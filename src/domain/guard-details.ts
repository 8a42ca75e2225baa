/** What the Temporal UI shows for a guard: markdown of what it guards, its levels, stop, proof, last decisions and commands. */
import type { LogEntry } from './decision-log.ts';
import type { GuardStatus } from './board.ts';

const SHOWN_DECISIONS = 8;

function row(name: string, value: string | null): string {
  return `| ${name} | ${value ?? '-'} |`;
}

function decisionLine(entry: LogEntry): string {
  const times = entry.count > 1 ? ` ×${entry.count}` : '';
  const sent = entry.request === null ? '' : ` → ${entry.request} (${entry.answer ?? 'asked'})`;
  return `- ${new Date(entry.at).toISOString()} ${entry.state}: ${entry.reason}${sent}${times}`;
}

/** Markdown, a few hundred bytes; `id` is the workflow id for the commands. */
export function guardDetails(status: GuardStatus, log: readonly LogEntry[], id: string): string {
  const position =
    status.side === null
      ? 'no position seen yet'
      : `${status.side} ${status.size ?? ''} @ ${status.entryPrice ?? ''}`;
  const stop =
    status.stop === null
      ? '**none**'
      : `${status.stop} (${status.stopKind ?? 'not proven'}, ${status.rule ?? ''})`;
  return [
    `### ${status.symbol} on ${status.account}: ${status.state}`,
    '',
    '| | |',
    '| --- | --- |',
    row('position', position),
    row('mark price', status.markPrice),
    row('stop', stop),
    row('proven at', status.provenAt),
    row('trailing trigger', status.trigger),
    row('best price', status.bestPrice),
    row('liquidation price', status.liqPrice),
    row(
      'unprotected',
      `${status.unprotectedSeconds} s${status.unprotectedSince === null ? '' : `, since ${status.unprotectedSince}`}`,
    ),
    ...(status.warnings.length === 0 ? [] : [row('warnings', status.warnings.join('; '))]),
    '',
    'Last decisions, newest first:',
    '',
    ...log.slice(-SHOWN_DECISIONS).reverse().map(decisionLine),
    '',
    `Protect now: \`temporal workflow update execute -w ${id} --name reprotectNow\``,
    '',
    `Take it out of Stopkeeper's hands: \`temporal workflow signal -w ${id} --name release -i '{"reason":"..."}'\``,
  ].join('\n');
}
