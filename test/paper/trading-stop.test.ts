/** POST /v5/position/trading-stop: what the venue refuses, ignores and sets. */
import { describe, expect, test } from 'vitest';
import { account } from './account-under-test.ts';

const orders = { category: 'linear', settleCoin: 'USDT', orderFilter: 'StopOrder' };

describe('a full stop', () => {
  test('shows in the position and as an untriggered order that follows the size', () => {
    const on = account();
    expect(on.stop({ stopLoss: '43000', slTriggerBy: 'MarkPrice' })).toMatchObject({
      retCode: 0,
      result: {},
    });
    expect(on.row()).toMatchObject({ stopLoss: '43000.00', tpslMode: 'Full' });
    on.hand({ action: 'add', symbol: 'BTCUSDT', size: '0.02' });
    expect(on.get('/v5/order/realtime', orders).result.list).toMatchObject([
      {
        stopOrderType: 'StopLoss',
        createType: 'CreateByStopLoss',
        orderStatus: 'Untriggered',
        triggerPrice: '43000.00',
        triggerBy: 'MarkPrice',
        triggerDirection: 2,
        qty: '0.030',
        reduceOnly: true,
        closeOnTrigger: true,
        positionIdx: 0,
      },
    ]);
  });

  test('moves in place, keeping its order id', () => {
    const on = account();
    on.stop({ stopLoss: '43000' });
    const [before] = on.get('/v5/order/realtime', orders).result.list;
    on.stop({ stopLoss: '43100' });
    const after = on.get('/v5/order/realtime', orders).result.list;
    expect(after).toHaveLength(1);
    expect(after[0]).toMatchObject({ orderId: before.orderId, triggerPrice: '43100.00' });
  });

  test('asked for again, written differently, is 34040', () => {
    const on = account();
    on.stop({ stopLoss: '43000' });
    expect(on.stop({ stopLoss: '43000.00' })).toMatchObject({ retCode: 34040, retMsg: 'not modified' });
  });

  test('with another trigger type alone is a change, or 34040 where the scenario says so', () => {
    const changing = account();
    changing.stop({ stopLoss: '43000', slTriggerBy: 'LastPrice' });
    expect(changing.stop({ stopLoss: '43000', slTriggerBy: 'MarkPrice' }).retCode).toBe(0);
    const strict = account({ quirks: { triggerTypeAlone: 'unchanged' } });
    strict.stop({ stopLoss: '43000', slTriggerBy: 'LastPrice' });
    expect(strict.stop({ stopLoss: '43000', slTriggerBy: 'MarkPrice' }).retCode).toBe(34040);
  });

  test('is cancelled by "0", and cancelling what is not there is 34040', () => {
    const on = account();
    on.stop({ stopLoss: '43000' });
    expect(on.stop({ stopLoss: '0' }).retCode).toBe(0);
    expect(on.row().stopLoss).toBe('');
    expect(on.stop({ stopLoss: '0' }).retCode).toBe(34040);
  });

  test('leaves the take profit alone', () => {
    const on = account();
    on.stop({ stopLoss: '43000', takeProfit: '46000' });
    on.stop({ stopLoss: '43200' });
    expect(on.row()).toMatchObject({ stopLoss: '43200.00', takeProfit: '46000.00' });
  });

  test('may lie in profit: it is compared with the price, not with the entry', () => {
    const on = account({ positions: [{ symbol: 'BTCUSDT', size: '0.01', entryPrice: '40000' }] });
    expect(on.stop({ stopLoss: '43000' }).retCode).toBe(0);
  });
});

describe('a crossed stop is refused with scaled integers and the trigger type', () => {
  const short = [{ symbol: 'BTCUSDT', side: 'Sell', size: '0.01', entryPrice: '44000' }];
  const cases = [
    {
      name: 'long above',
      scenario: {},
      ask: { stopLoss: '45000' },
      text: 'StopLoss:450000000 set for Buy position should lower than base_price:440000000??LastPrice',
    },
    {
      name: 'long at the price',
      scenario: {},
      ask: { stopLoss: '44000', slTriggerBy: 'MarkPrice' },
      text: 'StopLoss:440000000 set for Buy position should lower than base_price:440000000??MarkPrice',
    },
    {
      name: 'short below',
      scenario: { positions: short },
      ask: { stopLoss: '43000' },
      text: 'StopLoss:430000000 set for Sell position should greater base_price:440000000??LastPrice',
    },
    {
      name: 'take profit of a long',
      scenario: {},
      ask: { takeProfit: '43000' },
      text: 'TakeProfit:430000000 set for Buy position should be higher than base_price:440000000??LastPrice',
    },
    {
      name: 'take profit of a short',
      scenario: { positions: short },
      ask: { takeProfit: '45000' },
      text: 'TakeProfit:450000000 set for Sell position should be lower than base_price:440000000??LastPrice',
    },
  ];
  test.each(cases)('$name', ({ scenario, ask, text }) => {
    const on = account(scenario);
    expect(on.stop(ask)).toMatchObject({ retCode: 10001, retMsg: text });
    expect(on.row()).toMatchObject({ stopLoss: '', takeProfit: '' });
  });

  test('small prices are scaled by 10^8', () => {
    const on = account({ positions: [{ symbol: '1000PEPEUSDT', size: '100000', entryPrice: '0.012' }] });
    const refused = on.stop({ symbol: '1000PEPEUSDT', stopLoss: '0.0121' });
    expect(refused.retMsg).toBe(
      'StopLoss:1210000 set for Buy position should lower than base_price:1200000??LastPrice',
    );
  });

  test('the price of the chosen trigger type decides', () => {
    const on = account();
    on.price('BTCUSDT', '44000', '44500', '43500');
    expect(on.stop({ stopLoss: '44200', slTriggerBy: 'LastPrice' }).retCode).toBe(10001);
    expect(on.stop({ stopLoss: '43700', slTriggerBy: 'IndexPrice' }).retCode).toBe(10001);
    expect(on.stop({ stopLoss: '44200', slTriggerBy: 'MarkPrice' }).retCode).toBe(0);
  });
});

describe('refused', () => {
  test('a leg without a position', () => {
    const on = account({ positions: [] });
    expect(on.stop({ stopLoss: '43000' })).toMatchObject({
      retCode: 10001,
      retMsg: 'can not set tp/sl/ts for zero position',
    });
  });

  test.each([
    ['one-way', {}, 1],
    ['hedge', { account: { positionMode: 'hedge' } }, 0],
  ])('an index that does not fit %s mode', (_, scenario, positionIdx) => {
    const on = account(scenario);
    expect(on.stop({ stopLoss: '43000', positionIdx })).toMatchObject({
      retCode: 10001,
      retMsg: 'position idx not match position mode',
    });
  });

  test.each([
    ['an unknown symbol', { symbol: 'NOPEUSDT', stopLoss: '1' }, 10001, 'Not supported symbols'],
    ['a price that is a number', { stopLoss: 43000 }, 10001, 'params error: stopLoss invalid'],
    ['a negative price', { stopLoss: '-1' }, 10001, 'params error: stopLoss invalid'],
    [
      'a price off the tick',
      { stopLoss: '43000.05' },
      10001,
      'params error: price is not a multiple of tick size',
    ],
    [
      'an unknown trigger type',
      { stopLoss: '43000', slTriggerBy: 'Mark' },
      10001,
      'params error: slTriggerBy invalid',
    ],
    [
      'a limit order in Full mode',
      { stopLoss: '43000', slOrderType: 'Limit' },
      10001,
      'slOrderType only support Market when tpSlMode is Full',
    ],
    ['another category', { category: 'inverse', stopLoss: '43000' }, 10001, 'params error: category invalid'],
  ])('%s', (_, ask, retCode, retMsg) => {
    const on = account();
    expect(on.stop(ask)).toMatchObject({ retCode, retMsg });
    expect(on.venue.store.stopEvents.rows.size).toBe(0);
  });

  test('a call that asks for nothing is 34040, the code with two meanings', () => {
    expect(account().stop({}).retCode).toBe(34040);
  });

  test('a pre-market contract and a closed one', () => {
    const on = account({ instruments: [{ symbol: 'BTCUSDT', status: 'PreLaunch' }] });
    expect(on.stop({ stopLoss: '43000' }).retCode).toBe(110099);
    const closed = account({ instruments: [{ symbol: 'BTCUSDT', status: 'Closed' }] });
    expect(closed.stop({ stopLoss: '43000' }).retCode).toBe(110074);
  });
});

describe('partial stops', () => {
  const partial = { tpslMode: 'Partial', stopLoss: '43000', slSize: '0.004' };

  test('add up beside the full stop and do not show in the position', () => {
    const on = account();
    expect(on.stop(partial).retCode).toBe(0);
    expect(on.stop(partial).retCode).toBe(0);
    expect(on.row().stopLoss).toBe('');
    expect(on.get('/v5/order/realtime', orders).result.list).toMatchObject([
      { stopOrderType: 'PartialStopLoss', qty: '0.004', tpslMode: 'Partial' },
      { stopOrderType: 'PartialStopLoss', qty: '0.004', tpslMode: 'Partial' },
    ]);
  });

  test('are at most twenty', () => {
    const on = account();
    for (let count = 0; count < 20; count += 1)
      expect(on.stop({ ...partial, slSize: '0.001' }).retCode).toBe(0);
    expect(on.stop({ ...partial, slSize: '0.001' }).retCode).toBe(110061);
  });

  test('need a size within the position', () => {
    const on = account();
    expect(on.stop({ ...partial, slSize: '' }).retCode).toBe(10001);
    expect(on.stop({ ...partial, slSize: '0.02' }).retCode).toBe(10001);
    expect(on.stop({ ...partial, takeProfit: '45000', tpSize: '0.003' }).retCode).toBe(10001);
  });

  test('are not cancelled by "0" but by their order id', () => {
    const on = account();
    on.stop(partial);
    expect(on.stop({ tpslMode: 'Partial', stopLoss: '0' }).retCode).toBe(34040);
    const [order] = on.get('/v5/order/realtime', orders).result.list;
    expect(
      on.post('/v5/order/cancel', { category: 'linear', symbol: 'BTCUSDT', orderId: order.orderId }).retCode,
    ).toBe(0);
    expect(on.get('/v5/order/realtime', orders).result.list).toEqual([]);
  });

  test('close their quantity and leave the rest', () => {
    const on = account();
    on.stop(partial);
    on.price('BTCUSDT', '42900');
    expect(on.row()).toMatchObject({ size: '0.006', side: 'Buy' });
    const [execution] = on.get('/v5/execution/list', { category: 'linear' }).result.list;
    expect(execution).toMatchObject({
      createType: 'CreateByPartialStopLoss',
      stopOrderType: 'PartialStopLoss',
      execQty: '0.004',
    });
  });
});

describe('a native trailing stop', () => {
  test('follows the best price in place and never back', () => {
    const on = account();
    expect(on.stop({ trailingStop: '400' }).retCode).toBe(0);
    expect(on.row().trailingStop).toBe('400');
    const at = (): string => on.get('/v5/order/realtime', orders).result.list[0].triggerPrice;
    expect(at()).toBe('43600.00');
    on.price('BTCUSDT', '45000');
    expect(at()).toBe('44600.00');
    on.price('BTCUSDT', '44700');
    expect(at()).toBe('44600.00');
    on.price('BTCUSDT', '44600');
    expect(on.row()).toMatchObject({ size: '0', side: '' });
    const [execution] = on.get('/v5/execution/list', { category: 'linear' }).result.list;
    expect(execution).toMatchObject({
      createType: 'CreateByTrailingStop',
      stopOrderType: 'TrailingStop',
      execPrice: '44600.00',
    });
  });

  test('waits for its activation price', () => {
    const on = account();
    on.stop({ trailingStop: '400', activePrice: '44500' });
    on.price('BTCUSDT', '43000');
    expect(on.row().size).toBe('0.010');
    on.price('BTCUSDT', '44500');
    on.price('BTCUSDT', '44100');
    expect(on.row().size).toBe('0');
  });

  test('is refused where the market has passed the activation price', () => {
    const on = account();
    const refused = on.stop({ trailingStop: '400', activePrice: '43900' });
    expect(refused.retMsg).toBe(
      'TrailingProfit:439000000 set for Buy position should be greater than last_price:440000000',
    );
  });
});

test('every value of a stop is kept with who set it, and the mark price then', () => {
  const on = account({
    positions: [{ symbol: 'BTCUSDT', size: '0.01', entryPrice: '44000', stopLoss: '42000' }],
  });
  on.stop({ stopLoss: '43000', slTriggerBy: 'MarkPrice' });
  on.hand({ action: 'stop', symbol: 'BTCUSDT', stopLoss: '' });
  on.stop({ stopLoss: '43100', slTriggerBy: 'MarkPrice' });
  on.price('BTCUSDT', '43000');
  const events = [...on.venue.store.stopEvents.values()];
  expect(events.map(({ price, by, reason, mark }) => [price, by, reason, mark])).toEqual([
    ['42000', 'human', 'set', '44000'],
    ['43000', 'api', 'amended', '44000'],
    ['', 'human', 'cancelled', '44000'],
    ['43100', 'api', 'set', '44000'],
    ['43100', 'venue', 'triggered', '43000'],
  ]);
});
