/** Aligned text: tables without borders, labelled facts, and the choice of the widest layout that fits. */
import Table from 'cli-table3';
import { widthOf, wrap, type Terminal } from './terminal.ts';

/** A closer gap, for tables that would otherwise just miss the width. */
export const TIGHT = ' ';

export interface Column {
  readonly head: string;
  readonly align: 'left' | 'right';
}

const GAP = '  ';
const INDENT = '  ';
const NO_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: INDENT,
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
};

/** Rows under their heads; a cell with a line break takes several lines. Nothing is ever cut. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  terminal: Terminal,
  gap: string = GAP,
): string {
  const table = new Table({
    chars: { ...NO_BORDERS, middle: gap },
    colAligns: columns.map((column) => column.align),
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
  });
  // Line by line: a colour that spans lines would run into the next cell.
  const dim = (head: string): string => head.split('\n').map(terminal.paint.dim).join('\n');
  table.push(columns.map((column) => dim(column.head)));
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** The first layout that fits the width; the last one where none does. */
export function firstThatFits(width: number, layouts: readonly (() => string)[]): string {
  let text = '';
  for (const layout of layouts) {
    text = layout();
    if (widthOf(text) <= width) break;
  }
  return text;
}

export type Fact = readonly [label: string, text: string];

/** Labels in one column, their text beside them, wrapped to the width. */
export function renderFacts(facts: readonly Fact[], terminal: Terminal): string {
  const labelWidth = Math.max(0, ...facts.map(([label]) => label.length));
  const left = INDENT.length + labelWidth + GAP.length;
  const lines = facts.flatMap(([label, text]) =>
    wrap(text, Math.max(20, terminal.width - left)).map((line, index) => {
      const head = (index === 0 ? label : '').padEnd(labelWidth);
      return `${INDENT}${terminal.paint.dim(head)}${GAP}${line}`.trimEnd();
    }),
  );
  return lines.join('\n');
}

/** A heading and its body, or nothing where the body is empty. */
export function section(title: string, body: string, terminal: Terminal): readonly string[] {
  return body === '' ? [] : [terminal.paint.bold(title), body, ''];
}
