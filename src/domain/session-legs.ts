/** The legs of a session: in which order they are protected, and what the report says of each (DESIGN §5, §7; I7). */
import { dec } from './decimal.ts';
import { decide } from './decide.ts';
import { evolve } from './evolve.ts';
import { newBook, type GuardBook, type GuardEvent } from './guard-state.ts';
import { positionReport } from './guard-view.ts';
import { guardId } from './names.ts';
import type { Policy } from './policy.ts';
import type { Leg, Observation } from './position.ts';
import type { LegFacts } from './report-criteria.ts';
import type { PositionReport } from './report.ts';

/** One leg on its way through a session. */
export interface SessionLeg {
  readonly leg: Leg;
  readonly policy: Policy;
  /** Memory after the import's observation. */
  readonly book: GuardBook;
  readonly previousStop: string | null;
  /** What the import's observation asks for; `null` when a stop is in place. */
  readonly planned: {
    readonly stop: string;
    readonly kind: 'fixed' | 'trailing';
    readonly rule: string;
  } | null;
  /** Why nothing can be planned although no proven stop rests; `null` otherwise. */
  readonly problem: string | null;
}

/** Judges a leg by the import's observation, as its guard would. */
export function sessionLeg(account: string, leg: Leg, observation: Observation, policy: Policy): SessionLeg {
  const empty = newBook(account, leg);
  const { action, resting, reason } = decide(empty, observation, policy);
  const book = evolve(empty, { kind: 'observed', observation }, policy);
  const planned =
    action.kind === 'write' ? { stop: action.stop, kind: action.stopKind, rule: action.rule } : null;
  const bare = planned === null && resting !== 'legal';
  return {
    leg,
    policy,
    book,
    previousStop: observation.kind === 'open' ? observation.position.stopLoss : null,
    planned,
    problem: bare ? reason : null,
  };
}

/** Riskiest first: no stop, then nearest to liquidation, then largest; legs that nobody could read come first of all. */
export function byRisk(a: SessionLeg, b: SessionLeg): number {
  const bare = Number(a.previousStop !== null) - Number(b.previousStop !== null);
  if (bare !== 0) return bare;
  const near = distanceToLiquidation(a) - distanceToLiquidation(b);
  return near !== 0 && !Number.isNaN(near) ? near : notional(b) - notional(a);
}

/** Share of the price that separates it from liquidation; only sorts, decides nothing. */
function distanceToLiquidation({ book }: SessionLeg): number {
  const { seen } = book;
  if (seen === null) return -1;
  if (seen.position.liqPrice === null) return Number.MAX_VALUE;
  return Number(dec(seen.price).minus(seen.position.liqPrice).abs().div(seen.price).toFixed(8));
}

function notional({ book }: SessionLeg): number {
  const { seen } = book;
  return seen === null ? Number.MAX_VALUE : Number(dec(seen.price).times(seen.position.size).toFixed(2));
}

/** What became of a leg that the session protected itself. */
export interface LegOutcome {
  readonly book: GuardBook;
  readonly events: readonly GuardEvent[];
  /** Why there is no proof; `null` when there is. */
  readonly failure: string | null;
  readonly guard: LegFacts['guard'];
  readonly guardProblem: string | null;
}

/** `null` when the leg turned out flat: it is a position no more, and its guard will say why. */
export function legFacts(account: string, leg: SessionLeg, outcome: LegOutcome): LegFacts | null {
  const { book, events, failure, guard, guardProblem } = outcome;
  if (book.state.kind === 'confirming' || book.state.kind === 'closed') return null;
  const wrote = events.some((event) => event.kind === 'written');
  const proven = book.state.kind === 'protected' && failure === null;
  const report = positionReport(book, {
    previousStop: leg.previousStop,
    guard: guard === 'running' ? guardId(account, leg.leg) : null,
  });
  return {
    report: proven ? report : { ...report, provenAt: null },
    outcome: proven ? (wrote ? 'newly' : 'already') : 'failed',
    wroteUnchanged: events.some((event) => event.kind === 'written' && event.outcome.kind === 'unchanged'),
    guard,
    problems: [failure ?? (proven ? null : book.message), guardProblem].filter((one) => one !== null),
  };
}

/** A leg that its running guard protects; the guard's own view is what is reported. */
export function guardedFacts(leg: SessionLeg, status: PositionReport): LegFacts {
  const proven = status.state === 'PROTECTED' && status.provenAt !== null;
  const moved = status.stop !== null && (leg.previousStop === null || !dec(status.stop).eq(leg.previousStop));
  return {
    report: { ...status, previousStop: leg.previousStop },
    outcome: proven ? (moved ? 'newly' : 'already') : 'failed',
    wroteUnchanged: false,
    guard: 'running',
    problems: proven ? [] : [`its guard says ${status.state}`],
  };
}

/** A leg of a dry run: what a session would write. */
export function plannedFacts(leg: SessionLeg): LegFacts {
  const { planned, problem } = leg;
  return {
    report: positionReport(leg.book, {
      previousStop: leg.previousStop,
      guard: null,
      ...(planned === null ? {} : { planned }),
    }),
    outcome: planned !== null ? 'planned' : problem === null ? 'already' : 'failed',
    wroteUnchanged: false,
    guard: 'not-expected',
    problems: problem === null ? [] : [problem],
  };
}

/** A leg in its operator's hands: named in every report, with whatever stop it has. */
export function releasedFacts(leg: SessionLeg, reason: string): LegFacts {
  const resting = leg.book.state.kind === 'protected';
  const report = positionReport(leg.book, { previousStop: leg.previousStop, guard: null });
  return {
    report: { ...report, state: 'RELEASED', warnings: [...report.warnings, `released: ${reason}`] },
    outcome: resting ? 'already' : 'failed',
    wroteUnchanged: false,
    guard: 'not-expected',
    problems: [`released: ${reason}`],
  };
}

/** A row that cannot be told apart as a leg, or not be read: UNPROTECTED with its reason (I7). */
export function unreadableFacts(
  symbol: string,
  positionIdx: 0 | 1 | 2 | null,
  size: string | null,
  reason: string,
): LegFacts {
  return {
    report: {
      symbol,
      positionIdx,
      side: null,
      size,
      entryPrice: null,
      markPrice: null,
      leverage: null,
      pnlUsd: null,
      pnlPct: null,
      stop: null,
      stopKind: null,
      rule: null,
      previousStop: null,
      takeProfit: null,
      trigger: null,
      bestPrice: null,
      liqPrice: null,
      provenAt: null,
      pnlAtStopUsd: null,
      pnlAtStopPct: null,
      atRiskUsd: null,
      state: 'UNREADABLE',
      warnings: [reason],
      guard: null,
      episode: null,
    },
    outcome: 'failed',
    wroteUnchanged: false,
    guard: 'not-expected',
    problems: [reason],
  };
}
