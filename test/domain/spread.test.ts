/** Routine checks: spread over their interval, several to a moment. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashOf, routineDueAt } from '../../src/domain/spread.ts';

const NOW = Date.UTC(2026, 0, 2);
const EVERY_MS = 30_000;
const ids = Array.from({ length: 1_000 }, (_, at) => `guard:main:S${at}USDT`);

describe('a routine check', () => {
  test('is due within 10 % of its interval, whatever the interval, the time and the id', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 500, max: 600_000 }),
        fc.integer({ min: NOW, max: NOW + 86_400_000 }),
        fc.string(),
        (everyMs, now, id) => {
          const wait = routineDueAt(now, everyMs, id) - now;
          expect(Number.isInteger(wait)).toBe(true);
          expect(wait).toBeGreaterThanOrEqual(Math.round(everyMs * 0.9));
          expect(wait).toBeLessThanOrEqual(Math.ceil(everyMs * 1.1));
        },
      ),
      { numRuns: 5_000 },
    );
  });

  test('shares its moment: a thousand guards that began anywhere are due at 60 moments of an interval', () => {
    const due = ids.map((id, at) => routineDueAt(NOW + at * 37, EVERY_MS, id));
    expect(due.every((at) => at % 500 === 0)).toBe(true);
  });

  test('parts guards that are due together: a thousand of one moment are spread out after ten checks', () => {
    const largest = (due: readonly number[]): number => {
      const counts = new Map<number, number>();
      for (const at of due) counts.set(at, (counts.get(at) ?? 0) + 1);
      return Math.max(...counts.values());
    };
    let due = ids.map(() => NOW);
    const bunches = Array.from({ length: 10 }, () => {
      due = due.map((now, at) => routineDueAt(now, EVERY_MS, ids[at] ?? ''));
      return largest(due);
    });
    // The first interval has 13 moments; evenly spread it would be 77 and, over all 60, 17.
    expect(bunches[0]).toBeLessThan(110);
    expect(bunches.at(-1)).toBeLessThan(60);
  });
});

test('the hash of an id is FNV-1a, 32 bits', () => {
  // Published test values of FNV-1a.
  expect(['', 'a', 'foobar'].map(hashOf)).toEqual([0x811c9dc5, 0xe40c292c, 0xbf9cf968]);
});
