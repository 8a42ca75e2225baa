/** The offset between the venue's clock and this machine's: signed, fresh, and never in the future (I8). */
import { describe, expect, test } from 'vitest';
import { createVenueClock } from '../../src/exchange/clock.ts';
import { SILENT } from '../../src/exchange/logger.ts';

/** A machine and a venue whose clocks the test moves; each answer takes `outMs` there and `backMs` back. */
function world({ skewMs = 0, outMs = 10, backMs = 10 } = {}) {
  const state = { elapsed: 0, skewMs, outMs, backMs, asked: 0, failing: false };
  const time = { wall: () => 1_700_000_000_000 + state.elapsed, mono: () => state.elapsed };
  const venueNow = (): number => time.wall() + state.skewMs;
  const clock = createVenueClock({
    time,
    logger: SILENT,
    ask: async () => {
      state.asked += 1;
      await Promise.resolve();
      if (state.failing) throw new Error('no time today');
      state.elapsed += state.outMs;
      const stamped = venueNow();
      state.elapsed += state.backMs;
      return stamped;
    },
  });
  return { state, clock, venueNow };
}

describe('the offset', () => {
  test('is negative when this machine is fast, positive when it is slow', async () => {
    const fast = world({ skewMs: -1_500 });
    expect(await fast.clock.read()).toEqual({ offsetMs: -1_500, roundTripMs: 20 });
    const slow = world({ skewMs: 6_000 });
    expect(await slow.clock.read()).toEqual({ offsetMs: 6_000, roundTripMs: 20 });
  });

  test('is unknown before the first measurement, and then the local clock counts', () => {
    const { clock, state } = world({ skewMs: 5_000 });
    expect(clock.offsetMs()).toBeNull();
    expect(clock.signingTime()).toBe(1_700_000_000_000 + state.elapsed);
  });

  test.each([
    [0, 300],
    [300, 0],
    [150, 150],
    [5, 1_400],
  ])('never signs in the future with %i ms there and %i ms back', async (outMs, backMs) => {
    for (const skewMs of [-90_000, -1_006, 0, 37, 5_000]) {
      const { clock, venueNow } = world({ skewMs, outMs, backMs });
      await clock.ready();
      expect(clock.signingTime()).toBeLessThanOrEqual(venueNow());
      expect(clock.signingTime()).toBeGreaterThanOrEqual(venueNow() - backMs - 1);
    }
  });

  test('is measured again where the first round trip was coarse: it also loads the HTTP client', async () => {
    const { clock, state } = world({ outMs: 400, backMs: 10 });
    const reading = clock.read();
    state.outMs = 400;
    await reading;
    expect(state.asked).toBe(2);
  });
});

describe('keeping it fresh', () => {
  test('one measurement at first use serves everyone who waits', async () => {
    const { clock, state } = world();
    await Promise.all([clock.ready(), clock.ready(), clock.ready()]);
    expect(state.asked).toBe(1);
  });

  test('it is measured again after some minutes, in the background', async () => {
    const { clock, state } = world();
    await clock.ready();
    state.elapsed += 299_000;
    await clock.ready();
    expect(state.asked).toBe(1);
    state.elapsed += 2_000;
    state.skewMs = 700;
    await clock.ready();
    await clock.read();
    expect(clock.offsetMs()).toBe(700);
    expect(state.asked).toBe(2);
  });

  test('a venue that does not tell the time is not asked before every request', async () => {
    const { clock, state } = world();
    state.failing = true;
    await clock.ready();
    await clock.ready();
    await clock.ready();
    expect(state.asked).toBe(1);
    expect(clock.offsetMs()).toBeNull();
    state.elapsed += 11_000;
    state.failing = false;
    await clock.ready();
    expect(clock.offsetMs()).toBe(0);
  });

  test('a slow sample does not replace a good one', async () => {
    const { clock, state } = world({ skewMs: 100 });
    await clock.ready();
    Object.assign(state, { outMs: 0, backMs: 4_000 });
    await clock.read();
    expect(clock.offsetMs()).toBe(100);
  });
});

describe('after a clock refusal', () => {
  test('the venue is asked again', async () => {
    const { clock, state } = world();
    await clock.ready();
    state.skewMs = -3_000;
    await clock.relearn('invalid request');
    expect(clock.offsetMs()).toBe(-3_000);
  });

  test('the two clocks in the refusal serve where the venue does not tell its time', async () => {
    const { clock, state } = world();
    state.failing = true;
    const serverTime = 1_700_000_000_000 - 2_500;
    await clock.relearn(`req_timestamp[1700000000000],server_timestamp[${serverTime}],recv_window[5000]`);
    expect(clock.offsetMs()).toBe(-2_500);
    expect(clock.signingTime()).toBe(serverTime);
  });

  test('nothing changes where neither helps', async () => {
    const { clock, state } = world({ skewMs: 50 });
    await clock.ready();
    state.failing = true;
    await clock.relearn('localised text without clocks');
    expect(clock.offsetMs()).toBe(50);
  });
});
