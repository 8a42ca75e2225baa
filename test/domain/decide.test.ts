/** What one observation asks of a guard: the rules of DESIGN §3 and the rows of §4, given an open leg. */
import { describe, expect, it } from 'vitest';
import { decide } from '../../src/domain/decide.ts';
import { newBook } from '../../src/domain/guard-state.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/domain/policy.ts';
import { GuardUnderTest, protectedGuard, trailingGuard, writeOf } from '../support/guard-under-test.ts';
import { anOpen } from '../support/observations.ts';

function policyWith(change: Partial<Policy>): Policy {
  return { ...DEFAULT_POLICY, ...change };
}
const RESPECT = policyWith({ existingStop: 'respect' });
const OFF = policyWith({ trailing: { ...DEFAULT_POLICY.trailing, mode: 'off' } });
const BANDS = policyWith({ trailing: { ...DEFAULT_POLICY.trailing, mode: 'bands' } });

describe('a leg without a stop', () => {
  it.each([
    ['long', '94'],
    ['short', '106'],
  ] as const)('a %s gets its fixed stop %s at once', (side, stop) => {
    const guard = new GuardUnderTest({ side });
    expect(writeOf(guard.sees())).toEqual({
      kind: 'write',
      stop,
      stopKind: 'fixed',
      rule: 'fixed',
      urgency: 'no-stop',
    });
  });

  it.each([
    ['long', '101.0606', '100.26'],
    ['short', '98.9406', '99.73'],
  ] as const)('a %s at its trigger %s gets its trailing stop %s at import', (side, price, stop) => {
    expect(writeOf(new GuardUnderTest({ side, price }).sees())).toMatchObject({ stop, stopKind: 'trailing' });
  });

  it.each([
    ['long', '101.0605'],
    ['short', '98.9407'],
  ] as const)('a %s a hair before its trigger, at %s, still gets the fixed stop', (side, price) => {
    expect(writeOf(new GuardUnderTest({ side, price }).sees()).stopKind).toBe('fixed');
  });

  it.each([
    ['long', '90', '84.6'],
    ['short', '110', '116.6'],
  ] as const)(
    'a %s whose fixed stop is on the wrong side at %s gets %s and a warning with the loss',
    (side, price, stop) => {
      const guard = new GuardUnderTest({ side, price });
      expect(writeOf(guard.sees())).toMatchObject({ stop, rule: 'wrong-side' });
      expect(guard.ofKind('wrong-side')[0]?.message).toContain(side === 'long' ? '-15.4' : '-16.6');
    },
  );

  it('has no legal stop when everything below the price rounds to 0, and a human hears of it', () => {
    const guard = new GuardUnderTest({ entryPrice: '0.5', price: '0.5', tickSize: '0.5' });
    expect(guard.sees().action).toEqual({ kind: 'none' });
    expect(guard.ofKind('no-legal-stop')).toHaveLength(1);
  });

  it('both legs of a hedge with equal and opposite sizes get each its own stop', () => {
    const long = new GuardUnderTest({ side: 'long', positionIdx: 1 });
    const short = new GuardUnderTest({ side: 'short', positionIdx: 2 });
    expect([writeOf(long.sees()).stop, writeOf(short.sees()).stop]).toEqual(['94', '106']);
  });

  it('in portfolio margin is protected like any other', () => {
    const guard = new GuardUnderTest({ leverage: null, positionIM: null, marginMode: 'PORTFOLIO_MARGIN' });
    expect(writeOf(guard.sees()).stop).toBe('94');
  });
});

describe('a stop that is present and right', () => {
  it("needs nothing when it is the policy's own", () => {
    expect(new GuardUnderTest({ stopLoss: '94' }).sees().action.kind).toBe('none');
    expect(new GuardUnderTest({ stopLoss: '94.00' }).sees().action.kind).toBe('none');
  });

  it.each([
    ['long', '90', '94'],
    ['short', '110', '106'],
  ] as const)('of a %s is tightened when it is looser than the policy (%s → %s)', (side, stopLoss, stop) => {
    expect(writeOf(new GuardUnderTest({ side, stopLoss }).sees())).toMatchObject({
      stop,
      urgency: 'tighten',
    });
  });

  it('of a human is kept when it is tighter', () => {
    expect(new GuardUnderTest({ stopLoss: '97.5' }).sees().action.kind).toBe('none');
  });

  it('that no longer fits the wrong-side price is kept as it is, off the tick or not', () => {
    const guard = new GuardUnderTest({ price: '90', stopLoss: '85.005' });
    expect(guard.sees().action.kind).toBe('none');
  });

  it("is not anchored again while the price stands on the wrong side of the policy's stop", () => {
    const guard = protectedGuard({ price: '90' });
    expect(guard.row.stopLoss).toBe('84.6');
    expect(guard.sees({ price: '92' }, 30_000).action.kind).toBe('none');
    // Legal and tighter again: now the policy's own stop is taken.
    expect(writeOf(guard.sees({ price: '94.01' }, 30_000)).stop).toBe('94');
  });
});

describe('respect mode', () => {
  it("leaves a human's looser stop, also one off the tick", () => {
    expect(new GuardUnderTest({ stopLoss: '80' }, RESPECT).sees().action.kind).toBe('none');
    expect(new GuardUnderTest({ stopLoss: '80.005' }, RESPECT).sees().action.kind).toBe('none');
  });

  it('still writes where no stop rests', () => {
    expect(writeOf(new GuardUnderTest({}, RESPECT).sees()).stop).toBe('94');
  });

  it('still holds the liquidation rule: a stop beyond an isolated liquidation price is tightened to the buffer', () => {
    const guard = new GuardUnderTest(
      { stopLoss: '80', liqPrice: '90', marginMode: 'ISOLATED_MARGIN' },
      RESPECT,
    );
    expect(writeOf(guard.sees())).toMatchObject({ stop: '90.5', rule: 'liquidation' });
  });

  it('restores our own proven stop when a human loosens it', () => {
    const guard = protectedGuard({}, RESPECT);
    expect(writeOf(guard.sees({ stopLoss: '90' }, 30_000))).toMatchObject({
      stop: '94',
      urgency: 'loosened',
    });
  });

  it('lets a human loosen a stop of their own', () => {
    const guard = new GuardUnderTest({ stopLoss: '80' }, RESPECT);
    guard.sees();
    expect(guard.sees({ stopLoss: '75' }, 30_000).action.kind).toBe('none');
    expect(guard.sees({}, 30_000).action.kind).toBe('none');
  });

  it('goes on trailing a stop of ours, also after a write whose fate is unknown was lost', () => {
    const guard = protectedGuard({ price: '101.1' }, RESPECT);
    guard.sees({ price: '102' }, 30_000);
    guard.writes({
      kind: 'unknown',
      failure: { type: 'VenueUnknown', code: null, message: 'timeout', hint: '' },
    });
    expect(writeOf(guard.sees({}, 5_000)).stop).toBe('101.19');
  });
});

describe('trailing', () => {
  it('follows the best price and never comes back', () => {
    const guard = trailingGuard();
    expect(guard.row.stopLoss).toBe('100.3');
    expect(writeOf(guard.sees({ price: '103' }, 30_000)).stop).toBe('102.18');
    guard.proves();
    expect(guard.sees({ price: '102.5' }, 30_000).action.kind).toBe('none');
    expect(guard.book.episode?.trailing?.best).toBe('103');
  });

  it('off leaves the fixed stop however far the price runs', () => {
    const guard = protectedGuard({}, OFF);
    expect(guard.sees({ price: '150' }, 30_000).action.kind).toBe('none');
    expect(guard.book.episode?.trailing).toBeNull();
  });

  it('in bands takes the numbers of its ATR', () => {
    // Distance 0.7 % of 101.1 above 4 %, 1 % below 2 % (whose trigger of 1.2 % lies at 101.26072).
    expect(writeOf(new GuardUnderTest({ price: '101.1', atrPct: '5' }, BANDS).sees()).stop).toBe('100.4');
    expect(writeOf(new GuardUnderTest({ price: '101.1', atrPct: '1' }, BANDS).sees()).stop).toBe('94');
    expect(writeOf(new GuardUnderTest({ price: '101.3', atrPct: '1' }, BANDS).sees()).stop).toBe('100.29');
  });

  it('in bands without candles takes the middle band and says so', () => {
    const decision = new GuardUnderTest({ price: '101.1', atrPct: null }, BANDS).sees();
    expect(writeOf(decision).stop).toBe('100.3');
    expect(decision.target?.notes).toContain('reduced-functionality');
  });

  it('does not move a resting trailing stop by less than 0.05 % of the price', () => {
    const guard = trailingGuard();
    // 0.05 % of 101.14 is 0.05057; its stop 100.34 would gain 0.04.
    expect(guard.sees({ price: '101.14' }, 30_000).action.kind).toBe('none');
    // Its stop 100.36 would gain 0.06.
    expect(writeOf(guard.sees({ price: '101.16' }, 30_000)).stop).toBe('100.36');
  });

  it('takes the smallest step at import, where the resting stop is not one that we sent', () => {
    expect(writeOf(new GuardUnderTest({ price: '101.1', stopLoss: '100.29' }).sees()).stop).toBe('100.3');
  });

  it("counts as active while a human's tighter stop is kept", () => {
    const guard = new GuardUnderTest({ price: '101.1', stopLoss: '100.9' });
    expect(guard.sees().action.kind).toBe('none');
    expect(guard.book.episode?.trailing?.best).toBe('101.1');
    guard.sees({ price: '105', stopLoss: '104.9' }, 30_000);
    guard.sees({ price: '104.95' }, 30_000);
    // 105 × 0.992 = 104.16: the best price moved while the human's stop was kept.
    expect(guard.book.target?.best).toBe('105');
    expect(writeOf(guard.sees({ price: '104.95', stopLoss: null }, 30_000)).stop).toBe('104.9');
  });

  it('completes the best price from the candles of a gap, and only once trailing has begun', () => {
    const guard = trailingGuard();
    expect(writeOf(guard.sees({ candleBest: '101.9' }, 120_000)).stop).toBe('101.09');
    const idle = protectedGuard();
    expect(idle.sees({ candleBest: '104' }, 120_000).action.kind).toBe('none');
    expect(idle.book.episode?.trailing).toBeNull();
  });
});

describe('the smallest step', () => {
  it('holds for moves of a trailing stop, not for the first one', () => {
    const guard = protectedGuard({}, policyWith({ fixedStopPct: 3, minMovePct: 5 }));
    expect(writeOf(guard.sees({ price: '101.1' }))).toMatchObject({ stop: '100.3', stopKind: 'trailing' });
  });

  it("does not hold for a human's stop that the trail overtakes", () => {
    const guard = trailingGuard();
    guard.sees({ stopLoss: '100.33' });
    expect(writeOf(guard.sees({ price: '101.14' }))).toMatchObject({ stop: '100.34', urgency: 'tighten' });
  });

  it('does not hold for a fixed stop that follows its entry price', () => {
    const guard = protectedGuard();
    expect(writeOf(guard.sees({ entryPrice: '100.02' }))).toMatchObject({ stop: '94.02', rule: 'fixed' });
  });
});

describe('liquidation', () => {
  const isolated = { marginMode: 'ISOLATED_MARGIN' } as const;

  it.each([
    ['long', '95', '95.5'],
    ['short', '105', '104.5'],
  ] as const)('isolated: the stop of a %s lies 0.5 %% of price before %s, at %s', (side, liqPrice, stop) => {
    expect(writeOf(new GuardUnderTest({ side, liqPrice, ...isolated }).sees())).toMatchObject({
      stop,
      rule: 'liquidation',
    });
  });

  it.each([
    ['long', '99.7', '99.85'],
    ['short', '100.3', '100.15'],
  ] as const)(
    'isolated and nearer than the buffer: a %s gets the middle between price and %s, with an alert',
    (side, liqPrice, stop) => {
      const guard = new GuardUnderTest({ side, liqPrice, ...isolated });
      expect(writeOf(guard.sees()).stop).toBe(stop);
      expect(guard.ofKind('liquidation-near')).toHaveLength(1);
    },
  );

  it('isolated "alert": the stop stays the policy\'s and a human hears of it', () => {
    const policy = policyWith({ liquidation: { ...DEFAULT_POLICY.liquidation, isolated: 'alert' } });
    const guard = new GuardUnderTest({ liqPrice: '95', ...isolated }, policy);
    expect(writeOf(guard.sees()).stop).toBe('94');
    expect(guard.ofKind('liquidation-near')).toHaveLength(1);
  });

  it('isolated with a buffer of 0: the stop still lies a tick before the liquidation price', () => {
    const policy = policyWith({ liquidation: { ...DEFAULT_POLICY.liquidation, bufferPct: 0 } });
    for (const [liqPrice, stop] of [
      ['95', '95.01'],
      ['94', '94.01'],
    ] as const) {
      expect(writeOf(new GuardUnderTest({ liqPrice, ...isolated }, policy).sees()).stop).toBe(stop);
    }
  });

  it('cross: an alert after 3 checks in a row, and the stop stays', () => {
    const guard = protectedGuard();
    guard.sees({ liqPrice: '95' }, 30_000);
    guard.sees({}, 30_000);
    expect(guard.ofKind('liquidation-cross')).toHaveLength(0);
    expect(guard.sees({}, 30_000).action.kind).toBe('none');
    expect(guard.ofKind('liquidation-cross')).toHaveLength(1);
    guard.sees({}, 30_000);
    expect(guard.ofKind('liquidation-cross')).toHaveLength(1);
  });

  it('cross: one good check starts the count again', () => {
    const guard = protectedGuard();
    guard.sees({ liqPrice: '95' }, 30_000);
    guard.sees({}, 30_000);
    guard.sees({ liqPrice: '80' }, 30_000);
    guard.sees({ liqPrice: '95' }, 30_000);
    guard.sees({}, 30_000);
    expect(guard.ofKind('liquidation-cross')).toHaveLength(0);
  });

  it('cross "tighten": acts at the third check in a row', () => {
    const policy = policyWith({ liquidation: { ...DEFAULT_POLICY.liquidation, cross: 'tighten' } });
    const guard = protectedGuard({}, policy);
    expect(guard.sees({ liqPrice: '95' }, 30_000).action.kind).toBe('none');
    expect(guard.sees({}, 30_000).action.kind).toBe('none');
    expect(writeOf(guard.sees({}, 30_000)).stop).toBe('95.5');
  });

  it('a liquidation price on the winning side, and none at all, count for nothing', () => {
    for (const liqPrice of [null, '130']) {
      expect(writeOf(new GuardUnderTest({ liqPrice, ...isolated }).sees()).stop).toBe('94');
    }
  });
});

describe('trigger type and rewrite', () => {
  const order = { symbol: 'BTCUSDT', positionIdx: 0, orderId: 'x', kind: 'full', qty: '1' } as const;

  it('a stop of ours with the wrong trigger type is written again at its price', () => {
    const guard = protectedGuard();
    const stopOrder = { ...order, triggerPrice: '94', triggerBy: 'LastPrice' } as const;
    expect(writeOf(guard.sees({ stopOrder }, 30_000))).toMatchObject({ stop: '94', urgency: 'rewrite' });
  });

  it("a human's stop keeps its trigger type", () => {
    const guard = new GuardUnderTest({ stopLoss: '97' });
    const stopOrder = { ...order, triggerPrice: '97', triggerBy: 'LastPrice' } as const;
    expect(guard.sees({ stopOrder }).action.kind).toBe('none');
  });

  it('an order that does not say its trigger type is no reason to write', () => {
    const guard = protectedGuard();
    const stopOrder = { ...order, triggerPrice: '94', triggerBy: null } as const;
    expect(guard.sees({ stopOrder }, 30_000).action.kind).toBe('none');
  });

  it('with `rewrite` a stop that is in place is sent again, never looser', () => {
    const guard = protectedGuard();
    expect(writeOf(guard.sees({}, 1_000, true))).toMatchObject({ stop: '94', urgency: 'rewrite' });
    const human = new GuardUnderTest({ stopLoss: '97' });
    expect(writeOf(human.sees({}, 1_000, true))).toMatchObject({
      stop: '97',
      urgency: 'rewrite',
      rule: 'kept',
    });
  });
});

describe('reads that show no open leg', () => {
  it.each(['VenueUnknown', 'VenueUnavailable', 'VenueRateLimited', 'VenueClock', 'VenueAuth', 'row'])(
    'an unreadable answer (%s) never asks for a write or an end',
    (problem) => {
      for (const guard of [new GuardUnderTest(), protectedGuard(), trailingGuard()]) {
        expect(guard.seesNothing(problem, 5_000).action).toEqual({ kind: 'none' });
      }
    },
  );

  it('an absent leg asks for confirmation, and only a row of size 0 at least 2 s later ends the guard', () => {
    const guard = protectedGuard();
    expect(guard.seesFlat(false, 30_000).action.kind).toBe('confirm');
    expect(guard.seesFlat(true, 1_999).action.kind).toBe('confirm');
    expect(guard.seesFlat(false, 5_000).action.kind).toBe('confirm');
    expect(guard.seesFlat(true, 1).action.kind).toBe('end');
  });

  it('a first read that is a row of size 0 confirms nothing by itself', () => {
    expect(new GuardUnderTest().seesFlat(true).action.kind).toBe('confirm');
  });

  it.each([
    [500_000, 'same'],
    [700_000, 'reopened'],
    [null, 'reopened'],
  ] as const)('a leg that two reads showed flat, seen again as open since %j, is %s', (openTime, episode) => {
    const guard = protectedGuard();
    guard.seesFlat(false, 1_000);
    guard.seesFlat(true, 2_000);
    expect(guard.sees({ openTime }, 1_000).episode).toBe(episode);
  });

  it('a broken answer in between starts the confirmation again', () => {
    const guard = protectedGuard();
    guard.seesFlat(false, 30_000);
    guard.seesNothing('VenueUnavailable', 2_000);
    expect(guard.seesFlat(true, 2_000).action.kind).toBe('confirm');
    expect(guard.seesFlat(true, 2_000).action.kind).toBe('end');
  });
});

it('decides the same for the same inputs and changes neither', () => {
  const book = Object.freeze(newBook('main', { symbol: 'BTCUSDT', positionIdx: 0 }));
  const observation = Object.freeze(anOpen());
  expect(decide(book, observation, DEFAULT_POLICY)).toEqual(decide(book, observation, DEFAULT_POLICY));
});
