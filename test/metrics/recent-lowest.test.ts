/** The lowest value of the last minute, as scrapes in between would have missed it. */
import { expect, it } from 'vitest';
import { RecentLowest } from '../../src/metrics/recent-lowest.ts';

it('is the lowest of the last minute, and gone with it', () => {
  let now = 1_000_000;
  const recent = new RecentLowest(() => now);
  expect(recent.lowest()).toBeNull();
  recent.add(40);
  now += 10_000;
  recent.add(3);
  now += 10_000;
  recent.add(20);
  expect(recent.lowest()).toBe(3);
  now += 51_000;
  expect(recent.lowest()).toBe(20);
  now += 10_000;
  expect(recent.lowest()).toBeNull();
});
