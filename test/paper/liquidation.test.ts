/** Positions that the venue takes: when, at which price, what it leaves behind. */
import { describe, expect, test } from 'vitest';
import { amount, text } from '../../src/paper/decimals.ts';
import { startDeleveraging } from '../../src/paper/liquidation.ts';
import { account } from './account-under-test.ts';

const isolated = { account: { marginMode: 'ISOLATED_MARGIN' } };

describe('isolated margin', () => {
  test.each([
    ['Buy', '43900', -1],
    ['Sell', '44100', 1],
  ] as const)(
    'a %s position is taken at its own liquidation price, costing its margin',
    (side, entryPrice, way) => {
      const on = account({
        ...isolated,
        positions: [{ symbol: 'BTCUSDT', side, size: '0.01', entryPrice, leverage: '10' }],
      });
      const { liqPrice } = on.row();
      on.price('BTCUSDT', text(amount(liqPrice).minus(amount('1').times(way))));
      expect(on.row().size).toBe('0.010');
      on.price('BTCUSDT', text(amount(liqPrice).times('1')));
      expect(on.row()).toMatchObject({ size: '0', side: '' });
      const [fill] = on.get('/v5/execution/list', { category: 'linear' }).result.list;
      expect(fill).toMatchObject({ execType: 'BustTrade', createType: 'CreateByTakeOver_PassThrough' });
      expect(on.get('/v5/position/closed-pnl', { category: 'linear' }).result.list).toMatchObject([
        { execType: 'BustTrade' },
      ]);
      const margin = amount(entryPrice).times('0.01').div('10');
      const wallet = on.get('/v5/account/wallet-balance', { accountType: 'UNIFIED' }).result.list[0];
      expect(text(amount('1000').minus(wallet.totalWalletBalance).minus(fill.execFee).round(6))).toBe(
        text(margin.round(6)),
      );
    },
  );

  test('the other positions stay', () => {
    const on = account({
      ...isolated,
      positions: [
        { symbol: 'BTCUSDT', size: '0.01', entryPrice: '44000', leverage: '20' },
        { symbol: 'ETHUSDT', size: '0.1', entryPrice: '2600', leverage: '5' },
      ],
    });
    on.price('BTCUSDT', '41000');
    expect(on.row('BTCUSDT').size).toBe('0');
    expect(on.row('ETHUSDT').size).toBe('0.10');
  });
});

describe('cross margin', () => {
  const positions = [
    { symbol: 'BTCUSDT', size: '0.05', entryPrice: '44000', leverage: '50' },
    { symbol: 'ETHUSDT', size: '0.2', entryPrice: '2600', leverage: '50' },
  ];

  test('the shown price is where the account would be out of margin', () => {
    const on = account({ account: { wallet: '200' }, positions });
    const { liqPrice } = on.row();
    on.price('BTCUSDT', text(amount(liqPrice).plus('1')));
    expect(on.row().size).toBe('0.050');
    on.price('BTCUSDT', text(amount(liqPrice).minus('0.1')));
    expect(on.row().size).toBe('0');
  });

  test('the largest loss goes first, and the rest only if that was not enough', () => {
    const on = account({ account: { wallet: '200' }, positions });
    on.price('BTCUSDT', '40200');
    expect(on.row('BTCUSDT').size).toBe('0');
    expect(on.row('ETHUSDT').size).toBe('0.20');
  });

  test('while it lasts it shows as Liq, without orders, and stops are refused', () => {
    const on = account({ account: { wallet: '200' }, positions, execution: { liquidationDelayMs: 1500 } });
    on.stop({ stopLoss: '35000' });
    on.price('BTCUSDT', '40200');
    expect(on.row()).toMatchObject({ positionStatus: 'Liq', size: '0.050', stopLoss: '' });
    expect(on.stop({ stopLoss: '35000' }).retCode).toBe(110005);
    on.pass(1500);
    expect(on.row()).toMatchObject({ positionStatus: 'Normal', size: '0' });
  });
});

test('deleveraging takes a part, shows as Adl meanwhile, and leaves the stop', () => {
  const on = account();
  on.stop({ stopLoss: '43000' });
  on.engine.act(() => startAdl(on));
  expect(on.row()).toMatchObject({ positionStatus: 'Adl', adlRankIndicator: 5 });
  on.pass(1000);
  expect(on.row()).toMatchObject({ positionStatus: 'Normal', size: '0.006', stopLoss: '43000.00' });
  const [fill] = on.get('/v5/execution/list', { category: 'linear' }).result.list;
  expect(fill).toMatchObject({
    execType: 'AdlTrade',
    createType: 'CreateByAdl_PassThrough',
    execQty: '0.004',
  });
});

function startAdl(on: ReturnType<typeof account>): void {
  startDeleveraging(on.venue, on.venue.leg('BTCUSDT', 0), '0.004', 1000);
}
