/** Orders: acknowledged before they fill, reduce-only rules, link ids, limit and conditional orders, what history shows. */
import { describe, expect, test } from 'vitest';
import { account } from './account-under-test.ts';

const close = {
  category: 'linear',
  symbol: 'BTCUSDT',
  side: 'Sell',
  orderType: 'Market',
  qty: '0.01',
  reduceOnly: true,
  positionIdx: 0,
};
const buy = {
  category: 'linear',
  symbol: 'BTCUSDT',
  side: 'Buy',
  orderType: 'Market',
  qty: '0.01',
  positionIdx: 0,
};

describe('a reduce-only market close', () => {
  test('is acknowledged before it is visible, then leaves its records', () => {
    const on = account({ execution: { fillDelayMs: 200 } });
    const accepted = on.post('/v5/order/create', { ...close, orderLinkId: 'sk-1' });
    expect(accepted).toMatchObject({ retCode: 0, result: { orderLinkId: 'sk-1' } });
    expect(on.row().size).toBe('0.010');
    on.pass(200);
    expect(on.row().size).toBe('0');
    const list = on.get('/v5/execution/list', { category: 'linear', orderLinkId: 'sk-1' }).result.list;
    expect(list).toMatchObject([
      {
        orderId: accepted.result.orderId,
        createType: 'CreateByUser',
        stopOrderType: 'UNKNOWN',
        closedSize: '0.010',
      },
    ]);
    expect(on.get('/v5/position/closed-pnl', { category: 'linear' }).result.list).toHaveLength(1);
  });

  test('of zero with closeOnTrigger closes whatever is there', () => {
    const on = account();
    expect(on.post('/v5/order/create', { ...close, qty: '0', closeOnTrigger: true }).retCode).toBe(0);
    on.hand({ action: 'add', symbol: 'BTCUSDT', size: '0.005' });
    on.pass(50);
    expect(on.row().size).toBe('0');
  });

  test('never turns the position around', () => {
    const on = account();
    on.post('/v5/order/create', { ...close, qty: '0.03' });
    on.pass(50);
    expect(on.row()).toMatchObject({ size: '0', side: '' });
  });

  test('fills in part where the book is thin, and the rest is cancelled', () => {
    const on = account({ execution: { fillRatio: '0.5' } });
    const { orderId } = on.post('/v5/order/create', close).result;
    on.pass(50);
    expect(on.row().size).toBe('0.005');
    expect(on.get('/v5/order/realtime', { category: 'linear', orderId }).result.list).toMatchObject([
      { orderStatus: 'Cancelled', cumExecQty: '0.005', leavesQty: '0.000' },
    ]);
  });

  test('fills over time when told to, each part visible in its turn', () => {
    const on = account({ execution: { parts: 2, partDelayMs: 500 } });
    on.post('/v5/order/create', close);
    on.pass(50);
    expect(on.row().size).toBe('0.005');
    on.pass(500);
    expect(on.row().size).toBe('0');
  });

  test.each([
    [
      'on a flat leg',
      { positions: [] },
      close,
      110017,
      'current position is zero, cannot fix reduce-only order qty',
    ],
    [
      'on the same side',
      {},
      { ...close, side: 'Buy' },
      110017,
      'reduce-only order has same side with current position',
    ],
    [
      'below the minimum',
      {},
      { ...close, qty: '0' },
      10001,
      'The number of contracts exceeds minimum limit allowed',
    ],
    ['off the step', {}, { ...close, qty: '0.0015' }, 10001, 'Qty invalid'],
    [
      'with a stop attached',
      {},
      { ...close, stopLoss: '45000' },
      10001,
      'params error: takeProfit and stopLoss are not allowed with reduceOnly',
    ],
    [
      'for a leg of the other mode',
      {},
      { ...close, positionIdx: 2 },
      10001,
      'position idx not match position mode',
    ],
  ])('%s is refused', (_, scenario, order, retCode, retMsg) => {
    const on = account(scenario);
    expect(on.post('/v5/order/create', order)).toMatchObject({ retCode, retMsg });
    expect(on.venue.store.orders.rows.size).toBe(0);
  });
});

test('a link id is used once for ever, by whatever becomes of its order', () => {
  const on = account();
  expect(on.post('/v5/order/create', { ...buy, orderLinkId: 'once' }).retCode).toBe(0);
  on.pass(50);
  expect(on.post('/v5/order/create', { ...buy, orderLinkId: 'once' })).toMatchObject({ retCode: 110072 });
  expect(on.post('/v5/order/create', { ...buy, orderLinkId: 'x'.repeat(37) }).retCode).toBe(10001);
  on.pass(50);
  expect(on.row().size).toBe('0.020');
});

describe('opening', () => {
  test('brings its own stops along', () => {
    const on = account({ positions: [] });
    on.post('/v5/order/create', { ...buy, stopLoss: '43000', slTriggerBy: 'MarkPrice', takeProfit: '46000' });
    on.pass(50);
    expect(on.row()).toMatchObject({
      side: 'Buy',
      stopLoss: '43000.00',
      takeProfit: '46000.00',
      openTime: expect.any(Number),
    });
    expect(on.row().openTime).toBeGreaterThan(0);
  });

  test('says sl: when its own stop is crossed', () => {
    const refused = account().post('/v5/order/create', { ...buy, stopLoss: '45000' });
    expect(refused.retMsg).toBe(
      'sl:450000000 set for Buy position should lower than base_price:440000000??LastPrice',
    );
  });

  test('needs margin and, unless it closes, enough value', () => {
    const on = account();
    expect(on.post('/v5/order/create', { ...buy, qty: '1' })).toMatchObject({
      retCode: 110007,
      retMsg: 'ab not enough for new order',
    });
    const xrp = { ...buy, symbol: 'XRPUSDT', qty: '1' };
    expect(on.post('/v5/order/create', xrp).retCode).toBe(110094);
  });

  test('is not possible in a contract that is being delisted, closing it is', () => {
    const on = account({ instruments: [{ symbol: 'BTCUSDT', status: 'Delivering' }] });
    expect(on.post('/v5/order/create', buy).retCode).toBe(30228);
    expect(on.post('/v5/order/create', close).retCode).toBe(0);
  });

  test('the other way in one-way mode passes through zero: another position, with nothing of the first', () => {
    const on = account();
    on.stop({ stopLoss: '43000' });
    const before = on.row().openTime;
    on.post('/v5/order/create', { ...buy, side: 'Sell', qty: '0.03' });
    on.pass(50);
    expect(on.row()).toMatchObject({ side: 'Sell', size: '0.020', stopLoss: '' });
    expect(on.row().openTime).not.toBe(before);
    expect(on.row().createdTime).toBe(String(before));
    const [fill] = on.get('/v5/execution/list', { category: 'linear' }).result.list;
    expect(fill).toMatchObject({ execQty: '0.030', closedSize: '0.010' });
  });
});

describe('limit and conditional orders', () => {
  test('a limit order rests, ties up margin, fills as maker and can be cancelled before', () => {
    const on = account({ positions: [] });
    const limit = { ...buy, orderType: 'Limit', price: '43000' };
    const { orderId } = on.post('/v5/order/create', limit).result;
    const wallet = on.get('/v5/account/wallet-balance', { accountType: 'UNIFIED' }).result.list[0];
    expect(wallet.coin[0].totalOrderIM).toBe('43');
    expect(on.post('/v5/order/cancel', { category: 'linear', symbol: 'BTCUSDT', orderId }).retCode).toBe(0);
    expect(on.post('/v5/order/cancel', { category: 'linear', symbol: 'BTCUSDT', orderId }).retCode).toBe(
      110001,
    );
    on.post('/v5/order/create', limit);
    on.price('BTCUSDT', '42999');
    expect(on.row()).toMatchObject({ side: 'Buy', size: '0.010', avgPrice: '43000' });
    const [fill] = on.get('/v5/execution/list', { category: 'linear' }).result.list;
    expect(fill).toMatchObject({ isMaker: true, feeRate: '0.0002' });
  });

  test('outside the band it is refused', () => {
    expect(account().post('/v5/order/create', { ...buy, orderType: 'Limit', price: '50000' }).retCode).toBe(
      110003,
    );
  });

  test('a conditional order waits for its trigger, and a passed one is refused with both prices', () => {
    const on = account();
    const order = { ...close, triggerPrice: '43000', triggerDirection: 2, triggerBy: 'MarkPrice' };
    expect(on.post('/v5/order/create', order).retCode).toBe(0);
    expect(on.post('/v5/order/create', { ...order, triggerPrice: '45000' })).toMatchObject({
      retCode: 110093,
      retMsg: 'expect Falling, but trigger_price[450000000] >= current[440000000]??MarkPrice',
    });
    expect(
      on.get('/v5/order/realtime', { category: 'linear', settleCoin: 'USDT', orderFilter: 'StopOrder' })
        .result.list,
    ).toMatchObject([{ stopOrderType: 'Stop', orderStatus: 'Untriggered' }]);
    on.price('BTCUSDT', '42990');
    expect(on.row().size).toBe('0');
  });
});

describe('lists of orders', () => {
  test('page with cursors made of letters, digits, - and _', () => {
    const on = account();
    for (let count = 0; count < 5; count += 1)
      on.stop({ tpslMode: 'Partial', stopLoss: '43000', slSize: '0.001' });
    const asked = { category: 'linear', symbol: 'BTCUSDT', limit: '2' };
    const ids: string[] = [];
    let cursor = '';
    do {
      const { list, nextPageCursor } = on.get(
        '/v5/order/realtime',
        cursor === '' ? asked : { ...asked, cursor },
      ).result;
      ids.push(...list.map((order: { orderId: string }) => order.orderId));
      cursor = nextPageCursor;
      expect(cursor).toMatch(/^[\w-]*$/);
    } while (cursor !== '');
    expect(new Set(ids).size).toBe(5);
  });

  test('unfilled cancelled orders leave the history after a day, filled ones stay', () => {
    const on = account();
    on.stop({ stopLoss: '43000' });
    on.stop({ stopLoss: '0' });
    on.post('/v5/order/create', close);
    on.pass(60_000);
    expect(on.get('/v5/order/history', { category: 'linear' }).result.list).toHaveLength(2);
    on.pass(86_400_000);
    expect(on.get('/v5/order/history', { category: 'linear' }).result.list).toMatchObject([
      { orderStatus: 'Filled' },
    ]);
  });

  test('a window of more than seven days is refused', () => {
    const on = account();
    const asked = {
      category: 'linear',
      startTime: '1700000000000',
      endTime: String(1700000000000 + 8 * 86_400_000),
    };
    expect(on.get('/v5/execution/list', asked).retCode).toBe(10001);
    expect(on.get('/v5/position/closed-pnl', asked).retCode).toBe(10001);
  });

  test('closed orders come with openOnly=1, open ones do not', () => {
    const on = account();
    on.post('/v5/order/create', close);
    on.pass(50);
    const asked = { category: 'linear', symbol: 'BTCUSDT' };
    expect(on.get('/v5/order/realtime', asked).result.list).toEqual([]);
    expect(on.get('/v5/order/realtime', { ...asked, openOnly: '1' }).result.list).toMatchObject([
      { orderStatus: 'Filled' },
    ]);
  });
});
