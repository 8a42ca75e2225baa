/** How long runs are (docs/performance.md). */
import { describe, expect, it } from 'vitest';
import { checksInRun } from '../../src/domain/run-length.ts';

describe('a run of a guard', () => {
  it.each([
    [40, 0, 40],
    [40, 20, 40],
    [40, 250, 40],
    [40, 251, 39],
    [40, 500, 20],
    [40, 1_000, 10],
    [40, 2_000, 10],
    [500, 250, 500],
    [500, 251, 39],
    [5, 2_000, 5],
  ])('of a policy with %i checks has, with %i legs on the account, %i', (most, legs, checks) => {
    expect(checksInRun({ continueAsNewAfterChecks: most }, legs)).toBe(checks);
  });
});
