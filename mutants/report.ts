/** What a run of mutants found, as tables, one closing line and JSON. */
import { cpus } from 'node:os';
import Table from 'cli-table3';
import type { Outcome } from './trial.ts';

export interface Result {
  readonly set: 'named' | 'domain';
  readonly name: string;
  /** File and line, or what the mutant breaks. */
  readonly what: string;
  readonly outcome: Outcome;
  readonly ms: number;
}

const WIDE = 70;

function outcomeText(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'caught':
      return `${outcome.file === '' ? '' : `${outcome.file}: `}${outcome.by}`;
    case 'timeout':
      return 'caught: the tests do not come to an end';
    case 'survived':
      return 'SURVIVED';
    case 'broken':
      return `ERROR: ${outcome.why}`;
  }
}

export function tableOf(results: readonly Result[]): string {
  const table = new Table({
    head: ['mutant', 'what', 'caught by'],
    colWidths: [34, 48, WIDE],
    wordWrap: true,
    wrapOnWordBoundary: false,
    style: { head: [], border: [] },
  });
  for (const { name, what, outcome } of results) table.push([name, what, outcomeText(outcome)]);
  return `${table.toString()}\n`;
}

interface Counts {
  readonly mutants: number;
  readonly caught: number;
  readonly timeouts: number;
  readonly survived: number;
  readonly errors: number;
}

function countsOf(results: readonly Result[]): Counts {
  const count = (kind: Outcome['kind']): number =>
    results.filter(({ outcome }) => outcome.kind === kind).length;
  const [caught, timeouts, survived, errors] = [
    count('caught'),
    count('timeout'),
    count('survived'),
    count('broken'),
  ];
  return { mutants: results.length, caught, timeouts, survived, errors };
}

export function closingLine(set: Result['set'], results: readonly Result[], of: number): string {
  const { mutants, caught, timeouts, survived, errors } = countsOf(results);
  const share = mutants === 0 ? '-' : (((caught + timeouts) / mutants) * 100).toFixed(1);
  const sample = of === mutants ? '' : ` (a sample of ${of})`;
  return `${set}: ${mutants} mutants${sample}, ${caught + timeouts} caught (${share} %), ${timeouts} of them by running out of time, ${survived} survived, ${errors} errors`;
}

/** Everything of a run, with what is needed to repeat it. */
export function jsonOf(results: readonly Result[], facts: object): string {
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version };
  return `${JSON.stringify({ at: new Date().toISOString(), machine, ...facts, results }, undefined, 2)}\n`;
}
