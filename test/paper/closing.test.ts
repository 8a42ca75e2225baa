/** A price path through a stop: position, order, execution, closing record and wallet agree to the last decimal. */
import { describe, expect, test } from 'vitest';
import { amount, compare, text } from '../../src/paper/decimals.ts';
import { account } from './account-under-test.ts';

type Fields = Readonly<Record<string, string>>;

const executions = [
  { name: 'filled at the touch', execution: {} },
  { name: 'with slippage', execution: { slippagePct: '0.15' } },
  { name: 'in parts', execution: { parts: 3 } },
  { name: 'in parts with slippage', execution: { parts: 4, slippagePct: '0.05' } },
] as const;
const legs = [
  { name: 'long, one-way', side: 'Buy', positionIdx: 0, mode: 'one-way' },
  { name: 'short, one-way', side: 'Sell', positionIdx: 0, mode: 'one-way' },
  { name: 'long, hedge', side: 'Buy', positionIdx: 1, mode: 'hedge' },
  { name: 'short, hedge', side: 'Sell', positionIdx: 2, mode: 'hedge' },
] as const;
const cases = legs.flatMap((leg) =>
  executions.map((entry) => ({ ...leg, ...entry, name: `${leg.name}, ${entry.name}` })),
);
const takerFee = '0.00055';

function sum(rows: readonly Fields[], field: string): string {
  return text(rows.reduce((total, row) => total.plus(row[field] ?? 'missing'), amount('0')));
}

describe('a stop that triggers', () => {
  test.each(cases)('$name', ({ side, positionIdx, mode, execution }) => {
    const long = side === 'Buy';
    const on = account({
      account: { positionMode: mode },
      execution,
      positions: [{ symbol: 'BTCUSDT', positionIdx, side, size: '0.013', entryPrice: '43987.3' }],
    });
    expect(
      on.stop({ positionIdx, stopLoss: long ? '43000' : '45000', slTriggerBy: 'MarkPrice' }).retCode,
    ).toBe(0);
    on.price('BTCUSDT', long ? '43500' : '44500');
    expect(on.row('BTCUSDT', positionIdx).size).toBe('0.013');
    on.price('BTCUSDT', long ? '42900' : '45100');

    expect(on.row('BTCUSDT', positionIdx)).toMatchObject({ size: '0', side: '', stopLoss: '', openTime: 0 });
    const fills: readonly Fields[] = on.get('/v5/execution/list', { category: 'linear' }).result.list;
    const [closed] = on.get('/v5/position/closed-pnl', { category: 'linear' }).result.list;
    const [order] = on.get('/v5/order/history', { category: 'linear' }).result.list;
    const closingSide = long ? 'Sell' : 'Buy';

    expect(fills).toHaveLength('parts' in execution ? execution.parts : 1);
    for (const fill of fills) {
      expect(fill).toMatchObject({
        side: closingSide,
        execType: 'Trade',
        createType: 'CreateByStopLoss',
        stopOrderType: 'StopLoss',
      });
      expect(text(amount(fill['execPrice'] ?? '').times(fill['execQty'] ?? ''))).toBe(fill['execValue']);
      expect(text(amount(fill['execValue'] ?? '').times(takerFee))).toBe(fill['execFee']);
      // Slippage and depth only ever cost.
      const touch = long ? '42900' : '45100.1';
      expect(compare(fill['execPrice'] ?? '', touch)).not.toBe(long ? 1 : -1);
    }
    const entryValue = text(amount('0.013').times('43987.3'));
    const openFee = text(amount(entryValue).times(takerFee));
    const exitValue = sum(fills, 'execValue');
    const closeFee = sum(fills, 'execFee');
    const gross = long ? amount(exitValue).minus(entryValue) : amount(entryValue).minus(exitValue);

    expect(sum(fills, 'execQty')).toBe('0.013');
    expect(sum(fills, 'closedSize')).toBe('0.013');
    expect(order).toMatchObject({
      orderStatus: 'Filled',
      stopOrderType: 'StopLoss',
      side: closingSide,
      positionIdx,
      qty: '0.013',
      cumExecQty: '0.013',
      leavesQty: '0.000',
      cumExecValue: exitValue,
      cumExecFee: closeFee,
    });
    expect(closed).toMatchObject({
      orderId: order.orderId,
      side: closingSide,
      execType: 'Trade',
      qty: '0.013',
      closedSize: '0.013',
      cumEntryValue: entryValue,
      cumExitValue: exitValue,
      openFee,
      closeFee,
      fillCount: String(fills.length),
      closedPnl: text(gross.minus(openFee).minus(closeFee)),
    });
    const wallet = on.get('/v5/account/wallet-balance', { accountType: 'UNIFIED' }).result.list[0];
    const expected = text(amount('1000').plus(gross).minus(closeFee));
    expect(wallet).toMatchObject({ totalWalletBalance: expected, totalPerpUPL: '0' });
    expect(wallet.coin[0]).toMatchObject({
      walletBalance: expected,
      unrealisedPnl: '0',
      totalPositionIM: '0',
    });
    expect(on.row('BTCUSDT', positionIdx).curRealisedPnl).toBe(closed.closedPnl);
  });

  test('fills at the price that is there, not at its own, when the market gaps through it', () => {
    const on = account();
    on.stop({ stopLoss: '43000' });
    on.price('BTCUSDT', '40000');
    const [fill] = on.get('/v5/execution/list', { category: 'linear' }).result.list;
    expect(fill.execPrice).toBe('40000.00');
  });

  test('looks only at the price of its own type', () => {
    const on = account();
    on.stop({ stopLoss: '43000', slTriggerBy: 'MarkPrice' });
    on.price('BTCUSDT', '42000', '43500');
    expect(on.row().size).toBe('0.010');
    on.price('BTCUSDT', '43500', '43000');
    expect(on.row().size).toBe('0');
  });

  test('leaves the other leg of a hedge alone and takes the other stops of its own with it', () => {
    const on = account({
      account: { positionMode: 'hedge' },
      positions: [
        {
          symbol: 'BTCUSDT',
          side: 'Buy',
          size: '0.01',
          entryPrice: '44000',
          stopLoss: '43000',
          takeProfit: '46000',
        },
        { symbol: 'BTCUSDT', side: 'Sell', size: '0.02', entryPrice: '44000', stopLoss: '45000' },
      ],
    });
    on.price('BTCUSDT', '42900');
    expect(on.row('BTCUSDT', 1).size).toBe('0');
    expect(on.row('BTCUSDT', 2)).toMatchObject({ size: '0.020', stopLoss: '45000.00' });
    const history: readonly Fields[] = on.get('/v5/order/history', { category: 'linear' }).result.list;
    expect(
      history.map((order) => [order['stopOrderType'], order['orderStatus'], order['cancelType']]),
    ).toEqual([
      ['StopLoss', 'Filled', 'UNKNOWN'],
      ['TakeProfit', 'Deactivated', 'CancelByTpSlTsClear'],
    ]);
  });

  test('shows as triggered, the position still open, while its fill is delayed', () => {
    const on = account({ execution: { triggerDelayMs: 3000 } });
    on.stop({ stopLoss: '43000' });
    on.price('BTCUSDT', '42900');
    expect(on.row()).toMatchObject({ size: '0.010', stopLoss: '43000.00', markPrice: '42900.00' });
    on.pass(3000);
    expect(on.row().size).toBe('0');
  });

  test('leaves a rest without a stop where the book was thin', () => {
    const on = account({ execution: { fillRatio: '0.6' } });
    on.stop({ stopLoss: '43000' });
    on.price('BTCUSDT', '42900');
    expect(on.row()).toMatchObject({ size: '0.004', stopLoss: '' });
    const [order] = on.get('/v5/order/history', { category: 'linear' }).result.list;
    expect(order).toMatchObject({
      orderStatus: 'Cancelled',
      cumExecQty: '0.006',
      rejectReason: 'EC_NoImmediateQtyToFill',
    });
  });
});
