/** One attempt of a protective write against a fake venue: what is read before it, and what it may claim after it. */
import { describe, expect, it } from 'vitest';
import { attemptStop, type Attempt } from '../../src/activities/ensure-stop.ts';
import { KNOWS_NOTHING, observeLeg, readingOf } from '../../src/activities/observe.ts';
import { VolatilityCache } from '../../src/activities/volatility.ts';
import type { AuditFact } from '../../src/domain/audit.ts';
import { evolve, evolveAll } from '../../src/domain/evolve.ts';
import { newBook, type GuardBook } from '../../src/domain/guard-state.ts';
import { DEFAULT_POLICY } from '../../src/domain/policy.ts';
import type { ReadOptions } from '../../src/exchange/port.ts';
import { FakeVenue } from '../support/fake-port.ts';

interface Logged {
  readonly event: string;
}

const NOTHING_SENT: Attempt['earlier'] = [];

function world() {
  let clock = 1_000_000;
  const now = (): number => (clock += 1);
  const venue = new FakeVenue({ account: 'main', now });
  const reader = { port: venue.port, volatility: new VolatilityCache(now), now };
  const events: Logged[] = [];
  const audited: (AuditFact & { readonly place: string })[] = [];
  const note = (_fields: object, event: string): void => {
    events.push({ event });
  };
  const asked: ReadOptions[] = [];
  const recorded = {
    ...reader,
    port: {
      ...venue.port,
      snapshot: (options: ReadOptions = {}) => {
        asked.push(options);
        return venue.port.snapshot(options);
      },
    },
  };
  const attempt = async (
    book: GuardBook,
    { first = true, justRead = false, signal = new AbortController().signal, earlier = NOTHING_SENT } = {},
  ): Promise<GuardBook> => {
    const { events: happened } = await attemptStop({
      reader: recorded,
      input: { account: 'main', book, policy: DEFAULT_POLICY, rewrite: false, justRead },
      earlier,
      first,
      remember: () => undefined,
      sleep: () => Promise.resolve(),
      signal,
      audit: (place, fact) => audited.push({ place, ...fact }),
      log: { debug: note, info: note, warn: note, error: note },
    });
    return evolveAll(book, happened, DEFAULT_POLICY);
  };
  const look = async (book: GuardBook, withStopOrders: boolean): Promise<GuardBook> => {
    const observation = await observeLeg(reader, {
      account: 'main',
      leg: book.leg,
      mode: 'routine',
      ...readingOf(DEFAULT_POLICY),
      withStopOrders,
      known: KNOWS_NOTHING,
    });
    return evolve(book, { kind: 'observed', observation }, DEFAULT_POLICY);
  };
  return { venue, events, asked, audited, attempt, look };
}

describe('the audit log', () => {
  it('hears of the write, its outcome and its proof, by places that a retry would name again', async () => {
    const { venue, attempt, audited } = world();
    const leg = venue.open();
    await attempt(newBook('main', leg));
    expect(audited).toMatchObject([
      { place: 'written-0', kind: 'stop-written', leg, stop: '94', previous: null, outcome: 'applied' },
      { place: 'proven-1', kind: 'stop-proven', leg, stop: '94' },
    ]);
  });

  it('hears from the next attempt of a write that was sent before a crash, and that it took effect', async () => {
    const { venue, attempt, audited } = world();
    const leg = venue.open();
    const book = await attempt(newBook('main', leg));
    const failure = {
      type: 'VenueUnknown',
      code: null,
      message: 'attempt ended before an answer',
      hint: '',
    } as const;
    const sent = {
      kind: 'written',
      stop: '94',
      stopKind: 'fixed',
      rule: 'fixed',
      urgency: 'no-stop',
      outcome: { kind: 'unknown', failure },
      at: 1,
    } as const;
    audited.length = 0;
    await attempt(book, { first: false, earlier: [sent] });
    expect(audited).toMatchObject([
      { place: 'written-0', kind: 'stop-written', outcome: 'unknown', answer: failure.message },
      { place: 'proven-1', kind: 'stop-proven', stop: '94' },
    ]);
  });
});

describe('an attempt of a protective write', () => {
  it('writes a stop of ours with the wrong trigger type again, a tick tighter where the venue says "not modified"', async () => {
    const { venue, attempt, look } = world();
    const leg = venue.open();
    const guarded = await attempt(await look(newBook('main', leg), false));
    expect(guarded.state).toMatchObject({ kind: 'protected', stop: '94' });
    venue.retype(leg, 'LastPrice');
    const after = await attempt(await look(guarded, true));
    expect(venue.sent(leg)).toEqual(['94', '94.01']);
    expect(after.state).toMatchObject({ kind: 'protected', stop: '94.01' });
    const [order] = await venue.port.stopOrders();
    expect(order?.triggerBy).toBe('MarkPrice');
  });

  it("leaves a person's tighter stop that came while the write waited for its turn", async () => {
    const { venue, attempt, look } = world();
    const leg = venue.open();
    const book = await look(newBook('main', leg), false);
    venue.fault({ call: 'setStop', kind: 'turn-passed', act: () => venue.humanStop(leg, '97') });
    const after = await attempt(book);
    expect(venue.sent(leg)).toEqual([]);
    expect(after.state).toMatchObject({ kind: 'protected', stop: '97' });
  });

  it('decides by the price of the new read after each turn that came too late', async () => {
    const { venue, attempt, look } = world();
    const leg = venue.open();
    const book = await look(newBook('main', leg), false);
    venue.fault({ call: 'setStop', kind: 'turn-passed', act: () => venue.price('BTCUSDT', '95') });
    venue.fault({ call: 'setStop', kind: 'turn-passed', act: () => venue.price('BTCUSDT', '93') });
    const after = await attempt(book);
    expect(venue.asked('setStop').map(({ stopLoss }) => stopLoss)).toEqual(['94', '94', '87.42']);
    expect(after.state).toMatchObject({ kind: 'protected', stop: '87.42' });
  });

  it.each([
    ['a session that has just read shares a read of the last second', {}, { youngerThanMs: 1_000 }],
    ['a later attempt begins a read of its own', { first: false }, { fresh: true }],
    ['a guard begins a read of its own', { justRead: false }, { fresh: true }],
  ])('decides and proves by reads: %s', async (_name, how, firstRead) => {
    const { venue, asked, attempt, look } = world();
    const leg = venue.open();
    await attempt(await look(newBook('main', leg), false), { justRead: true, ...how });
    expect(asked).toEqual([firstRead, { fresh: true }]);
  });

  it('reads afresh after a turn that came too late, also in a session', async () => {
    const { venue, asked, attempt, look } = world();
    const leg = venue.open();
    venue.fault({ call: 'setStop', kind: 'turn-passed', act: () => undefined });
    await attempt(await look(newBook('main', leg), false), { justRead: true });
    expect(asked).toEqual([{ youngerThanMs: 1_000 }, { fresh: true }, { fresh: true }]);
  });

  it('writes nothing once nobody waits for it: another attempt may be under way', async () => {
    const { venue, attempt } = world();
    const leg = venue.open();
    const given = AbortSignal.abort(new Error('the worker stops'));
    await expect(attempt(newBook('main', leg), { signal: given })).rejects.toThrow('the worker stops');
    expect(venue.sent(leg)).toEqual([]);
  });

  it('logs no proof for a position that the venue began to liquidate meanwhile', async () => {
    const { venue, events, attempt, look } = world();
    const leg = venue.open();
    const book = await look(newBook('main', leg), false);
    venue.fault({ call: 'setStop', kind: 'ok-without-effect' });
    venue.fault({ call: 'snapshot', kind: 'meanwhile', skip: 1, act: () => venue.open({ status: 'Liq' }) });
    await attempt(book);
    expect(events.map(({ event }) => event)).not.toContain('stop.proven');
  });

  it.each([
    ['ok-without-effect', '94, but the read shows no stop'],
    ['unchanged-without-effect', '"not modified" 94, but the read shows no stop'],
  ] as const)('fails where the venue answers %s: an answer is no proof (I2)', async (kind, words) => {
    const { venue, events, attempt, look } = world();
    const book = await look(newBook('main', venue.open()), false);
    venue.fault({ call: 'setStop', kind });
    await expect(attempt(book)).rejects.toThrow(words);
    expect(events.map(({ event }) => event)).not.toContain('stop.proven');
  });

  it('fails where the read after it still shows the looser stop from before', async () => {
    const { venue, attempt, look } = world();
    const book = await look(newBook('main', venue.open({ stopLoss: '90' })), false);
    venue.fault({ call: 'setStop', kind: 'ok-without-effect' });
    await expect(attempt(book)).rejects.toThrow('accepted the stop 94, but the read shows 90');
  });

  it('is proven by a tighter stop that a human set meanwhile', async () => {
    const { venue, events, attempt, look } = world();
    const leg = venue.open();
    const book = await look(newBook('main', leg), false);
    venue.fault({ call: 'snapshot', kind: 'meanwhile', skip: 1, act: () => venue.humanStop(leg, '97') });
    const after = await attempt(book);
    expect(after.state).toMatchObject({ kind: 'protected', stop: '97' });
    expect(events.map(({ event }) => event)).toContain('stop.proven');
  });
});
