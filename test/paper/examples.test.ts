/** The answers' fields against the documented examples: every documented key is there, with the documented type. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { account, type Payload } from './account-under-test.ts';

function example(name: string): Payload {
  return JSON.parse(readFileSync(new URL(`../fixtures/bybit/${name}.json`, import.meta.url), 'utf8'));
}

/** Shape of a value: its type, for objects each key's, for lists the first element's. */
function missing(documented: unknown, actual: unknown, at: string): readonly string[] {
  if (Array.isArray(documented)) {
    if (!Array.isArray(actual)) return [`${at}: not a list`];
    return documented.length === 0 || actual.length === 0 ? [] : missing(documented[0], actual[0], `${at}[]`);
  }
  if (typeof documented === 'object' && documented !== null) {
    if (typeof actual !== 'object' || actual === null) return [`${at}: not an object`];
    return Object.entries(documented).flatMap(([key, value]) =>
      key in actual
        ? missing(value, (actual as Record<string, unknown>)[key], `${at}.${key}`)
        : [`${at}.${key}: missing`],
    );
  }
  if (documented === null) return [];
  return typeof documented === typeof actual
    ? []
    : [`${at}: ${typeof actual} instead of ${typeof documented}`];
}

function traded() {
  const on = account({ execution: { fillDelayMs: 0 } });
  on.post('/v5/order/create', {
    category: 'linear',
    symbol: 'ETHUSDT',
    side: 'Buy',
    orderType: 'Limit',
    qty: '0.1',
    price: '2500',
    stopLoss: '2400',
    takeProfit: '3000',
  });
  on.stop({ stopLoss: '43000' });
  on.price('BTCUSDT', '42900');
  return on;
}

const linear = { category: 'linear' };
const calls: readonly (readonly [string, string, string, Readonly<Record<string, string>>])[] = [
  ['time', 'GET', '/v5/market/time', {}],
  ['instruments-info-linear', 'GET', '/v5/market/instruments-info', { ...linear, symbol: 'BTCUSDT' }],
  ['tickers-inverse', 'GET', '/v5/market/tickers', { ...linear, symbol: 'BTCUSDT' }],
  ['kline', 'GET', '/v5/market/kline', { ...linear, symbol: 'BTCUSDT', interval: '60' }],
  [
    'mark-price-kline',
    'GET',
    '/v5/market/mark-price-kline',
    { ...linear, symbol: 'BTCUSDT', interval: '60' },
  ],
  ['price-limit', 'GET', '/v5/market/price-limit', { ...linear, symbol: 'BTCUSDT' }],
  ['query-api', 'GET', '/v5/user/query-api', {}],
  ['account-info', 'GET', '/v5/account/info', {}],
  ['wallet-balance', 'GET', '/v5/account/wallet-balance', { accountType: 'UNIFIED' }],
  ['position-list', 'GET', '/v5/position/list', { ...linear, symbol: 'BTCUSDT' }],
  ['closed-pnl', 'GET', '/v5/position/closed-pnl', linear],
  ['order-realtime', 'GET', '/v5/order/realtime', { ...linear, symbol: 'ETHUSDT' }],
  ['order-history', 'GET', '/v5/order/history', linear],
  ['execution-list', 'GET', '/v5/execution/list', linear],
];

test.each(calls)('%s has the documented fields and types', (name, method, path, parameters) => {
  const on = traded();
  const answer = method === 'GET' ? on.get(path, parameters) : on.post(path, parameters);
  const documented = example(name);
  expect(answer.retCode).toBe(0);
  // Fees are told in the coin in which they were taken.
  for (const row of documented.result.list ?? []) if ('cumFeeDetail' in row) row.cumFeeDetail = {};
  expect(missing(documented, answer, name)).toEqual([]);
});

test('a pre-market contract has the documented fields', () => {
  const on = account({ instruments: [{ symbol: 'BIOUSDT', status: 'PreLaunch' }] });
  const answer = on.get('/v5/market/instruments-info', { ...linear, status: 'PreLaunch' });
  expect(answer.result.list).toHaveLength(1);
  expect(missing(example('instruments-info-linear-prelaunch'), answer, 'prelaunch')).toEqual([]);
});

test('writes answer as documented', () => {
  const on = account();
  expect(missing(example('trading-stop'), on.stop({ stopLoss: '43000' }), 'trading-stop')).toEqual([]);
  const created = on.post('/v5/order/create', {
    ...linear,
    symbol: 'ETHUSDT',
    side: 'Buy',
    orderType: 'Limit',
    qty: '0.1',
    price: '2500',
  });
  expect(missing(example('order-create'), created, 'order-create')).toEqual([]);
  const cancelled = on.post('/v5/order/cancel', {
    ...linear,
    symbol: 'ETHUSDT',
    orderId: created.result.orderId,
  });
  expect(missing(example('order-cancel'), cancelled, 'order-cancel')).toEqual([]);
  expect(
    missing(
      example('switch-mode'),
      on.post('/v5/position/switch-mode', { ...linear, symbol: 'ETHUSDT', mode: 3 }),
      'switch-mode',
    ),
  ).toEqual([]);
  expect(
    missing(
      example('set-margin-mode-refused'),
      on.post('/v5/account/set-margin-mode', { setMarginMode: 'PORTFOLIO_MARGIN' }),
      'margin',
    ),
  ).toEqual([]);
});

test('the documented requests are understood', () => {
  const on = account({
    positions: [{ symbol: 'XRPUSDT', size: '100', entryPrice: '0.5' }],
    prices: [
      { symbol: 'XRPUSDT', constant: '0.5' },
      { symbol: 'BTCUSDT', constant: '25200' },
    ],
    account: { wallet: '100000' },
  });
  expect(on.post('/v5/position/trading-stop', example('trading-stop.request')).retCode).toBe(0);
  expect(on.post('/v5/order/create', example('order-create-open-long.request')).retCode).toBe(0);
  expect(on.post('/v5/order/cancel', { ...example('order-cancel.request'), symbol: 'BTCPERP' }).retCode).toBe(
    110001,
  );
});

test('an empty leg looks like the documented one', () => {
  const on = account({ account: { positionMode: 'hedge' } });
  const [documented] = example('ws-position-empty-leg').data;
  // The stream's names differ in two places from the HTTP row's, which has no category of its own.
  const { entryPrice, category: _, mmrSysUpdatedTime, ...shared } = documented;
  const row = on.row('BTCUSDT', 2);
  expect(
    missing({ ...shared, avgPrice: entryPrice, mmrSysUpdateTime: mmrSysUpdatedTime }, row, 'leg'),
  ).toEqual([]);
  expect(row).toMatchObject({
    side: '',
    size: '0',
    positionValue: '0',
    liqPrice: '0',
    positionIM: '0',
    adlRankIndicator: 0,
  });
});
