/** What one read of a leg says when the read fails, or its row is broken: unreadable, never flat (I4, I8). */
import { describe, expect, it } from 'vitest';
import { KNOWS_NOTHING, observeLeg, readingOf } from '../../src/activities/observe.ts';
import { VolatilityCache } from '../../src/activities/volatility.ts';
import { DEFAULT_POLICY } from '../../src/domain/policy.ts';
import type { Leg, Observation } from '../../src/domain/position.ts';
import { FakeVenue } from '../support/fake-port.ts';
import { failure } from '../support/fake-venue-records.ts';

const MODES = ['routine', 'prompt', 'recent', 'fresh', 'confirm'] as const;

function world() {
  const now = (): number => 1_000_000;
  const venue = new FakeVenue({ account: 'main', now });
  const reader = { port: venue.port, volatility: new VolatilityCache(now), now };
  const look = (leg: Leg, mode: (typeof MODES)[number]): Promise<Observation> =>
    observeLeg(reader, {
      account: 'main',
      leg,
      mode,
      ...readingOf(DEFAULT_POLICY),
      withStopOrders: false,
      known: KNOWS_NOTHING,
    });
  return { venue, look };
}

describe.each(MODES)('a %s read', (mode) => {
  it('that fails is unreadable, with the failure of the venue', async () => {
    const { venue, look } = world();
    const leg = venue.open({ stopLoss: '94' });
    const call = mode === 'confirm' ? 'readSymbol' : 'snapshot';
    venue.fault({ call, kind: 'fail', failure: failure('VenueRateLimited', { message: 'too many' }) });
    expect(await look(leg, mode)).toMatchObject({
      kind: 'unreadable',
      problem: 'VenueRateLimited',
      reason: 'too many',
    });
    expect(await look(leg, mode)).toMatchObject({ kind: 'open' });
  });

  it('of a broken row is unreadable, with what is wrong', async () => {
    const { venue, look } = world();
    const leg = venue.open({ stopLoss: '94' });
    venue.breakRow(leg, 'markPrice: expected a positive decimal');
    expect(await look(leg, mode)).toMatchObject({ kind: 'unreadable', problem: 'row' });
  });

  it('that is older than the policy allows is unreadable', async () => {
    const { venue, look } = world();
    const leg = venue.open({ stopLoss: '94' });
    const stale = { ...DEFAULT_POLICY, priceMaxAgeMs: -1 };
    const now = (): number => 1_000_000;
    const reader = { port: venue.port, volatility: new VolatilityCache(now), now };
    const input = {
      account: 'main',
      leg,
      mode,
      ...readingOf(stale),
      withStopOrders: false,
      known: KNOWS_NOTHING,
    };
    expect(await observeLeg(reader, input)).toMatchObject({
      kind: 'unreadable',
      reason: expect.stringContaining('stale'),
    });
    expect(await look(leg, mode)).toMatchObject({ kind: 'open' });
  });

  it('without the leg is flat, and confirmed only by its own row', async () => {
    const { venue, look } = world();
    const leg = venue.open();
    venue.humanClose(leg);
    expect(await look(leg, mode)).toMatchObject({ kind: 'flat', confirmed: mode === 'confirm' });
  });
});
