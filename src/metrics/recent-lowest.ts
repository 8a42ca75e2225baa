/** The lowest value of the last minute: what a scrape every few seconds would miss between two looks. */

const KEPT_MS = 60_000;

export class RecentLowest {
  readonly #now: () => number;
  /** Rising values, the lowest and oldest first: a value that a later, lower one hides is never the lowest again. */
  #values: { readonly at: number; readonly value: number }[] = [];

  /** `now` in ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  add(value: number): void {
    while ((this.#values.at(-1)?.value ?? Number.NEGATIVE_INFINITY) >= value) this.#values.pop();
    this.#values.push({ at: this.#now(), value });
  }

  /** `null` where the last minute had none. */
  lowest(): number | null {
    const since = this.#now() - KEPT_MS;
    this.#values = this.#values.filter(({ at }) => at >= since);
    return this.#values[0]?.value ?? null;
  }
}
