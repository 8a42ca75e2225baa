/**
 * The verdict on a fault, from the venue's own log: nothing loosened (I1), no guard ended over an open position (I4, I5), nothing
 * claimed that the venue does not show (I2, I7), and the unprotected seconds (I12), printed. Our own word is only what is judged.
 */
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { endedOverOpenPositions, falseReports, falseStatuses } from './claims.ts';
import type { System } from './system.ts';
import { bareSpells, livesOf, loosenings, type BareSpell, type Life } from './venue-log.ts';

export { statusOf } from './claims.ts';

/** Visibility lags behind; a guard that has just ended is listed within this time, ms. */
const VISIBILITY_MS = 1_500;

export interface VerdictOptions {
  /** Start of the fault, ms: what was bare before is not its doing. */
  readonly since: number;
  /** Symbols that may be without a stop at the end (released, or a venue that never takes their stop). */
  readonly stillBare?: readonly string[];
  /** Symbols whose price has passed a proven stop: there the nearest legal stop is right (I1). */
  readonly passed?: readonly string[];
}

export interface Verdict {
  readonly lives: readonly Life[];
  /** Prints the unprotected seconds of one symbol under a name of their own. */
  readonly tell: (fault: string, symbol: string) => void;
}

/** Judges what happened since the fault began, prints its unprotected seconds under `fault`, and fails on what must never be. */
export async function expectSafe(system: System, fault: string, options: VerdictOptions): Promise<Verdict> {
  await sleep(VISIBILITY_MS);
  const log = await system.paper.log();
  const lives = livesOf(log);
  const spells = bareSpells(lives, options.since, log.readAt);
  print(fault, spells, sent(lives, options.since));

  const passed = new Set(options.passed);
  const loosened = loosenings(lives).filter(({ kind, symbol }) => kind !== 'put-back' || !passed.has(symbol));
  expect(loosened, 'stops that we loosened').toEqual([]);
  const bare = spells.filter(
    ({ ended, symbol }) => ended === 'still-open' && options.stillBare?.includes(symbol) !== true,
  );
  expect(bare, 'positions without a stop at the end').toEqual([]);
  expect(await endedOverOpenPositions(system.client, lives), 'guards that ended too early').toEqual([]);
  expect(await falseReports(system.client, lives), 'claims of reports').toEqual([]);
  expect(await falseStatuses(system.client, lives), 'claims of guards').toEqual([]);
  const of =
    (symbol: string) =>
    (one: { readonly symbol: string }): boolean =>
      one.symbol === symbol;
  return {
    lives,
    tell: (about, symbol) =>
      print(about, spells.filter(of(symbol)), sent(lives.filter(of(symbol)), options.since)),
  };
}

function sent(lives: readonly Life[], since: number): number {
  return lives.flatMap(({ stops }) => stops).filter(({ by, at }) => by === 'api' && at >= since).length;
}

function print(fault: string, spells: readonly BareSpell[], stopsSent: number): void {
  const lengths = spells.map(({ symbol, from, to }) => ({ symbol, s: (to - from) / 1_000 }));
  const longest = lengths.toSorted((a, b) => b.s - a.s)[0];
  const sum = lengths.reduce((total, { s }) => total + s, 0);
  const most = longest === undefined ? 'never' : `${longest.s.toFixed(1)} s at most (${longest.symbol})`;
  console.log(
    `unprotected: ${fault}: ${most}, ${sum.toFixed(1)} s in ${lengths.length} spells, ${stopsSent} stops set`,
  );
  const file = process.env['STOPKEEPER_FAULT_FIGURES'];
  if (file === undefined) return;
  const figure = { fault, longestS: longest?.s ?? 0, sumS: sum, spells: lengths.length, stopsSent };
  appendFileSync(file, `${JSON.stringify(figure)}\n`);
}
