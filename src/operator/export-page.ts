/** An exported guard as one HTML page that needs nothing else: figures, chart, what happened, every decision. */
import { logged, type LogEntry } from '../domain/decision-log.ts';
import type { Traced, TracedDecision } from '../domain/retrace.ts';
import { chartOf, escaped, wordsOf } from './export-chart.ts';
import { PAGE_STYLE } from './export-style.ts';

export interface ExportFacts {
  readonly guard: string;
  readonly runs: number;
  readonly leftOut: number;
  readonly running: boolean;
  /** ISO 8601 */
  readonly exportedAt: string;
}

/** Older rows are in the JSON lines beside the page; a browser gets slow with more. */
const MOST_ROWS = 3_000;

export function exportPage(traced: readonly Traced[], facts: ExportFacts): string {
  const chart = chartOf(traced);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(facts.guard)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<h1>${escaped(facts.guard)}</h1>
<p class="lead">${escaped(leadOf(traced, facts))}</p>
${figuresOf(traced, facts.running)}
${chart === '' ? '<p>No check has seen a price: there is nothing to draw.</p>' : `<figure>${chart}${legend()}</figure>`}
<h2>Decisions</h2>
${tableOf(traced)}
</body>
</html>
`;
}

function leadOf(traced: readonly Traced[], { runs, leftOut, running, exportedAt }: ExportFacts): string {
  const [first, last] = [traced[0], traced.at(-1)];
  const period =
    first === undefined || last === undefined ? '' : `${stamp(first.at)} to ${stamp(last.at)} UTC, `;
  const older = leftOut === 0 ? '' : ` (${leftOut} older ones left out)`;
  const state = running ? 'still running' : 'ended';
  return `${period}${runs} run${runs === 1 ? '' : 's'}${older}, ${state}; exported ${stamp(Date.parse(exportedAt))} UTC`;
}

function figuresOf(traced: readonly Traced[], running: boolean): string {
  const decisions = traced.filter((one) => one.kind === 'decision');
  const sent = decisions.filter(({ answer }) => answer !== null);
  const alerts = traced
    .filter((one) => one.kind === 'alert')
    .filter(({ alert }) => alert.level !== 'RESOLVED');
  const ends = traced.filter((one) => one.kind === 'episode-ended').map((one) => wordsOf(one));
  const last = decisions.findLast(({ price }) => price !== null);
  const facts: readonly (readonly [string, string])[] = [
    ['decisions', String(decisions.length)],
    ['stops sent', String(sent.length)],
    ['alerts', String(alerts.length)],
    ['side', last?.side ?? '-'],
    ['last price', last?.price ?? '-'],
    ['last stop', last?.resting ?? '-'],
    ['state', running ? (last?.state ?? '-') : 'ended'],
  ];
  const cells = facts.map(([name, value]) => `<div><dt>${name}</dt><dd>${escaped(value)}</dd></div>`);
  const told = ends.map((text) => `<li>${escaped(text)}</li>`);
  return `<dl>${cells.join('')}</dl>${told.length === 0 ? '' : `<ul>${told.join('')}</ul>`}`;
}

function legend(): string {
  const line = (name: string, text: string): string =>
    `<span><svg class="key" viewBox="0 0 28 10"><path class="line ${name}" d="M1 5H27"/></svg>${text}</span>`;
  const mark = (shape: string, text: string): string =>
    `<span><svg class="key small" viewBox="0 0 14 14">${shape}</svg>${text}</span>`;
  return `<figcaption>${[
    line('price', 'price of each check'),
    line('stop', 'stop on the venue'),
    line('trigger', 'where trailing begins'),
    line('best', 'best price while trailing'),
    mark('<circle class="sent" cx="7" cy="7" r="4"/>', 'stop sent'),
    mark('<path class="alert critical" d="M7 1l6 11h-12z"/>', 'alert'),
    mark('<rect class="message" x="2" y="2" width="10" height="10"/>', 'message'),
  ].join('')}</figcaption>`;
}

/** Equal decisions in a row are one line with a count, as in the guard's own log. */
type Row =
  | { readonly kind: 'decision'; readonly entry: LogEntry }
  | { readonly kind: 'event'; readonly one: Exclude<Traced, TracedDecision> };

function rowsOf(traced: readonly Traced[]): readonly Row[] {
  const rows: Row[] = [];
  for (const one of traced) {
    if (one.kind !== 'decision') {
      rows.push({ kind: 'event', one });
      continue;
    }
    const last = rows.at(-1);
    const entry: LogEntry = { ...one, count: 1 };
    const folded = last?.kind === 'decision' ? logged([last.entry], entry) : [entry];
    if (folded.length === 1 && last?.kind === 'decision') rows.pop();
    rows.push({ kind: 'decision', entry: folded.at(-1) ?? entry });
  }
  return rows;
}

function tableOf(traced: readonly Traced[]): string {
  const rows = rowsOf(traced);
  const shown = rows.slice(-MOST_ROWS);
  const note =
    shown.length === rows.length
      ? ''
      : `<p>The newest ${shown.length} of ${rows.length} rows; all are in the file of JSON lines.</p>`;
  const heads = ['time, UTC', 'state', 'price', 'stop on the venue', 'rule', 'sent', 'decision'];
  return `${note}<div class="wide"><table><thead><tr>${heads.map((head) => `<th>${head}</th>`).join('')}</tr></thead><tbody>
${shown.map((row) => rowHtml(row)).join('\n')}
</tbody></table></div>`;
}

function rowHtml(row: Row): string {
  const cell = (text: string | null, className = ''): string =>
    `<td${className === '' ? '' : ` class="${className}"`}>${escaped(text ?? '')}</td>`;
  if (row.kind === 'event') {
    const { one } = row;
    const level = one.kind === 'alert' ? one.alert.level.toLowerCase() : one.kind;
    return `<tr class="event ${level}">${cell(stamp(one.at))}<td colspan="6">${escaped(wordsOf(one))}</td></tr>`;
  }
  const { at, count, state, price, resting, rule, request, answer, reason } = row.entry;
  const sent = request === null ? null : `${request} ${answer ?? 'asked'}`;
  const times = count === 1 ? '' : ` (${count} times)`;
  return `<tr class="${escaped(state)}">${cell(stamp(at))}${cell(state)}${cell(price, 'figure')}${cell(resting, 'figure')}${cell(rule)}${cell(sent)}${cell(`${reason}${times}`)}</tr>`;
}

function stamp(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace('T', ' ');
}
