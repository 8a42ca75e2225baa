/** ATR(14) after Wilder, against a worked example. */
import { describe, expect, it } from 'vitest';
import { atrPct, type Bar } from '../../src/domain/atr.ts';

function bar(high: string, low: string, close: string): Bar {
  return { high, low, close };
}
const quiet = Array.from({ length: 14 }, () => bar('101', '99', '100'));

describe('ATR', () => {
  it('of 15 equal candles is their range: 2 of 100 is 2 %', () => {
    expect(atrPct([...quiet, bar('101', '99', '100')])).toBe('2');
  });

  it('smooths a jump by fourteenths: (13 × 2 + 16) / 14 = 3, on a close of 110 2.727273 %', () => {
    // The true range of a candle that opens with a gap counts from the close before: 116 − 100 = 16.
    expect(atrPct([...quiet, bar('101', '99', '100'), bar('116', '104', '110')])).toBe('2.727273');
  });

  it('counts a gap downward from the close before: 100 − 84 = 16', () => {
    expect(atrPct([...quiet, bar('101', '99', '100'), bar('96', '84', '90')])).toBe('3.333333');
  });

  it('starts with the plain mean of the first 14 ranges', () => {
    // 13 ranges of 2 and one of 30: (26 + 30) / 14 = 4.
    expect(atrPct([...quiet, bar('115', '85', '100')])).toBe('4');
  });

  it('is nothing with fewer than 15 candles, or a close that is not above 0', () => {
    expect(atrPct([])).toBeNull();
    expect(atrPct(quiet)).toBeNull();
    expect(atrPct([...quiet, bar('101', '0', '0')])).toBeNull();
  });
});
