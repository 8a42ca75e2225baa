/** Whatever prices, hands and writes do: no stop is loosened, misplaced or written blindly, and time is counted (I1, I2, I8, I12). */
import { Big } from 'big.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { carried, unprotectedMs, type Decision } from '../../src/domain/guard-state.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/domain/policy.ts';
import { aFailure, GuardUnderTest, T0, type Write } from '../support/guard-under-test.ts';
import { SimulatedVenue, type Fate, type Happening, type Start } from '../support/simulated-venue.ts';

const RUNS = Number(process.env['FC_RUNS'] ?? 5_000);
const SEED = Number(process.env['FC_SEED'] ?? Date.now() % 1_000_000_007);
const CARRIED_BYTES = 6_500;

const fate = fc.constantFrom<Fate>(
  'applied',
  'refused',
  'unknown-applied',
  'unknown-lost',
  'without-effect',
  'unchanged',
);
const share = fc.integer({ min: -400, max: 400 });
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('price' as const), share }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'cancel' } as const) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('human-stop' as const),
      share: fc.integer({ min: 1, max: 2_000 }),
      offTick: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('size' as const),
      factor: fc.integer({ min: 1, max: 3 }),
      share,
    }),
  },
  fc.constant({ kind: 'flip' } as const),
  fc.record({ kind: fc.constant('reopen' as const), attached: fc.boolean() }),
  fc.record({
    kind: fc.constant('liquidation' as const),
    share: fc.option(fc.integer({ min: -100, max: 1_500 })),
  }),
  fc.record({
    kind: fc.constant('status' as const),
    status: fc.constantFrom('Normal', 'Normal', 'Liq', 'Adl'),
  }),
  fc.record({
    kind: fc.constant('unreadable' as const),
    problem: fc.constantFrom('VenueUnavailable', 'VenueAuth', 'VenueRateLimited', 'VenueClock', 'row'),
  }),
  fc.constant({ kind: 'absent' } as const),
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('write' as const), fate }) },
  fc.record({
    kind: fc.constant('policy' as const),
    fixedStopPct: fc.integer({ min: 1, max: 50 }),
    distancePct: fc.constantFrom(0.05, 0.4, 0.8, 3, 20),
  }),
  fc.record({ kind: fc.constant('allow-looser' as const), fixedStopPct: fc.integer({ min: 1, max: 50 }) }),
);
const start: fc.Arbitrary<Start> = fc.record({
  side: fc.constantFrom('long', 'short'),
  entryTicks: fc.oneof(fc.integer({ min: 5, max: 100 }), fc.integer({ min: 1_000, max: 10_000_000 })),
  tick: fc.constantFrom('0.0000001', '0.00005', '0.001', '0.01', '0.1', '0.5'),
  isolated: fc.boolean(),
  knowsOpenTime: fc.boolean(),
  stopShare: fc.option(fc.integer({ min: 1, max: 3_000 })),
  priceShare: fc.integer({ min: -1_500, max: 1_500 }),
});
const policy: fc.Arbitrary<Policy> = fc
  .record({
    fixedStopPct: fc.constantFrom(0.1, 1, 6, 50),
    mode: fc.constantFrom('off' as const, 'fixed' as const, 'fixed' as const),
    triggerPct: fc.constantFrom(0, 0.3, 1, 10),
    distancePct: fc.constantFrom(0.05, 0.8, 5, 50),
    minMovePct: fc.constantFrom(0, 0.05, 5),
    existingStop: fc.constantFrom('tighten' as const, 'respect' as const),
    bufferPct: fc.constantFrom(0, 0.5, 10),
    isolated: fc.constantFrom('tighten' as const, 'tighten' as const, 'alert' as const),
    cross: fc.constantFrom('tighten' as const, 'alert' as const),
  })
  .map(({ mode, triggerPct, distancePct, bufferPct, isolated, cross, ...flat }) => ({
    ...DEFAULT_POLICY,
    ...flat,
    trailing: { ...DEFAULT_POLICY.trailing, mode, triggerPct, distancePct },
    liquidation: { bufferPct, isolated, cross },
  }));

/** The promises, kept in a model of its own beside the guard's memory. */
class Witness {
  readonly venue: SimulatedVenue;
  readonly guard: GuardUnderTest;
  /** Tightest legal stop that reads have shown in this episode since the one case of I1; who set it. */
  floor: { stop: Big; by: 'us' | 'human' } | null = null;
  /** Our write was made while the price had passed the floor and no stop rested. */
  instead: Big | null = null;
  /** An operator's `allowLooser` was open when the last read was judged. */
  mayLoosen = false;
  allowed = 0;
  loosenings = 0;
  spells = 0;
  bareSince: number | null = null;
  absentSince: number | null = null;
  writes = 0;

  constructor(from: Start, with_: Policy) {
    this.venue = new SimulatedVenue(from);
    this.guard = new GuardUnderTest(this.venue.row(), with_);
  }

  get s(): 1 | -1 {
    return this.venue.s;
  }

  legal(stop: Big): boolean {
    return stop.minus(this.venue.price).times(this.s).lt(0);
  }

  looser(a: Big, than: Big): boolean {
    return a.minus(than).times(this.s).lt(0);
  }

  read(afterMs: number): Decision {
    const { venue, guard } = this;
    this.mayLoosen = guard.book.episode?.mayLoosen ?? false;
    const decision = guard.sees(venue.row(), afterMs);
    if (decision.episode !== 'same') this.mayLoosen = false;
    venue.passedThroughZero = false;
    if (decision.episode !== 'same') this.newEpisode();
    this.count();
    if (decision.action.kind === 'write') this.check(decision.action);
    if (venue.stop !== null && this.legal(venue.stop)) this.shown(venue.stop);
    const legal = venue.stop !== null && this.legal(venue.stop);
    expect(guard.book.state.kind === 'protected', 'protected means a legal stop was shown').toBe(legal);
    return decision;
  }

  newEpisode(): void {
    const ended = this.guard.book.ended.at(-1);
    if (ended !== undefined && this.guard.book.ended.length < 4) {
      const running = this.bareSince === null ? 0 : (this.absentSince ?? this.guard.now) - this.bareSince;
      expect(ended.unprotectedMs, 'the old episode keeps its unprotected time').toBe(this.spells + running);
    }
    this.floor = null;
    this.instead = null;
    this.spells = 0;
    this.bareSince = null;
  }

  count(): void {
    const { venue, guard } = this;
    this.absentSince = null;
    if (venue.stop === null) this.bareSince ??= guard.now;
    else if (this.legal(venue.stop) && this.bareSince !== null) {
      this.spells += guard.now - this.bareSince;
      this.bareSince = null;
    }
    const running = this.bareSince === null ? 0 : guard.now - this.bareSince;
    expect(unprotectedMs(guard.book, guard.now), 'unprotected time is the sum of the spells').toBe(
      this.spells + running,
    );
  }

  shown(stop: Big): void {
    const { by } = this.venue;
    const { floor } = this;
    const proven = this.instead !== null && this.instead.eq(stop);
    const own = this.guard.policy.existingStop === 'respect' && floor?.by === 'human' && by === 'human';
    if (floor === null || this.mayLoosen || proven || own || !this.looser(stop, floor.stop))
      this.floor = { stop, by };
    this.instead = null;
  }

  check(write: Write): void {
    const { venue } = this;
    const stop = new Big(write.stop);
    this.writes += 1;
    expect(venue.status).toBe('Normal');
    expect(stop.gt(0), 'greater than zero').toBe(true);
    expect(this.legal(stop), `stop ${write.stop} on the right side of ${venue.price.toFixed()}`).toBe(true);
    const wasThere = venue.stop?.eq(stop) === true || this.floor?.stop.eq(stop) === true;
    if (!wasThere) expect(stop.mod(venue.tick).eq(0), `${write.stop} on the tick`).toBe(true);
    this.checkLiquidation(stop);
    if (this.mayLoosen) return;
    if (venue.stop !== null) {
      expect(this.legal(venue.stop), 'a passed stop is never replaced').toBe(true);
      expect(this.looser(venue.stop, stop), `${write.stop} is tighter than ${venue.stop.toFixed()}`).toBe(
        true,
      );
    } else if (this.floor !== null) {
      if (this.legal(this.floor.stop)) {
        expect(this.looser(stop, this.floor.stop), `${write.stop} against ${this.floor.stop.toFixed()}`).toBe(
          false,
        );
      } else this.instead = stop;
    }
  }

  checkLiquidation(stop: Big): void {
    const { venue, guard } = this;
    const { liq } = venue;
    const isolated = guard.row.marginMode === 'ISOLATED_MARGIN';
    if (liq === null || !isolated || guard.policy.liquidation.isolated !== 'tighten' || !this.legal(liq))
      return;
    // Where no tick lies between the liquidation price and the price there is nothing better than the nearest tick.
    const oneTickAway = venue.price.minus(venue.tick.times(this.s));
    if (!this.looser(liq, oneTickAway)) return;
    expect(this.looser(liq, stop), `${stop.toFixed()} on the safe side of ${liq.toFixed()}`).toBe(true);
  }

  /** One check as the workflow makes it: read, and where a write is asked for, an attempt with its own reads. */
  attempt(afterMs: number): void {
    const { venue, guard } = this;
    if (this.read(afterMs).action.kind !== 'write') return;
    const again = this.read(50);
    if (again.action.kind !== 'write') return;
    const loosens =
      this.floor !== null && this.looser(new Big(again.action.stop), this.floor.stop) && this.mayLoosen;
    const failure = aFailure('VenueUnknown');
    switch (venue.fate) {
      case 'refused':
        guard.writes({ kind: 'refused', failure: aFailure('VenueRefused') });
        break;
      case 'unknown-applied':
      case 'unknown-lost':
        guard.writes({ kind: 'unknown', failure });
        break;
      case 'unchanged':
        guard.writes({ kind: 'unchanged', message: 'not modified' });
        break;
      case 'applied':
      case 'without-effect':
        guard.writes();
    }
    const effective = venue.setStop(again.action.stop);
    if (effective && loosens) this.loosenings += 1;
    if (effective && this.bareSince !== null)
      expect(guard.book.state.kind, 'an answer is no proof').not.toBe('protected');
    this.read(50);
    if (!effective) guard.apply({ kind: 'write-failed', failure, at: guard.now });
  }

  happen(event: Happening, afterMs: number): void {
    const { venue, guard } = this;
    venue.happen(event);
    switch (event.kind) {
      case 'policy':
        guard.policy = {
          ...guard.policy,
          fixedStopPct: event.fixedStopPct,
          trailing: { ...guard.policy.trailing, distancePct: event.distancePct },
        };
        break;
      case 'allow-looser':
        guard.policy = { ...guard.policy, fixedStopPct: event.fixedStopPct };
        guard.apply({ kind: 'loosening-allowed' });
        this.allowed += 1;
        break;
      case 'unreadable':
        expect(guard.seesNothing(event.problem, afterMs).action).toEqual({ kind: 'none' });
        expect(guard.book.state.kind).toBe('blind');
        return;
      case 'absent':
        expect(guard.seesFlat(false, afterMs).action.kind).toBe('confirm');
        this.absentSince ??= guard.now;
        return;
      default:
    }
    this.attempt(afterMs);
  }

  bounded(): void {
    const { book } = this.guard;
    expect(book.outbox.length).toBeLessThanOrEqual(8);
    expect(book.log.length).toBeLessThanOrEqual(50);
    expect(new Set(this.guard.alerts.map(({ id }) => id)).size).toBe(this.guard.alerts.length);
    expect(JSON.stringify(carried(book, CARRIED_BYTES)).length).toBeLessThanOrEqual(CARRIED_BYTES + 2_000);
    expect(this.loosenings, 'allowLooser counts once').toBeLessThanOrEqual(this.allowed);
  }
}

describe(`over random venues, policies and event orders (seed ${SEED}, ${RUNS} runs)`, () => {
  it('the guard keeps its promises', { timeout: 600_000 }, () => {
    let writes = 0;
    fc.assert(
      fc.property(
        start,
        policy,
        fc.array(fc.tuple(happening, fc.integer({ min: 1, max: 40_000 })), { maxLength: 25 }),
        (from, with_, events) => {
          const witness = new Witness(from, with_);
          expect(witness.guard.now).toBe(T0);
          witness.attempt(0);
          for (const [event, afterMs] of events) witness.happen(event, afterMs);
          witness.bounded();
          writes += witness.writes;
        },
      ),
      { numRuns: RUNS, seed: SEED },
    );
    // The property would hold of a guard that writes nothing.
    expect(writes).toBeGreaterThan(RUNS);
  });
});
