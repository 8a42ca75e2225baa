/** Instruments, candles, orders, executions and closing records: documented examples, and nothing dropped silently (I7). */
import { describe, expect, test } from 'vitest';
import { parseCandles, parseInstruments, parseLastPrices } from '../../src/exchange/parse-market.ts';
import {
  parseClosedPnl,
  parseExecutions,
  parseOrder,
  parseStopOrders,
} from '../../src/exchange/parse-orders.ts';
import { VenueError } from '../../src/exchange/port.ts';
import { fixture, without, type Row } from './fixtures.ts';

function rowOf(name: string): Row {
  const row = fixture(name).result.list[0];
  if (row === undefined) throw new Error(`fixture ${name} has no row`);
  return row;
}

describe('documented examples', () => {
  test('of instruments are readable, also before their launch', () => {
    const { bySymbol, unreadable } = parseInstruments([
      rowOf('instruments-info-linear'),
      rowOf('instruments-info-linear-prelaunch'),
    ]);
    expect(bySymbol.get('BTCUSDT')).toMatchObject({
      tickSize: '0.10',
      qtyStep: '0.001',
      maxMktOrderQty: '500.000',
    });
    expect([...bySymbol.values()].map(({ status }) => status)).toEqual(['Trading', 'PreLaunch']);
    expect(unreadable.size).toBe(0);
  });

  test.each(['mark-price-kline', 'kline'])('of %s are readable', (name) => {
    const rows: readonly unknown[] = fixture(name).result.list;
    const candles = parseCandles(rows);
    expect(candles).toHaveLength(rows.length);
    expect(candles.map(({ startAt }) => startAt)).toEqual(
      candles.map(({ startAt }) => startAt).toSorted((a, b) => a - b),
    );
  });

  test('of an execution are readable without createType', () => {
    expect(parseExecutions([rowOf('execution-list')])).toMatchObject([
      {
        symbol: 'ETHPERP',
        side: 'Buy',
        price: '1190.15',
        qty: '0.1',
        fee: '0.071409',
        createType: null,
        stopOrderType: null,
        closedSize: null,
        at: 1_672_282_722_429,
      },
    ]);
  });

  test('of a closing record are readable', () => {
    expect(parseClosedPnl([rowOf('closed-pnl')])).toMatchObject([
      {
        symbol: 'ETHPERP',
        side: 'Sell',
        pnl: '-47.4065323',
        closedSize: '3',
        createdAt: 1_672_214_887_231,
        updatedAt: 1_672_214_887_236,
      },
    ]);
  });

  test('of an order are readable, and a plain order is no stop', () => {
    const row = rowOf('order-realtime');
    expect(parseOrder(row)).toMatchObject({
      orderLinkId: 'test-000005',
      status: 'New',
      cumExecQty: '0.00',
      avgPrice: null,
    });
    expect(parseStopOrders([row])).toEqual([]);
  });
});

describe('a record that cannot be read', () => {
  test.each(['symbol', 'side', 'execId', 'execPrice', 'execQty', 'execType', 'execTime'])(
    'fails the executions without %s',
    (field) => {
      const row = rowOf('execution-list');
      expect(() => parseExecutions([row, without(row, field)])).toThrow(field);
    },
  );

  test.each(['symbol', 'side', 'closedPnl', 'closedSize', 'avgExitPrice', 'updatedTime'])(
    'fails the closing records without %s',
    (field) => {
      const row = rowOf('closed-pnl');
      expect(() => parseClosedPnl([row, without(row, field)])).toThrow(VenueError);
    },
  );

  test.each(['orderId', 'symbol', 'positionIdx', 'qty'])('fails the stop orders without %s', (field) => {
    expect(() => parseStopOrders([without(rowOf('order-realtime'), field)])).toThrow(field);
  });

  test.each([
    [[null]],
    [[['1', '2']]],
    [[['0', '1', '1', '1', '1']]],
    [[['60000', '1', '1', '-1', '1']]],
    [['x']],
  ])('fails the candles: %j', (rows) => {
    expect(() => parseCandles(rows)).toThrow(VenueError);
  });

  test('of an instrument is named, and of a ticker left out', () => {
    const { unreadable } = parseInstruments([
      { ...rowOf('instruments-info-linear'), lotSizeFilter: {} },
      null,
      7,
    ]);
    expect(unreadable.get('BTCUSDT')).toContain('qtyStep');
    expect(parseLastPrices([{ symbol: 'A', lastPrice: '0' }, null, { symbol: 'B', lastPrice: '2' }])).toEqual(
      new Map([['B', '2']]),
    );
  });
});

describe('records that come twice', () => {
  test('count once, oldest first', () => {
    const row = rowOf('execution-list');
    const later = { ...row, execId: 'later', execTime: '1672282722999' };
    expect(parseExecutions([later, row, row]).map(({ execId }) => execId)).toEqual([row['execId'], 'later']);
    const record = rowOf('closed-pnl');
    expect(parseClosedPnl([record, record])).toHaveLength(1);
  });
});
