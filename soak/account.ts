/** The account of a soak: both settle coins, both position modes, both sides, with and without stops of its owner, on prices that walk. */
import { Draw } from './draw.ts';

export interface SoakLeg {
  readonly symbol: string;
  readonly positionIdx: 0 | 1 | 2;
  /** Side at the beginning; a hedged leg never has another. */
  readonly side: 'Buy' | 'Sell';
}

export interface SoakAccount {
  readonly legs: readonly SoakLeg[];
  readonly scenario: object;
  /** Drawn from the seed, and like nothing else: where they turn up, they have leaked (I9). */
  readonly apiKey: string;
  readonly apiSecret: string;
}

export const TICK = 0.01;
/** Every position is opened with this size and changed by parts of it. */
export const SIZE = 10;
const HEDGED_SHARE = 0.2;
const USDC_SHARE = 0.2;
const WALK_EVERY_MS = 2_000;
/** A walk's largest step, percent: some symbols hardly move, others reach their stops within minutes. */
const CALM_PCT = 0.03;
const WILD_PCT = 0.2;

function name(letter: string, at: number, quote: string): string {
  return `${letter}${String(at).padStart(3, '0')}${quote}`;
}

/** `X000USDT` one-way, `H000USDT` hedged with both legs held, `C000PERP` settled in USDC; even ones long, odd ones short. */
function legsOf(positions: number): SoakLeg[] {
  const hedged = Math.floor((positions * HEDGED_SHARE) / 2);
  const usdc = Math.floor(positions * USDC_SHARE);
  const oneWay = positions - 2 * hedged - usdc;
  const single = (letter: string, quote: string, count: number): SoakLeg[] =>
    Array.from({ length: count }, (_, at) => ({
      symbol: name(letter, at, quote),
      positionIdx: 0,
      side: at % 2 === 0 ? 'Buy' : 'Sell',
    }));
  const both = Array.from({ length: hedged }, (_, at): SoakLeg[] => {
    const symbol = name('H', at, 'USDT');
    return [
      { symbol, positionIdx: 1, side: 'Buy' },
      { symbol, positionIdx: 2, side: 'Sell' },
    ];
  });
  return [...single('X', 'USDT', oneWay), ...both.flat(), ...single('C', 'PERP', usdc)];
}

function position({ symbol, positionIdx, side }: SoakLeg, draw: Draw): object {
  const away = (pct: number): string => (100 * (1 - (side === 'Buy' ? 1 : -1) * (pct / 100))).toFixed(2);
  const stopLoss = draw.weighted([
    { weight: 6, value: '' },
    { weight: 2, value: away(10) },
    { weight: 2, value: away(3) },
  ]);
  const partial = draw.chance(0.1) ? [{ price: away(20), size: '2' }] : [];
  return {
    symbol,
    positionIdx,
    side,
    size: String(SIZE),
    entryPrice: '100',
    leverage: '5',
    stopLoss,
    takeProfit: draw.chance(0.15) ? away(-60) : '',
    partialStops: partial,
  };
}

function keyOf(draw: Draw, length: number): string {
  return Array.from({ length }, () => draw.whole(0, 35).toString(36)).join('');
}

/** An account with so many positions, all at 100; margin is never short and take profits are never reached. */
export function soakAccount(seed: number, positions: number): SoakAccount {
  const draw = new Draw(seed, 'account');
  const legs = legsOf(positions);
  const symbols = [...new Set(legs.map(({ symbol }) => symbol))];
  const hedged = new Set(legs.filter(({ positionIdx }) => positionIdx > 0).map(({ symbol }) => symbol));
  const apiKey = `soak${keyOf(draw, 14)}`;
  const apiSecret = `soak${keyOf(draw, 32)}`;
  const scenario = {
    about: `A soak of ${positions} positions, seed ${seed}`,
    seed,
    latencyMs: 40,
    account: { apiKey, apiSecret, wallet: { USDT: '1000000', USDC: '1000000' } },
    instruments: symbols.map((symbol) => ({
      symbol,
      tickSize: String(TICK),
      qtyStep: '0.1',
      price: '100',
      positionMode: hedged.has(symbol) ? 'hedge' : 'one-way',
    })),
    positions: legs.map((leg) => position(leg, draw)),
    prices: symbols.map((symbol) => ({
      symbol,
      walk: { stepPct: draw.between(CALM_PCT, WILD_PCT).toFixed(3), everyMs: WALK_EVERY_MS },
    })),
  };
  return { legs, scenario, apiKey, apiSecret };
}
