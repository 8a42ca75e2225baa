/** Volatility for many checks: one question at a time, whose late answer serves the next. */
import { expect, describe, it, vi } from 'vitest';
import { VolatilityCache } from '../../src/activities/volatility.ts';
import type { Candle, VenuePort } from '../../src/exchange/port.ts';

const HOUR_MS = 3_600_000;
const NOW = 100 * HOUR_MS;

/** Sixty finished hours with a range of 2 on a price of 100. */
const CANDLES: readonly Candle[] = Array.from({ length: 60 }, (_, at) => ({
  startAt: NOW - (61 - at) * HOUR_MS,
  open: '100',
  high: '101',
  low: '99',
  close: '100',
}));

function asking(candles: VenuePort['candles']) {
  const cache = new VolatilityCache(() => NOW);
  const port = { account: 'main', candles } as unknown as VenuePort;
  return (symbol = 'BTCUSDT') => cache.read(port, symbol, 'MarkPrice');
}

describe('the volatility of a symbol', () => {
  // Candles have the narrowest lane: a check that asked again while its question still waits would fill it without end.
  it('is asked for once however many checks want it, and an answer that comes late serves the next', async () => {
    let answer: (candles: readonly Candle[]) => void = () => undefined;
    const candles = vi.fn<VenuePort['candles']>(() => new Promise((resolve) => void (answer = resolve)));
    const read = asking(candles);
    const checks = Array.from({ length: 10 }, () => read());
    expect(candles).toHaveBeenCalledTimes(1);
    answer(CANDLES);
    for (const atr of await Promise.all(checks)) expect(Number(atr)).toBeCloseTo(2);
    expect(Number(await read())).toBeCloseTo(2);
    expect(candles).toHaveBeenCalledTimes(1);
    void read('ETHUSDT');
    expect(candles).toHaveBeenCalledTimes(2);
  });

  it('is asked for again after a failure, and after an answer with too few candles', async () => {
    const candles = vi
      .fn<VenuePort['candles']>()
      .mockRejectedValueOnce(new Error('no candles'))
      .mockResolvedValueOnce([])
      .mockResolvedValueOnce(CANDLES);
    const read = asking(candles);
    await expect(read()).rejects.toThrow('no candles');
    expect(await read()).toBeNull();
    expect(await read()).not.toBeNull();
  });
});
