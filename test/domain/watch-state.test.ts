/** The watcher's memory: what it judges by itself, what stays released, and what a human must hear (I5, I7; DESIGN §5). */
import { describe, expect, it } from 'vitest';
import type { Released } from '../../src/domain/messages.ts';
import {
  newWatch,
  roundFailed,
  swept,
  type Round,
  type WatchedLeg,
  type WatchState,
} from '../../src/domain/watch-state.ts';
import { boardOf } from '../../src/domain/watch-board.ts';

const T = 1_000_000;
const BTC = { symbol: 'BTCUSDT', positionIdx: 0 } as const;

function aLeg(change: Partial<WatchedLeg> = {}): WatchedLeg {
  return {
    ...BTC,
    side: 'long',
    size: '1',
    stop: '94',
    state: 'PROTECTED',
    openTime: 500_000,
    note: null,
    ...change,
  };
}

function aRound(change: Partial<Round> = {}): Round {
  return {
    token: 't',
    full: true,
    legs: [aLeg()],
    gone: [],
    readAt: T,
    started: [],
    failed: [],
    ignored: [],
    ...change,
  };
}

function aRelease(change: Partial<Released> = {}): Released {
  return {
    ...BTC,
    reason: 'by hand',
    since: T,
    until: null,
    untilAdopted: false,
    episode: '500000',
    ...change,
  };
}

const after = (...rounds: readonly Partial<Round>[]): WatchState =>
  rounds.reduce((state, round) => swept(state, aRound(round)), newWatch('main'));
const kinds = (state: WatchState): readonly string[] =>
  state.outbox.map(({ level, kind }) => `${level} ${kind}`);

describe('a round', () => {
  it('is counted, and the board shows each leg since it is in its state', () => {
    const state = after(
      {},
      { readAt: T + 10_000 },
      { readAt: T + 20_000, legs: [aLeg({ stop: null, state: 'UNPROTECTED' })] },
    );
    expect(boardOf(state)).toMatchObject({
      account: 'main',
      rounds: 3,
      roundAt: '1970-01-01T00:17:00.000Z',
      legs: [
        {
          symbol: 'BTCUSDT',
          state: 'UNPROTECTED',
          stop: null,
          guard: 'guard:main:BTCUSDT',
          since: '1970-01-01T00:17:00.000Z',
        },
      ],
    });
    expect(boardOf(after({}, { readAt: T + 10_000 })).legs[0]?.since).toBe('1970-01-01T00:16:40.000Z');
  });

  it('of differences changes what it names and forgets what is gone', () => {
    const eth = aLeg({ symbol: 'ETHUSDT' });
    const state = after(
      { legs: [aLeg(), eth] },
      { full: false, legs: [aLeg({ size: '2' })], gone: ['ETHUSDT:0'] },
    );
    expect(boardOf(state).legs.map(({ symbol, size }) => [symbol, size])).toEqual([['BTCUSDT', '2']]);
  });

  it('that is full forgets what it does not name', () => {
    expect(boardOf(after({ legs: [aLeg(), aLeg({ symbol: 'ETHUSDT' })] }, {})).legs).toHaveLength(1);
  });

  it('names what the policy ignores as not covered', () => {
    expect(boardOf(after({ ignored: [{ symbol: 'DOGEUSDT', size: '5' }] })).notCovered).toEqual([
      { category: 'linear', symbol: 'DOGEUSDT', size: '5', reason: 'ignored by policy' },
    ]);
  });
});

describe('alerts', () => {
  const bare = { legs: [aLeg({ stop: null, state: 'UNPROTECTED' })] } as const;

  it('a leg without a stop for 60 s is an EMERGENCY whatever runs, repeated every 5 min', () => {
    let state = after({ ...bare });
    for (let s = 10; s < 60; s += 10) state = swept(state, aRound({ ...bare, readAt: T + s * 1_000 }));
    expect(state.outbox).toEqual([]);
    for (let s = 60; s <= 660; s += 10) state = swept(state, aRound({ ...bare, readAt: T + s * 1_000 }));
    expect(kinds(state)).toEqual(Array(3).fill('EMERGENCY unprotected-emergency'));
    expect(new Set(state.outbox.map(({ id }) => id)).size).toBe(3);
  });

  it('a stop that was back in between starts the 60 s again', () => {
    const state = after(
      { ...bare },
      { readAt: T + 30_000 },
      { ...bare, readAt: T + 40_000 },
      { ...bare, readAt: T + 90_000 },
    );
    expect(state.outbox).toEqual([]);
  });

  it("a leg in its operator's hands is no alert", () => {
    const state: WatchState = { ...after({ ...bare }), released: [aRelease()] };
    expect(swept(state, aRound({ ...bare, readAt: T + 90_000 })).outbox).toEqual([]);
  });

  it('a position that cannot be read is CRITICAL by name, with its reason, once', () => {
    const broken = { legs: [aLeg({ state: 'UNREADABLE', size: '3', note: 'markPrice is "0"' })] } as const;
    const state = after({ ...broken }, { ...broken, readAt: T + 10_000 });
    expect(kinds(state)).toEqual(['CRITICAL blind']);
    expect(state.outbox[0]?.message).toBe(
      'the position BTCUSDT (size 3) cannot be protected: markPrice is "0"',
    );
    expect(boardOf(state).legs[0]).toMatchObject({ state: 'UNREADABLE', guard: null });
  });

  it('a guard that could not be started is CRITICAL with the reason', () => {
    const state = after({ failed: [{ leg: BTC, reason: 'no connection' }] });
    expect(kinds(state)).toEqual(['CRITICAL unprotected']);
    expect(state.outbox[0]?.message).toContain('no connection');
  });

  it('an account that cannot be read is one WARNING after 3 rounds, and one again after a good round', () => {
    const fail = (state: WatchState, times: number) =>
      Array.from({ length: times }).reduce<WatchState>(
        (next, _, at) => roundFailed(next, 'timeout', T + at),
        state,
      );
    expect(kinds(fail(after({}), 2))).toEqual([]);
    const down = fail(after({}), 10);
    expect(kinds(down)).toEqual(['WARNING blind']);
    expect(boardOf(down)).toMatchObject({ failedRounds: 10, legs: [{ symbol: 'BTCUSDT' }] });
    expect(kinds(fail(swept(down, aRound()), 3))).toEqual(['WARNING blind', 'WARNING blind']);
  });

  it('what was told of a leg is not told again after rounds that failed', () => {
    const broken = { legs: [aLeg({ state: 'UNREADABLE' })] } as const;
    let state = after({ ...broken });
    for (let rounds = 0; rounds < 4; rounds += 1) state = roundFailed(state, 'timeout', T + rounds);
    expect(kinds(swept(state, aRound({ ...broken, readAt: T + 60_000 })))).toEqual([
      'CRITICAL blind',
      'WARNING blind',
    ]);
  });

  it('waiting for delivery are at most 50', () => {
    let state = newWatch('main');
    for (let round = 0; round < 120; round += 1) {
      const legs = [aLeg({ symbol: `A${round}USDT`, state: 'UNREADABLE' })];
      state = swept(state, aRound({ legs, readAt: T + round * 1_000 }));
    }
    expect(state.outbox).toHaveLength(50);
    expect(state.alertCount).toBe(120);
  });
});

describe('a guard that had to be started again', () => {
  it('lost its memory, and a human hears so', () => {
    expect(kinds(after({}, { started: [BTC], readAt: T + 10_000 }))).toEqual(['WARNING memory-lost']);
  });

  it("lost nothing in the watcher's first round, or where the position is new", () => {
    expect(kinds(after({ started: [BTC] }))).toEqual([]);
    expect(kinds(after({ legs: [] }, { started: [BTC] }))).toEqual([]);
    expect(kinds(after({}, { legs: [aLeg({ openTime: 900_000 })], started: [BTC] }))).toEqual([]);
  });

  it('was not ended by a stranger where its leg was released and is adopted again', () => {
    const released: WatchState = { ...after({}), released: [aRelease({ untilAdopted: true })] };
    const quiet = swept(released, aRound({ readAt: T + 10_000 }));
    const adopted = swept({ ...quiet, released: [] }, aRound({ started: [BTC], readAt: T + 20_000 }));
    expect(kinds(adopted)).toEqual([]);
    expect(kinds(swept(adopted, aRound({ started: [BTC], readAt: T + 30_000 })))).toEqual([
      'WARNING memory-lost',
    ]);
  });
});

describe('a release', () => {
  const round = (release: Released, ...rounds: readonly Partial<Round>[]) =>
    rounds.reduce<WatchState>((state, one) => swept(state, aRound(one)), {
      ...after({}),
      released: [release],
    }).released;

  it('lasts while its position does, and the board says so', () => {
    const state = swept({ ...after({}), released: [aRelease()] }, aRound());
    expect(boardOf(state)).toMatchObject({
      legs: [{ state: 'RELEASED', guard: null }],
      released: [{ symbol: 'BTCUSDT', reason: 'by hand', until: null }],
    });
  });

  it('ends with another life of the position', () => {
    expect(round(aRelease(), { legs: [aLeg({ openTime: 900_000 })] })).toEqual([]);
  });

  it('ends when two rounds show the leg gone, not when one does', () => {
    expect(round(aRelease(), { legs: [] })).toHaveLength(1);
    expect(round(aRelease(), { legs: [] }, {})).toHaveLength(1);
    expect(round(aRelease(), { legs: [] }, { legs: [] })).toEqual([]);
  });

  it('ends at the first absence where no openTime could tell a new position from the old', () => {
    const unknown = [aLeg({ openTime: null })];
    expect(round(aRelease({ episode: '123' }), { legs: unknown }, { legs: [] })).toEqual([]);
  });

  it('untilAdopted outlives its position, with another openTime or without', () => {
    const release = aRelease({ untilAdopted: true });
    expect(round(release, { legs: [] }, { legs: [] }, { legs: [aLeg({ openTime: 900_000 })] })).toEqual([
      release,
    ]);
  });

  it('for a time ends with it, and not before', () => {
    const release = aRelease({ until: T + 5_000, untilAdopted: true });
    expect(round(release, { readAt: T + 4_999 })).toEqual([release]);
    expect(round(release, { readAt: T + 5_000 })).toEqual([]);
  });
});
