/** Longs and shorts are one rule with a sign: the same reference for both, and exact mirror images where percentages allow them. */
import { Big } from 'big.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../src/domain/decide.ts';
import { newBook, type Episode, type GuardBook } from '../../src/domain/guard-state.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/domain/policy.ts';
import type { OpenObservation } from '../../src/domain/position.ts';
import { NO_MEMORY, target } from '../../src/domain/target.ts';
import { anOpen } from '../support/observations.ts';

const RUNS = Number(process.env['FC_RUNS'] ?? 5_000);
const SEED = Number(process.env['FC_SEED'] ?? Date.now() % 1_000_000_007);
const OPTIONS = { numRuns: RUNS, seed: SEED };

const side = fc.constantFrom('long' as const, 'short' as const);
const tick = fc.constantFrom('0.0000001', '0.00005', '0.01', '0.1', '0.5');
const basisPoints = (min: number, max: number) => fc.integer({ min, max });

const policy: fc.Arbitrary<Policy> = fc
  .record({
    fixedStopPct: fc.constantFrom(0.1, 1, 6, 25, 50),
    feeAllowancePct: fc.constantFrom(0, 0.06, 1),
    triggerPct: fc.constantFrom(0, 0.3, 1, 10),
    distancePct: fc.constantFrom(0.05, 0.8, 5, 50),
    bufferPct: fc.constantFrom(0.5, 2, 10),
    existingStop: fc.constantFrom('tighten' as const, 'respect' as const),
  })
  .map(({ triggerPct, distancePct, bufferPct, ...flat }) => ({
    ...DEFAULT_POLICY,
    ...flat,
    trailing: { ...DEFAULT_POLICY.trailing, triggerPct, distancePct },
    liquidation: { ...DEFAULT_POLICY.liquidation, bufferPct },
  }));

/**
 * The stop that DESIGN §3 asks for without any resting stop, in coordinates `s × price`: "tighter" is "larger" there for
 * longs and shorts alike, so this text has no second case for the other side.
 */
function reference(open: OpenObservation, rules: Policy): { stop: string; kind: 'fixed' | 'trailing' } {
  const s = open.position.side === 'long' ? 1 : -1;
  const by = (base: Big, pct: number) => base.times(new Big(100).plus(new Big(pct).times(s))).div(100);
  const entry = new Big(open.position.entryPrice);
  const price = new Big(open.price);
  const step = new Big(open.tickSize);
  const above = (a: Big, b: Big) => a.times(s).gt(b.times(s));
  const trigger = by(by(entry, rules.feeAllowancePct), rules.trailing.triggerPct);
  const trails = !above(trigger, price);
  const pct = trails ? rules.trailing.distancePct : rules.fixedStopPct;
  const own = by(trails ? price : entry, -pct);
  let stop = above(price, own) ? own : by(price, -pct);
  const liq = open.position.liqPrice === null ? null : new Big(open.position.liqPrice);
  if (liq !== null && above(price, liq) && open.marginMode === 'ISOLATED_MARGIN') {
    const share = price.times(rules.liquidation.bufferPct).div(100);
    const buffer = share.gt(step) ? share : step;
    const buffered = liq.plus(buffer.times(s));
    const limit = above(price, buffered) ? buffered : liq.plus(price).div(2);
    if (above(limit, stop)) stop = limit;
  }
  const inTicks = (value: Big, up: boolean) => floorOrCeil(value.times(s).div(step), up);
  const rounded = inTicks(stop, true);
  const nearest = inTicks(price.minus(step.times(s)), false);
  const chosen = rounded.gt(nearest) ? nearest : rounded;
  return { stop: chosen.times(step).times(s).toFixed(), kind: trails ? 'trailing' : 'fixed' };
}

/** Whole ticks not below (`up`) or not above the value, negative ones included. */
function floorOrCeil(ticks: Big, up: boolean): Big {
  const whole = ticks.round(0, 0);
  if (whole.eq(ticks)) return whole;
  if (up) return ticks.gt(0) ? whole.plus(1) : whole;
  return ticks.gt(0) ? whole : whole.minus(1);
}

describe(`longs and shorts (seed ${SEED}, ${RUNS} runs)`, () => {
  it('get the stop of one reference that knows them only by their sign', { timeout: 300_000 }, () => {
    fc.assert(
      fc.property(
        side,
        tick,
        fc.oneof(fc.integer({ min: 30, max: 300 }), fc.integer({ min: 1_000, max: 50_000_000 })),
        basisPoints(-2_000, 2_000),
        fc.option(basisPoints(-200, 3_000)),
        fc.boolean(),
        policy,
        (leg, step, ticks, move, liqShare, isolated, rules) => {
          const s = leg === 'long' ? 1 : -1;
          const entry = new Big(step).times(ticks);
          const price = entry.times(10_000 + s * move).div(10_000);
          const observation = anOpen({
            side: leg,
            entryPrice: entry.toFixed(),
            price: price.toFixed(),
            tickSize: step,
            marginMode: isolated ? 'ISOLATED_MARGIN' : 'REGULAR_MARGIN',
            liqPrice:
              liqShare === null
                ? null
                : price
                    .times(10_000 - s * liqShare)
                    .div(10_000)
                    .toFixed(),
          });
          const wanted = target(observation, rules, NO_MEMORY);
          const expected = reference(observation, rules);
          expect({ stop: wanted.stop, kind: wanted.kind }).toEqual(expected);
        },
      ),
      OPTIONS,
    );
  });

  it(
    'whose prices are mirrored at the anchor get mirrored decisions, whatever rests and was proven',
    { timeout: 300_000 },
    () => {
      fc.assert(
        fc.property(
          tick,
          fc.integer({ min: 700, max: 5_000_000 }),
          fc.boolean(),
          fc.record({
            resting: fc.option(fc.integer({ min: -300, max: 60 })),
            floor: fc.option(fc.integer({ min: -300, max: 60 })),
            sent: fc.option(fc.integer({ min: -300, max: -1 })),
            liq: fc.option(fc.integer({ min: -300, max: 20 })),
          }),
          fc.constantFrom('ISOLATED_MARGIN' as const, 'REGULAR_MARGIN' as const),
          fc.constantFrom('us' as const, 'human' as const),
          policy,
          (step, ticks, trails, offsets, marginMode, by, rules) => {
            // Percentages of the anchor are equal on both sides; those of any other price are not.
            const anchor = new Big(step).times(ticks);
            const near = (leg: 'long' | 'short', offset: number | null) =>
              offset === null
                ? null
                : anchor.plus(new Big(step).times(offset).times(leg === 'long' ? 1 : -1)).toFixed();
            const decided = (leg: 'long' | 'short') => {
              const liqPrice = near(leg, offsets.liq);
              const observation = anOpen({
                side: leg,
                entryPrice: anchor.toFixed(),
                price: anchor.toFixed(),
                tickSize: step,
                stopLoss: near(leg, offsets.resting),
                liqPrice,
                marginMode,
              });
              const floor = near(leg, offsets.floor);
              const sent = near(leg, offsets.sent);
              const episode: Episode = {
                id: '500000',
                side: leg,
                openTime: 500_000,
                adoptedAt: 900_000,
                size: '1',
                entryPrice: anchor.toFixed(),
                floor: floor === null ? null : { stop: floor, by, kind: by === 'human' ? 'human' : 'fixed' },
                sent: sent === null ? null : { stop: sent, kind: 'fixed', rule: 'fixed' },
                trailing: trails ? { since: 900_000, best: anchor.toFixed() } : null,
                loosenedAt: [],
                crossLiqChecks: 2,
                passedSince: null,
                unprotectedMs: 0,
                mayLoosen: false,
              };
              const book: GuardBook = { ...newBook('main', { symbol: 'BTCUSDT', positionIdx: 0 }), episode };
              // Breakeven and trigger are percentages of percentages: out of reach unless trailing has begun.
              const far: Policy = { ...rules, trailing: { ...rules.trailing, triggerPct: 50 } };
              return decide(book, observation, far);
            };
            const [long, short] = [decided('long'), decided('short')];
            const mirrored = (stop: string) => anchor.times(2).minus(stop).toFixed();
            const expected =
              long.action.kind === 'write'
                ? { ...long.action, stop: mirrored(long.action.stop) }
                : long.action;
            expect(short.action).toEqual(expected);
            expect([short.resting, short.loosened, short.target?.notes]).toEqual([
              long.resting,
              long.loosened,
              long.target?.notes,
            ]);
          },
        ),
        OPTIONS,
      );
    },
  );
});
