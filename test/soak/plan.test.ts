/** What a soak does is decided by its seed alone, and leaves room for what it wants to measure. */
import { describe, expect, it } from 'vitest';
import { soakAccount, type SoakLeg } from '../../soak/account.ts';
import { planOf, type SoakEvent } from '../../soak/plan.ts';
import { faultSchema } from '../../src/paper/fault-kinds.ts';
import { scenarioSchema } from '../../src/paper/scenario.ts';

const MINUTE_MS = 60_000;
const SEEDS = [1, 2, 3, 4, 5, 77, 4_294_967_295];
const legsOf = (seed: number): readonly [SoakLeg, ...SoakLeg[]] =>
  soakAccount(seed, 100).legs as readonly [SoakLeg, ...SoakLeg[]];
const plan = (seed: number, minutes = 30): readonly SoakEvent[] =>
  planOf(seed, minutes * MINUTE_MS, legsOf(seed));
const kills = (events: readonly SoakEvent[]) => events.filter((event) => event.kind === 'kill');

describe('the plan of a soak', () => {
  it('is the same for the same seed and another for another', () => {
    expect(plan(7)).toEqual(plan(7));
    expect(plan(7)).not.toEqual(plan(8));
  });

  it.each(SEEDS)('has every kind of kill within five minutes, seed %i', (seed) => {
    const what = new Set(kills(plan(seed, 5)).map((kill) => kill.what));
    expect([...what].toSorted()).toEqual(['power-cut', 'server', 'venue', 'worker', 'workers']);
  });

  it.each(SEEDS)('lets one worker grow old in the second half, seed %i', (seed) => {
    const late = kills(plan(seed)).filter(({ atMs }) => atMs > 15 * MINUTE_MS);
    expect(late.filter(({ what }) => what === 'workers' || what === 'power-cut')).toEqual([]);
    expect(late.length).toBeGreaterThan(0);
  });

  // The time until all guards check again is judged only where nothing else was killed meanwhile.
  it.each(SEEDS)(
    'kills neither worker nor server for 45 s after all workers were restarted, seed %i',
    (seed) => {
      const all = kills(plan(seed)).filter(({ what }) => what !== 'venue');
      for (const { atMs, what, downMs } of all) {
        if (what !== 'workers') continue;
        const disturbing = all.filter((other) => other.atMs > atMs && other.atMs <= atMs + downMs + 45_000);
        expect(disturbing).toEqual([]);
      }
    },
  );

  it.each(SEEDS)('kills nothing that is not back yet, seed %i', (seed) => {
    const concerns = { worker: 'w', workers: 'w', server: 's', venue: 'v', 'power-cut': 'wsv' } as const;
    const away = new Map<string, number>();
    for (const { atMs, what, downMs } of kills(plan(seed))) {
      for (const part of concerns[what]) {
        expect(atMs).toBeGreaterThan(away.get(part) ?? -1);
        away.set(part, atMs + downMs);
      }
    }
  });

  it('lays faults that the paper exchange takes, of every kind that it has', () => {
    const laid = SEEDS.flatMap((seed) => plan(seed)).flatMap((event) =>
      event.kind === 'venue-fault' ? [faultSchema.parse(event.fault.body)] : [],
    );
    const known = faultSchema.options.map((option) => option.shape.kind.value);
    expect(new Set(laid.map(({ kind }) => kind))).toEqual(new Set(known));
    expect(laid.filter(({ forMs }) => forMs === undefined)).toEqual([]);
  });

  it('has humans and operators on every kind of leg', () => {
    const events = plan(3).filter((event) => event.kind === 'hand' || event.kind === 'operator');
    expect(new Set(events.map(({ leg }) => leg.positionIdx))).toEqual(new Set([0, 1, 2]));
    expect(new Set(events.map(({ act }) => act)).size).toBe(18);
  });
});

describe('the account of a soak', () => {
  it('has as many positions as asked for, in both settle coins, both modes and both sides', () => {
    const { legs, scenario } = soakAccount(5, 100);
    expect(legs).toHaveLength(100);
    expect(scenarioSchema.parse(scenario).positions).toHaveLength(100);
    const kinds = new Set(
      legs.map(
        ({ symbol, positionIdx, side }) =>
          `${symbol.endsWith('PERP') ? 'USDC' : 'USDT'} ${positionIdx} ${side}`,
      ),
    );
    expect([...kinds].toSorted()).toEqual([
      'USDC 0 Buy',
      'USDC 0 Sell',
      'USDT 0 Buy',
      'USDT 0 Sell',
      'USDT 1 Buy',
      'USDT 2 Sell',
    ]);
  });

  it('has keys that occur nowhere else', () => {
    expect(soakAccount(5, 100).apiSecret).not.toBe(soakAccount(6, 100).apiSecret);
    expect(soakAccount(5, 100).apiKey).toMatch(/^soak[a-z0-9]{14}$/);
  });
});
