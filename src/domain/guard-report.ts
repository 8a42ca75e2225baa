/** What a guard tells its worker after each step, for the worker's metrics: its state and its unprotected time (I12). Pure. */
import type { ProtectionState } from './board.ts';
import { sighted, unprotectedMs, unprotectedSince, type GuardBook } from './guard-state.ts';
import { protectionState } from './guard-view.ts';

/** A guard as it is now. Times are ms of the workflow's clock. */
export interface GuardReport {
  readonly account: string;
  readonly state: ProtectionState;
  /** Start of the unprotected spell that is running; `null` when none is. */
  readonly unprotectedSince: number | null;
  /** The last read that showed the stop or, without one, the moment from which there certainly was none; `null` while no leg is open. */
  readonly provenAt: number | null;
  /** The last observation of any kind; 0 before the first. */
  readonly checkedAt: number;
  /** 0 before the first check. */
  readonly nextCheckAt: number;
  /** Unprotected time that no report of this guard has named before, ms. */
  readonly newUnprotectedMs: number;
}

/** One check that has ended. */
export interface CheckReport {
  readonly account: string;
  readonly seen: 'open' | 'flat' | 'unreadable';
  /** How long after it was due it began, ms; `null` for one that a message asked for. */
  readonly lagMs: number | null;
}

/** How much of which episode's unprotected time has been reported. */
export interface Reported {
  /** By its first observation, ms: a position that turns over may keep the venue's openTime, and with it the episode's id. */
  readonly adoptedAt: number | null;
  readonly ms: number;
}

/** Of a guard that has reported nothing: what a session did before it began is still to be told. */
export const NOTHING_REPORTED: Reported = { adoptedAt: null, ms: 0 };

/** All that the book holds counts as reported. */
export function reportedOf(book: GuardBook): Reported {
  return { adoptedAt: book.episode?.adoptedAt ?? null, ms: unprotectedMs(book, book.lastAt) };
}

/** Unprotected time since `before`, ms, up to the last observation; what an episode gained at its very end is included. */
export function newUnprotectedMs(before: Reported, book: GuardBook): number {
  const now = reportedOf(book);
  if (now.adoptedAt === before.adoptedAt) return Math.max(0, now.ms - before.ms);
  const ended =
    book.ended.find(({ adoptedAt }) => adoptedAt === before.adoptedAt)?.unprotectedMs ?? before.ms;
  return now.ms + Math.max(0, ended - before.ms);
}

export function guardReport(book: GuardBook, before: Reported, nextCheckAt: number): GuardReport {
  return {
    account: book.account,
    state: protectionState(book),
    unprotectedSince: unprotectedSince(book.state),
    provenAt: provenAtOf(book),
    checkedAt: book.lastAt,
    nextCheckAt,
    newUnprotectedMs: newUnprotectedMs(before, book),
  };
}

function provenAtOf({ state }: GuardBook): number | null {
  const seen = sighted(state);
  switch (seen?.kind) {
    case 'protected':
      return seen.provenAt;
    case 'unprotected':
      return seen.since;
    case 'uncertain':
      return seen.unprotectedSince ?? seen.since;
    case undefined:
      return state.kind === 'blind' && state.reads > 0 ? state.since : null;
    case 'confirming':
    case 'closed':
      return null;
  }
}
