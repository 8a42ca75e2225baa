/** What a measurement is: a name, a run with the options of the command line, tables for people and a result for machines. */
import type { Cell } from './figures.ts';

export interface MeasureOptions {
  readonly quick: boolean;
  /** Numbers of guards or positions instead of the measure's own. */
  readonly counts: readonly number[] | null;
  /** Checks of each guard before it is killed instead of the measure's own. */
  readonly checks: number | null;
  /** Measure the steady state on PostgreSQL, too. */
  readonly postgres: boolean;
  /** Folder for CPU profiles; `null`: none. */
  readonly profile: string | null;
  /** Tells what is being done, on standard error. */
  readonly note: (text: string) => void;
}

export interface MeasuredTable {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

export interface Measured {
  readonly tables: readonly MeasuredTable[];
  readonly result: unknown;
}

export interface Measure {
  readonly name: string;
  readonly run: (options: MeasureOptions) => Promise<Measured>;
}
