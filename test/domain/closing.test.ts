/** Why a position closed, at what price and for how much, from the venue's own records (DESIGN §4; I4). */
import { describe, expect, it } from 'vitest';
import {
  closingReport,
  passedThroughZero,
  seconds,
  unexplained,
  type ClosingExecution,
} from '../../src/domain/closing.ts';
import type { Episode } from '../../src/domain/guard-state.ts';

const T = 1_000_000;

function anEpisode(change: Partial<Episode> = {}): Episode {
  return {
    id: '500000',
    side: 'long',
    openTime: 500_000,
    adoptedAt: 600_000,
    size: '1',
    entryPrice: '100',
    floor: { stop: '94', by: 'us', kind: 'fixed' },
    sent: { stop: '94', kind: 'fixed', rule: 'fixed' },
    trailing: null,
    loosenedAt: [],
    crossLiqChecks: 0,
    passedSince: null,
    unprotectedMs: 0,
    mayLoosen: false,
    ...change,
  };
}

function aFill(change: Partial<ClosingExecution> = {}): ClosingExecution {
  return {
    side: 'Sell',
    orderLinkId: '',
    price: '93.9',
    qty: '1',
    execType: 'Trade',
    createType: 'CreateByStopLoss',
    stopOrderType: 'StopLoss',
    at: T,
    ...change,
  };
}

const reasonOf = (change: Partial<ClosingExecution>, episode = anEpisode()) =>
  closingReport(episode, [aFill(change)], [], 0)?.reason;

describe('the reason', () => {
  it.each<[string, Partial<ClosingExecution>]>([
    ['stop-loss', {}],
    ['stop-loss', { createType: 'CreateByPartialStopLoss', stopOrderType: 'PartialStopLoss' }],
    ['trailing-stop', { createType: 'CreateByTrailingStop', stopOrderType: 'TrailingStop' }],
    ['take-profit', { createType: 'CreateByTakeProfit', stopOrderType: 'TakeProfit' }],
    ['take-profit', { createType: 'CreateByPartialTakeProfit', stopOrderType: 'PartialTakeProfit' }],
    ['manual', { createType: 'CreateByUser', stopOrderType: null }],
    ['manual', { createType: 'CreateByClosing', stopOrderType: 'UNKNOWN' }],
    ['manual', { createType: null, stopOrderType: null }],
    ['stopkeeper', { createType: 'CreateByUser', stopOrderType: null, orderLinkId: 'sk-0123456789abcdef' }],
    ['liquidation', { execType: 'BustTrade', createType: 'CreateByLiq', stopOrderType: null }],
    ['liquidation', { createType: 'CreateByTakeOver_PassThrough', stopOrderType: null }],
    ['adl', { execType: 'AdlTrade', createType: 'CreateByAdl_PassThrough', stopOrderType: null }],
    ['settlement', { execType: 'Delivery', createType: 'CreateBySettle', stopOrderType: null }],
    ['settlement', { execType: 'Settle', createType: null, stopOrderType: null }],
  ])('is %s for %j', (reason, change) => {
    expect(reasonOf(change)).toBe(reason);
  });

  it('is trailing-stop for a stop of ours that trailed: the venue knows it as a plain stop', () => {
    const trailed = anEpisode({ floor: { stop: '100.3', by: 'us', kind: 'trailing' } });
    expect(reasonOf({}, trailed)).toBe('trailing-stop');
    expect(
      reasonOf({ createType: 'CreateByPartialStopLoss', stopOrderType: 'PartialStopLoss' }, trailed),
    ).toBe('stop-loss');
  });

  it('comes from the newest closing fill', () => {
    const fills = [
      aFill({ at: T, createType: 'CreateByUser', stopOrderType: null, qty: '0.4' }),
      aFill({ at: T + 1, qty: '0.6' }),
    ];
    expect(closingReport(anEpisode(), fills, [], 0)).toMatchObject({ reason: 'stop-loss', closedAt: T + 1 });
  });
});

describe('what counts', () => {
  it.each<[string, Partial<ClosingExecution>]>([
    ['funding', { execType: 'Funding' }],
    ['a fill that adds to the position', { side: 'Buy' }],
    ['a fill of an earlier life', { at: 499_999 }],
  ])('not %s', (_name, change) => {
    expect(closingReport(anEpisode(), [aFill(change)], [], 0)).toBeNull();
  });

  describe('not what came after the position was closed', () => {
    const at = (fill: Partial<ClosingExecution>): ClosingExecution => aFill({ closedSize: '0', ...fill });
    const opened = at({ at: 500_000, side: 'Buy', qty: '1' });
    const stopped = at({ at: T, closedSize: '1' });
    const later = [
      at({ at: T + 10, side: 'Buy', qty: '3' }),
      at({ at: T + 90, qty: '3', closedSize: '3', price: '120', createType: 'CreateByUser' }),
    ];
    const rows = [
      { side: 'Sell', pnl: '-6.1', updatedAt: T + 1 },
      { side: 'Sell', pnl: '60', updatedAt: T + 91 },
    ] as const;
    const own = { reason: 'stop-loss', exitPrice: '93.9', pnl: '-6.1', closedAt: T };

    it('when another was opened and closed before anybody looked', () => {
      expect(closingReport(anEpisode(), [...later, stopped, opened], rows, 0)).toMatchObject(own);
    });

    it('when it had been added to and partly closed', () => {
      const before = [
        at({ at: 600_001, side: 'Buy', qty: '2' }),
        at({ at: 600_002, qty: '2', closedSize: '2', price: '93.9' }),
      ];
      expect(closingReport(anEpisode(), [opened, ...before, stopped, ...later], rows, 0)).toMatchObject(own);
    });

    it('when one fill closed it and opened one on the other side', () => {
      const flip = at({ at: T, qty: '4', closedSize: '1' });
      const bought = at({ at: T + 10, side: 'Buy', qty: '3', closedSize: '3', price: '80' });
      const again = at({ at: T + 20, qty: '5', price: '70' });
      expect(closingReport(anEpisode(), [opened, flip, bought, again], rows.slice(0, 1), 0)).toMatchObject({
        closedAt: T,
        exitPrice: '93.9',
      });
    });

    it('when the fill that opened it is told a moment before the position', () => {
      const closedBefore = at({ at: 499_500, qty: '7', closedSize: '7' });
      const early = { ...opened, at: 499_990 };
      expect(closingReport(anEpisode(), [closedBefore, early, stopped, ...later], rows, 0)).toMatchObject(
        own,
      );
    });

    it.each<[string, Partial<Episode>, Partial<ClosingExecution>]>([
      ['nobody knows when it was opened', { openTime: null }, {}],
      ['the venue does not say what a fill closed', {}, { closedSize: null }],
    ])('but where %s the newest fill', (_name, episode, change) => {
      const fills = [opened, stopped, ...later].map((fill) => ({ ...fill, ...change }));
      expect(closingReport(anEpisode(episode), fills, rows, 0)?.closedAt).toBe(T + 90);
    });
  });

  it('not the opening of the opposite leg in hedge mode, which has the same side', () => {
    const opening = aFill({
      at: T + 50,
      createType: 'CreateByUser',
      stopOrderType: null,
      closedSize: '0',
      price: '90',
    });
    const closing = aFill({ closedSize: '1' });
    expect(closingReport(anEpisode(), [opening, closing], [], 0)).toMatchObject({
      reason: 'stop-loss',
      exitPrice: '93.9',
    });
    expect(closingReport(anEpisode(), [{ ...opening, closedSize: null }, closing], [], 0)?.reason).toBe(
      'stop-loss',
    );
  });

  it('fills whose closed size the venue does not say, where it says it of none', () => {
    expect(closingReport(anEpisode(), [aFill({ closedSize: null })], [], 0)?.reason).toBe('stop-loss');
  });
});

describe('figures', () => {
  it('exit is the size-weighted average of the fills, slippage is positive where it is worse than the stop', () => {
    const fills = [aFill({ price: '93.9', qty: '0.25' }), aFill({ price: '93.5', qty: '0.75', at: T + 1 })];
    expect(closingReport(anEpisode(), fills, [], 0)).toMatchObject({ exitPrice: '93.6', slippage: '0.4' });
    const short = anEpisode({ side: 'short', floor: { stop: '106', by: 'us', kind: 'fixed' } });
    expect(closingReport(short, [aFill({ side: 'Buy', price: '106.5' })], [], 0)?.slippage).toBe('0.5');
    expect(closingReport(short, [aFill({ side: 'Buy', price: '105.9' })], [], 0)?.slippage).toBe('-0.1');
  });

  it('slippage is said of stops only', () => {
    expect(
      closingReport(anEpisode(), [aFill({ createType: 'CreateByUser', stopOrderType: null })], [], 0)
        ?.slippage,
    ).toBeNull();
    expect(closingReport(anEpisode({ floor: null }), [aFill()], [], 0)?.slippage).toBeNull();
  });

  it('PnL is the sum of the closing orders of this side since the episode began', () => {
    const rows = [
      { side: 'Sell', pnl: '-6.1', updatedAt: T },
      { side: 'Sell', pnl: '0.35', updatedAt: T - 10 },
      { side: 'Buy', pnl: '99', updatedAt: T },
      { side: 'Sell', pnl: '77', updatedAt: 499_999 },
      { side: 'Sell', pnl: '0.25', updatedAt: 500_000 },
    ] as const;
    expect(closingReport(anEpisode(), [aFill()], rows, 0)?.pnl).toBe('-5.5');
    expect(closingReport(anEpisode(), [aFill()], [], 0)?.pnl).toBeNull();
  });

  it('unexplained says so and keeps what was known', () => {
    expect(unexplained(anEpisode(), 1_250)).toEqual({
      reason: 'unexplained',
      episode: '500000',
      side: 'long',
      size: '1',
      entryPrice: '100',
      exitPrice: null,
      pnl: null,
      stop: '94',
      slippage: null,
      closedAt: null,
      unprotectedSeconds: '1.3',
    });
    expect(unexplained(null, 0)).toMatchObject({ episode: null, side: null, unprotectedSeconds: '0.0' });
  });

  it.each([
    [0, '0.0'],
    [49, '0.0'],
    [50, '0.1'],
    [1_250, '1.3'],
    [3_600_000, '3600.0'],
  ])('%i ms are %s s', (ms, text) => {
    expect(seconds(ms)).toBe(text);
  });
});

describe('passed through size 0', () => {
  const fill = (side: 'Buy' | 'Sell', qty: string, at: number, closedSize?: string) => ({
    side,
    qty,
    at,
    execType: 'Trade',
    ...(closedSize === undefined ? {} : { closedSize }),
  });

  it.each<[string, Parameters<typeof passedThroughZero>, boolean]>([
    ['nothing but the opening', ['long', '1', [fill('Buy', '1', 1)]], false],
    ['an opening in two fills', ['long', '2', [fill('Buy', '1', 1), fill('Buy', '1', 2)]], false],
    [
      'size added and reduced',
      ['long', '1', [fill('Buy', '1', 1), fill('Buy', '1', 2), fill('Sell', '1', 3)]],
      false,
    ],
    [
      'closed and opened again',
      ['long', '1', [fill('Buy', '1', 1), fill('Sell', '1', 2), fill('Buy', '1', 3)]],
      true,
    ],
    [
      'a short closed and opened again',
      ['short', '2', [fill('Sell', '1', 1), fill('Buy', '1', 2), fill('Sell', '2', 3)]],
      true,
    ],
    [
      'flipped and flipped back',
      ['long', '1', [fill('Buy', '1', 1), fill('Sell', '2', 2), fill('Buy', '2', 3)]],
      true,
    ],
    [
      'funding in between',
      ['long', '1', [fill('Buy', '1', 1), { ...fill('Buy', '1', 2), execType: 'Funding' }]],
      false,
    ],
    [
      'closed by the first fill and opened again in two',
      ['long', '2', [fill('Sell', '1', 1), fill('Buy', '1', 2), fill('Buy', '1', 3)]],
      true,
    ],
    ['no executions at all', ['long', '1', []], false],
  ])('%s: %#', (_name, input, expected) => {
    expect(passedThroughZero(...input)).toBe(expected);
    const [side, size, executions] = input;
    expect(passedThroughZero(side, size, executions.toReversed())).toBe(expected);
  });

  it('the opposite leg of a hedge does not count', () => {
    const hedge = [fill('Buy', '1', 1, '0'), fill('Sell', '2', 2, '0'), fill('Buy', '2', 3, '2')];
    expect(passedThroughZero('long', '1', hedge, 1)).toBe(false);
    const again = [...hedge, fill('Sell', '1', 4, '1'), fill('Buy', '1', 5, '0')];
    expect(passedThroughZero('long', '1', again, 1)).toBe(true);
  });
});
