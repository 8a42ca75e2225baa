/** Scenario files: the shipped ones open, the rest is refused with every problem by name. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../src/paper/clock.ts';
import { openFresh } from '../../src/paper/opening.ts';
import { readScenario, ScenarioError, setUp } from '../../src/paper/setup.ts';
import { Views } from '../../src/paper/views.ts';
import { startMs } from './account-under-test.ts';

const folder = new URL('../../scenarios/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));

function problemsOf(scenario: unknown): readonly string[] {
  try {
    openFresh(setUp(scenario), new ManualClock(startMs));
  } catch (error) {
    if (error instanceof ScenarioError) return error.problems;
    throw error;
  }
  return [];
}

function shipped(name: string) {
  const clock = new ManualClock(startMs);
  const engine = openFresh(readScenario(new URL(name, folder).pathname), clock);
  return { clock, engine, venue: engine.venue, views: new Views(engine.venue) };
}

describe('shipped scenarios', () => {
  test.each(files)('%s opens and says in a line what it shows', (name) => {
    const { venue } = shipped(name);
    expect(venue.setup.scenario.about).toMatch(/^.{10,220}$/);
    const parsed: unknown = JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
    expect(venue.held()).toHaveLength((parsed as { positions?: unknown[] }).positions?.length ?? 0);
  });

  test('the default: BTC beyond its trailing trigger, ETH not in profit, SOL with a human stop tighter than 6 %, quiet for ten minutes', () => {
    const on = shipped('default.json');
    const position = (symbol: string) =>
      on.views.positionRow(on.venue.leg(symbol, 0)) as Record<string, string>;
    expect(Number(position('BTCUSDT')['markPrice'])).toBeGreaterThan(43462.5 * 1.0006 * 1.01);
    expect(Number(position('ETHUSDT')['unrealisedPnl'])).toBeLessThan(0);
    expect(Number(position('SOLUSDT')['stopLoss'])).toBeGreaterThan(149.5 * 0.94);
    for (let minute = 0; minute < 10; minute += 1) {
      on.clock.advance(60_000);
      on.engine.advance();
      expect(Number(on.venue.price('BTCUSDT').last)).toBeGreaterThan(44400 * 0.995);
    }
    expect(on.venue.held()).toHaveLength(3);
  });

  test('the cascade: the venue takes positions one after the other within five minutes', () => {
    const on = shipped('liquidation-cascade.json');
    const left: number[] = [];
    for (let second = 0; second < 300; second += 1) {
      on.clock.advance(1000);
      on.engine.advance();
      const held = on.venue.held().length;
      if (left.at(-1) !== held) left.push(held);
    }
    expect(left.at(0)).toBe(3);
    expect(left.length).toBeGreaterThanOrEqual(3);
    const kinds = [...on.venue.store.executions.values()].map(({ execType }) => execType);
    expect(kinds).toContain('BustTrade');
  });

  test('the crash gaps through every stop of 6 %', () => {
    const on = shipped('crash-through-stops.json');
    on.clock.advance(60_000);
    on.engine.advance();
    for (const leg of on.venue.held()) {
      const entry = Number(leg.entryValue) / Number(leg.size);
      const price = Number(on.venue.price(leg.symbol).last);
      expect(leg.side === 'Buy' ? price / entry : entry / price).toBeLessThan(0.94);
    }
  });
});

describe('refused by name', () => {
  test.each([
    [
      'unknown fields, at every depth',
      { foo: 1, account: { bar: 2 } },
      ['account.bar: unknown field', 'foo: unknown field'],
    ],
    [
      'wrong types',
      { positions: [{ symbol: 'BTCUSDT', size: 0.01 }] },
      ['positions.0.size: expected a decimal string such as "0.10"'],
    ],
    [
      'an unknown symbol',
      { positions: [{ symbol: 'NOPEUSDT' }] },
      ['positions.0: unknown symbol NOPEUSDT; add it to "instruments"'],
    ],
    [
      'a price path of an unknown symbol',
      { prices: [{ symbol: 'NOPEUSDT', constant: '1' }] },
      ['prices.0: unknown symbol NOPEUSDT; add it to "instruments"'],
    ],
    [
      'a negative size',
      { positions: [{ symbol: 'BTCUSDT', size: '-1' }] },
      ['positions.0.size: must be above 0'],
    ],
    [
      'two kinds of price',
      { prices: [{ symbol: 'BTCUSDT', constant: '44000', walk: {} }] },
      ['prices.0: give one of "constant", "walk" and "script"'],
    ],
    [
      'a script that goes back in time',
      {
        prices: [
          {
            symbol: 'BTCUSDT',
            script: [
              { atMs: 5, price: '1' },
              { atMs: 5, price: '2' },
            ],
          },
        ],
      },
      ['prices.0.script: the times of BTCUSDT must rise'],
    ],
    [
      'a crossing stop',
      { positions: [{ symbol: 'BTCUSDT', stopLoss: '45000' }] },
      ['positions.0.stopLoss: 45000 is on the wrong side of the price 44000 of BTCUSDT'],
    ],
    [
      'a stop off the tick',
      { positions: [{ symbol: 'BTCUSDT', stopLoss: '43000.05' }] },
      ['positions.0.stopLoss: 43000.05 is not a multiple of tickSize 0.10'],
    ],
    [
      'two positions on a leg',
      { positions: [{ symbol: 'BTCUSDT' }, { symbol: 'BTCUSDT' }] },
      ['positions.1: BTCUSDT has two positions with positionIdx 0'],
    ],
    [
      'a leg of another mode',
      { positions: [{ symbol: 'BTCUSDT', positionIdx: 1 }] },
      ['positions.0.positionIdx: BTCUSDT is in one-way mode, where 1 is not a leg'],
    ],
    [
      'a short on the long leg',
      {
        account: { positionMode: 'hedge' },
        positions: [{ symbol: 'BTCUSDT', positionIdx: 1, side: 'Sell' }],
      },
      ['positions.0: positionIdx 1 of BTCUSDT cannot be Sell'],
    ],
    [
      'a hedge where none can be',
      { instruments: [{ symbol: 'BTCPERP', positionMode: 'hedge' }] },
      ['instruments: BTCPERP cannot be in hedge mode; only USDT perpetuals can'],
    ],
    [
      'margin that would not last',
      { account: { wallet: '1' }, positions: [{ symbol: 'BTCUSDT', size: '1' }] },
      ['positions: BTCUSDT would be liquidated at once; give account.wallet more, or the position less'],
    ],
    [
      'a fault of an unknown kind',
      { faults: [{ kind: 'nope' }] },
      ['faults.0.kind: expected a fault kind such as "drop"'],
    ],
    [
      'partial stops beyond the size',
      { positions: [{ symbol: 'BTCUSDT', size: '0.01', partialStops: [{ price: '43000', size: '0.02' }] }] },
      ['positions.0.partialStops: they cover 0.02, more than the size 0.01'],
    ],
  ])('%s', (_, scenario, problems) => {
    expect(problemsOf(scenario)).toEqual(problems);
  });

  test('a file that is not there, and one that is not JSON', () => {
    expect(() => readScenario('/nonexistent/x.json')).toThrow('cannot read /nonexistent/x.json');
    expect(() => readScenario(new URL('../../README.md', import.meta.url).pathname)).toThrow(ScenarioError);
  });
});

test('a scenario may name nothing but symbols', () => {
  const on = openFresh(
    setUp({
      instruments: [{ symbol: 'NEWUSDT' }],
      positions: [{ symbol: 'NEWUSDT' }, { symbol: 'ETHUSDT' }],
    }),
    new ManualClock(startMs),
  );
  expect(on.venue.held().map(({ symbol, size }) => [symbol, size])).toEqual([
    ['NEWUSDT', '1'],
    ['ETHUSDT', '0.04'],
  ]);
});
