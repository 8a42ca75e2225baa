/** Which guards a round of the watcher looks at: all of them have their turn, and those of bare legs have it always. */
import { describe, expect, it } from 'vitest';
import { ofThisRound } from '../../src/activities/stuck-runs.ts';

const NEVER = (): boolean => false;

const guards = (count: number, state: string, letter: string) =>
  Array.from({ length: count }, (_, at) => ({ name: `${letter}${at}`, state }));

describe('guards that a round looks at', () => {
  it.each([0, 1, 7, 20])('are all of %i', (count) => {
    const names = ofThisRound(guards(count, 'PROTECTED', 'p'), 12, NEVER).map(({ name }) => name);
    expect(new Set(names).size).toBe(count);
    expect(names).toHaveLength(count);
  });

  it.each([21, 50, 1_000, 1_003])('are 20 of %i, and all of them within so many rounds', (count) => {
    const all = guards(count, 'PROTECTED', 'p');
    const seen = new Set<string>();
    for (let round = 5; round < 5 + Math.ceil(count / 20) + 1; round += 1) {
      const names = ofThisRound(all, round, NEVER).map(({ name }) => name);
      expect(new Set(names).size).toBe(20);
      for (const name of names) seen.add(name);
    }
    expect(seen.size).toBe(count);
  });

  it('are those of bare legs in every round, beside the others', () => {
    const all = [...guards(100, 'PROTECTED', 'p'), ...guards(30, 'UNPROTECTED', 'b')];
    for (const round of [0, 1, 2]) {
      const names = ofThisRound(all, round, NEVER).map(({ name }) => name);
      expect(names.filter((name) => name.startsWith('b'))).toHaveLength(30);
      expect(names).toHaveLength(50);
    }
  });

  it('are none that has checked lately, and that moves the turn of nobody else', () => {
    const all = guards(40, 'PROTECTED', 'p');
    const late = new Set(['p3', 'p25']);
    const names = [0, 1].map((round) =>
      ofThisRound(all, round, ({ name }) => !late.has(name)).map(({ name }) => name),
    );
    expect(names).toEqual([['p3'], ['p25']]);
  });

  it('are those of bare legs even if they have checked lately', () => {
    const all = [...guards(3, 'PROTECTED', 'p'), ...guards(2, 'UNPROTECTED', 'b')];
    expect(ofThisRound(all, 0, () => true).map(({ name }) => name)).toEqual(['b0', 'b1']);
  });
});
