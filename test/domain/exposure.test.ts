/** Money of a position: now, at its stop, and at risk. */
import { describe, expect, it } from 'vitest';
import { PORTFOLIO_NOTE, exposureOf, pnlPct, pnlUsd } from '../../src/domain/exposure.ts';

const long = { side: 'long', size: '2', entryPrice: '100', leverage: '10' } as const;
const short = { ...long, side: 'short' } as const;

describe('profit and loss', () => {
  it.each([
    [long, '101', '2.00', '10'],
    [long, '94', '-12.00', '-60'],
    [short, '101', '-2.00', '-10'],
    [short, '94', '12.00', '60'],
    [long, '100', '0.00', '0'],
    [{ ...long, leverage: '1' }, '100.333', '0.66', '0.33'],
  ] as const)('%j at %s makes %s USD, %s %%', (position, price, usd, pct) => {
    expect(pnlUsd(position, price)).toBe(usd);
    expect(pnlPct(position, price)).toBe(pct);
  });

  it('a loss below a cent is rounded toward the worse', () => {
    expect(pnlUsd({ ...long, size: '0.001' }, '99.999')).toBe('-0.01');
  });

  it('tiny prices keep their digits', () => {
    const shib = { side: 'long', size: '1000000', entryPrice: '0.0000123', leverage: '5' } as const;
    expect(pnlUsd(shib, '0.0000133')).toBe('1.00');
    expect(pnlPct(shib, '0.0000133')).toBe('40.65');
  });
});

describe('at the stop', () => {
  it('a stop on the losing side puts its loss at risk', () => {
    expect(exposureOf(long, '101', '94')).toEqual({
      pnlUsd: '2.00',
      pnlPct: '10',
      pnlAtStopUsd: '-12.00',
      pnlAtStopPct: '-60',
      atRiskUsd: '12.00',
      note: null,
    });
  });

  it('a stop in profit puts nothing at risk', () => {
    expect(exposureOf(short, '98', '99.73')).toMatchObject({ pnlAtStopUsd: '0.54', atRiskUsd: '0.00' });
  });

  it('without a stop the risk has no bound and is not a number', () => {
    expect(exposureOf(long, '101', null)).toMatchObject({ pnlAtStopUsd: null, atRiskUsd: null });
  });

  it('portfolio margin has percentages of price alone and says so', () => {
    expect(exposureOf({ ...long, leverage: null }, '101', '94')).toMatchObject({
      pnlPct: '1',
      pnlAtStopPct: '-6',
      note: PORTFOLIO_NOTE,
    });
  });
});
