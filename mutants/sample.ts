/** A seeded sample: the same mutants on every machine. */

/** mulberry32. */
function* randomOf(seed: number): Generator<number, never> {
  for (let state = seed >>> 0; ;) {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    yield ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}

/** `count` of the items in the order that they came in; all of them where there are no more. */
export function sampleOf<T>(all: readonly T[], count: number, seed: number): readonly T[] {
  const random = randomOf(seed);
  return all
    .map((item, at) => ({ item, at, by: random.next().value }))
    .toSorted((a, b) => a.by - b.by)
    .slice(0, count)
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
