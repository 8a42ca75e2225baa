/** The tables of the steady state: one row for each design and number of guards. */
import { rounded, spreadText, type Cell, type Spread } from '../support/figures.ts';
import type { MeasuredTable } from '../support/measure.ts';
import type { Span } from '../support/profile.ts';

export type Design = 'stopkeeper' | 'on PostgreSQL' | 'plain design' | 'bare check' | 'plain loop';

export interface Steady {
  readonly design: Design;
  readonly guards: number;
  readonly seconds: number;
  readonly checks: number;
  /** Checks that had been due for 2 s at the end and were not done. */
  readonly unserved: number;
  readonly onTimePct: number;
  readonly lagMs: Spread;
  /** Lag of the first and of the second half of the window: whether it grows. */
  readonly p99Halves: readonly [number, number];
  /** `database`: processes of its own; SQLite's work is the server's. */
  readonly cpuMsPerCheck: {
    readonly worker: number;
    readonly server: number;
    readonly database: number;
    readonly sum: number;
  };
  /** Share of one core while measuring: worker, server and database together. */
  readonly cores: number;
  readonly rssMb: { readonly worker: number; readonly server: number; readonly workerAlone: number };
  readonly requestsPerMinute: number;
  readonly snapshotsPerMinute: number;
  readonly eventsPerCheck: number | null;
  readonly bytesPerCheck: number | null;
  readonly databaseBytesPerCheck: number | null;
  /** Share of all cores that was busy, whoever used them. */
  readonly machineBusyPct: number;
  readonly span: Span;
}

export function tablesOf(measured: readonly Steady[], intervalMs: number): readonly MeasuredTable[] {
  return [loadTable(measured, intervalMs), sizeTable(measured)];
}

function loadTable(measured: readonly Steady[], intervalMs: number): MeasuredTable {
  const plainOf = (one: Steady): Steady | undefined =>
    measured.find(({ design, guards }) => design === 'plain design' && guards === one.guards);
  const ofPlain = (one: Steady): Cell => {
    const plain = plainOf(one);
    return plain === undefined
      ? null
      : `${rounded((100 * one.cpuMsPerCheck.sum) / plain.cpuMsPerCheck.sum)} %`;
  };
  return {
    title: `Steady state at ${intervalMs / 1_000} s: checks on time, CPU`,
    head: [
      'design',
      'guards',
      'checks',
      'unserved',
      'on time %',
      'lag p50 / p99 / max ms',
      'p99 of halves',
      'CPU ms a check: worker',
      'server',
      'database',
      'sum',
      'of plain',
      'cores',
      'machine busy %',
    ],
    rows: measured.map((one) => [
      one.design,
      one.guards,
      one.checks,
      one.unserved,
      one.onTimePct,
      spreadText(one.lagMs),
      one.p99Halves.join(', '),
      one.cpuMsPerCheck.worker,
      one.cpuMsPerCheck.server,
      one.cpuMsPerCheck.database,
      one.cpuMsPerCheck.sum,
      ofPlain(one),
      one.cores,
      one.machineBusyPct,
    ]),
  };
}

function sizeTable(measured: readonly Steady[]): MeasuredTable {
  return {
    title: 'Steady state: memory, venue requests, history, database',
    head: [
      'design',
      'guards',
      'worker RSS MB (before)',
      'server RSS MB',
      'requests a min',
      'snapshots a min',
      'events a check',
      'bytes a check',
      'database bytes a check',
      'GB a day',
    ],
    rows: measured.map((one) => [
      one.design,
      one.guards,
      `${one.rssMb.worker} (${one.rssMb.workerAlone})`,
      one.rssMb.server,
      one.requestsPerMinute,
      one.snapshotsPerMinute,
      one.eventsPerCheck,
      one.bytesPerCheck,
      one.databaseBytesPerCheck,
      one.databaseBytesPerCheck === null
        ? null
        : rounded((one.databaseBytesPerCheck * one.checks * (86_400 / one.seconds)) / 1e9, 2),
    ]),
  };
}
