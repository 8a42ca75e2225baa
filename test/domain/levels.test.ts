/** Levels of DESIGN §3: worked examples, both sides, ticks from 0.0000001 to 0.5, the edges of rounding and of the bands. */
import { describe, expect, it } from 'vitest';
import { dec, plain } from '../../src/domain/decimal.ts';
import {
  legal,
  levels,
  liquidationLimit,
  moved,
  roundStop,
  tighter,
  tightest,
  trailingNumbers,
} from '../../src/domain/levels.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/domain/policy.ts';
import type { Side } from '../../src/domain/position.ts';

const NUMBERS = trailingNumbers(DEFAULT_POLICY, undefined);
const BANDS: Policy = { ...DEFAULT_POLICY, trailing: { ...DEFAULT_POLICY.trailing, mode: 'bands' } };

function rounded(side: Side, stop: string, price: string, tick: string): string | null {
  const result = roundStop(side, dec(stop), dec(price), dec(tick));
  return result === null ? null : plain(result);
}

describe('levels of an entry at 100', () => {
  it.each([
    ['long', '94', '100.06', '101.0606', '100.26'],
    ['short', '106', '99.94', '98.9406', '99.73'],
  ] as const)(
    'a %s has fixed stop %s, breakeven %s, trigger %s and first trailing stop %s',
    (side, fixed, breakeven, trigger, first) => {
      const at = levels(side, '100', DEFAULT_POLICY, NUMBERS);
      expect([plain(at.fixed), plain(at.breakeven), plain(at.trigger)]).toEqual([fixed, breakeven, trigger]);
      const own = moved(at.trigger, side, -NUMBERS.distancePct);
      expect(rounded(side, plain(own), trigger, '0.01')).toBe(first);
    },
  );
});

describe('levels at tiny and huge prices are exact', () => {
  it.each([
    ['long', '0.0000123', '0.000011562', '0.00001230738', '0.0000124304538'],
    ['short', '0.0000123', '0.000013038', '0.00001229262', '0.0000121696938'],
    ['long', '123456789.5', '116049382.13', '123530863.5737', '124766172.209437'],
    ['short', '123456789.5', '130864196.87', '123382715.4263', '122148888.272037'],
    ['long', '0.1', '0.094', '0.10006', '0.1010606'],
  ] as const)('a %s at %s', (side, entry, fixed, breakeven, trigger) => {
    const at = levels(side, entry, DEFAULT_POLICY, NUMBERS);
    expect([plain(at.fixed), plain(at.breakeven), plain(at.trigger)]).toEqual([fixed, breakeven, trigger]);
  });
});

describe('rounding goes toward the price and stays a tick away from it', () => {
  it.each([
    // side, stop, price, tick, expected
    ['long', '100.2521', '101.0606', '0.01', '100.26'],
    ['short', '99.7321', '98.9406', '0.01', '99.73'],
    ['long', '94', '100', '0.01', '94'],
    ['short', '106', '100', '0.01', '106'],
    ['long', '94.0000001', '100', '0.5', '94.5'],
    ['short', '105.9999999', '100', '0.5', '105.5'],
    ['long', '0.000011562', '0.0000123', '0.0000001', '0.0000116'],
    ['short', '0.000013038', '0.0000123', '0.0000001', '0.000013'],
    ['long', '0.00001156', '0.0000123', '0.000001', '0.000011'],
    ['long', '40854.75', '43462.5', '0.10', '40854.8'],
    ['short', '46070.25', '43462.5', '0.10', '46070.2'],
    ['long', '116049382.13', '123456789.5', '0.5', '116049382.5'],
    ['short', '130864196.87', '123456789.5', '0.5', '130864196.5'],
    // nearer than a tick: one tick away
    ['long', '99.999', '100', '0.01', '99.99'],
    ['short', '100.001', '100', '0.01', '100.01'],
    // off-tick prices: the next multiple that is a whole tick away
    ['long', '99.996', '100.005', '0.01', '99.99'],
    ['short', '100.008', '100.005', '0.01', '100.02'],
    // already at or beyond the price
    ['long', '101', '100', '0.5', '99.5'],
    ['short', '99', '100', '0.5', '100.5'],
    ['long', '100', '100', '0.0000001', '99.9999999'],
  ] as const)('%s stop %s at price %s and tick %s becomes %s', (side, stop, price, tick, expected) => {
    expect(rounded(side, stop, price, tick)).toBe(expected);
  });

  it('refuses a stop that rounds to 0 or below', () => {
    expect(rounded('long', '0.0000094', '0.00001', '0.00001')).toBeNull();
    expect(rounded('long', '0.2', '0.5', '0.5')).toBeNull();
    expect(rounded('long', '0.2', '0.4', '0.5')).toBeNull();
  });

  it('finds a stop for a short however low the price is', () => {
    expect(rounded('short', '0.00000001', '0.00000001', '0.5')).toBe('1');
  });
});

describe('volatility bands', () => {
  it.each([
    ['0', 1.2, 1],
    ['1.999999', 1.2, 1],
    ['2', 1, 0.8],
    ['3.1', 1, 0.8],
    ['4', 1, 0.8],
    ['4.000001', 0.9, 0.7],
    ['55', 0.9, 0.7],
  ] as const)('ATR %s %% gives trigger %s %% and distance %s %%', (atr, triggerPct, distancePct) => {
    expect(trailingNumbers(BANDS, atr)).toEqual({ triggerPct, distancePct, reduced: false });
  });

  it.each([null, undefined])(
    'without candles (%s) the middle band holds and functionality is reduced',
    (atr) => {
      expect(trailingNumbers(BANDS, atr)).toEqual({ triggerPct: 1, distancePct: 0.8, reduced: true });
    },
  );

  it('are not looked at in fixed and off mode', () => {
    for (const mode of ['fixed', 'off'] as const) {
      const policy: Policy = { ...DEFAULT_POLICY, trailing: { ...DEFAULT_POLICY.trailing, mode } };
      expect(trailingNumbers(policy, '1')).toEqual({ triggerPct: 1, distancePct: 0.8, reduced: false });
    }
  });
});

describe('tighter and legal mirror each other', () => {
  it.each([
    ['long', '99', '98'],
    ['short', '98', '99'],
  ] as const)('for a %s, %s is tighter than %s', (side, a, b) => {
    expect(tighter(side, dec(a), dec(b))).toBe(true);
    expect(tighter(side, dec(b), dec(a))).toBe(false);
    expect(tighter(side, dec(a), dec(a))).toBe(false);
    expect(plain(tightest(side, dec(a), dec(b)))).toBe(a);
    expect(plain(tightest(side, dec(b), dec(a)))).toBe(a);
  });

  it.each([
    ['long', '99.99', true],
    ['long', '100', false],
    ['long', '100.01', false],
    ['short', '100.01', true],
    ['short', '100', false],
    ['short', '99.99', false],
  ] as const)('for a %s at price 100 a stop at %s is legal: %s', (side, stop, is) => {
    expect(legal(side, dec(stop), dec('100'))).toBe(is);
  });
});

describe('the liquidation limit', () => {
  it.each([
    ['long', '95', '95.5', false],
    ['short', '105', '104.5', false],
    // nearer than the buffer of 0.5: the middle
    ['long', '99.8', '99.9', true],
    ['short', '100.2', '100.1', true],
    // exactly the buffer away: the buffered level would be the price itself
    ['long', '99.5', '99.75', true],
    ['short', '100.5', '100.25', true],
  ] as const)('of a %s at price 100, liquidated at %s, is %s', (side, liq, stop, near) => {
    const limit = liquidationLimit(side, liq, dec('100'), 0.5);
    expect(limit === null ? null : { stop: plain(limit.stop), near: limit.near }).toEqual({ stop, near });
  });

  it.each([
    ['long', null],
    ['long', '100'],
    ['long', '130'],
    ['short', '100'],
    ['short', '70'],
  ] as const)('does not exist for a %s whose liquidation price is %s', (side, liq) => {
    expect(liquidationLimit(side, liq, dec('100'), 0.5)).toBeNull();
  });
});
