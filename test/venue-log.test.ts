/** The judge of the fault suite, judged itself: lives, bare spells and loosenings from a venue's log. */
import { describe, expect, it } from 'vitest';
import {
  bareSpells,
  livesOf,
  loosenings,
  onHostClock,
  openThroughout,
  stopsBetween,
  withClock,
  type LoggedExecution,
  type LoggedStop,
  type VenueLog,
} from './support/venue-log.ts';

const BTC = { symbol: 'BTCUSDT', positionIdx: 0 };

function stop(
  timeMs: number,
  price: string,
  by = 'api',
  reason = price === '' ? 'cancelled' : 'set',
): LoggedStop {
  return { ...BTC, timeMs, price, by, reason, kind: 'stopLoss', mark: '100' };
}

function fill(execTime: number, side: 'Buy' | 'Sell', execQty: string, execType = 'Trade'): LoggedExecution {
  return { ...BTC, execTime, side, execQty, execType };
}

function logOf(override: Partial<VenueLog>): VenueLog {
  return { startedAt: 0, readAt: 100, positions: [], executions: [], stops: [], ...override };
}

const LONG = [{ ...BTC, side: 'Buy', size: '2' }];

describe('lives', () => {
  it('of a position that was there from the start begin with the log', () => {
    expect(livesOf(logOf({ positions: LONG }))).toEqual([
      { ...BTC, side: 'long', from: 0, to: null, stops: [] },
    ]);
  });

  it('end at flat and begin again with the next fill, partial closes and fundings changing nothing', () => {
    const executions = [
      fill(10, 'Sell', '3'),
      fill(15, 'Buy', '1'),
      fill(16, 'Sell', '9', 'Funding'),
      fill(20, 'Buy', '2'),
      fill(30, 'Buy', '1.5'),
    ];
    const positions = [{ ...BTC, side: 'Buy', size: '1.5' }];
    expect(livesOf(logOf({ positions, executions })).map(({ side, from, to }) => [side, from, to])).toEqual([
      ['short', 10, 20],
      ['long', 30, null],
    ]);
  });

  it('change at a flip in one fill, the old stop going with the old life and the new one with the new', () => {
    const stops = [stop(5, '90', 'scenario'), stop(40, '', 'venue', 'cleared'), stop(40, '110')];
    const executions = [fill(40, 'Sell', '4')];
    const positions = [{ ...BTC, side: 'Sell', size: '2' }];
    const lives = livesOf(logOf({ positions, executions, stops }));
    expect(lives.map(({ side, from, to }) => [side, from, to])).toEqual([
      ['long', 0, 40],
      ['short', 40, null],
    ]);
    expect(lives.map((life) => life.stops.map(({ price }) => price))).toEqual([['90', ''], ['110']]);
  });
});

describe('bare spells', () => {
  it('last from the opening to the first stop, and from a cancelled stop to the next', () => {
    const stops = [stop(10, '90'), stop(20, '', 'human'), stop(26, '90'), stop(30, '91', 'api', 'amended')];
    const spells = bareSpells(livesOf(logOf({ positions: LONG, stops })), 0, 100);
    expect(spells.map(({ from, to, ended }) => [from, to, ended])).toEqual([
      [0, 10, 'stop'],
      [20, 26, 'stop'],
    ]);
  });

  it('are cut to the stretch asked for, and say how they ended', () => {
    const executions = [fill(50, 'Sell', '2')];
    const bare = livesOf(logOf({ executions }));
    expect(bareSpells(bare, 40, 100)).toMatchObject([{ from: 40, to: 50, ended: 'closed' }]);
    expect(bareSpells(livesOf(logOf({ positions: LONG })), 40, 100)).toMatchObject([
      { from: 40, to: 100, ended: 'still-open' },
    ]);
    expect(bareSpells(bare, 60, 100)).toEqual([]);
  });

  it('do not count a stop that has triggered and is closing its position', () => {
    const stops = [stop(0, '90'), stop(40, '', 'venue', 'triggered')];
    const executions = [fill(50, 'Sell', '2')];
    expect(bareSpells(livesOf(logOf({ executions, stops })), 1, 100)).toEqual([]);
  });
});

describe('loosenings', () => {
  const kinds = (stops: readonly LoggedStop[], positions = LONG): readonly string[] =>
    loosenings(livesOf(logOf({ positions, stops }))).map(({ kind }) => kind);

  it('are stops of ours looser than what rests, whoever set that', () => {
    expect(kinds([stop(1, '90'), stop(2, '91'), stop(3, '90.5')])).toEqual(['resting']);
    expect(kinds([stop(1, '95', 'human'), stop(2, '94')])).toEqual(['resting']);
    expect(kinds([stop(1, '110'), stop(2, '111')], [{ ...BTC, side: 'Sell', size: '1' }])).toEqual([
      'resting',
    ]);
  });

  it('are stops put back looser than ours before, and stops that we took away', () => {
    expect(kinds([stop(1, '90'), stop(2, '', 'human'), stop(3, '89')])).toEqual(['put-back']);
    expect(kinds([stop(1, '90'), stop(2, '', 'api')])).toEqual(['removed']);
  });

  it("are not a human's own doing, nor tighter or equal stops of ours", () => {
    expect(
      kinds([stop(1, '90'), stop(2, '80', 'human'), stop(3, '90'), stop(4, '90'), stop(5, '90.1')]),
    ).toEqual([]);
  });

  it('do not reach over the end of a life', () => {
    const executions = [fill(10, 'Sell', '2'), fill(20, 'Buy', '2')];
    const stops = [stop(1, '90'), stop(10, '', 'venue', 'cleared'), stop(21, '80')];
    expect(loosenings(livesOf(logOf({ positions: LONG, executions, stops })))).toEqual([]);
  });
});

describe('what rested and what was open', () => {
  const executions = [fill(60, 'Sell', '2')];
  const stops = [stop(10, '90'), stop(20, '91'), stop(60, '', 'venue', 'cleared')];
  const lives = livesOf(logOf({ executions, stops }));

  it('between two times is every price of that stretch', () => {
    expect(stopsBetween(lives, BTC, 12, 15)).toEqual(['90']);
    expect(stopsBetween(lives, BTC, 15, 25)).toEqual(['90', '91']);
    expect(stopsBetween(lives, BTC, 0, 5)).toEqual([]);
    expect(stopsBetween(lives, BTC, 61, 90)).toEqual([]);
  });

  it('throughout is true only while the same position lasts', () => {
    expect(openThroughout(lives, BTC, 10, 50)).toBe(true);
    expect(openThroughout(lives, BTC, 10, 70)).toBe(false);
  });
});

describe('times of a venue whose clock was moved', () => {
  it('become host times again, forward and back', () => {
    const changes = [
      { at: 1_000, offsetMs: 60_000 },
      { at: 2_000, offsetMs: 0 },
    ];
    expect(onHostClock([900, 61_100, 61_900, 2_100], changes)).toEqual([900, 1_100, 1_900, 2_100]);
    const log = logOf({ positions: LONG, stops: [stop(900, '90'), stop(61_500, '91')] });
    expect(withClock(log, changes).stops.map(({ timeMs }) => timeMs)).toEqual([900, 1_500]);
  });
});
