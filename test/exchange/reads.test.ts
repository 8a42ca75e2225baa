/** Instruments, prices, orders, records and candles over HTTP. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { VenuePort } from '../../src/exchange/port.ts';
import { envelope, refusal, type FakeVenue } from './fake-venue.ts';
import { positionRow, instrumentRow } from './fixtures.ts';
import { failureOf, IMPATIENT, list, LIST, startWorld, type World } from './port-world.ts';

let world: World;
let venue: FakeVenue;
let port: VenuePort;

beforeEach(async () => {
  world = await startWorld();
  ({ venue, port } = world);
});
afterEach(async () => {
  await world.close();
});

/** Two pages in the plain list; GONEUSDT only by symbol and status. */
function serveInstruments(): void {
  venue.on('/v5/market/instruments-info', ({ query }) => {
    const symbol = query.get('symbol');
    if (symbol === null)
      return query.has('cursor')
        ? list([instrumentRow('ETHUSDT')])
        : list([instrumentRow('BTCUSDT')], 'next');
    return list(
      symbol === 'GONEUSDT' && query.get('status') === 'Closed' ? [instrumentRow(symbol, 'Closed')] : [],
    );
  });
}

describe('instruments', () => {
  const path = '/v5/market/instruments-info';

  test('and the clock are read when the port is made where it reads ahead, and not again by the first who ask', async () => {
    serveInstruments();
    const ahead = world.portOf({ readAhead: true });
    await expect.poll(() => ahead.requestCounts()).toMatchObject({ [path]: 2, '/v5/account/info': 1 });
    const before = ahead.requestCounts();
    await ahead.instrument('BTCUSDT');
    await ahead.snapshot();
    expect(ahead.requestCounts()).toEqual({ ...before, [LIST]: 2 });
  });

  test('are read once, all pages, and kept', async () => {
    serveInstruments();
    const all = await Promise.all([
      port.instrument('BTCUSDT'),
      port.instrument('ETHUSDT'),
      port.instrument('BTCUSDT'),
    ]);
    expect(all[0]).toEqual({
      symbol: 'BTCUSDT',
      status: 'Trading',
      contractType: 'LinearPerpetual',
      settleCoin: 'USDT',
      tickSize: '0.10',
      minPrice: '0.10',
      maxPrice: '1999999.80',
      qtyStep: '0.001',
      minOrderQty: '0.001',
      maxMktOrderQty: '500.000',
    });
    expect(venue.seenAt(path)).toHaveLength(2);
  });

  test('that the list lacks are asked for by symbol and status, once', async () => {
    serveInstruments();
    const [one, two] = await Promise.all([port.instrument('GONEUSDT'), port.instrument('GONEUSDT')]);
    expect([one.status, two.status]).toEqual(['Closed', 'Closed']);
    await port.instrument('GONEUSDT');
    expect(venue.seenAt(path).filter(({ query }) => query.has('symbol'))).toHaveLength(4);
  });

  test('that the venue does not have are refused by name, and not asked for again at once', async () => {
    serveInstruments();
    expect(await failureOf(port.instrument('NOPEUSDT'))).toMatchObject({
      type: 'VenueRefused',
      message: expect.stringContaining('NOPEUSDT'),
    });
    const seen = venue.seen.length;
    await failureOf(port.instrument('NOPEUSDT'));
    expect(venue.seen).toHaveLength(seen);
  });

  test('are read again after a refusal by price, and the old ones serve where that fails', async () => {
    serveInstruments();
    await port.instrument('BTCUSDT');
    port.refreshInstruments();
    venue.on(path, () => ({ kind: 'reset' }));
    expect((await port.instrument('BTCUSDT')).tickSize).toBe('0.10');
    venue.on(path, () =>
      list([{ ...instrumentRow('BTCUSDT'), priceFilter: { minPrice: '1', maxPrice: '9', tickSize: '0.5' } }]),
    );
    port.refreshInstruments();
    expect((await port.instrument('BTCUSDT')).tickSize).toBe('0.5');
  });

  test('with a broken row are named when asked for, and do not hide the others', async () => {
    venue.on(path, () =>
      list([instrumentRow('BTCUSDT'), { ...instrumentRow('BADUSDT'), priceFilter: { tickSize: '0' } }]),
    );
    expect((await port.instrument('BTCUSDT')).symbol).toBe('BTCUSDT');
    expect((await failureOf(port.instrument('BADUSDT'))).message).toContain('tickSize');
  });
});

describe('other reads', () => {
  test('of last prices count towards the window once routine checks ask for them', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      venue.on('/v5/market/tickers', () => envelope({ list: [{ symbol: 'A', lastPrice: '1.5' }] }));
      const asking = world.portOf({ limits: { requestsPerMinute: 60 } });
      const listsAfter = async (ms: number): Promise<number> => {
        vi.advanceTimersByTime(ms);
        await asking.snapshot();
        return venue.seenAt(LIST).length;
      };
      // 1.2 s for each request of a round at 60 a minute.
      expect([await listsAfter(0), await listsAfter(2_300), await listsAfter(200)]).toEqual([2, 2, 4]);
      await asking.lastPrice('A', { fresh: true });
      expect(await listsAfter(2_500)).toBe(6);
      await asking.lastPrice('A');
      expect([await listsAfter(3_500), await listsAfter(200)]).toEqual([6, 8]);
    } finally {
      vi.useRealTimers();
    }
  });

  test('last prices of all symbols cost one request', async () => {
    venue.on('/v5/market/tickers', () =>
      envelope({
        list: [
          { symbol: 'A', lastPrice: '1.5' },
          { symbol: 'B', lastPrice: '' },
        ],
      }),
    );
    expect(await Promise.all([port.lastPrice('A'), port.lastPrice('A')])).toEqual(['1.5', '1.5']);
    expect(await failureOf(port.lastPrice('B'))).toMatchObject({ type: 'VenueUnavailable' });
    expect(venue.seenAt('/v5/market/tickers')).toHaveLength(1);
  });

  test('a category that the key may not read is left out of what is not covered, a failed read is not', async () => {
    venue.on(LIST, ({ query }) =>
      query.get('category') === 'option'
        ? refusal(10005, 'Permission denied')
        : list([
            positionRow({ symbol: 'BTCUSD', size: '300' }),
            positionRow({ symbol: 'ETHUSD', size: '0' }),
          ]),
    );
    expect(await port.notCovered()).toEqual([
      { category: 'inverse', symbol: 'BTCUSD', size: '300', reason: 'inverse contracts are not guarded' },
    ]);
    venue.on(LIST, () => ({ kind: 'silence' }));
    expect(await failureOf(world.portOf(IMPATIENT).notCovered())).toMatchObject({ type: 'VenueUnavailable' });
  });

  test('executions older than a week are read window by window', async () => {
    const day = 86_400_000;
    venue.on('/v5/execution/list', () => list([]));
    await port.executions('BTCUSDT', Date.now() - 20 * day);
    const seen = venue.seenAt('/v5/execution/list');
    expect(seen).toHaveLength(3);
    const bounds = seen.map(({ query }) => [Number(query.get('startTime')), query.get('endTime')] as const);
    expect(bounds.slice(0, 2).map(([start, end]) => Number(end) - start)).toEqual([7 * day, 7 * day]);
    expect(bounds[2]?.[1]).toBeNull();
    expect(bounds[1]?.[0]).toBe((bounds[0]?.[0] ?? 0) + 7 * day);
  });

  test('stop orders are read for both coins and told apart', async () => {
    const stop = {
      symbol: 'BTCUSDT',
      positionIdx: 0,
      orderStatus: 'Untriggered',
      qty: '0.01',
      cumExecQty: '0',
      triggerBy: 'MarkPrice',
      triggerPrice: '40000',
    };
    venue.on('/v5/order/realtime', ({ query }) =>
      list(
        query.get('settleCoin') === 'USDC'
          ? []
          : [
              { ...stop, orderId: '1', stopOrderType: 'StopLoss', tpslMode: 'Full' },
              {
                ...stop,
                orderId: '2',
                stopOrderType: 'PartialStopLoss',
                tpslMode: 'Partial',
                triggerBy: 'LastPrice',
              },
              { ...stop, orderId: '3', stopOrderType: 'TrailingStop', triggerPrice: '0.00' },
              { ...stop, orderId: '4', stopOrderType: 'TakeProfit' },
              { ...stop, orderId: '5', stopOrderType: 'Stop' },
              { ...stop, orderId: '6', stopOrderType: 'StopLoss', orderStatus: 'Filled' },
            ],
      ),
    );
    expect(await port.stopOrders()).toMatchObject([
      { orderId: '1', kind: 'full', triggerBy: 'MarkPrice', triggerPrice: '40000' },
      { orderId: '2', kind: 'partial', triggerBy: 'LastPrice' },
      { orderId: '3', kind: 'trailing', triggerPrice: null },
    ]);
    expect(
      venue.seenAt('/v5/order/realtime').every(({ query }) => query.get('orderFilter') === 'StopOrder'),
    ).toBe(true);
  });

  test('candles come oldest first, and more than a thousand are read backwards', async () => {
    const minute = 60_000;
    const last = 2_500;
    venue.on('/v5/market/mark-price-kline', ({ query }) => {
      const limit = Number(query.get('limit'));
      const end = query.has('end') ? Math.floor(Number(query.get('end')) / minute) : last;
      const starts = Array.from({ length: Math.min(limit, end) }, (_, i) => end - i);
      return envelope({ list: starts.map((n) => [String(n * minute), '1', '2', '0.5', String(n)]) });
    });
    const candles = await port.candles('BTCUSDT', '1', 'mark', 1_500);
    expect(candles).toHaveLength(1_500);
    expect(candles[0]).toEqual({ startAt: 1_001 * minute, open: '1', high: '2', low: '0.5', close: '1001' });
    expect(candles.at(-1)?.startAt).toBe(last * minute);
    expect(venue.seen).toHaveLength(2);
  });

  test('a broken candle fails the read', async () => {
    venue.on('/v5/market/kline', () => envelope({ list: [['60000', '1', '', '1', '1', '9', '9']] }));
    expect(await failureOf(port.candles('BTCUSDT', '1', 'last', 5))).toMatchObject({
      type: 'VenueUnavailable',
    });
  });
});
