/** What a human hears and when: CRITICAL, EMERGENCY, RESOLVED, each once for each spell, and every failure type (DESIGN §4). */
import { describe, expect, it } from 'vitest';
import type { VenueFailureType } from '../../src/domain/failure.ts';
import { cadence } from '../../src/domain/guard-state.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/domain/policy.ts';
import { aFailure, GuardUnderTest, protectedGuard, trailingGuard } from '../support/guard-under-test.ts';

const levels = (guard: GuardUnderTest): readonly string[] =>
  guard.alerts.map(({ level, kind }) => `${level} ${kind}`);

/** A leg without a stop whose first write has failed for good. */
function criticalGuard(type: VenueFailureType = 'VenueRefused'): GuardUnderTest {
  const guard = new GuardUnderTest();
  guard.sees();
  guard.now += 3_000;
  guard.fails(aFailure(type));
  return guard;
}

describe('a leg that gets no stop', () => {
  it('is CRITICAL as soon as the write has failed for good, once, and checked every 5 s', () => {
    const guard = criticalGuard();
    expect(levels(guard)).toEqual(['CRITICAL unprotected']);
    expect(guard.alerts[0]?.message).toBe('no stop for 3.0 s: VenueRefused by the test');
    expect(cadence(guard.book, DEFAULT_POLICY)).toBe(5_000);
    guard.now += 5_000;
    guard.fails();
    expect(levels(guard)).toEqual(['CRITICAL unprotected']);
  });

  it('is an EMERGENCY 60 s after CRITICAL, repeated every 5 min, whatever the cadence', () => {
    const guard = criticalGuard();
    for (let s = 5; s < 60; s += 5) guard.sees({}, 5_000);
    expect(guard.ofKind('unprotected-emergency')).toHaveLength(0);
    guard.sees({}, 5_000);
    expect(guard.ofKind('unprotected-emergency')).toHaveLength(1);
    expect(guard.ofKind('unprotected-emergency')[0]).toMatchObject({
      level: 'EMERGENCY',
      unprotectedSeconds: '63.0',
    });
    for (let s = 5; s <= 600; s += 5) guard.sees({}, 5_000);
    const at = guard.ofKind('unprotected-emergency').map((alert) => alert.at);
    expect(at.slice(1).map((time, index) => time - (at[index] ?? 0))).toEqual([300_000, 300_000]);
  });

  it('goes on with its clock, its fast cadence and its emergencies while blind', () => {
    const guard = criticalGuard();
    guard.seesNothing('VenueUnavailable', 5_000);
    expect(cadence(guard.book, DEFAULT_POLICY)).toBe(5_000);
    for (let s = 5; s <= 60; s += 5) guard.seesNothing('VenueUnavailable', 5_000);
    expect(guard.ofKind('unprotected-emergency')).toHaveLength(1);
    expect(guard.ofKind('blind')).toHaveLength(1);
    guard.sees({}, 5_000);
    expect(guard.book.state).toMatchObject({ kind: 'unprotected', since: 1_000_000 });
    // Readable again is not protected: nobody is told that it is over.
    expect(guard.ofKind('resolved')).toHaveLength(0);
  });

  it('is CRITICAL also when the failed attempts could not even read', () => {
    const guard = new GuardUnderTest();
    guard.sees();
    guard.seesNothing('VenueUnavailable', 3_000);
    guard.apply({ kind: 'write-failed', failure: aFailure('VenueUnavailable'), at: guard.now });
    expect(guard.ofKind('unprotected')).toHaveLength(1);
    expect(guard.book.state.kind).toBe('blind');
  });

  it('ends with one RESOLVED that carries the unprotected seconds', () => {
    const guard = criticalGuard();
    for (let s = 0; s < 70; s += 5) guard.sees({}, 5_000);
    guard.writes();
    guard.sees({ stopLoss: '94' }, 500);
    expect(guard.ofKind('resolved')).toHaveLength(1);
    expect(guard.ofKind('resolved')[0]).toMatchObject({ level: 'RESOLVED', unprotectedSeconds: '73.5' });
    guard.sees({}, 30_000);
    guard.seesNothing('VenueUnavailable', 30_000);
    guard.sees({}, 10_000);
    expect(guard.ofKind('resolved')).toHaveLength(1);
  });

  it('is not resolved by one list that lacks it, but by the proof that it is flat', () => {
    const guard = criticalGuard();
    guard.seesFlat(false, 5_000);
    expect(guard.ofKind('resolved')).toHaveLength(0);
    guard.sees({}, 2_000);
    expect(guard.book.state).toMatchObject({ kind: 'unprotected', since: 1_000_000 });
    expect(guard.ofKind('unprotected')).toHaveLength(1);
    guard.seesFlat(false, 5_000);
    guard.seesFlat(true, 2_000);
    expect(guard.ofKind('resolved')).toHaveLength(1);
  });

  it('stays in the same emergency when it flips, and is not called resolved before a proof', () => {
    const guard = criticalGuard();
    guard.sees({ side: 'short', openTime: 900_000 }, 5_000);
    expect(levels(guard)).toEqual(['CRITICAL unprotected']);
    guard.sees({}, 60_000);
    expect(guard.ofKind('unprotected-emergency')).toHaveLength(1);
    guard.proves();
    expect(guard.ofKind('resolved')).toHaveLength(1);
  });

  it("a spell that ends at the first attempt is nobody's alert", () => {
    expect(protectedGuard().alerts).toEqual([]);
  });
});

describe("the policy's emergency close", () => {
  const policy: Policy = {
    ...DEFAULT_POLICY,
    escalation: { ...DEFAULT_POLICY.escalation, closeAfterMs: 90_000 },
  };

  it("comes after closeAfterMs without a stop, with the venue's side and size, and not before", () => {
    const guard = new GuardUnderTest({ side: 'short', size: '0.7' }, policy);
    guard.sees();
    expect(guard.sees({}, 89_999).action.kind).toBe('write');
    expect(guard.sees({ size: '0.6' }, 1).action).toEqual({ kind: 'close', size: '0.6', side: 'short' });
  });

  it('is asked for again with what remains after a partial fill', () => {
    const guard = new GuardUnderTest({}, policy);
    guard.sees();
    guard.sees({}, 90_000);
    guard.apply({ kind: 'closing-order', message: 'reduce-only close of 1 sent: applied', at: guard.now });
    expect(guard.book.message).toContain('reduce-only');
    expect(guard.sees({ size: '0.25' }, 5_000).action).toEqual({ kind: 'close', size: '0.25', side: 'long' });
  });

  it('never comes by default, nor while a stop rests', () => {
    const guard = new GuardUnderTest();
    guard.sees();
    expect(guard.sees({}, 86_400_000).action.kind).toBe('write');
    expect(protectedGuard({}, policy).sees({}, 86_400_000).action.kind).toBe('none');
  });
});

describe('failure types', () => {
  it.each(['VenueRefused', 'VenueUnknown', 'VenueUnavailable', 'VenueRateLimited', 'VenueClock'] as const)(
    "%s on the first stop: CRITICAL, with the venue's words and what to do, and 5 s to the next check",
    (type) => {
      const guard = criticalGuard(type);
      expect(guard.ofKind('unprotected')[0]?.message).toContain(`${type} by the test`);
      expect(guard.ofKind('unprotected')[0]?.todo).toContain('reprotectNow');
      expect(cadence(guard.book, DEFAULT_POLICY)).toBe(5_000);
    },
  );

  // A key that is accepted again must find the bare position soon: its write is the only thing that shows it.
  it('VenueAuth on a write: EMERGENCY at once, repeated every 5 min, tried again every 5 s', () => {
    const guard = criticalGuard('VenueAuth');
    expect(guard.ofKind('key-rejected')).toHaveLength(1);
    expect(guard.ofKind('key-rejected')[0]).toMatchObject({ level: 'EMERGENCY' });
    expect(cadence(guard.book, DEFAULT_POLICY)).toBe(5_000);
    for (let minutes = 0; minutes < 10; minutes += 1) guard.sees({}, 60_000);
    expect(guard.ofKind('key-rejected')).toHaveLength(3);
  });

  it('VenueAuth on a read: EMERGENCY at once; restored, one RESOLVED when the stop is proven again', () => {
    const guard = protectedGuard();
    guard.seesNothing('VenueAuth', 30_000);
    expect(levels(guard)).toEqual(['EMERGENCY key-rejected']);
    expect(guard.ofKind('key-rejected')[0]?.message).toContain('no answer');
    expect(cadence(guard.book, DEFAULT_POLICY)).toBe(60_000);
    expect(cadence(guard.book, { ...DEFAULT_POLICY, checkEveryMs: 5_000 })).toBe(10_000);
    guard.seesNothing('VenueUnavailable', 60_000);
    expect(guard.ofKind('resolved')).toHaveLength(0);
    guard.sees({}, 10_000);
    expect(guard.ofKind('resolved')).toHaveLength(1);
  });

  it('a ban of the whole address is a long blindness: one alert after 3 reads, the stop stays known', () => {
    const guard = protectedGuard();
    for (let reads = 0; reads < 60; reads += 1) {
      expect(guard.seesNothing('VenueRateLimited', 10_000).action.kind).toBe('none');
      expect(cadence(guard.book, DEFAULT_POLICY)).toBe(10_000);
    }
    expect(levels(guard)).toEqual(['WARNING blind']);
    expect(guard.book.state).toMatchObject({ previous: { kind: 'protected', stop: '94' } });
    guard.sees({}, 10_000);
    expect(levels(guard)).toEqual(['WARNING blind', 'RESOLVED resolved']);
  });

  it('two unreadable answers are no alert', () => {
    const guard = protectedGuard();
    guard.seesNothing('VenueUnavailable', 30_000);
    guard.seesNothing('VenueUnavailable', 10_000);
    guard.sees({}, 10_000);
    guard.seesNothing('VenueUnavailable', 30_000);
    expect(guard.alerts).toEqual([]);
  });

  it('a stop that cannot be moved is one WARNING, also when the venue says ok each time, until a proof', () => {
    const guard = trailingGuard();
    for (let checks = 0; checks < 5; checks += 1) {
      guard.sees({ price: '105' }, 30_000);
      guard.writes();
      guard.fails(aFailure('VenueUnknown'));
    }
    expect(levels(guard)).toEqual(['WARNING not-tightened']);
    guard.sees({}, 30_000);
    guard.proves();
    expect(guard.book.failure).toBeNull();
  });

  it('is healed by the proof of what was asked for, also if the price has run on meanwhile', () => {
    const guard = trailingGuard();
    guard.sees({ price: '105' }, 30_000);
    guard.fails();
    guard.sees({}, 30_000);
    const { stop } = guard.writes();
    guard.sees({ stopLoss: stop, price: '110' }, 500);
    expect(guard.book.failure).toBeNull();
  });
});

describe('about to trigger', () => {
  it('is watched every 2 s and an alert after 10 s, once', () => {
    const guard = protectedGuard();
    guard.sees({ price: '93.9' }, 30_000);
    expect(cadence(guard.book, DEFAULT_POLICY)).toBe(2_000);
    for (let s = 2; s < 10; s += 2) guard.sees({}, 2_000);
    expect(guard.ofKind('stop-passed')).toHaveLength(0);
    guard.sees({}, 2_000);
    guard.sees({}, 2_000);
    expect(guard.ofKind('stop-passed')).toHaveLength(1);
  });

  it("is no alert while the last price has not reached a human's LastPrice stop, and is one once it has", () => {
    const guard = new GuardUnderTest({ stopLoss: '97' });
    guard.sees();
    for (let s = 0; s <= 20; s += 2) guard.sees({ price: '96.9', stopOrderPrice: '97.01' }, 2_000);
    expect(guard.ofKind('stop-passed')).toHaveLength(0);
    for (let s = 0; s <= 10; s += 2) guard.sees({ stopOrderPrice: '97' }, 2_000);
    expect(guard.ofKind('stop-passed')).toHaveLength(1);
  });
});

describe('Liq and Adl', () => {
  it.each(['Liq', 'Adl'] as const)('%s: no writes, one EMERGENCY, a read every 2 s', (status) => {
    const guard = new GuardUnderTest({ status });
    expect(guard.sees().action.kind).toBe('watch');
    guard.sees({}, 2_000);
    guard.seesNothing('VenueUnavailable', 2_000);
    guard.sees({}, 2_000);
    expect(guard.ofKind('liquidating')).toHaveLength(1);
    expect(guard.ofKind('liquidating')[0]).toMatchObject({
      level: 'EMERGENCY',
      message: expect.stringContaining(status === 'Liq' ? 'it is liquidating' : 'it is deleveraging'),
    });
    expect(cadence(guard.book, DEFAULT_POLICY)).toBe(2_000);
    const held = protectedGuard();
    expect(held.sees({ status, price: '105' }, 30_000).action.kind).toBe('watch');
    expect(cadence(held.book, DEFAULT_POLICY)).toBe(2_000);
  });
});

describe('another writer', () => {
  /** Loosened once, seen by the check and by each attempt of the write, restored. */
  function loosenAndRestore(guard: GuardUnderTest, stop: string, afterMs: number): void {
    guard.sees({ stopLoss: stop }, afterMs);
    guard.sees({}, 100);
    guard.sees({}, 100);
    guard.proves();
  }

  it('is reported when our stop was loosened three times in 10 minutes, once, and it is restored each time', () => {
    const guard = protectedGuard();
    loosenAndRestore(guard, '90', 30_000);
    loosenAndRestore(guard, '90', 30_000);
    expect(guard.ofKind('another-writer')).toHaveLength(0);
    loosenAndRestore(guard, '91', 30_000);
    expect(guard.ofKind('another-writer')).toHaveLength(1);
    expect(guard.ofKind('another-writer')[0]?.message).toContain('3 times');
    loosenAndRestore(guard, '90', 30_000);
    expect(guard.ofKind('another-writer')).toHaveLength(1);
  });

  it('is not suspected because one loosened stop could not be put back for a while', () => {
    const guard = protectedGuard();
    guard.sees({ stopLoss: '90' }, 30_000);
    for (let checks = 0; checks < 6; checks += 1) guard.fails();
    expect(guard.ofKind('another-writer')).toHaveLength(0);
  });

  it('is forgotten after 10 minutes', () => {
    const guard = protectedGuard();
    for (let times = 0; times < 6; times += 1) loosenAndRestore(guard, '90', 301_000);
    expect(guard.ofKind('another-writer')).toHaveLength(0);
  });
});

describe('alerts', () => {
  it('of a stop that vanished come once a spell, and not again after a read that showed nothing', () => {
    const guard = protectedGuard();
    guard.sees({ stopLoss: null }, 30_000);
    guard.seesNothing('VenueUnavailable', 1_000);
    guard.sees({}, 1_000);
    expect(guard.ofKind('stop-vanished')).toHaveLength(1);
    guard.proves();
    guard.sees({ stopLoss: null }, 30_000);
    expect(guard.ofKind('stop-vanished')).toHaveLength(2);
  });

  it('of a new episode are told afresh', () => {
    const guard = new GuardUnderTest({ price: '90' });
    guard.sees();
    guard.sees({ side: 'short', price: '110', openTime: 900_000 }, 30_000);
    expect(guard.ofKind('wrong-side')).toHaveLength(2);
  });

  it('have ids that are unique and the same wherever the events are folded', () => {
    const run = () => {
      const guard = criticalGuard();
      for (let s = 0; s < 1_200; s += 5) guard.sees({}, 5_000);
      return guard.alerts.map(({ id }) => id);
    };
    const ids = run();
    expect(new Set(ids).size).toBe(ids.length);
    expect(run()).toEqual(ids);
    expect(ids[0]).toBe('guard:main:BTCUSDT/500000/0');
  });

  it('that wait are few however long the channel is down, the newest of each kind; delivered ones leave', () => {
    const guard = criticalGuard('VenueAuth');
    for (let s = 0; s < 7_200; s += 60) guard.sees({}, 60_000);
    const kinds = guard.book.outbox.map(({ kind }) => kind);
    expect(kinds.toSorted()).toEqual(['key-rejected', 'unprotected', 'unprotected-emergency']);
    const waiting = guard.book.outbox;
    guard.apply({ kind: 'delivered', alertId: waiting[0]?.id ?? '' });
    expect(guard.book.outbox).toEqual(waiting.slice(1));
  });
});

describe('cadence', () => {
  it("is the policy's interval when protected, 5 s while uncertain, 2 s while confirming, 5 s for a closing record", () => {
    const guard = protectedGuard();
    expect(cadence(guard.book, DEFAULT_POLICY)).toBe(30_000);
    guard.sees({ price: '110' }, 30_000);
    guard.writes();
    expect(cadence(guard.book, DEFAULT_POLICY)).toBe(5_000);
    guard.seesFlat(false, 1_000);
    expect(cadence(guard.book, DEFAULT_POLICY)).toBe(2_000);
    guard.seesFlat(true, 2_000);
    expect(cadence(guard.book, DEFAULT_POLICY)).toBe(5_000);
  });

  it("is never slower than the policy's own interval", () => {
    const fast: Policy = { ...DEFAULT_POLICY, checkEveryMs: 300 };
    const guard = new GuardUnderTest({}, fast);
    guard.sees();
    expect(cadence(guard.book, fast)).toBe(300);
    guard.seesNothing();
    expect(cadence(guard.book, fast)).toBe(300);
  });
});
