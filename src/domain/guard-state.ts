/** A guard's memory of its leg: states that own only their data, the episode, and the events that change them (I1, I5, I12). */
import type { Acknowledged, Alert, Told } from './alert.ts';
import type { ClosingReport } from './closing.ts';
import { fitting, type LogEntry } from './decision-log.ts';
import type { FailureInfo, WriteOutcome } from './failure.ts';
import type { Leg, Observation, OpenObservation, Side } from './position.ts';
import type { Rule, Target } from './target.ts';
import type { Policy } from './policy.ts';

export type StopKind = 'fixed' | 'trailing' | 'human';

export type GuardState =
  | { readonly kind: 'unprotected'; readonly since: number; readonly criticalAt: number | null }
  | {
      readonly kind: 'protected';
      readonly stop: string;
      readonly stopKind: StopKind;
      readonly provenAt: number;
    }
  /** A write whose fate no read has shown yet, or a stop that the price has passed although size is there. */
  | {
      readonly kind: 'uncertain';
      readonly intended: string;
      readonly since: number;
      /** Start of the unprotected spell that the write was to end; `null` when a stop rested. */
      readonly unprotectedSince: number | null;
      readonly criticalAt: number | null;
    }
  /** `previous` is `null` before the first readable observation of a guard's life. */
  | {
      readonly kind: 'blind';
      readonly since: number;
      readonly reads: number;
      readonly problem: string;
      readonly reason: string;
      readonly previous: SightedState | null;
    }
  | {
      readonly kind: 'confirming';
      readonly absentSince: number;
      /** First valid row of size 0 at least 2 s after the leg was absent; `null` until then. */
      readonly flatSince: number | null;
      /** Start of the unprotected spell that goes on if the leg is seen again (I4); `null` when none ran, or once it is flat. */
      readonly unprotectedSince: number | null;
      readonly criticalAt: number | null;
    }
  | { readonly kind: 'closed'; readonly report: ClosingReport };

export type SightedState = Exclude<GuardState, { readonly kind: 'blind' }>;

/** One life of a position (DESIGN §1). */
export interface Episode {
  readonly id: string;
  readonly side: Side;
  readonly openTime: number | null;
  /** First observation, ms: no candle that began earlier is ever used. */
  readonly adoptedAt: number;
  readonly size: string;
  readonly entryPrice: string;
  /** Last proven stop and who set it (I1). */
  readonly floor: { readonly stop: string; readonly by: 'us' | 'human'; readonly kind: StopKind } | null;
  /** Last stop that we sent and that was or may have been applied, with its rule. */
  readonly sent: { readonly stop: string; readonly kind: 'fixed' | 'trailing'; readonly rule: Rule } | null;
  readonly trailing: { readonly since: number; readonly best: string } | null;
  /** Times in the last 10 minutes at which somebody had loosened our proven stop. */
  readonly loosenedAt: readonly number[];
  /** Checks in a row with a cross-margin liquidation price too near. */
  readonly crossLiqChecks: number;
  /** Since when the price has been at or beyond the resting stop; `null` while it is not. */
  readonly passedSince: number | null;
  /** Unprotected spells that have ended, ms in all (I12). */
  readonly unprotectedMs: number;
  /** An operator's `allowLooser` that has not been used yet. */
  readonly mayLoosen: boolean;
}

/** How an episode ended while its guard went on. */
export interface EndedReport {
  readonly report: ClosingReport;
  /** When it was known, ms. */
  readonly at: number;
}

/** So many of them are carried along. */
export const MAX_REPORTED = 5;

export interface GuardBook {
  readonly account: string;
  readonly leg: Leg;
  readonly state: GuardState;
  readonly episode: Episode | null;
  /** Last open observation: what `status` shows. */
  readonly seen: OpenObservation | null;
  readonly target: Target | null;
  /** Time of the last observation of any kind, ms. */
  readonly lastAt: number;
  /** Last failure that ended a write for good, until a proof; `null` otherwise. */
  readonly failure: FailureInfo | null;
  readonly told: Told;
  /** What an operator has acknowledged of it; absent in memories of older builds. */
  readonly acknowledged?: Acknowledged | null;
  readonly alertCount: number;
  readonly outbox: readonly Alert[];
  /** Episodes that ended while the guard goes on (a flip, a reopening), waiting for their closing report. */
  readonly ended: readonly Episode[];
  /** Reports of the last of them, oldest first; absent in memories of older builds. */
  readonly reported?: readonly EndedReport[];
  readonly log: readonly LogEntry[];
  /** Decision in words. */
  readonly message: string;
}

export type Urgency = 'no-stop' | 'loosened' | 'tighten' | 'rewrite';

export type Action =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'write';
      readonly stop: string;
      readonly stopKind: 'fixed' | 'trailing';
      readonly rule: Rule;
      readonly urgency: Urgency;
    }
  /** Read again soon without writing: about to trigger, being liquidated. */
  | { readonly kind: 'watch' }
  /** Ask for the symbol's own row: the leg was absent. */
  | { readonly kind: 'confirm' }
  /** Flat is proven: look for the closing record and end. */
  | { readonly kind: 'end' }
  /** `escalation.closeAfterMs` has passed without a stop. */
  | { readonly kind: 'close'; readonly size: string; readonly side: Side };

export type EpisodeChange = 'same' | 'first' | 'side' | 'reopened';

export interface Decision {
  readonly action: Action;
  readonly episode: EpisodeChange;
  readonly target: Target | null;
  /** The resting stop against the price; `null` when the observation shows no open leg. */
  readonly resting: 'none' | 'legal' | 'passed' | null;
  /** True when our proven stop was found loosened. */
  readonly loosened: boolean;
  readonly reason: string;
}

/** What a check brings; folded by `evolve` in the workflow exactly as in the activity that produced it. */
export type GuardEvent =
  | { readonly kind: 'observed'; readonly observation: Observation; readonly rewrite?: boolean }
  | {
      readonly kind: 'written';
      readonly stop: string;
      readonly stopKind: 'fixed' | 'trailing';
      readonly rule: Rule;
      readonly urgency: Urgency;
      readonly outcome: WriteOutcome;
      readonly at: number;
    }
  /** All attempts of a write have failed and a read has followed. */
  | { readonly kind: 'write-failed'; readonly failure: FailureInfo; readonly at: number }
  | { readonly kind: 'loosening-allowed' }
  | { readonly kind: 'closed'; readonly report: ClosingReport }
  | {
      readonly kind: 'episode-reported';
      readonly id: string;
      readonly report: ClosingReport;
      readonly at: number;
    }
  /** An operator knows what was told and looks after it. */
  | {
      readonly kind: 'acknowledged';
      readonly by: string;
      readonly reason: string | null;
      readonly at: number;
    }
  | { readonly kind: 'delivered'; readonly alertId: string }
  | { readonly kind: 'closing-order'; readonly message: string; readonly at: number };

/** A guard that has seen nothing yet: blind since the epoch, with nothing before. */
export function newBook(account: string, leg: Leg): GuardBook {
  return {
    account,
    leg,
    state: { kind: 'blind', since: 0, reads: 0, problem: '', reason: 'not read yet', previous: null },
    episode: null,
    seen: null,
    target: null,
    lastAt: 0,
    failure: null,
    told: {},
    alertCount: 0,
    outbox: [],
    ended: [],
    log: [],
    message: 'not read yet',
  };
}

/** What the state was before sight was lost; `null` when nothing has ever been seen. */
export function sighted(state: GuardState): SightedState | null {
  return state.kind === 'blind' ? state.previous : state;
}

/** Start of the unprotected spell that is running, ms; `null` when none is. */
export function unprotectedSince(state: GuardState): number | null {
  const seen = sighted(state);
  if (seen?.kind === 'unprotected') return seen.since;
  return seen?.kind === 'uncertain' || seen?.kind === 'confirming' ? seen.unprotectedSince : null;
}

/** When CRITICAL was raised in the running spell; `null` when it was not. */
export function criticalAt(state: GuardState): number | null {
  const seen = sighted(state);
  if (seen === null || seen.kind === 'protected' || seen.kind === 'closed') return null;
  return seen.criticalAt;
}

/** Unprotected time of the episode, ended spells and the running one, ms; of an absent leg until it was absent (I12). */
export function unprotectedMs(book: GuardBook, now: number): number {
  const since = unprotectedSince(book.state);
  const seen = sighted(book.state);
  const until = seen?.kind === 'confirming' ? seen.absentSince : now;
  return (book.episode?.unprotectedMs ?? 0) + (since === null ? 0 : Math.max(0, until - since));
}

/** The memory that a run hands to the next: as many of the newest decisions as fit beside the rest in `bytes`. */
export function carried(book: GuardBook, bytes: number): GuardBook {
  const bare: GuardBook = { ...book, log: [] };
  return { ...book, log: fitting(book.log, bytes - JSON.stringify(bare).length) };
}

/** At least 2 s lie between the read that lacked the leg and the one that proves it flat (I4). */
export const CONFIRM_AFTER_MS = 2_000;
/** Cadence while a stop is about to trigger or the venue liquidates. */
const WATCH_EVERY_MS = 2_000;
/** Cadence while the key is rejected. */
const KEY_REJECTED_EVERY_MS = 60_000;
const BLIND_EVERY_MS = 10_000;
/** While a flat leg's closing record is not there yet; given up after `RECORD_LIMIT_MS`. */
const RECORD_EVERY_MS = 5_000;
export const RECORD_LIMIT_MS = 60_000;

/** Time until the next check, ms, before jitter (DESIGN §3, "check interval"). */
export function cadence(book: GuardBook, policy: Policy): number {
  const { state, episode, seen } = book;
  const fast = Math.min(policy.escalation.fastCheckMs, policy.checkEveryMs);
  const rejected =
    book.failure?.type === 'VenueAuth' || (state.kind === 'blind' && state.problem === 'VenueAuth');
  // What is bare is tried as fast as ever: a key that works again must find it.
  if (rejected && unprotectedSince(state) === null)
    return Math.min(KEY_REJECTED_EVERY_MS, policy.checkEveryMs * 2);
  switch (state.kind) {
    case 'confirming':
      return state.flatSince === null ? CONFIRM_AFTER_MS : RECORD_EVERY_MS;
    case 'blind':
      return unprotectedSince(state) === null ? Math.min(BLIND_EVERY_MS, policy.checkEveryMs) : fast;
    case 'unprotected':
      return seen !== null && seen.position.status !== 'Normal' ? WATCH_EVERY_MS : fast;
    case 'uncertain':
      return episode?.passedSince === null ? fast : Math.min(WATCH_EVERY_MS, fast);
    case 'protected':
      return episode?.passedSince != null || (seen !== null && seen.position.status !== 'Normal')
        ? Math.min(WATCH_EVERY_MS, policy.checkEveryMs)
        : policy.checkEveryMs;
    case 'closed':
      return policy.checkEveryMs;
  }
}
