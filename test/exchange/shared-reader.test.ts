/** One read serves many: the routine window, fresh reads that began after the call, and a venue that does not answer. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { VenueError } from '../../src/exchange/port.ts';
import { routineWindowMs } from '../../src/exchange/reads.ts';
import { createSharedReader } from '../../src/exchange/shared-reader.ts';
import { unavailable } from '../../src/exchange/verdict.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

interface Started {
  readonly n: number;
  readonly at: number;
  readonly fresh: boolean;
}

/** A reader over reads that take `takesMs`; `started` lists them. */
function readerOf({ takesMs = 100, windowMs = 2_000, failing = false, writing = false } = {}) {
  const started: Started[] = [];
  const state = { takesMs, failing, writing, coming: null as Promise<void> | null };
  let endWriting: () => void = () => undefined;
  const reader = createSharedReader<Started>({
    name: 'the read',
    time: { wall: () => Date.now(), mono: () => Date.now() },
    windowMs: () => windowMs,
    deadlineMs: 20_000,
    freshGapMs: () => (state.writing ? 1_000 : 0),
    gapEnds: () =>
      new Promise((resolve) => {
        endWriting = resolve;
      }),
    othersComing: () => state.coming,
    read: async (fresh) => {
      const mine = { n: started.length + 1, at: Date.now(), fresh };
      started.push(mine);
      await new Promise((resolve) => setTimeout(resolve, state.takesMs));
      if (state.failing) throw unavailable('the venue is away');
      return mine;
    },
  });
  const stopWriting = (): void => {
    state.writing = false;
    endWriting();
  };
  return { reader, started, state, stopWriting };
}

const fresh = { fresh: true } as const;

/** The answer that is there after so many ms. */
async function answerAfter(ms: number, answer: Promise<Started>): Promise<Started> {
  await vi.advanceTimersByTimeAsync(ms);
  return answer;
}

/** Some turns later: an answer that is there by then was not waited for. */
async function turns(): Promise<null> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  return null;
}

describe('a read younger than a time', () => {
  test('shares one that began so recently, running or done, and begins another otherwise', async () => {
    const { reader } = readerOf();
    const young = { youngerThanMs: 1_000 } as const;
    const early = Promise.all([reader.get(fresh), reader.get(young)]);
    await vi.advanceTimersByTimeAsync(100);
    expect((await early).map(({ n }) => n)).toEqual([1, 1]);
    await vi.advanceTimersByTimeAsync(899);
    expect((await reader.get(young)).n).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    const late = reader.get(young);
    await vi.advanceTimersByTimeAsync(100);
    expect(await late).toMatchObject({ n: 2, at: 1_000, fresh: true });
  });

  test('never takes a failure that another met', async () => {
    const { reader, state } = readerOf({ failing: true });
    reader.get(fresh).catch(() => undefined);
    const young = reader.get({ youngerThanMs: 1_000 });
    await vi.advanceTimersByTimeAsync(100);
    state.failing = false;
    await vi.advanceTimersByTimeAsync(100);
    expect((await young).n).toBe(2);
  });
});

describe('a routine read', () => {
  test('is shared by all who ask within its window, while it runs and after', async () => {
    const { reader, started } = readerOf();
    const early = Promise.all([reader.get(), reader.get(), reader.get()]);
    await vi.advanceTimersByTimeAsync(100);
    await early;
    await vi.advanceTimersByTimeAsync(1_800);
    expect((await reader.get()).n).toBe(1);
    await vi.advanceTimersByTimeAsync(100);
    const next = reader.get();
    await vi.advanceTimersByTimeAsync(100);
    expect((await next).n).toBe(2);
    expect(started).toHaveLength(2);
  });

  test('of a thousand callers in a minute costs one read for each window', async () => {
    const { reader, started } = readerOf();
    for (let i = 0; i < 1_000; i += 1) {
      void reader.get();
      await vi.advanceTimersByTimeAsync(60);
    }
    expect(started.length).toBeLessThanOrEqual(30);
    expect(started.length).toBeGreaterThanOrEqual(28);
  });

  test('is never served an answer from before a read that failed', async () => {
    const { reader, started, state } = readerOf({ windowMs: 6_600 });
    await answerAfter(100, reader.get());
    state.failing = true;
    const proof = reader.get(fresh).catch((error: unknown) => error);
    expect((await reader.get()).n).toBe(1);
    await vi.advanceTimersByTimeAsync(100);
    expect(await proof).toBeInstanceOf(VenueError);
    expect(await reader.get().catch((error: unknown) => error)).toBeInstanceOf(VenueError);
    expect(started).toHaveLength(2);
  });

  test('that many share is followed by the next before its window ends, so that none of them waits', async () => {
    const windowMs = 3_600;
    const { reader, started } = readerOf({ windowMs, takesMs: 300 });
    await answerAfter(300, reader.get());
    const late: string[] = [];
    for (let askedAt = 300; askedAt < 60_000; askedAt += 60) {
      const shown = await Promise.race([reader.get(), turns()]);
      if (shown === null) late.push(`asked at ${askedAt}`);
      else if (Date.now() - shown.at >= windowMs) late.push(`too old at ${askedAt}`);
      await vi.advanceTimersByTimeAsync(60);
    }
    expect(late).toEqual([]);
    // Nine tenths of a window apart.
    expect(started.length).toBeLessThanOrEqual(Math.ceil(60_000 / (0.9 * windowMs)));
  });

  test('that many share at once, as a session does, is not followed by another until somebody asks', async () => {
    const { reader, started } = readerOf();
    for (let i = 0; i < 200; i += 1) void reader.get();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(started).toHaveLength(1);
  });

  test('of eight callers a second is not read ahead of them', async () => {
    const { reader, started } = readerOf({ windowMs: 3_600 });
    for (let i = 0; i < 480; i += 1) {
      void reader.get();
      await vi.advanceTimersByTimeAsync(125);
    }
    expect(started.length).toBeLessThanOrEqual(Math.ceil(60_000 / 3_600));
  });

  test('is served by the last answer, not by a fresh one that still runs', async () => {
    const { reader } = readerOf();
    await answerAfter(100, reader.get());
    await vi.advanceTimersByTimeAsync(1_000);
    const proof = reader.get(fresh);
    expect((await reader.get()).n).toBe(1);
    await vi.advanceTimersByTimeAsync(100);
    expect((await proof).n).toBe(2);
    expect((await reader.get()).n).toBe(2);
  });

  test('is served by a fresh one too', async () => {
    const { reader, started } = readerOf();
    const proof = reader.get(fresh);
    await vi.advanceTimersByTimeAsync(100);
    await proof;
    expect((await reader.get()).n).toBe(1);
    expect(started).toHaveLength(1);
  });

  test('answers within 3 s although the read goes on, and the read is not aborted', async () => {
    const { reader, started, state } = readerOf({ takesMs: 8_000 });
    const answer = reader.get().catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(await answer).toBeInstanceOf(VenueError);
    const second = reader.get().catch((error: unknown) => error);
    state.takesMs = 100;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await second).toBeInstanceOf(VenueError);
    expect(started).toHaveLength(1);
  });

  test('that joins a slow read gets its value when it comes within the bound', async () => {
    const { reader, started } = readerOf({ takesMs: 4_000 });
    void reader.get().catch(() => undefined);
    await vi.advanceTimersByTimeAsync(2_500);
    const joined = reader.get();
    await vi.advanceTimersByTimeAsync(1_500);
    expect((await joined).n).toBe(1);
    expect(started).toHaveLength(1);
  });
});

describe('a venue that fails', () => {
  test('is not asked again within the window by those who share the failure', async () => {
    const { reader, started } = readerOf({ failing: true, takesMs: 10 });
    for (let i = 0; i < 5; i += 1) {
      const answer = reader.get().catch((error: unknown) => error);
      await vi.advanceTimersByTimeAsync(10);
      expect(await answer).toBeInstanceOf(VenueError);
    }
    expect(started).toHaveLength(1);
  });

  test('answers at once after three failures in a row, goes on trying, and recovers with the first success', async () => {
    const { reader, started, state } = readerOf({ failing: true, takesMs: 1_000 });
    for (let i = 0; i < 3; i += 1) {
      const answer = reader.get().catch((error: unknown) => error);
      await vi.advanceTimersByTimeAsync(2_500);
      expect(await answer).toBeInstanceOf(VenueError);
    }
    expect(started).toHaveLength(3);
    // No timer moves: the answer is there at once, and the fourth read runs behind it.
    await expect(reader.get()).rejects.toThrow('the venue is away');
    expect(started).toHaveLength(4);
    state.failing = false;
    await vi.advanceTimersByTimeAsync(1_000);
    expect((await reader.get()).n).toBe(4);
  });

  test('that never answers ends the shared read at its deadline, so that the next can begin', async () => {
    const { reader, started } = readerOf({ takesMs: 10_000_000 });
    const proof = reader.get(fresh).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await proof).toMatchObject({ info: { message: expect.stringContaining('20000 ms') } });
    void reader.get(fresh).catch(() => undefined);
    expect(started).toHaveLength(2);
  });

  test('with an error that nobody foresaw is unavailable, not a crash', async () => {
    const reader = createSharedReader<number>({
      name: 'the read',
      time: { wall: () => Date.now(), mono: () => Date.now() },
      windowMs: () => 1,
      deadlineMs: 1_000,
      read: () => Promise.reject(new TypeError('bug')),
    });
    for (let i = 0; i < 3; i += 1) {
      await expect(reader.get()).rejects.toThrow('bug');
      await vi.advanceTimersByTimeAsync(2);
    }
    await expect(reader.get()).rejects.toBeInstanceOf(VenueError);
  });
});

describe('a fresh read', () => {
  test('never shares one that had begun before the call', async () => {
    const { reader, started } = readerOf();
    void reader.get();
    await vi.advanceTimersByTimeAsync(50);
    const askedAt = Date.now();
    const proof = reader.get(fresh);
    await vi.advanceTimersByTimeAsync(200);
    expect((await proof).n).toBe(2);
    expect((await proof).at).toBeGreaterThanOrEqual(askedAt);
    expect(started).toHaveLength(2);
  });

  test('runs once and waits once at most, whoever asks', async () => {
    const { reader, started } = readerOf();
    const first = reader.get(fresh);
    await vi.advanceTimersByTimeAsync(10);
    const rest = Promise.all(Array.from({ length: 50 }, () => reader.get(fresh)));
    await vi.advanceTimersByTimeAsync(200);
    expect((await first).n).toBe(1);
    expect((await rest).every(({ n }) => n === 2)).toBe(true);
    expect(started).toHaveLength(2);
  });

  test('begins although the one before it failed', async () => {
    const { reader, state } = readerOf({ failing: true });
    const first = reader.get(fresh).catch((error: unknown) => error);
    const second = reader.get(fresh);
    await vi.advanceTimersByTimeAsync(100);
    state.failing = false;
    await vi.advanceTimersByTimeAsync(100);
    expect(await first).toBeInstanceOf(VenueError);
    expect((await second).n).toBe(2);
  });

  test('starts at most once a second while stops are written, so that 200 proofs are shared', async () => {
    const { reader, started } = readerOf({ writing: true, takesMs: 50 });
    const proofs: Promise<Started>[] = [];
    for (let i = 0; i < 200; i += 1) {
      proofs.push(reader.get(fresh));
      await vi.advanceTimersByTimeAsync(50);
    }
    await vi.advanceTimersByTimeAsync(2_000);
    const all = await Promise.all(proofs);
    expect(started.length).toBeLessThanOrEqual(12);
    for (const [i, proof] of all.entries()) expect(proof.at).toBeGreaterThanOrEqual(i * 50);
  });

  test('starts at once when the last write ends', async () => {
    const { reader, started, stopWriting } = readerOf({ writing: true, takesMs: 50 });
    void reader.get(fresh);
    await vi.advanceTimersByTimeAsync(100);
    const proof = reader.get(fresh);
    await vi.advanceTimersByTimeAsync(100);
    expect(started).toHaveLength(1);
    stopWriting();
    await vi.advanceTimersByTimeAsync(60);
    expect((await proof).at).toBe(200);
  });

  test('after the last write is shared with the writer that ended the wait', async () => {
    const { reader, started, state, stopWriting } = readerOf();
    state.writing = true;
    void reader.get(fresh);
    await vi.advanceTimersByTimeAsync(150);
    const early = reader.get(fresh);
    stopWriting();
    // The writer comes back to its caller some turns after its write has ended.
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    const late = reader.get(fresh);
    await vi.advanceTimersByTimeAsync(200);
    expect((await late).n).toBe((await early).n);
    expect(started).toHaveLength(2);
  });
});

describe('a fresh read with others coming', () => {
  /** The turn that is left to who has come, by the fake clock, ms. */
  const turn = 1;

  /** Someone who comes after `ms` and asks for a fresh read then. */
  function comer(world: ReturnType<typeof readerOf>, ms: number): Promise<Started> {
    const came = new Promise<void>((resolve) => {
      setTimeout(() => {
        world.state.coming = null;
        resolve();
      }, ms);
    });
    world.state.coming = came;
    return came.then(() => world.reader.get(fresh));
  }

  test('waits for them, and they share it', async () => {
    const world = readerOf();
    const late = comer(world, 120);
    const early = world.reader.get(fresh);
    await vi.advanceTimersByTimeAsync(119);
    expect(world.started).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    expect(await early).toMatchObject({ n: 1, at: 120 + turn });
    expect(await late).toMatchObject({ n: 1 });
  });

  test('waits for them after its gap is over too, once', async () => {
    const world = readerOf({ writing: true });
    void world.reader.get(fresh);
    await vi.advanceTimersByTimeAsync(950);
    const early = world.reader.get(fresh);
    const late = comer(world, 100);
    await vi.advanceTimersByTimeAsync(100);
    world.state.coming = new Promise(() => undefined);
    await vi.advanceTimersByTimeAsync(200);
    expect((await early).at).toBe(1_050 + turn);
    expect((await late).n).toBe(2);
  });

  test('waits half a second for those who never come', async () => {
    const { reader, state } = readerOf();
    state.coming = new Promise(() => undefined);
    const proof = reader.get(fresh);
    await vi.advanceTimersByTimeAsync(700);
    expect((await proof).at).toBe(500 + turn);
  });
});

describe('the routine window', () => {
  test('is 2 s for small accounts, 0.6 s for each request of a snapshot beyond, and bounded', () => {
    expect(routineWindowMs(2, 120)).toBe(2_000);
    expect(routineWindowMs(3, 120)).toBe(2_000);
    expect(routineWindowMs(6, 120)).toBe(3_600);
    expect(routineWindowMs(6, 60)).toBe(7_200);
    expect(routineWindowMs(500, 120)).toBe(30_000);
  });
});
