/** What guards and the watcher answer to `status` and `board`: the views that people and the board read. */
import type { NotCovered, PositionReport } from './report.ts';

/** Upper case of the guard's state, as the search attribute `ProtectionState` spells it. */
export type ProtectionState =
  'PROTECTED' | 'UNPROTECTED' | 'UNCERTAIN' | 'BLIND' | 'CONFIRMING' | 'CLOSED' | 'RELEASED';

/** Answer of a guard's `status` query; `state` is a `ProtectionState`. Times are ISO 8601. */
export interface GuardStatus extends PositionReport {
  readonly account: string;
  readonly checkedAt: string | null;
  readonly nextCheckAt: string | null;
  readonly unprotectedSince: string | null;
  /** Total over the episode, spells ended and the running one, seconds with one decimal. */
  readonly unprotectedSeconds: string;
  /** Checks since the guard began, over all runs. */
  readonly checks: number;
  /** Who looks after which alerts: they are not repeated until they change or end. */
  readonly acknowledged: {
    readonly by: string;
    readonly reason: string | null;
    readonly at: string;
    readonly kinds: readonly string[];
  } | null;
  /** Last decision in words. */
  readonly message: string;
}

/** One leg as the watcher last knew it: refreshed when something changed, not at every price. */
export interface BoardLeg {
  readonly symbol: string;
  readonly positionIdx: number;
  readonly side: string | null;
  readonly size: string | null;
  readonly state: ProtectionState | 'UNGUARDED' | 'UNREADABLE';
  readonly stop: string | null;
  readonly guard: string | null;
  readonly note: string | null;
  /** When this entry last changed, ISO 8601. */
  readonly since: string;
}

/** Answer of the watcher's `board` query. */
export interface Board {
  readonly account: string;
  /** Last complete round, ISO 8601; `null` before the first. */
  readonly roundAt: string | null;
  readonly rounds: number;
  readonly failedRounds: number;
  readonly legs: readonly BoardLeg[];
  readonly released: readonly {
    readonly symbol: string;
    readonly positionIdx: number;
    readonly reason: string;
    readonly until: string | null;
  }[];
  readonly notCovered: readonly NotCovered[];
}
