/** What a check reads beside the position: shared, bounded, and never waited for long. */
import { describe, expect, it, vi } from 'vitest';
import { VolatilityCache } from '../../src/activities/observe.ts';
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

describe('the volatility of a symbol', () => {
  // Candles have the narrowest lane: a check that asked again while its question still waits would fill it without end.
  it('is asked for once however many checks want it, and an answer that comes late serves the next', async () => {
    vi.useFakeTimers();
    try {
      let answer: (candles: readonly Candle[]) => void = () => undefined;
      const candles = vi.fn<VenuePort['candles']>(() => new Promise((resolve) => void (answer = resolve)));
      const port = { account: 'main', candles } as unknown as VenuePort;
      const cache = new VolatilityCache(() => NOW);
      for (let check = 0; check < 10; check += 1) {
        const atr = cache.read(port, 'BTCUSDT', 'MarkPrice');
        await vi.advanceTimersByTimeAsync(1_500);
        expect(await atr).toBeNull();
      }
      expect(candles).toHaveBeenCalledTimes(1);
      answer(CANDLES);
      await vi.advanceTimersByTimeAsync(0);
      expect(Number(await cache.read(port, 'BTCUSDT', 'MarkPrice'))).toBeCloseTo(2);
      expect(candles).toHaveBeenCalledTimes(1);
    } finally {
      vi.useRealTimers();
    }
  });

  it('is asked for again after a failure', async () => {
    const candles = vi
      .fn<VenuePort['candles']>()
      .mockRejectedValueOnce(new Error('no candles'))
      .mockResolvedValueOnce(CANDLES);
    const port = { account: 'main', candles } as unknown as VenuePort;
    const cache = new VolatilityCache(() => NOW);
    expect(await cache.read(port, 'BTCUSDT', 'MarkPrice')).toBeNull();
    expect(await cache.read(port, 'BTCUSDT', 'MarkPrice')).not.toBeNull();
  });
});
