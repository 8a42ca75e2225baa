/** What the audit log keeps beside Temporal: stops written and proven, episodes ended, operators' messages, alerts (DESIGN §9). */
import type { Alert } from './alert.ts';
import type { ClosingReport } from './closing.ts';
import type { Leg } from './position.ts';

/** What happened, without who says so. */
export type AuditFact =
  | {
      readonly kind: 'stop-written';
      readonly leg: Leg;
      readonly stop: string;
      /** Stop that rested before; `null`: none. */
      readonly previous: string | null;
      readonly stopKind: 'fixed' | 'trailing';
      readonly rule: string;
      readonly urgency: string;
      readonly outcome: 'applied' | 'unchanged' | 'refused' | 'unknown';
      /** The venue's words; `null` where it only said yes. */
      readonly answer: string | null;
    }
  /** A read that was begun after any write shows this stop (I2). */
  | {
      readonly kind: 'stop-proven';
      readonly leg: Leg;
      readonly stop: string;
      /** ISO 8601 */
      readonly provenAt: string;
    }
  | { readonly kind: 'close-order'; readonly leg: Leg; readonly size: string; readonly outcome: string }
  | { readonly kind: 'episode-ended'; readonly leg: Leg; readonly report: ClosingReport }
  /** The guard ended because an operator took the leg over; the position may still be open. */
  | { readonly kind: 'released'; readonly leg: Leg; readonly reason: string }
  /** A signal or an update that was accepted; `input` as it came. */
  | { readonly kind: 'message'; readonly leg: Leg | null; readonly name: string; readonly input: unknown }
  | { readonly kind: 'alert'; readonly alert: Alert };

/** One entry. Entries are written at least once: two with one id are the same entry. */
export type AuditEntry = AuditFact & {
  readonly id: string;
  /** ms */
  readonly at: number;
  readonly account: string;
  readonly workflowId: string;
  readonly runId: string;
};

/** So many facts wait at most for the check that takes them along; the oldest go first. */
const MOST_WAITING = 50;
const MOST_CARRIED = 4;

/** The entries of one run of a workflow that no activity has taken yet; a replay gives them the same ids. */
export class AuditNotes {
  readonly #source: Pick<AuditEntry, 'account' | 'workflowId' | 'runId'>;
  #waiting: readonly AuditEntry[];
  #count = 0;

  /** `carried`: what the run before has handed over. */
  constructor(
    source: Pick<AuditEntry, 'account' | 'workflowId' | 'runId'>,
    carried: readonly AuditEntry[] = [],
  ) {
    this.#source = source;
    this.#waiting = carried;
  }

  add(fact: AuditFact, at: number): void {
    const { workflowId, runId } = this.#source;
    const id = `${workflowId}/${runId}/${this.#count}`;
    this.#count += 1;
    this.#waiting = [...this.#waiting, { ...fact, ...this.#source, id, at }].slice(-MOST_WAITING);
  }

  get waiting(): readonly AuditEntry[] {
    return this.#waiting;
  }

  /** What the next run is handed: the newest, few, since a run's input is small. */
  get handedOver(): readonly AuditEntry[] {
    return this.#waiting.slice(-MOST_CARRIED);
  }

  /** Forgets what an activity has taken. */
  taken(entries: readonly AuditEntry[]): void {
    const ids = new Set(entries.map(({ id }) => id));
    this.#waiting = this.#waiting.filter(({ id }) => !ids.has(id));
  }
}
