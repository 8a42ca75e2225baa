/**
 * Retraces a guard: what its histories hold (reads, writes, messages) is judged again by the same pure code, so that every check
 * of every run is known with its price, also those that the guard's own log has folded into a count (I11).
 */
import type { Alert } from './alert.ts';
import type { ClosingReport } from './closing.ts';
import type { LogEntry } from './decision-log.ts';
import { evolve } from './evolve.ts';
import type { FailureInfo } from './failure.ts';
import { newBook, type GuardBook, type GuardEvent } from './guard-state.ts';
import type { GuardEnding } from './history.ts';
import type { AcknowledgeInput, GuardInput, ReprotectInput } from './messages.ts';
import { changedPolicy, type PolicyChange } from './policy-change.ts';
import type { Policy } from './policy.ts';
import type { Observation } from './position.ts';

/** One thing of a guard's history that its memory depends on; `at` in ms. */
export type Happened = { readonly at: number } & (
  | { readonly kind: 'started'; readonly runId: string; readonly input: GuardInput }
  | { readonly kind: 'message'; readonly name: string; readonly input: unknown; readonly by: string }
  | { readonly kind: 'observed'; readonly observation: Observation }
  | { readonly kind: 'ensured'; readonly events: readonly GuardEvent[] }
  | { readonly kind: 'ensure-failed'; readonly failure: FailureInfo; readonly written: readonly GuardEvent[] }
  | { readonly kind: 'record'; readonly report: ClosingReport }
  | { readonly kind: 'ended'; readonly how: string; readonly ending: GuardEnding | null }
  /** A run, or a part of one, that cannot be read. */
  | { readonly kind: 'gap'; readonly reason: string }
);

/** A decision with the levels that it was made by. */
export interface TracedDecision extends Omit<LogEntry, 'count'> {
  readonly kind: 'decision';
  readonly episode: string | null;
  readonly side: 'long' | 'short' | null;
  readonly trigger: string | null;
  readonly best: string | null;
}

/** One line of an export; times in ms. */
export type Traced =
  | TracedDecision
  | {
      readonly kind: 'message';
      readonly at: number;
      readonly name: string;
      readonly input: unknown;
      readonly by: string;
    }
  | { readonly kind: 'alert'; readonly at: number; readonly alert: Alert }
  | { readonly kind: 'episode-ended'; readonly at: number; readonly report: ClosingReport }
  | { readonly kind: 'guard-ended'; readonly at: number; readonly how: string }
  | { readonly kind: 'gap'; readonly at: number; readonly reason: string };

/** Retraces runs in their order; what cannot be judged any more becomes a gap with its reason. */
export function retrace(happened: Iterable<Happened>): readonly Traced[] {
  const tracer = new Tracer();
  for (const one of happened) tracer.take(one);
  return tracer.traced;
}

class Tracer {
  readonly traced: Traced[] = [];
  #book: GuardBook | null = null;
  #policy: Policy | null = null;
  #rewrite = false;
  /** A write that failed for good: the read that follows it decides first. */
  #failure: FailureInfo | null = null;
  /** Episodes whose end has been told. */
  readonly #told = new Set<string>();

  take(one: Happened): void {
    try {
      this.#fold(one);
    } catch (error) {
      const reason = `${one.kind} of another version: ${(error as Error).message}`;
      this.traced.push({ kind: 'gap', at: one.at, reason });
    }
  }

  #fold(one: Happened): void {
    switch (one.kind) {
      case 'started':
        this.#begin(one.input);
        return;
      case 'message':
        this.traced.push(one);
        this.#hear(one.name, one.input, one.at);
        return;
      case 'observed':
        this.#apply({ kind: 'observed', observation: one.observation, rewrite: this.#rewrite });
        this.#rewrite = false;
        if (this.#failure !== null) {
          this.#apply({ kind: 'write-failed', failure: this.#failure, at: one.observation.readAt });
          this.#failure = null;
        }
        return;
      case 'ensured':
        for (const event of one.events) this.#apply(event);
        return;
      case 'ensure-failed':
        for (const event of one.written) this.#apply(event);
        this.#failure = one.failure;
        return;
      case 'record':
        this.#endEpisode(one.at, one.report);
        return;
      case 'ended':
        if (one.ending?.ended === 'closed') this.#endEpisode(one.at, one.ending.report);
        this.traced.push({ kind: 'guard-ended', at: one.at, how: one.how });
        return;
      case 'gap':
        this.traced.push({ kind: 'gap', at: one.at, reason: one.reason });
    }
  }

  #begin({ account, leg, policy, book, carried }: GuardInput): void {
    // What a session decided before the guard began, or runs that are not to be had any more, is known by this log alone.
    if (book !== undefined && (carried === undefined || this.#book === null)) {
      for (const entry of book.log) this.#decided(entry, book);
    }
    this.#book = { ...(book ?? newBook(account, leg)), log: [], outbox: [] };
    this.#policy = policy;
    this.#rewrite = false;
    this.#failure = null;
  }

  /** Only what changes the memory; `release` and `closeNow` show by what follows. */
  #hear(name: string, input: unknown, at: number): void {
    if (name === 'reprotect' || name === 'reprotectNow') {
      this.#rewrite ||= (input as ReprotectInput | undefined)?.rewrite === true;
    } else if (name === 'setPolicy' && this.#policy !== null) {
      const { policy, allowLooser } = input as {
        readonly policy: PolicyChange;
        readonly allowLooser?: boolean;
      };
      this.#policy = changedPolicy(this.#policy, policy);
      if (allowLooser === true) this.#apply({ kind: 'loosening-allowed' });
    } else if (name === 'acknowledge') {
      const { by, reason = null } = input as AcknowledgeInput;
      this.#apply({ kind: 'acknowledged', by, reason, at });
    }
  }

  #apply(event: GuardEvent): void {
    const [before, policy] = [this.#book, this.#policy];
    if (before === null || policy === null) return;
    // The log and the outbox are emptied each time: what is in them afterwards is what this event has added.
    const after = evolve({ ...before, log: [], outbox: [] }, event, policy);
    this.#book = after;
    for (const entry of after.log) this.#decided(entry, after);
    for (const alert of after.outbox) this.traced.push({ kind: 'alert', at: alert.at, alert });
  }

  #decided({ count: _one, ...entry }: LogEntry, { episode, target }: GuardBook): void {
    this.traced.push({
      kind: 'decision',
      ...entry,
      episode: episode?.id ?? null,
      side: episode?.side ?? null,
      trigger: target?.trigger ?? null,
      best: episode?.trailing?.best ?? null,
    });
  }

  #endEpisode(at: number, report: ClosingReport): void {
    if (report.episode !== null && this.#told.has(report.episode)) return;
    if (report.episode !== null) this.#told.add(report.episode);
    this.traced.push({ kind: 'episode-ended', at: report.closedAt ?? at, report });
  }
}
