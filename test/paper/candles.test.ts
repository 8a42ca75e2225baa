/** Candles: recorded from the path, synthetic before the start, joined without a gap, paged as documented. */
import { describe, expect, test } from 'vitest';
import { account, startMs } from './account-under-test.ts';

const hourMs = 3_600_000;
const asked = { category: 'linear', symbol: 'BTCUSDT' };

function rows(
  on: ReturnType<typeof account>,
  parameters: Readonly<Record<string, string>>,
  kind = 'kline',
): string[][] {
  return on.get(`/v5/market/${kind}`, { ...asked, ...parameters }).result.list;
}

test('the running candle is there and closes at the present price', () => {
  const on = account();
  on.price('BTCUSDT', '44500');
  on.pass(10_000);
  on.price('BTCUSDT', '43700', '43800');
  on.price('BTCUSDT', '44100', '44200');
  expect(rows(on, { interval: '1' })[0]?.slice(0, 5)).toEqual([
    String(startMs),
    '44000.00',
    '44500.00',
    '43700.00',
    '44100.00',
  ]);
  expect(rows(on, { interval: '1' }, 'mark-price-kline')[0]).toEqual([
    String(startMs),
    '44000.00',
    '44500.00',
    '43800.00',
    '44200.00',
  ]);
});

test('minutes without a change are flat at the price before', () => {
  const on = account();
  on.price('BTCUSDT', '44500');
  on.pass(5 * 60_000);
  on.price('BTCUSDT', '44400');
  const flat = rows(on, { interval: '1', limit: '4' }).slice(1);
  expect(flat.map((row) => row.slice(1, 5))).toEqual(
    Array.from({ length: 3 }, () => Array.from({ length: 4 }, () => '44500.00')),
  );
});

describe('paging', () => {
  const on = account();

  test('newest first, 200 unless told otherwise, at most 1000', () => {
    const all = rows(on, { interval: '60' });
    expect(all).toHaveLength(200);
    expect(all.map(([start]) => Number(start))).toEqual(
      Array.from({ length: 200 }, (_, index) => startMs - index * hourMs),
    );
    expect(on.get('/v5/market/kline', { ...asked, interval: '60', limit: '1001' }).retCode).toBe(10001);
  });

  test('both bounds count candle starts, and of too many the latest come', () => {
    const range = { interval: '60', start: String(startMs - 10 * hourMs), end: String(startMs - 2 * hourMs) };
    expect(rows(on, range)).toHaveLength(9);
    const latest = rows(on, { ...range, limit: '3' }).map(([start]) => (startMs - Number(start)) / hourMs);
    expect(latest).toEqual([2, 3, 4]);
  });

  test('pages fit together without overlap or gap', () => {
    const first = rows(on, { interval: '15', limit: '50' });
    const second = rows(on, { interval: '15', limit: '50', end: String(Number(first.at(-1)?.[0]) - 1) });
    const starts = [...first, ...second].map(([start]) => Number(start));
    expect(starts).toEqual(Array.from({ length: 100 }, (_, index) => startMs - index * 15 * 60_000));
  });

  test('an unknown interval is refused', () => {
    expect(on.get('/v5/market/kline', { ...asked, interval: '7' }).retCode).toBe(10001);
  });

  test.each(['1', '3', '5', '15', '30', '60', '120', '240', '360', '720', 'D', 'W', 'M'])(
    'interval %s is whole: low ≤ open, close ≤ high, each opening where the one before closed',
    (interval) => {
      const list = rows(on, { interval, limit: '20' });
      expect(list.length).toBeGreaterThan(5);
      list.forEach(([start, open, high, low, close], index) => {
        expect(Number(low)).toBeLessThanOrEqual(Math.min(Number(open), Number(close)));
        expect(Number(high)).toBeGreaterThanOrEqual(Math.max(Number(open), Number(close)));
        const newer = list[index - 1] ?? [String(Number(start) + 1), close];
        expect([Number(newer[0]) > Number(start), newer[1]]).toEqual([true, close]);
      });
    },
  );
});

test('the history before the start has the range that the scenario asks for', () => {
  const on = account({ prices: [{ symbol: 'BTCUSDT', historyRangePct: '3' }] });
  const ranges = rows(on, { interval: '60', limit: '100' })
    .slice(1)
    .map(([, , high, low]) => (Number(high) - Number(low)) / Number(low));
  const mean = ranges.reduce((sum, range) => sum + range, 0) / ranges.length;
  expect(mean).toBeGreaterThan(0.024);
  expect(mean).toBeLessThan(0.036);
});

test('what an hour was is the same when its minutes are no longer kept', () => {
  const on = account({
    prices: [{ symbol: 'BTCUSDT', walk: { stepPct: '0.1', everyMs: 30_000 } }],
    positions: [],
  });
  on.pass(hourMs - 1000);
  const hour = rows(on, { interval: '60', limit: '1' })[0]?.slice(0, 5);
  for (let count = 0; count < 30; count += 1) on.pass(hourMs);
  const later = rows(on, { interval: '60', start: String(startMs), end: String(startMs) })[0]?.slice(0, 5);
  expect(later).toEqual(hour);
  expect([...on.venue.store.minutes.rows].length).toBeLessThanOrEqual(12 * 60 + 1);
});

describe('paths', () => {
  test('a walk repeats with its seed and differs with another', () => {
    const walk = (seed: number): string => {
      const on = account({ seed, prices: [{ symbol: 'BTCUSDT', walk: { stepPct: '0.1' } }] });
      on.pass(60_000);
      return on.venue.price('BTCUSDT').last;
    };
    expect(walk(7)).toBe(walk(7));
    expect(walk(8)).not.toBe(walk(7));
  });

  test('a walk does not depend on how often anybody looks', () => {
    const scenario = { prices: [{ symbol: 'BTCUSDT', walk: { stepPct: '0.1' } }] };
    const seldom = account(scenario);
    seldom.pass(60_000);
    const often = account(scenario);
    for (let count = 0; count < 600; count += 1) often.pass(100);
    expect(often.venue.price('BTCUSDT').last).toBe(seldom.venue.price('BTCUSDT').last);
  });

  test('a script is followed to the ms, with mark apart where it says so', () => {
    const script = [
      { atMs: 0, price: '44000' },
      { atMs: 5000, price: '43900' },
      { atMs: 6000, last: '43800', mark: '43850' },
    ];
    const on = account({ prices: [{ symbol: 'BTCUSDT', script }] });
    on.pass(4999);
    expect(on.venue.price('BTCUSDT').last).toBe('44000');
    on.pass(1);
    expect(on.venue.price('BTCUSDT').last).toBe('43900');
    on.pass(5000);
    expect(on.venue.price('BTCUSDT')).toMatchObject({ last: '43800', mark: '43850', index: '43850' });
  });

  test('a scripted fall triggers the stop at its moment', () => {
    const script = [
      { atMs: 0, price: '44000' },
      { atMs: 5000, price: '42000' },
    ];
    const on = account({ prices: [{ symbol: 'BTCUSDT', script }] });
    on.stop({ stopLoss: '43000' });
    on.pass(60_000);
    const [fill] = on.get('/v5/execution/list', { category: 'linear' }).result.list;
    expect(fill).toMatchObject({ execTime: String(startMs + 5000), execPrice: '42000.00' });
  });
});
