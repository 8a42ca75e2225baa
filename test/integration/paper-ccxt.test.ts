/** ccxt for Node, with nothing changed but its URLs, works against the paper exchange as it does against the venue. */
// oxlint-disable-next-line no-restricted-imports -- ccxt unchanged is what is tested here, not our client
import ccxt from 'ccxt';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPaper, type PaperProcess } from './paper-process.ts';

const scenario = {
  account: { wallet: '1000' },
  instruments: [{ symbol: 'ETHUSDT', positionMode: 'hedge' }],
  positions: [
    { symbol: 'BTCUSDT', side: 'Buy', size: '0.01', entryPrice: '43900' },
    { symbol: 'ETHUSDT', positionIdx: 2, side: 'Sell', size: '0.1', entryPrice: '2610' },
  ],
  prices: [
    { symbol: 'BTCUSDT', constant: '44000' },
    { symbol: 'ETHUSDT', constant: '2600' },
  ],
  // Market lists of six kinds at once are more than a single test address may send elsewhere.
  limits: { ipRequests: 0 },
};

let folder: string;
let paper: PaperProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'paper-ccxt-'));
  const path = join(folder, 'scenario.json');
  writeFileSync(path, JSON.stringify(scenario));
  paper = await startPaper(['--scenario', path]);
});
afterAll(async () => {
  await paper.kill('SIGTERM');
  rmSync(folder, { recursive: true });
});

function client(options: { readonly secret?: string; readonly nonceAheadMs?: number } = {}) {
  const exchange = new ccxt.bybit({ apiKey: 'paper-key', secret: options.secret ?? 'paper-secret' });
  const { url } = paper;
  exchange.urls['api'] = { spot: url, futures: url, v2: url, public: url, private: url };
  const aheadMs = options.nonceAheadMs ?? 0;
  if (aheadMs !== 0) exchange.options['timeDifference'] = -aheadMs;
  return exchange;
}

const stop = {
  category: 'linear',
  symbol: 'BTCUSDT',
  positionIdx: 0,
  tpslMode: 'Full',
  slTriggerBy: 'MarkPrice',
};

async function control(path: string, body: object): Promise<void> {
  const response = await fetch(`${paper.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
  expect(await response.json()).toEqual({ ok: true });
}

test('the default loadMarkets', async () => {
  const exchange = client();
  const markets = await exchange.loadMarkets();
  expect(markets['BTC/USDT:USDT']).toMatchObject({
    id: 'BTCUSDT',
    linear: true,
    active: true,
    precision: { price: 0.1, amount: 0.001 },
  });
  expect(markets['BTC/USDC:USDC']).toMatchObject({ id: 'BTCPERP', settle: 'USDC' });
});

test('the balance', async () => {
  const balance = await client().fetchBalance();
  expect(balance['USDT']).toMatchObject({ total: 1000 });
  expect(balance['info'].result.list[0]).toMatchObject({
    totalWalletBalance: '1000',
    accountType: 'UNIFIED',
  });
});

describe('positions', () => {
  test('of all symbols, in both modes', async () => {
    const positions = await client().fetchPositions();
    expect(positions).toMatchObject([
      {
        symbol: 'BTC/USDT:USDT',
        side: 'long',
        contracts: 0.01,
        entryPrice: 43900,
        markPrice: 44000,
        hedged: false,
      },
      { symbol: 'ETH/USDT:USDT', side: 'short', contracts: 0.1, entryPrice: 2610, hedged: true },
    ]);
  });

  test('of a hedged symbol, with the empty leg', async () => {
    const positions = await client().fetchPositions(['ETH/USDT:USDT']);
    expect(positions).toHaveLength(2);
    expect(positions.find((position) => position.side === 'long')?.contracts).toBe(0);
  });
});

test('candles of the last and of the mark price', async () => {
  const exchange = client();
  const since = Date.now() - 10 * 3_600_000;
  for (const params of [{}, { price: 'mark' }]) {
    const candles = await exchange.fetchOHLCV('BTC/USDT:USDT', '1h', since, 20, params);
    expect(candles.length).toBeGreaterThanOrEqual(9);
    for (const [time, open, high, low, close] of candles) {
      expect(Number(time)).toBeGreaterThanOrEqual(since);
      expect(Number(low)).toBeLessThanOrEqual(Math.min(Number(open), Number(close)));
      expect(Number(high)).toBeGreaterThanOrEqual(Math.max(Number(open), Number(close)));
    }
    expect(candles.at(-1)?.[4]).toBe(44000);
  }
});

test('a stop, the same again, one that is crossed, and the open stop orders', async () => {
  const exchange = client();
  const set = (fields: object) => exchange.privatePostV5PositionTradingStop({ ...stop, ...fields });
  expect(await set({ stopLoss: '42000' })).toMatchObject({ retCode: 0, result: {} });
  await expect(set({ stopLoss: '42000.0' })).rejects.toThrow(/"retCode":34040/);
  await expect(set({ stopLoss: '45000' })).rejects.toThrow(
    /"retCode":10001,"retMsg":"StopLoss:450000000 set for Buy position should lower than base_price:440000000\?\?MarkPrice"/,
  );
  const [position] = await exchange.fetchPositions(['BTC/USDT:USDT']);
  expect(position?.stopLossPrice).toBe(42000);
  const orders = await exchange.fetchOpenOrders('BTC/USDT:USDT', undefined, undefined, {
    orderFilter: 'StopOrder',
  });
  expect(orders).toMatchObject([{ side: 'sell', reduceOnly: true, triggerPrice: 42000 }]);
});

describe('refusals', () => {
  test('a wrong secret', async () => {
    await expect(client({ secret: 'wrong' }).fetchBalance()).rejects.toThrow(ccxt.AuthenticationError);
    await expect(client({ secret: 'wrong' }).fetchBalance()).rejects.toThrow(/"retCode":10004/);
  });

  test.each([
    ['1.5 s fast', 1500],
    ['6 s slow', -6000],
  ])('a clock that is %s', async (_, nonceAheadMs) => {
    await expect(client({ nonceAheadMs }).fetchBalance()).rejects.toThrow(ccxt.InvalidNonce);
    await expect(client({ nonceAheadMs }).fetchBalance()).rejects.toThrow(/"retCode":10002/);
  });
});

test('a reduce-only market close with its executions and its closed PnL', async () => {
  const exchange = client();
  await control('/paper/position', { action: 'open', symbol: 'SOLUSDT', side: 'Buy', size: '2' });
  const order = await exchange.createOrder('SOL/USDT:USDT', 'market', 'sell', 2, undefined, {
    reduceOnly: true,
    positionIdx: 0,
    clientOrderId: 'sk-close-1',
  });
  await expect
    .poll(async () => (await exchange.fetchPosition('SOL/USDT:USDT')).contracts, {
      timeout: 60_000,
      interval: 100,
    })
    .toBe(0);
  const trades = await exchange.fetchMyTrades('SOL/USDT:USDT');
  expect(trades.find((trade) => trade.order === order.id)).toMatchObject({
    side: 'sell',
    amount: 2,
    price: 150,
    takerOrMaker: 'taker',
  });
  const closed = await exchange.privateGetV5PositionClosedPnl({ category: 'linear', symbol: 'SOLUSDT' });
  // Bought a tick above last, sold at last: 2 × 0.01 lost, and the fees of 300.02 and 300.
  expect(closed['result'].list).toMatchObject([
    { orderId: order.id, side: 'Sell', closedSize: '2.0', closedPnl: '-0.350011' },
  ]);
  await expect(
    exchange.createOrder('SOL/USDT:USDT', 'market', 'sell', 2, undefined, {
      reduceOnly: true,
      positionIdx: 0,
    }),
  ).rejects.toThrow(/"retCode":110017/);
});

test('a stop that triggers, as executions and closed orders show it', async () => {
  const exchange = client();
  await control('/paper/position', {
    action: 'open',
    symbol: 'XRPUSDT',
    side: 'Sell',
    size: '100',
    stopLoss: '0.63',
    triggerBy: 'MarkPrice',
  });
  await control('/paper/price', { symbol: 'XRPUSDT', price: '0.64' });
  const trades = await exchange.fetchMyTrades('XRP/USDT:USDT');
  expect(trades.at(-1)).toMatchObject({ side: 'buy', amount: 100, price: 0.6401 });
  expect(trades.at(-1)?.info).toMatchObject({ createType: 'CreateByStopLoss', stopOrderType: 'StopLoss' });
  const orders = await exchange.fetchClosedOrders('XRP/USDT:USDT');
  expect(orders.at(-1)).toMatchObject({ status: 'closed', filled: 100 });
});
