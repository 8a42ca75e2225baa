/** What a guard remembers: states, episodes, the floor of I1, proof, unprotected time (DESIGN §4; I1, I2, I4, I12). */
import { describe, expect, it } from 'vitest';
import { unexplained } from '../../src/domain/closing.ts';
import { evolveAll } from '../../src/domain/evolve.ts';
import { newBook, unprotectedMs, type GuardEvent } from '../../src/domain/guard-state.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/domain/policy.ts';
import {
  aFailure,
  GuardUnderTest,
  protectedGuard,
  T0,
  trailingGuard,
  writeOf,
} from '../support/guard-under-test.ts';
import { anOpen } from '../support/observations.ts';

const unknown = { kind: 'unknown', failure: aFailure('VenueUnknown') } as const;
const unchanged = { kind: 'unchanged', message: 'not modified' } as const;

describe('proof', () => {
  it('is a read: after an applied write the guard is uncertain until one shows the stop', () => {
    const guard = new GuardUnderTest();
    guard.sees();
    expect(guard.book.state.kind).toBe('unprotected');
    guard.writes();
    expect(guard.book.state).toMatchObject({ kind: 'uncertain', intended: '94', unprotectedSince: T0 });
    guard.sees({ stopLoss: '94' }, 200);
    expect(guard.book.state).toEqual({
      kind: 'protected',
      stop: '94',
      stopKind: 'fixed',
      provenAt: T0 + 200,
    });
  });

  it('34040 with the stop on the venue is proven by the read', () => {
    const guard = new GuardUnderTest();
    guard.sees();
    guard.writes(unchanged);
    guard.sees({ stopLoss: '94' });
    expect(guard.book.state.kind).toBe('protected');
  });

  it('34040 without a stop, and ok without effect, leave the leg unprotected since the first read', () => {
    for (const outcome of [unchanged, { kind: 'applied' } as const]) {
      const guard = new GuardUnderTest();
      guard.sees();
      guard.writes(outcome);
      const decision = guard.sees({}, 3_000);
      expect(guard.book.state).toMatchObject({ kind: 'unprotected', since: T0 });
      expect(writeOf(decision).stop).toBe('94');
    }
  });

  it('a lost answer is resolved by what the next read shows: applied', () => {
    const guard = new GuardUnderTest();
    guard.sees();
    guard.writes(unknown);
    expect(guard.book.state.kind).toBe('uncertain');
    expect(guard.sees({ stopLoss: '94' }, 1_000).action.kind).toBe('none');
    expect(guard.book.state).toMatchObject({ kind: 'protected', stopKind: 'fixed' });
  });

  it('a stop that was asked for, but that the price has passed, heals no failure', () => {
    const guard = new GuardUnderTest();
    guard.sees();
    guard.fails(aFailure('VenueUnknown'));
    guard.sees();
    guard.writes(unknown);
    guard.sees({ stopLoss: '94', price: '93' });
    expect(guard.book.failure?.type).toBe('VenueUnknown');
    guard.sees({ price: '95' });
    expect(guard.book.failure).toBeNull();
  });

  it('a refused write changes nothing that is known', () => {
    const guard = new GuardUnderTest();
    guard.sees();
    const before = guard.book.state;
    guard.writes({ kind: 'refused', failure: aFailure('VenueRefused') });
    expect(guard.book.state).toEqual(before);
    expect(guard.book.episode?.sent).toBeNull();
  });

  it('a price that crossed between compute and write is recomputed from the next read', () => {
    const guard = new GuardUnderTest();
    guard.sees();
    guard.writes({ kind: 'refused', failure: { ...aFailure('VenueRefused'), reason: 'crossed-price' } });
    expect(writeOf(guard.sees({ price: '93' })).stop).toBe('87.42');
  });

  it('a position that is gone when the stop is written is confirmed, not alarmed about', () => {
    const guard = new GuardUnderTest();
    guard.sees();
    guard.seesFlat(false, 500);
    guard.apply({
      kind: 'write-failed',
      failure: { ...aFailure('VenueRefused'), reason: 'no-position' },
      at: guard.now,
    });
    expect(guard.book.state.kind).toBe('confirming');
    expect(guard.alerts).toEqual([]);
  });
});

describe('the floor (I1)', () => {
  it('is the last proven stop: vanished, it is put back at its level', () => {
    const guard = trailingGuard();
    const decision = guard.sees({ price: '100.9', stopLoss: null }, 30_000);
    expect(writeOf(decision)).toMatchObject({ stop: '100.3', urgency: 'no-stop' });
    expect(guard.ofKind('stop-vanished')).toHaveLength(1);
  });

  it("a human's tighter stop is kept, and restored at its level, off the tick or not, when it is cancelled", () => {
    for (const level of ['97.5', '97.503']) {
      const guard = protectedGuard();
      expect(guard.sees({ stopLoss: level }, 30_000).action.kind).toBe('none');
      expect(guard.book.state).toMatchObject({ stopKind: 'human' });
      expect(writeOf(guard.sees({ stopLoss: null }, 30_000)).stop).toBe(level);
    }
  });

  it('our proven stop, loosened by someone, goes back to the proven level', () => {
    const guard = protectedGuard();
    expect(writeOf(guard.sees({ stopLoss: '90' }, 30_000))).toMatchObject({
      stop: '94',
      urgency: 'loosened',
    });
    guard.proves();
    expect(guard.book.state).toMatchObject({ kind: 'protected', stop: '94' });
  });

  it('passed by the price while no stop rests: the nearest legal stop, an alert with the loss, and a floor from there', () => {
    const guard = trailingGuard();
    expect(writeOf(guard.sees({ price: '100', stopLoss: null }, 30_000))).toMatchObject({
      stop: '99.2',
      rule: 'wrong-side',
    });
    expect(guard.ofKind('floor-passed')).toHaveLength(1);
    expect(guard.ofKind('floor-passed')[0]?.message).toContain('-0.8');
    guard.proves();
    expect(guard.book.episode?.floor).toMatchObject({ stop: '99.2', by: 'us' });
    // The price comes back: the stop that rests was not loosened by anyone.
    expect(guard.sees({ price: '100.9' }, 30_000)).toMatchObject({
      action: { kind: 'write', stop: '100.3' },
    });
    expect(guard.book.episode?.loosenedAt).toEqual([]);
  });

  it('is kept also where the nearest tick to the price would be looser than an off-tick level', () => {
    const guard = new GuardUnderTest({ entryPrice: '1000', price: '1000', tickSize: '50', stopLoss: '955' });
    guard.policy = { ...DEFAULT_POLICY, fixedStopPct: 0.1 };
    guard.sees();
    expect(writeOf(guard.sees({ stopLoss: null }, 1_000)).stop).toBe('955');
  });

  it("a human's level that the price has passed gives way to the nearest legal stop, not to a far one", () => {
    const off: Policy = { ...DEFAULT_POLICY, trailing: { ...DEFAULT_POLICY.trailing, mode: 'off' } };
    const guard = protectedGuard({ price: '110' }, off);
    guard.sees({ stopLoss: '108' }, 30_000);
    // The policy's own 94 is legal, but 107 × 0.94 = 100.58 is nearer to what was proven.
    expect(writeOf(guard.sees({ price: '107', stopLoss: null }, 30_000)).stop).toBe('100.58');
  });

  it('holds when size is added and the entry moves against the stop', () => {
    const guard = protectedGuard();
    const decision = guard.sees(
      { size: '3', entryPrice: '97', price: '97', openTime: 700_000, passedThroughZero: false },
      30_000,
    );
    expect(decision.episode).toBe('same');
    expect(decision.action.kind).toBe('none');
    expect(guard.book.episode).toMatchObject({
      id: '500000',
      size: '3',
      entryPrice: '97',
      floor: { stop: '94' },
    });
  });

  it('moves up with the entry when that makes the stop tighter, and size reduced changes no level', () => {
    const guard = protectedGuard();
    expect(writeOf(guard.sees({ size: '3', entryPrice: '104', price: '104' }, 30_000)).stop).toBe('97.76');
    guard.proves();
    expect(guard.sees({ size: '0.5' }, 30_000).action.kind).toBe('none');
  });

  it('is lowered once by allowLooser, then holds again', () => {
    const guard = protectedGuard();
    guard.policy = { ...DEFAULT_POLICY, fixedStopPct: 10 };
    expect(guard.sees({}, 1_000).action.kind).toBe('none');
    guard.apply({ kind: 'loosening-allowed' });
    expect(writeOf(guard.sees({}, 1_000)).stop).toBe('90');
    guard.proves();
    expect(guard.book.episode).toMatchObject({ mayLoosen: false, floor: { stop: '90' } });
    guard.policy = { ...DEFAULT_POLICY, fixedStopPct: 20 };
    expect(guard.sees({}, 1_000).action.kind).toBe('none');
  });

  it('allowLooser before the leg was ever seen has nothing to lower', () => {
    const guard = new GuardUnderTest();
    guard.apply({ kind: 'loosening-allowed' });
    expect(guard.book).toEqual(newBook('main', { symbol: 'BTCUSDT', positionIdx: 0 }));
    expect(writeOf(guard.sees()).stop).toBe('94');
  });

  it('allowLooser is used up by its proof also when the price has moved the wanted stop meanwhile', () => {
    const guard = protectedGuard({ marginMode: 'ISOLATED_MARGIN', liqPrice: '95' });
    guard.policy = { ...DEFAULT_POLICY, liquidation: { ...DEFAULT_POLICY.liquidation, bufferPct: 0.3 } };
    guard.apply({ kind: 'loosening-allowed' });
    const { stop } = writeOf(guard.sees({}, 1_000));
    expect(stop).toBe('95.3');
    guard.writes();
    guard.sees({ stopLoss: stop, price: '99' }, 200);
    expect(guard.book.episode?.mayLoosen).toBe(false);
    expect(guard.sees({ price: '98' }, 30_000).action.kind).toBe('none');
  });
});

it('allowLooser that comes while another write is under way still waits for its own', () => {
  const guard = protectedGuard({ price: '101.1' });
  guard.sees({ price: '102' }, 30_000);
  const { stop } = guard.writes();
  guard.policy = { ...DEFAULT_POLICY, trailing: { ...DEFAULT_POLICY.trailing, distancePct: 2 } };
  guard.apply({ kind: 'loosening-allowed' });
  guard.sees({ stopLoss: stop }, 500);
  expect(guard.book.episode?.mayLoosen).toBe(true);
  expect(writeOf(guard.sees({}, 1_000)).stop).toBe('99.96');
  guard.proves();
  expect(guard.book.episode?.mayLoosen).toBe(false);
});

describe('episodes', () => {
  it('a flip between two checks ends the old one and starts afresh: floor and best price', () => {
    const guard = trailingGuard();
    const decision = guard.sees(
      { side: 'short', stopLoss: null, openTime: 900_000, entryPrice: '101' },
      30_000,
    );
    expect(decision.episode).toBe('side');
    expect(writeOf(decision)).toMatchObject({ stop: '107.06', stopKind: 'fixed' });
    expect(guard.book.episode).toMatchObject({ id: '900000', side: 'short', floor: null, trailing: null });
    expect(guard.book.ended.map(({ id }) => id)).toEqual(['500000']);
    const [ended] = guard.book.ended;
    const report = unexplained(ended ?? null, 0);
    guard.apply({ kind: 'episode-reported', id: '500000', report, at: guard.now });
    expect(guard.book.ended).toEqual([]);
    expect(guard.book.reported).toEqual([{ report, at: guard.now }]);
  });

  it('closed and reopened between two checks: another openTime and our stop is gone', () => {
    const guard = trailingGuard();
    const decision = guard.sees({ openTime: 900_000, stopLoss: null, price: '99', entryPrice: '99' }, 30_000);
    expect(decision.episode).toBe('reopened');
    expect(writeOf(decision).stop).toBe('93.06');
    expect(guard.ofKind('stop-vanished')).toEqual([]);
  });

  it('reopened with a stop attached counts when the executions passed through 0, and not when they did not', () => {
    const change = { openTime: 900_000, stopLoss: '90', price: '99', entryPrice: '99' } as const;
    const through = trailingGuard();
    expect(through.sees({ ...change, passedThroughZero: true }, 30_000).episode).toBe('reopened');
    const added = trailingGuard();
    expect(added.sees({ ...change, passedThroughZero: false }, 30_000).episode).toBe('same');
    expect(added.book.episode?.openTime).toBe(900_000);
  });

  it('executions that could not be read are asked for again: the new openTime is not taken over unjudged', () => {
    const guard = trailingGuard();
    const change = { openTime: 900_000, stopLoss: '90', price: '99', entryPrice: '99' } as const;
    expect(guard.sees(change, 30_000).episode).toBe('same');
    expect(guard.book.episode?.openTime).toBe(500_000);
    expect(guard.sees({ passedThroughZero: true }, 30_000).episode).toBe('reopened');
  });

  it('open again after two reads had shown it flat is a new one, also without openTime', () => {
    const guard = protectedGuard({ openTime: null });
    guard.seesFlat(false, 30_000);
    guard.seesFlat(true, 2_000);
    expect(guard.sees({ stopLoss: null }, 1_000).episode).toBe('reopened');
  });

  it('open again after one absent list is the same one', () => {
    const guard = protectedGuard({ openTime: null });
    guard.seesFlat(false, 30_000);
    expect(guard.sees({}, 2_000).episode).toBe('same');
    expect(guard.book.state.kind).toBe('protected');
  });

  it('another openTime appearing where there was none is not another life', () => {
    const guard = protectedGuard({ openTime: null });
    expect(guard.sees({ openTime: 900_000 }, 30_000).episode).toBe('same');
    expect(guard.book.episode?.openTime).toBe(900_000);
  });
});

describe('states', () => {
  it('a passed stop with size still there is about to trigger: uncertain, watched, not replaced', () => {
    const guard = protectedGuard();
    expect(guard.sees({ price: '93' }, 30_000).action.kind).toBe('watch');
    expect(guard.book.state).toMatchObject({ kind: 'uncertain', intended: '94', unprotectedSince: null });
    guard.sees({ price: '95' }, 2_000);
    expect(guard.book.state.kind).toBe('protected');
  });

  it('a passed stop that is gone while size remains gets the wrong-side rule', () => {
    const guard = protectedGuard();
    guard.sees({ price: '93' }, 30_000);
    expect(writeOf(guard.sees({ stopLoss: null }, 2_000)).stop).toBe('87.42');
  });

  it('a new position whose stop is already passed has no unprotected spell', () => {
    const guard = protectedGuard();
    guard.sees({ side: 'short', stopLoss: '99', price: '100', openTime: 900_000 }, 30_000);
    expect(guard.book.state).toMatchObject({ kind: 'uncertain', unprotectedSince: null });
  });

  it('blind keeps what was known and comes back to it', () => {
    const guard = trailingGuard();
    const before = guard.book;
    guard.seesNothing('VenueUnavailable', 10_000);
    expect(guard.book.state).toMatchObject({ kind: 'blind', reads: 1, previous: before.state });
    expect(guard.book.episode).toEqual(before.episode);
    guard.sees({}, 10_000);
    expect(guard.book.state.kind).toBe('protected');
  });

  it('partial stops of others and a native trailing distance are noted and left alone', () => {
    const guard = protectedGuard();
    const decision = guard.sees({ partialStopQty: '0.4', nativeTrailing: '3' }, 30_000);
    expect(decision.action.kind).toBe('none');
    expect(guard.book.seen).toMatchObject({ partialStopQty: '0.4', position: { nativeTrailing: '3' } });
  });
});

describe('unprotected time (I12)', () => {
  it('is the sum of the spells, each from the first read without a stop to the proof', () => {
    const guard = new GuardUnderTest();
    guard.sees();
    guard.sees({}, 1_000);
    guard.writes();
    guard.sees({ stopLoss: '94' }, 500);
    expect(unprotectedMs(guard.book, guard.now + 9_999)).toBe(1_500);
    guard.sees({ stopLoss: null }, 30_000);
    expect(unprotectedMs(guard.book, guard.now + 200)).toBe(1_700);
    guard.proves();
    guard.sees({ stopLoss: null }, 30_000);
    guard.seesNothing('VenueUnavailable', 4_000);
    guard.sees({ stopLoss: '94' }, 1_000);
    expect(unprotectedMs(guard.book, guard.now)).toBe(6_500);
  });

  it('goes on through one absent list, and ends where the leg was absent for good', () => {
    const back = new GuardUnderTest();
    back.sees();
    back.seesFlat(false, 1_000);
    back.sees({}, 2_000);
    expect(back.book.state).toMatchObject({ kind: 'unprotected', since: T0 });
    back.sees({ stopLoss: '94' }, 500);
    expect(unprotectedMs(back.book, back.now)).toBe(3_500);
    const proven = new GuardUnderTest();
    proven.sees();
    proven.seesFlat(false, 1_000);
    proven.sees({ stopLoss: '94' }, 2_000);
    expect(unprotectedMs(proven.book, proven.now)).toBe(3_000);
    const gone = new GuardUnderTest();
    gone.sees();
    gone.seesFlat(false, 1_000);
    gone.seesFlat(true, 2_000);
    expect(unprotectedMs(gone.book, gone.now + 60_000)).toBe(1_000);
  });

  it('does not run while a write only tightens', () => {
    const guard = trailingGuard();
    guard.sees({ price: '105' }, 30_000);
    guard.writes(unknown);
    guard.sees({}, 5_000);
    expect(unprotectedMs(guard.book, guard.now)).toBe(0);
  });
});

it('a clock that steps back never makes time negative', () => {
  const guard = new GuardUnderTest();
  guard.sees();
  guard.sees({ stopLoss: '94' }, -5_000);
  expect(unprotectedMs(guard.book, guard.now)).toBe(0);
});

it('folding the events of an activity arrives at the same memory as folding them one by one', () => {
  const open = anOpen();
  const events: readonly GuardEvent[] = [
    { kind: 'observed', observation: open },
    {
      kind: 'written',
      stop: '94',
      stopKind: 'fixed',
      rule: 'fixed',
      urgency: 'no-stop',
      outcome: unknown,
      at: T0,
    },
    { kind: 'observed', observation: anOpen({ stopLoss: '94', readAt: T0 + 100 }) },
  ];
  const empty = newBook('main', { symbol: 'BTCUSDT', positionIdx: 0 });
  const once = evolveAll(empty, events, DEFAULT_POLICY);
  const carried = JSON.parse(
    JSON.stringify(evolveAll(empty, events.slice(0, 2), DEFAULT_POLICY)),
  ) as typeof once;
  expect(evolveAll(carried, events.slice(2), DEFAULT_POLICY)).toEqual(once);
});
