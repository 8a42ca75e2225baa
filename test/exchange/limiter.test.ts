/** Lanes and the door: rolling limits, urgency, rate headers, the process-wide budget and the ban (DESIGN §3). */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createGate, type Gate } from '../../src/exchange/gate.ts';
import { createLane, STOP_RANK, type Lane } from '../../src/exchange/limiter.ts';
import { TurnPassed, VenueError, type WriteUrgency } from '../../src/exchange/port.ts';
import { NO_RATE_HEADERS } from '../../src/exchange/reply.ts';

const time = { wall: () => Date.now(), mono: () => Date.now() };

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

function laneOf({
  perSecond = 8,
  gate = createGate({ time }),
  ...rest
}: { perSecond?: number; gate?: Gate; mostQueued?: number; mostLateMs?: number } = {}): Lane {
  return createLane({ perSecond, importance: 'write', gate, time, ...rest });
}

/** Enters and remembers when; `sent` holds labels in the order of admission. */
function recorder(lane: Lane) {
  const sent: { label: string; at: number }[] = [];
  const enter = (label: string, urgency: WriteUrgency = 'no-stop'): Promise<void> =>
    lane.enter(STOP_RANK[urgency]).then((pass) => {
      sent.push({ label, at: Date.now() - 1_000_000 });
      pass.settle('answered');
    });
  return { sent, enter };
}

describe('the write lane', () => {
  test('sends at once while there is room, and no more than 8 in any second', async () => {
    const { sent, enter } = recorder(laneOf());
    const all = Promise.all(Array.from({ length: 30 }, (_, i) => enter(String(i))));
    await vi.advanceTimersByTimeAsync(0);
    expect(sent).toHaveLength(8);
    await vi.advanceTimersByTimeAsync(4_000);
    await all;
    for (const { at } of sent)
      expect(sent.filter((other) => other.at >= at && other.at < at + 1_000).length).toBeLessThanOrEqual(8);
    expect(sent.at(-1)?.at).toBe(3_000);
  });

  test.each([
    ['answered after 100 ms counts from then: it may have been served as late as that', 100, 1_100],
    ['answered after 10 s counts from half a second after its sending', 10_000, 1_500],
  ])('a write %s', async (_, answersAfter, cycle) => {
    const lane = laneOf({ mostLateMs: 500 });
    const sent: number[] = [];
    const began = Date.now();
    for (let i = 0; i < 20; i += 1)
      void lane.enter(STOP_RANK['no-stop']).then((pass) => {
        sent.push(Date.now() - began);
        setTimeout(() => pass.settle('answered'), answersAfter);
      });
    await vi.advanceTimersByTimeAsync(3_500);
    expect(sent).toEqual([
      ...Array.from({ length: 8 }, () => 0),
      ...Array.from({ length: 8 }, () => cycle),
      ...Array.from({ length: 4 }, () => 2 * cycle),
    ]);
  });

  test('serves no stop before loosened before tighten before rewrite, and equals in order', async () => {
    const lane = laneOf({ perSecond: 1 });
    const { sent, enter } = recorder(lane);
    void enter('first');
    const order: WriteUrgency[] = [
      'rewrite',
      'tighten',
      'no-stop',
      'loosened',
      'no-stop',
      'tighten',
      'loosened',
      'rewrite',
    ];
    for (const [i, urgency] of order.entries()) void enter(`${urgency} ${i}`, urgency);
    expect(lane.queued).toBe(8);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sent.map(({ label }) => label)).toEqual([
      'first',
      'no-stop 2',
      'no-stop 4',
      'loosened 3',
      'loosened 6',
      'tighten 1',
      'tighten 5',
      'rewrite 0',
      'rewrite 7',
    ]);
  });

  test('lets a missing stop overtake everything that waits', async () => {
    const { sent, enter } = recorder(laneOf({ perSecond: 1 }));
    for (let i = 0; i < 5; i += 1) void enter(`tighten ${i}`, 'tighten');
    await vi.advanceTimersByTimeAsync(500);
    void enter('missing', 'no-stop');
    await vi.advanceTimersByTimeAsync(500);
    expect(sent.map(({ label }) => label)).toEqual(['tighten 0', 'missing']);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sent).toHaveLength(6);
  });

  test('takes no turn that comes after its time, and gives it to the next', async () => {
    const lane = laneOf({ perSecond: 1 });
    const { sent, enter } = recorder(lane);
    void enter('first');
    const late = lane
      .enter(0, { notAfter: Date.now() + 500, since: Date.now() })
      .catch((error: unknown) => error);
    void enter('third');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await late).toBeInstanceOf(TurnPassed);
    expect(await late).toMatchObject({ waitingSince: 1_000_000, info: { type: 'VenueRateLimited' } });
    expect(sent).toEqual([
      { label: 'first', at: 0 },
      { label: 'third', at: 1_000 },
    ]);
  });

  test('serves those first who wait longest, however often they read again', async () => {
    const lane = laneOf({ perSecond: 2 });
    const served: number[] = [];
    const write = async (n: number, since: number): Promise<void> => {
      const passed = await lane.enter(0, { notAfter: Date.now() + 600, since }).then(
        (pass) => {
          served.push(n);
          pass.settle('answered');
          return null;
        },
        (error: unknown) => error,
      );
      if (passed instanceof TurnPassed) await write(n, passed.waitingSince);
    };
    for (let n = 0; n < 12; n += 1) {
      void write(n, Date.now());
      await vi.advanceTimersByTimeAsync(1);
    }
    await vi.advanceTimersByTimeAsync(8_000);
    expect(served).toEqual(Array.from({ length: 12 }, (_, n) => n));
  });

  test('keeps its limit and its order whatever comes when', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(400), fc.constantFrom('no-stop', 'loosened', 'tighten', 'rewrite')), {
          maxLength: 40,
        }),
        async (arrivals) => {
          const { sent, enter } = recorder(laneOf({ perSecond: 4 }));
          for (const [waitMs, urgency] of arrivals) {
            await vi.advanceTimersByTimeAsync(waitMs);
            void enter(urgency, urgency);
          }
          await vi.advanceTimersByTimeAsync(20_000);
          expect(sent).toHaveLength(arrivals.length);
          for (const { at } of sent)
            expect(
              sent.filter((other) => other.at >= at && other.at < at + 1_000).length,
            ).toBeLessThanOrEqual(4);
        },
      ),
      { numRuns: 50 },
    );
  });

  // The venue's own limit is on what it serves; when it does, the lane can only know in between.
  test('keeps its limit wherever between sending and answer the venue serves a request', async () => {
    const request = fc.record({
      waitMs: fc.nat(60),
      tookMs: fc.nat(500),
      servedAfter: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 40 }), async (requests) => {
        const lane = laneOf({ mostLateMs: 500 });
        const served: number[] = [];
        for (const { waitMs, tookMs, servedAfter } of requests) {
          await vi.advanceTimersByTimeAsync(waitMs);
          void lane.enter(STOP_RANK['no-stop']).then((pass) => {
            served.push(Date.now() + tookMs * servedAfter);
            setTimeout(() => pass.settle('answered'), tookMs);
          });
        }
        await vi.advanceTimersByTimeAsync(20_000);
        expect(served).toHaveLength(requests.length);
        for (const at of served)
          expect(served.filter((other) => other >= at && other < at + 1_000).length).toBeLessThanOrEqual(8);
      }),
      { numRuns: 200 },
    );
  });
});

describe('rate headers', () => {
  test('a lower limit than ours is followed with a margin, a higher one is not', async () => {
    const lane = laneOf();
    const { sent, enter } = recorder(lane);
    lane.follow({ limit: 5, remaining: 5, resetAt: null }, false, 0);
    for (let i = 0; i < 10; i += 1) void enter('x');
    await vi.advanceTimersByTimeAsync(999);
    expect(sent).toHaveLength(4);
    lane.follow({ limit: 100, remaining: 90, resetAt: null }, false, 0);
    await vi.advanceTimersByTimeAsync(10_000);
    for (const { at } of sent)
      expect(sent.filter((other) => other.at >= at && other.at < at + 1_000).length).toBeLessThanOrEqual(8);
    expect(sent).toHaveLength(10);
  });

  test('a refusal stops the lane until the moment that the header names', async () => {
    const lane = laneOf();
    const { sent, enter } = recorder(lane);
    lane.follow({ limit: 10, remaining: 0, resetAt: 5_700 }, true, 5_000);
    void enter('x');
    await vi.advanceTimersByTimeAsync(699);
    expect(sent).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(sent).toHaveLength(1);
  });

  test('a refusal without headers stops the lane for between one and two seconds', async () => {
    const lane = laneOf();
    const { sent, enter } = recorder(lane);
    lane.follow(NO_RATE_HEADERS, true, 5_000);
    void enter('x');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sent).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sent).toHaveLength(1);
  });

  test('nothing remaining makes the lane hesitate before it is refused', async () => {
    const lane = laneOf();
    const { sent, enter } = recorder(lane);
    lane.follow({ limit: 10, remaining: 0, resetAt: 5_000 }, false, 5_000);
    void enter('x');
    await vi.advanceTimersByTimeAsync(0);
    expect(sent).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(500);
    expect(sent).toHaveLength(1);
  });
});

describe('the door of the process', () => {
  test('lets 300 requests through in 5 s however many lanes ask, and keeps room for writes', async () => {
    const gate = createGate({ time });
    const reads = createLane({ perSecond: 10_000, importance: 'read', gate, time });
    const candles = createLane({ perSecond: 10_000, importance: 'candle', gate, time });
    const writes = createLane({ perSecond: 10_000, importance: 'write', gate, time });
    const counts = { candles: 0, reads: 0, writes: 0 };
    for (let i = 0; i < 400; i += 1) void candles.enter(0).then(() => (counts.candles += 1));
    await vi.advanceTimersByTimeAsync(0);
    for (let i = 0; i < 400; i += 1) void reads.enter(0).then(() => (counts.reads += 1));
    await vi.advanceTimersByTimeAsync(0);
    for (let i = 0; i < 400; i += 1) void writes.enter(0).then(() => (counts.writes += 1));
    await vi.advanceTimersByTimeAsync(4_900);
    expect(counts).toEqual({ candles: 150, reads: 105, writes: 45 });
    await vi.advanceTimersByTimeAsync(30_000);
    expect(counts).toEqual({ candles: 400, reads: 400, writes: 400 });
  });

  test('a ban stops every lane at once, also what already waits', async () => {
    const gate = createGate({ time, breakerMs: 600_000 });
    const one = laneOf({ perSecond: 1, gate });
    const other = laneOf({ gate });
    const pass = await one.enter(0);
    const waiting = one.enter(0).catch((error: unknown) => error);
    pass.settle('banned');
    await expect(other.enter(0)).rejects.toMatchObject({
      info: { type: 'VenueRateLimited', retryAfterMs: 600_000 },
    });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await waiting).toBeInstanceOf(VenueError);
    await vi.advanceTimersByTimeAsync(500_000);
    await expect(other.enter(0)).rejects.toBeInstanceOf(VenueError);
  });

  test('after the ban one request probes, and only its success lets the rest through', async () => {
    const gate = createGate({ time, breakerMs: 600_000 });
    const lane = laneOf({ gate });
    (await lane.enter(0)).settle('banned');
    await vi.advanceTimersByTimeAsync(600_000);
    const probe = await lane.enter(0);
    await expect(lane.enter(0)).rejects.toBeInstanceOf(VenueError);
    probe.settle('answered');
    const rest = await Promise.all([lane.enter(0), lane.enter(0)]);
    expect(rest).toHaveLength(2);
  });

  test('a probe that is refused shuts the door again, a lost one lets the next try', async () => {
    const gate = createGate({ time, breakerMs: 600_000 });
    const lane = laneOf({ gate });
    (await lane.enter(0)).settle('banned');
    await vi.advanceTimersByTimeAsync(600_000);
    (await lane.enter(0)).settle('lost');
    (await lane.enter(0)).settle('banned');
    await expect(lane.enter(0)).rejects.toMatchObject({ info: { retryAfterMs: 600_000 } });
  });

  test('an answer that was under way when the ban came does not lift it', async () => {
    const gate = createGate({ time });
    const lane = laneOf({ gate });
    const [early, banned] = [await lane.enter(0), await lane.enter(0)];
    banned.settle('banned');
    early.settle('answered');
    await expect(lane.enter(0)).rejects.toBeInstanceOf(VenueError);
  });
});

describe('a lane in which as many wait as may', () => {
  test('refuses what is least urgent, newcomer or not, and says that it was not sent', async () => {
    const lane = laneOf({ perSecond: 1, mostQueued: 3 });
    await lane.enter(STOP_RANK['no-stop']);
    const settled: string[] = [];
    const enter = (label: string, urgency: WriteUrgency): void => {
      lane.enter(STOP_RANK[urgency]).then(
        () => settled.push(`${label} sent`),
        (error: unknown) => settled.push(`${label} ${(error as VenueError).info.type}`),
      );
    };
    enter('a', 'tighten');
    enter('b', 'rewrite');
    enter('c', 'tighten');
    enter('newcomer', 'rewrite');
    await vi.advanceTimersByTimeAsync(0);
    expect(settled).toEqual(['newcomer VenueUnavailable']);
    enter('bare', 'no-stop');
    await vi.advanceTimersByTimeAsync(0);
    expect(settled.slice(1)).toEqual(['b VenueUnavailable']);
    expect(lane.queued).toBe(3);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(settled.slice(2)).toEqual(['bare sent', 'a sent', 'c sent']);
  });

  test('never holds more than 2,000 by default', async () => {
    const lane = laneOf({ perSecond: 1 });
    const refused = vi.fn<(error: unknown) => void>();
    for (let at = 0; at < 2_500; at += 1) lane.enter(0).catch(refused);
    await vi.advanceTimersByTimeAsync(0);
    expect(lane.queued).toBe(2_000);
    expect(refused).toHaveBeenCalledTimes(499);
  });
});

describe('a lane that is closed', () => {
  test('refuses what waits and what comes, and says that nothing was sent', async () => {
    const lane = laneOf({ perSecond: 1 });
    await lane.enter(0);
    const waiting = lane.enter(0).catch((error: unknown) => error);
    lane.close();
    expect(await waiting).toMatchObject({
      info: { type: 'VenueUnavailable', message: expect.stringContaining('not sent') },
    });
    await expect(lane.enter(0)).rejects.toMatchObject({ info: { type: 'VenueUnavailable' } });
  });
});
