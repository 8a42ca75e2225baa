/** Percentiles and roundings of measured values, and the tables that show them. */
import Table from 'cli-table3';

/** Nearest-rank percentile of values in any order; `NaN` of none. */
function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

export function rounded(value: number, digits = 0): number {
  const unit = 10 ** digits;
  return Math.round(value * unit) / unit;
}

/** `p50 / p99 / max`, ms. */
export interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export function spreadOf(values: readonly number[]): Spread {
  return {
    p50: rounded(percentile(values, 0.5)),
    p99: rounded(percentile(values, 0.99)),
    max: rounded(percentile(values, 1)),
  };
}

export function spreadText({ p50, p99, max }: Spread): string {
  return `${p50} / ${p99} / ${max}`;
}

export type Cell = string | number | null;

/** One line for each row, `null` shown as a dash: not measured. */
export function tableText(
  title: string,
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
): string {
  const table = new Table({ head: [...head], style: { head: [], border: [] } });
  for (const row of rows) table.push(row.map((cell) => (cell === null ? '-' : String(cell))));
  return `${title}\n${table.toString()}\n`;
}
