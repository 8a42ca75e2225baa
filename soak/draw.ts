/** Random choices as a pure function of the seed and a name: a soak with the same seed makes the same decisions. */
import { unitFrom } from '../src/paper/seeded.ts';

export interface Weighted<T> {
  readonly weight: number;
  readonly value: T;
}

export class Draw {
  readonly #seed: number;
  readonly #name: string;
  #count = 0;

  /** Draws of different names do not disturb each other. */
  constructor(seed: number, name: string) {
    this.#seed = seed;
    this.#name = name;
  }

  /** In [0, 1). */
  unit(): number {
    this.#count += 1;
    return unitFrom(this.#seed, this.#name, this.#count);
  }

  between(from: number, to: number): number {
    return from + this.unit() * (to - from);
  }

  /** A whole number, both ends included. */
  whole(from: number, to: number): number {
    return Math.floor(this.between(from, to + 1));
  }

  chance(share: number): boolean {
    return this.unit() < share;
  }

  pick<T>(values: readonly [T, ...T[]]): T {
    return values[Math.floor(this.unit() * values.length)] ?? values[0];
  }

  weighted<T>(choices: readonly [Weighted<T>, ...Weighted<T>[]]): T {
    let left = this.unit() * choices.reduce((sum, { weight }) => sum + weight, 0);
    for (const { weight, value } of choices) {
      left -= weight;
      if (left < 0) return value;
    }
    return choices[0].value;
  }
}
