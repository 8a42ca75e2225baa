/** Builders of venue rows for tests: one valid value, one override. */
import { readFileSync } from 'node:fs';

export type Row = Record<string, unknown>;

export function fixture(name: string): { retCode: number; result: { list: Row[] } & Row; time?: number } {
  const text = readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), 'utf8');
  return JSON.parse(text) as ReturnType<typeof fixture>;
}

/** A long of 0.01 BTCUSDT in one-way mode with no stop, as the venue's list shows it. */
export function positionRow(override: Row = {}): Row {
  return {
    positionIdx: 0,
    symbol: 'BTCUSDT',
    side: 'Buy',
    size: '0.010',
    avgPrice: '43462.5',
    markPrice: '44000.00',
    liqPrice: '39300.1',
    leverage: '10',
    positionIM: '44.26',
    positionStatus: 'Normal',
    tpslMode: 'Full',
    stopLoss: '',
    takeProfit: '',
    trailingStop: '0',
    unrealisedPnl: '5.375',
    updatedTime: '1697673600012',
    openTime: 1697673500000,
    ...override,
  };
}

export function without(row: Row, field: string): Row {
  return Object.fromEntries(Object.entries(row).filter(([name]) => name !== field));
}

/** BTCUSDT as the list of instruments shows it. */
export function instrumentRow(symbol = 'BTCUSDT', status = 'Trading'): Row {
  return {
    symbol,
    status,
    contractType: 'LinearPerpetual',
    settleCoin: 'USDT',
    priceFilter: { minPrice: '0.10', maxPrice: '1999999.80', tickSize: '0.10' },
    lotSizeFilter: {
      qtyStep: '0.001',
      minOrderQty: '0.001',
      maxMktOrderQty: '500.000',
      maxOrderQty: '1190.000',
    },
  };
}
