/**
 * The verdict on a fault, from the venue's own log: nothing loosened (I1), no guard ended over an open position (I4, I5), nothing
 * claimed that the venue does not show (I2, I7), and the unprotected seconds (I12), printed. Our own word is only what is judged.
 */
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import type { GuardStatus } from '../../src/domain/board.ts';
import type { SessionReport } from '../../src/domain/report.ts';
import type { System } from './system.ts';
import {
  bareSpells,
  livesOf,
  loosenings,
  openThroughout,
  stopsBetween,
  type BareSpell,
  type Life,
} from './venue-log.ts';

/** A proof is a read; between its answer and the time that we write down lies at most a slow answer, ms. */
const PROOF_SLACK_MS = 12_000;
/** A guard ends after reads that showed its leg flat, and after looking for the closing record for at most a minute, ms. */
const ENDING_SLACK_MS = 75_000;
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

interface LegId {
  readonly symbol: string;
  readonly positionIdx: number;
}

function legOfGuard(workflowId: string): LegId {
  const [, , symbol = '', side] = workflowId.split(':');
  return { symbol, positionIdx: side === 'long' ? 1 : side === 'short' ? 2 : 0 };
}

async function listed(client: Client, type: string): Promise<WorkflowExecutionInfo[]> {
  const found: WorkflowExecutionInfo[] = [];
  for await (const one of client.workflow.list({ query: `WorkflowType="${type}"` })) found.push(one);
  return found;
}

/** Guards that completed as closed although their position was open all the while. */
async function endedOverOpenPositions(client: Client, lives: readonly Life[]): Promise<string[]> {
  const ended = (await listed(client, 'guardPosition')).filter(({ status }) => status.name === 'COMPLETED');
  const wrong = await Promise.all(
    ended.map(async ({ workflowId, runId, closeTime, startTime }) => {
      const result = (await client.workflow.getHandle(workflowId, runId).result()) as { ended: string };
      const at = closeTime?.getTime() ?? 0;
      const from = Math.max(at - ENDING_SLACK_MS, startTime.getTime());
      const over = result.ended === 'closed' && openThroughout(lives, legOfGuard(workflowId), from, at);
      return over ? [`${workflowId} at ${new Date(at).toISOString()}`] : [];
    }),
  );
  return wrong.flat();
}

async function falseReports(client: Client, lives: readonly Life[]): Promise<string[]> {
  const done = (await listed(client, 'startSession')).filter(({ status }) => status.name === 'COMPLETED');
  const found = await Promise.all(
    done.map(async ({ workflowId, runId, startTime, closeTime }) => {
      const handle = client.workflow.getHandle(workflowId, runId);
      const report = (await handle.result()) as SessionReport;
      const to = closeTime?.getTime() ?? Date.now();
      return falseClaims(report, lives, startTime.getTime(), to).map((claim) => `${workflowId}: ${claim}`);
    }),
  );
  return found.flat();
}

/** Claims of a report that the venue's log does not bear out; `from` and `to` are the session's own times, ms. */
function falseClaims(report: SessionReport, lives: readonly Life[], from: number, to: number): string[] {
  const unproven = report.positions.flatMap(({ symbol, positionIdx, stop, provenAt, state }) => {
    if (provenAt === null || stop === null) return state === 'PROTECTED' ? [`${symbol} without proof`] : [];
    return shown(lives, { symbol, positionIdx: positionIdx ?? 0 }, stop, Date.parse(provenAt))
      ? []
      : [`${symbol} stop ${stop} proven at ${provenAt}`];
  });
  const named = new Set(report.positions.map(({ symbol, positionIdx }) => `${symbol}:${positionIdx ?? 0}`));
  const read = !report.criteria.some(({ id }) => id === 'positions-read');
  const missing = lives
    .filter((life) => life.from < from && (life.to === null || life.to > to))
    .map(({ symbol, positionIdx }) => `${symbol}:${positionIdx}`)
    .filter((key) => read && !named.has(key));
  const claimed = report.status !== 'FAILED' && report.positions.some(({ provenAt }) => provenAt === null);
  return [
    ...unproven,
    ...missing.map((key) => `${key} was open and is not named`),
    ...(claimed ? [`${report.status} with a position that is not proven`] : []),
  ];
}

function shown(lives: readonly Life[], leg: LegId, stop: string, at: number): boolean {
  return stopsBetween(lives, leg, at - PROOF_SLACK_MS, at + 5).some((one) => Number(one) === Number(stop));
}

/** What running guards say of their legs now. */
async function falseStatuses(client: Client, lives: readonly Life[]): Promise<string[]> {
  const running = (await listed(client, 'guardPosition')).filter(({ status }) => status.name === 'RUNNING');
  const found = await Promise.all(
    running.map(async ({ workflowId }) => {
      const status = await statusOf(client, workflowId);
      if (status?.state !== 'PROTECTED' || status.stop === null || status.provenAt === null) return [];
      const leg = legOfGuard(workflowId);
      const borneOut = shown(lives, leg, status.stop, Date.parse(status.provenAt));
      return borneOut ? [] : [`${workflowId} ${status.stop} at ${status.provenAt}`];
    }),
  );
  return found.flat();
}

/** A guard's own view; `null` while it has none to give. */
export async function statusOf(client: Client, workflowId: string): Promise<GuardStatus | null> {
  try {
    return await client.workflow.getHandle(workflowId).query<GuardStatus>('status');
  } catch {
    return null;
  }
}
