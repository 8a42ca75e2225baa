/** The daily all-clear: which day is due, what makes it one, and that a day is told once. */
import { describe, expect, it } from 'vitest';
import { allClearAlert, dueDay, type AllClearFacts } from '../../src/domain/all-clear.ts';
import { newWatch, swept, type Round } from '../../src/domain/watch-state.ts';

const AT = Date.parse('2026-11-22T08:00:05.000Z');
const FACTS: AllClearFacts = { open: 3, proven: 3, missing: [], released: [], ignored: [], readAt: AT };
const EIGHT = 8 * 60;

describe('the day that is due', () => {
  it.each([
    ['2026-11-22T07:59:59.999Z', EIGHT, '2026-11-21'],
    ['2026-11-22T08:00:00.000Z', EIGHT, '2026-11-22'],
    ['2026-11-23T07:59:00.000Z', EIGHT, '2026-11-22'],
    ['2026-11-22T00:00:00.000Z', 0, '2026-11-22'],
    ['2026-11-22T23:58:00.000Z', 23 * 60 + 59, '2026-11-21'],
  ])('at %s with minute %d is %s', (now, minutes, day) => {
    expect(dueDay(Date.parse(now), minutes)).toBe(day);
  });
});

describe('the message', () => {
  it('is an all-clear with every position proven', () => {
    expect(allClearAlert('main', '2026-11-22', FACTS)).toMatchObject({
      id: 'watch:main/all-clear/2026-11-22',
      level: 'INFO',
      kind: 'all-clear',
      message: 'all clear: 3 open, 3 proven',
    });
  });

  it('is one on an empty account too', () => {
    const none = allClearAlert('main', '2026-11-22', { ...FACTS, open: 0, proven: 0 });
    expect(none).toMatchObject({ kind: 'all-clear', message: 'all clear: 0 open, 0 proven' });
  });

  it('is none as soon as one is not proven, and names it with its reason', () => {
    const leg = { symbol: 'ETHUSDT', positionIdx: 0 } as const;
    const facts = { ...FACTS, proven: 2, missing: [{ leg, reason: 'no stop on the venue' }] };
    expect(allClearAlert('main', '2026-11-22', facts)).toMatchObject({
      level: 'WARNING',
      kind: 'not-all-clear',
      message: 'NOT all clear: 3 open, 2 proven; ETHUSDT: no stop on the venue',
    });
  });

  it('says which positions are in the hands of others', () => {
    const { message } = allClearAlert('main', '2026-11-22', {
      ...FACTS,
      released: ['SOLUSDT'],
      ignored: ['DOGEUSDT'],
    });
    expect(message).toBe(
      'all clear: 3 open, 3 proven; not ours: released: SOLUSDT; ignored by policy: DOGEUSDT',
    );
  });
});

describe('the watcher', () => {
  const round = (over: Partial<Round> = {}): Round => ({
    token: 't',
    full: true,
    legs: [],
    gone: [],
    readAt: AT,
    started: [],
    failed: [],
    ignored: [],
    ...over,
  });

  it('keeps the day without a word when it has only just begun, and tells the next', () => {
    const begun = swept(newWatch('main'), round({ allClear: { day: '2026-11-21', facts: null } }));
    expect(begun.allClearDay).toBe('2026-11-21');
    expect(begun.outbox).toEqual([]);
    const told = swept(begun, round({ allClear: { day: '2026-11-22', facts: FACTS } }));
    expect(told.allClearDay).toBe('2026-11-22');
    expect(told.outbox.map(({ kind }) => kind)).toEqual(['all-clear']);
    expect(swept(told, round()).outbox).toHaveLength(1);
  });
});
