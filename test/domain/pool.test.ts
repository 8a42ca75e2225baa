/** Bounded work on a list: order kept, the bound held, a failure not swallowed. */
import { expect, it } from 'vitest';
import { pooled } from '../../src/domain/pool.ts';

it('keeps the order of the list and never has more than the limit in flight', async () => {
  let running = 0;
  let most = 0;
  const results = await pooled([5, 4, 3, 2, 1, 0], 2, async (ticks) => {
    running += 1;
    most = Math.max(most, running);
    for (let tick = 0; tick < ticks; tick += 1) await Promise.resolve();
    running -= 1;
    return ticks * 10;
  });
  expect(results).toEqual([50, 40, 30, 20, 10, 0]);
  expect(most).toBe(2);
});

it('of nothing is nothing, and a limit above the list is no harm', async () => {
  expect(await pooled([], 3, () => Promise.resolve(1))).toEqual([]);
  expect(await pooled(['a'], 100, (item) => Promise.resolve(item))).toEqual(['a']);
});

it('fails with the first failure', async () => {
  await expect(pooled([1, 2], 1, (item) => Promise.reject(new Error(`no ${item}`)))).rejects.toThrow('no 1');
});
