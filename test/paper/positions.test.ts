/** Position rows and settings: modes and their empty legs, pages, meanings of the times, what settings refuse. */
import { describe, expect, test } from 'vitest';
import { account, startMs, type Payload } from './account-under-test.ts';

const list = '/v5/position/list';

describe('position/list', () => {
  test('needs a symbol or a settle coin, and the symbol wins', () => {
    const on = account();
    expect(on.get(list, { category: 'linear' }).retCode).toBe(10001);
    const both = on.get(list, { category: 'linear', symbol: 'ETHUSDT', settleCoin: 'USDT' }).result.list;
    expect(both).toMatchObject([{ symbol: 'ETHUSDT', size: '0' }]);
  });

  test('shows a flat row by symbol and hides it by settle coin', () => {
    const on = account({ positions: [] });
    expect(on.row()).toMatchObject({
      side: '',
      size: '0',
      liqPrice: '0',
      openTime: 0,
      seq: -1,
      tpslMode: 'Full',
    });
    expect(on.get(list, { category: 'linear', settleCoin: 'USDT' }).result.list).toEqual([]);
  });

  test('shows both legs of a hedged symbol, the empty one as a real row', () => {
    const on = account({ account: { positionMode: 'hedge' } });
    const rows = on.get(list, { category: 'linear', symbol: 'BTCUSDT' }).result.list;
    expect(rows).toHaveLength(2);
    expect(rows.find((row: Payload) => row.positionIdx === 2)).toMatchObject({
      side: '',
      size: '0',
      markPrice: '44000.00',
    });
    expect(on.get(list, { category: 'linear', settleCoin: 'USDT' }).result.list).toMatchObject([
      { positionIdx: 1 },
    ]);
  });

  test('comes in pages of twenty unless told otherwise, at most 200, complete and without repeats', () => {
    const instruments = Array.from({ length: 45 }, (_, index) => ({ symbol: `T${index}USDT` }));
    const on = account({
      account: { wallet: '100000' },
      instruments,
      positions: instruments.map(({ symbol }) => ({ symbol })),
    });
    const asked = { category: 'linear', settleCoin: 'USDT' };
    expect(on.get(list, { ...asked, limit: '201' }).retCode).toBe(10001);
    const seen: string[] = [];
    let cursor = '';
    let pages = 0;
    do {
      const { result } = on.get(list, cursor === '' ? asked : { ...asked, cursor });
      seen.push(...result.list.map((row: Payload) => row.symbol));
      cursor = result.nextPageCursor;
      pages += 1;
    } while (cursor !== '');
    expect([pages, seen.length, new Set(seen).size]).toEqual([3, 45, 45]);
    expect(on.get(list, { ...asked, cursor: 'nonsense' }).retCode).toBe(10016);
  });

  test('keeps USDC apart', () => {
    const on = account({
      account: { wallet: { USDT: '1000', USDC: '500' } },
      positions: [{ symbol: 'BTCUSDT' }, { symbol: 'BTCPERP', side: 'Sell' }],
    });
    expect(on.get(list, { category: 'linear', settleCoin: 'USDC' }).result.list).toMatchObject([
      { symbol: 'BTCPERP' },
    ]);
    const wallet = on.get('/v5/account/wallet-balance', { accountType: 'UNIFIED' }).result.list[0];
    expect(wallet.coin.map((coin: Payload) => coin.coin)).toEqual(['USDT', 'USDC']);
    expect(wallet.totalWalletBalance).toBe('1500');
  });

  test('meets the recorded formulas of margin and break-even', () => {
    const on = account({
      positions: [{ symbol: 'BTCUSDT', size: '0.01', entryPrice: '43900', leverage: '10' }],
    });
    expect(on.row()).toMatchObject({
      positionValue: '440',
      unrealisedPnl: '1',
      // 0.01 × 44000 ÷ 10 + 0.01 × 43900 × 0.9 × 0.00055
      positionIM: '44.217305',
      // (439 + 0.24145) ÷ (0.01 − 0.01 × 0.00055)
      breakEvenPrice: '43948.31657412',
      curRealisedPnl: '-0.24145',
    });
  });

  test('shows no stop as the scenario says', () => {
    expect(account({ quirks: { noStop: '0.00' } }).row()).toMatchObject({
      stopLoss: '0.00',
      takeProfit: '0.00',
    });
  });
});

describe('times of a position', () => {
  test('openTime restarts with each position, createdTime never does', () => {
    const on = account({ positions: [] });
    on.hand({ action: 'open', symbol: 'BTCUSDT', side: 'Buy', size: '0.01' });
    const first = on.row();
    expect(first.openTime).toBe(startMs);
    on.pass(5000);
    on.hand({ action: 'close', symbol: 'BTCUSDT' });
    expect(on.row().openTime).toBe(0);
    on.pass(5000);
    on.hand({ action: 'open', symbol: 'BTCUSDT', side: 'Sell', size: '0.01' });
    expect(on.row()).toMatchObject({ openTime: startMs + 10_000, createdTime: first.createdTime });
    expect(on.row().seq).toBeGreaterThan(first.seq);
  });

  test('funding moves updatedTime and the wallet, not the size', () => {
    const on = account();
    const before = on.row();
    on.pass(6 * 3_600_000);
    const after = on.row();
    expect(after).toMatchObject({ size: before.size, openTime: before.openTime });
    expect(Number(after.updatedTime)).toBe(Date.UTC(2026, 2, 2, 16));
    const [fee] = on.get('/v5/execution/list', { category: 'linear', execType: 'Funding' }).result.list;
    expect(fee).toMatchObject({ execFee: '0.044', orderType: 'UNKNOWN', closedSize: '0.000' });
    const wallet = on.get('/v5/account/wallet-balance', { accountType: 'UNIFIED' }).result.list[0];
    expect(wallet.coin[0].walletBalance).toBe('999.956');
  });
});

describe('settings', () => {
  const mode = '/v5/position/switch-mode';

  test('the position mode switches when flat, not with a position, an order, or a contract that cannot', () => {
    const on = account();
    expect(on.post(mode, { category: 'linear', symbol: 'ETHUSDT', mode: 3 }).retCode).toBe(0);
    expect(on.row('ETHUSDT', 2)).toMatchObject({ size: '0' });
    expect(on.post(mode, { category: 'linear', symbol: 'ETHUSDT', mode: 3 }).retCode).toBe(110025);
    expect(on.post(mode, { category: 'linear', symbol: 'BTCUSDT', mode: 3 }).retCode).toBe(110024);
    expect(on.post(mode, { category: 'linear', symbol: 'BTCPERP', mode: 3 }).retCode).toBe(110029);
    on.post('/v5/order/create', {
      category: 'linear',
      symbol: 'SOLUSDT',
      side: 'Buy',
      orderType: 'Limit',
      qty: '1',
      price: '145',
    });
    expect(on.post(mode, { category: 'linear', symbol: 'SOLUSDT', mode: 3 }).retCode).toBe(110028);
  });

  test('by coin, what is busy is skipped without a word', () => {
    const on = account();
    expect(on.post(mode, { category: 'linear', coin: 'USDT', mode: 3 }).retCode).toBe(0);
    expect(on.row('BTCUSDT', 0).size).toBe('0.010');
    expect(on.row('ETHUSDT', 1).size).toBe('0');
  });

  test('leverage changes and says when it did not', () => {
    const on = account();
    const set = { category: 'linear', symbol: 'BTCUSDT', buyLeverage: '5', sellLeverage: '5' };
    expect(on.post('/v5/position/set-leverage', set).retCode).toBe(0);
    expect(on.row().leverage).toBe('5');
    expect(on.post('/v5/position/set-leverage', set).retCode).toBe(110043);
    expect(
      on.post('/v5/position/set-leverage', { ...set, buyLeverage: '500', sellLeverage: '500' }).retCode,
    ).toBe(110013);
  });

  test('the margin mode changes, says when it did not, and refuses portfolio margin over positions', () => {
    const on = account();
    const set = (setMarginMode: string) => on.post('/v5/account/set-margin-mode', { setMarginMode });
    expect(set('REGULAR_MARGIN').retCode).toBe(110026);
    expect(set('PORTFOLIO_MARGIN')).toMatchObject({
      retCode: 3400045,
      result: { reasons: [expect.any(Object)] },
    });
    expect(set('ISOLATED_MARGIN').retCode).toBe(0);
    expect(on.get('/v5/account/info').result.marginMode).toBe('ISOLATED_MARGIN');
  });
});

describe('wallets by margin mode', () => {
  const wallet = (scenario: Readonly<Record<string, unknown>>) =>
    account(scenario).get('/v5/account/wallet-balance', { accountType: 'UNIFIED' }).result.list[0];

  test('isolated: what concerns the whole account is empty, the totals are not', () => {
    expect(wallet({ account: { marginMode: 'ISOLATED_MARGIN' } })).toMatchObject({
      accountIMRate: '',
      accountMMRate: '',
      totalMarginBalance: '',
      totalInitialMargin: '',
      totalMaintenanceMargin: '',
      totalAvailableBalance: '',
      totalWalletBalance: '1000',
      totalEquity: '1000',
    });
  });

  test('portfolio: the margin of single positions is empty', () => {
    const portfolio = { account: { marginMode: 'PORTFOLIO_MARGIN' } };
    expect(wallet(portfolio).coin[0]).toMatchObject({
      totalPositionIM: '',
      totalPositionMM: '',
      walletBalance: '1000',
    });
    expect(account(portfolio).row()).toMatchObject({ leverage: '', positionIM: '', liqPrice: '' });
    expect(Number(wallet(portfolio).totalInitialMargin)).toBeGreaterThan(0);
  });

  test('an account without assets has no coins', () => {
    expect(wallet({ account: { wallet: '0' }, positions: [] })).toMatchObject({ totalEquity: '0', coin: [] });
  });

  test('a scenario lays fields over it, also into coins, and takes fields out', () => {
    const walletFields = {
      totalWalletBalance: '',
      totalEquity: null,
      coin: { USDT: { walletBalance: 'x' } },
    };
    const row = wallet({ account: { walletFields } });
    expect(row.totalWalletBalance).toBe('');
    expect(row).not.toHaveProperty('totalEquity');
    expect(row.coin[0].walletBalance).toBe('x');
  });
});
