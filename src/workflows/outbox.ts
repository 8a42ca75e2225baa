/** Delivery of alerts out of a workflow's state: one at a time, never awaited by the work, never lost (docs/temporal.md §2). */
import { condition, isCancellation } from '@temporalio/workflow';
import type { Alert } from '../domain/alert.ts';
import { delivery } from './activity-options.ts';

/** A delivery that ran into so many failures ends: each may have taken as long as its activity may. */
const MOST_FAILURES = 8;

export interface OutboxSource {
  readonly pending: () => readonly Alert[];
  readonly delivered: (id: string) => void;
}

export class Outbox {
  readonly #source: OutboxSource;
  #running = false;
  /** Ids whose last delivery failed, the longest waiting first. */
  #failed: readonly string[] = [];

  constructor(source: OutboxSource) {
    this.#source = source;
  }

  get idle(): boolean {
    return !this.#running;
  }

  /** Starts delivering what waits; what fails is left for the next call. */
  flush(): void {
    if (this.#running || this.#source.pending().length === 0) return;
    this.#running = true;
    this.#deliver().then(
      () => {
        this.#running = false;
      },
      () => {
        this.#running = false;
      },
    );
  }

  /** Waits for the running delivery and tries again, at most `ms` in all; what is left stays pending. */
  async drain(ms: number): Promise<void> {
    this.flush();
    await condition(() => !this.#running, ms);
  }

  async #deliver(): Promise<void> {
    const tried = new Set<string>();
    for (let failures = 0; failures < MOST_FAILURES;) {
      const next = this.#next(tried);
      if (next === undefined) return;
      tried.add(next.id);
      try {
        await delivery.notify.executeWithOptions({ summary: `${next.level} ${next.kind}` }, [next]);
        this.#source.delivered(next.id);
      } catch (error) {
        if (isCancellation(error)) throw error;
        failures += 1;
        this.#failed = [...this.#failed.filter((id) => id !== next.id), next.id];
      }
    }
  }

  /** What was never tried goes first: an alert that one channel does not take keeps no later one from the others. */
  #next(tried: ReadonlySet<string>): Alert | undefined {
    const pending = this.#source.pending();
    const ids = new Set(pending.map(({ id }) => id));
    this.#failed = this.#failed.filter((id) => ids.has(id));
    const turn = ({ id }: Alert): number => this.#failed.indexOf(id);
    return pending.filter(({ id }) => !tried.has(id)).toSorted((a, b) => turn(a) - turn(b))[0];
  }
}
