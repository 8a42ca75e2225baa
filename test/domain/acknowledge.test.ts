/** An operator's acknowledgement: reminders of what is known rest until it changes or ends; its end is told all the same. */
import { describe, expect, it } from 'vitest';
import {
  acknowledge,
  newWatch,
  roundFailed,
  swept,
  type Round,
  type WatchState,
} from '../../src/domain/watch-state.ts';
import { guardStatus } from '../../src/domain/guard-view.ts';
import { DEFAULT_POLICY } from '../../src/domain/policy.ts';
import { aFailure, GuardUnderTest, T0 } from '../support/guard-under-test.ts';

const MINUTE = 60_000;
const REPEAT = DEFAULT_POLICY.escalation.repeatEveryMs;

/** A guard that has told CRITICAL and, a minute later, EMERGENCY. */
function emergency(): GuardUnderTest {
  const guard = new GuardUnderTest();
  guard.sees();
  guard.fails(aFailure('VenueRefused'));
  guard.sees({}, MINUTE);
  expect(guard.alerts.map(({ level }) => level)).toEqual(['CRITICAL', 'EMERGENCY']);
  return guard;
}

function acknowledged(guard: GuardUnderTest): void {
  guard.apply({ kind: 'acknowledged', by: 'Ann', reason: 'calling the venue', at: guard.now });
}

const view = (guard: GuardUnderTest) =>
  guardStatus(guard.book, { checks: 1, nextCheckAt: null, now: guard.now });

describe('a guard', () => {
  it('that nobody has acknowledged repeats its EMERGENCY', () => {
    const guard = emergency();
    guard.sees({}, REPEAT);
    guard.sees({}, REPEAT);
    expect(guard.ofKind('unprotected-emergency')).toHaveLength(3);
  });

  it('that was acknowledged repeats nothing, and says so in status, warnings and decision log', () => {
    const guard = emergency();
    acknowledged(guard);
    guard.sees({}, REPEAT);
    guard.sees({}, REPEAT);
    expect(guard.ofKind('unprotected-emergency')).toHaveLength(1);
    expect(view(guard).acknowledged).toMatchObject({
      by: 'Ann',
      reason: 'calling the venue',
      kinds: expect.arrayContaining(['unprotected', 'unprotected-emergency']),
    });
    expect(view(guard).warnings.join()).toContain('acknowledged by Ann (calling the venue)');
    expect(guard.book.log.some(({ reason }) => reason.startsWith('acknowledged by Ann'))).toBe(true);
  });

  it('says RESOLVED all the same when the stop is proven, and forgets the acknowledgement', () => {
    const guard = emergency();
    acknowledged(guard);
    guard.sees({}, REPEAT);
    guard.proves();
    expect(guard.ofKind('resolved')).toHaveLength(1);
    expect(view(guard).acknowledged).toBeNull();
  });

  it('alarms anew when the trouble comes back after its end', () => {
    const guard = emergency();
    acknowledged(guard);
    guard.sees({}, 1_000);
    guard.proves();
    guard.sees({ stopLoss: null }, MINUTE);
    guard.fails();
    guard.sees({}, MINUTE);
    expect(guard.ofKind('unprotected-emergency')).toHaveLength(2);
  });

  it('reminds again when the reason has changed', () => {
    const guard = emergency();
    acknowledged(guard);
    guard.sees({}, REPEAT);
    expect(guard.ofKind('unprotected-emergency')).toHaveLength(1);
    guard.fails(aFailure('VenueUnknown'));
    expect(guard.ofKind('unprotected-emergency')).toHaveLength(2);
    guard.sees({}, REPEAT);
    expect(guard.ofKind('unprotected-emergency')).toHaveLength(3);
    expect(view(guard).acknowledged?.kinds).not.toContain('unprotected-emergency');
  });

  it('acknowledged at CRITICAL still raises EMERGENCY: it has become worse', () => {
    const guard = new GuardUnderTest();
    guard.sees();
    guard.fails();
    acknowledged(guard);
    guard.sees({}, MINUTE);
    expect(guard.ofKind('unprotected-emergency')).toHaveLength(1);
  });

  it('stays acknowledged while reads fail: a read that shows nothing ends nothing', () => {
    const guard = emergency();
    acknowledged(guard);
    guard.sees({}, 1_000);
    guard.seesNothing('VenueUnavailable', REPEAT);
    guard.sees({}, REPEAT);
    expect(guard.ofKind('unprotected-emergency')).toHaveLength(1);
  });

  it('with nothing told notes the word and acknowledges nothing that comes later', () => {
    const guard = new GuardUnderTest();
    guard.sees();
    acknowledged(guard);
    expect(view(guard).acknowledged).toBeNull();
    expect(guard.book.log.at(-1)?.reason).toContain('nothing was told that could be');
    guard.fails();
    guard.sees({}, MINUTE);
    guard.sees({}, REPEAT);
    expect(guard.ofKind('unprotected-emergency')).toHaveLength(2);
  });

  it('carries little of it, however much the operator wrote', () => {
    const guard = emergency();
    const before = JSON.stringify(guard.book).length;
    guard.apply({ kind: 'acknowledged', by: 'A'.repeat(500), reason: 'r'.repeat(500), at: guard.now });
    expect(JSON.stringify({ ...guard.book, log: [] }).length - before).toBeLessThan(600);
  });
});

describe('the watcher', () => {
  const bare = (readAt: number): Round => ({
    token: 't',
    full: true,
    legs: ['BTCUSDT', 'ETHUSDT'].map((symbol) => ({
      symbol,
      positionIdx: 0,
      side: 'long',
      size: '1',
      stop: null,
      state: 'UNPROTECTED',
      openTime: 1,
      note: null,
    })),
    gone: [],
    readAt,
    started: [],
    failed: [],
    ignored: [],
  });
  const told = (state: WatchState, symbol: string): number =>
    state.outbox.filter(({ leg, kind }) => leg?.symbol === symbol && kind === 'unprotected-emergency').length;

  it('rests for the leg that was acknowledged and goes on for the others', () => {
    let state = swept(swept(newWatch('main'), bare(T0)), bare(T0 + MINUTE));
    const word = { by: 'Ann', reason: null, at: T0 + MINUTE };
    const known = acknowledge(state, { symbol: 'BTCUSDT', positionIdx: 0 }, word);
    expect(known.keys).toEqual(['BTCUSDT:0']);
    state = swept(known.state, bare(T0 + MINUTE + REPEAT));
    state = swept(state, bare(T0 + MINUTE + 2 * REPEAT));
    expect([told(state, 'BTCUSDT'), told(state, 'ETHUSDT')]).toEqual([1, 3]);
  });

  it('without a symbol rests for everything, also through a round that fails', () => {
    let state = swept(swept(newWatch('main'), bare(T0)), bare(T0 + MINUTE));
    state = acknowledge(state, {}, { by: 'Ann', reason: null, at: T0 }).state;
    for (let failed = 0; failed < 4; failed += 1) state = roundFailed(state, 'no answer', T0 + 2 * MINUTE);
    state = swept(state, bare(T0 + MINUTE + REPEAT));
    expect([told(state, 'BTCUSDT'), told(state, 'ETHUSDT')]).toEqual([1, 1]);
  });

  it('alarms anew for a leg that was protected meanwhile', () => {
    let state = swept(swept(newWatch('main'), bare(T0)), bare(T0 + MINUTE));
    state = acknowledge(state, {}, { by: 'Ann', reason: null, at: T0 }).state;
    const fine = bare(T0 + 2 * MINUTE);
    const legs = fine.legs.map((leg) => ({ ...leg, state: 'PROTECTED', stop: '94' }) as const);
    state = swept(state, { ...fine, legs });
    state = swept(swept(state, bare(T0 + 3 * MINUTE)), bare(T0 + 4 * MINUTE));
    expect([told(state, 'BTCUSDT'), told(state, 'ETHUSDT')]).toEqual([2, 2]);
  });
});
