/** The stop that the rules want: independently computed vectors, worked examples and the edges of each rule. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { dec } from '../../src/domain/decimal.ts';
import { DEFAULT_POLICY } from '../../src/domain/policy.ts';
import { NO_MEMORY, target } from '../../src/domain/target.ts';
import { decide } from '../../src/domain/decide.ts';
import { newBook } from '../../src/domain/guard-state.ts';
import { anOpen } from '../support/observations.ts';

interface Vector {
  case: string;
  symbol: string;
  side: 'Buy' | 'Sell';
  tick: string;
  entry: string;
  mark: string;
  liqPrice: string;
  marginMode: 'REGULAR_MARGIN' | 'ISOLATED_MARGIN';
  stopOnVenue: string;
  expectedStop: string;
  expectedKind: string;
  notes: string[];
}

const { cases } = JSON.parse(readFileSync(new URL('../fixtures/stops.json', import.meta.url), 'utf8')) as {
  cases: Vector[];
};

function observed(vector: Vector) {
  return anOpen({
    symbol: vector.symbol,
    side: vector.side === 'Buy' ? 'long' : 'short',
    entryPrice: vector.entry,
    markPrice: vector.mark,
    liqPrice: vector.liqPrice === '' ? null : vector.liqPrice,
    stopLoss: vector.stopOnVenue === '' ? null : vector.stopOnVenue,
    tickSize: vector.tick,
    marginMode: vector.marginMode,
  });
}

describe('the 209 vectors', () => {
  it('are all there', () => {
    expect(cases).toHaveLength(209);
  });

  it.each(cases.map((vector) => [`${vector.case} ${vector.symbol} ${vector.side}`, vector] as const))(
    '%s ends with the stop that was computed apart from the product',
    (_name, vector) => {
      const observation = observed(vector);
      const decision = decide(
        newBook('main', { symbol: vector.symbol, positionIdx: 0 }),
        observation,
        DEFAULT_POLICY,
      );
      const stop = decision.action.kind === 'write' ? decision.action.stop : observation.position.stopLoss;
      expect(dec(stop ?? '0').eq(vector.expectedStop), `${stop} should be ${vector.expectedStop}`).toBe(true);
      const wanted = target(observation, DEFAULT_POLICY, NO_MEMORY);
      expect(wanted.kind).toBe(vector.expectedKind);
      expect(wanted.notes.includes('wrong-side')).toBe(vector.notes.includes('wrong-side'));
      expect(wanted.notes.includes('liquidation')).toBe(vector.notes.includes('liquidation'));
      expect(decision.action.kind === 'write').toBe(!vector.notes.includes('kept'));
    },
  );
});
