/** Delivery of alerts out of a workflow's state: one at a time, never awaited by the work, never lost (docs/temporal.md §2). */
import { condition } from '@temporalio/workflow';
import type { Alert } from '../domain/alert.ts';
import { delivery } from './activity-options.ts';

export interface OutboxSource {
  readonly pending: () => readonly Alert[];
  readonly delivered: (id: string) => void;
}

export class Outbox {
  readonly #source: OutboxSource;
  #running = false;

  constructor(source: OutboxSource) {
    this.#source = source;
  }

  get idle(): boolean {
    return !this.#running;
  }

  /** Starts delivering what waits; a failure leaves the rest for the next call. */
  flush(): void {
    if (this.#running) return;
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
    for (;;) {
      const [next] = this.#source.pending();
      if (next === undefined) return;
      await delivery.notify.executeWithOptions({ summary: `${next.level} ${next.kind}` }, [next]);
      this.#source.delivered(next.id);
    }
  }
}
