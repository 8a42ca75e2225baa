/** The log of decisions and the size of what a guard carries from run to run (TEMPORAL.md §1). */
import { describe, expect, it } from 'vitest';
import { answered, fitting, logged, MAX_DECISIONS, type LogEntry } from '../../src/domain/decision-log.ts';
import { carried } from '../../src/domain/guard-state.ts';
import { DEFAULT_POLICY } from '../../src/domain/policy.ts';
import { aFailure, protectedGuard, type GuardUnderTest } from '../support/guard-under-test.ts';

function anEntry(change: Partial<LogEntry> = {}): LogEntry {
  return {
    at: 1,
    count: 1,
    state: 'protected',
    rule: 'fixed',
    price: '100',
    resting: '94',
    request: null,
    answer: null,
    provenAt: 1,
    reason: 'in place',
    ...change,
  };
}

describe('the log', () => {
  it('counts equal decisions and keeps the last price and proof', () => {
    const log = [1, 2, 3].reduce<readonly LogEntry[]>(
      (all, at) => logged(all, anEntry({ at, price: `10${at}`, provenAt: at })),
      [],
    );
    expect(log).toEqual([anEntry({ at: 3, count: 3, price: '103', provenAt: 3 })]);
  });

  it.each<[string, Partial<LogEntry>]>([
    ['state', { state: 'blind' }],
    ['rule', { rule: 'trailing' }],
    ['resting stop', { resting: '95' }],
    ['request', { request: '95' }],
    ['reason', { reason: 'loosened' }],
  ])('keeps apart what differs in its %s', (_name, change) => {
    expect(logged([anEntry()], anEntry(change))).toHaveLength(2);
  });

  it('puts the answer to the decision that asked, and makes an entry of one that nobody asked for here', () => {
    const asked = anEntry({ request: '94' });
    expect(answered([asked], { ...anEntry({ request: '94', answer: 'applied' }) })).toEqual([
      { ...asked, answer: 'applied' },
    ]);
    expect(answered([asked], anEntry({ request: '94.01', answer: 'applied' }))).toHaveLength(2);
    expect(
      answered([{ ...asked, answer: 'applied' }], anEntry({ request: '94', answer: 'unchanged' })),
    ).toHaveLength(2);
  });

  it('holds the last 50', () => {
    const log = Array.from({ length: 200 }).reduce<readonly LogEntry[]>(
      (all, _, at) => logged(all, anEntry({ at, reason: `${at}` })),
      [],
    );
    expect(log).toHaveLength(MAX_DECISIONS);
    expect(log.at(-1)?.at).toBe(199);
    expect(log[0]?.at).toBe(150);
  });

  it('fitting keeps the newest that fit, in order', () => {
    const log = Array.from({ length: 50 }, (_, at) => anEntry({ at }));
    const kept = fitting(log, 1_000);
    expect(JSON.stringify(kept).length).toBeLessThanOrEqual(1_000);
    expect(kept).toEqual(log.slice(-kept.length));
    expect(kept.length).toBeGreaterThan(3);
    expect(fitting(log, 10)).toEqual([]);
    expect(fitting(log, 1_000_000)).toEqual(log);
  });
});

describe('a guard in its eventful life', () => {
  /** Long names, many digits, every extra, a log of distinct decisions, alerts that nobody takes. */
  function crowdedGuard(): GuardUnderTest {
    const words = 'the venue says something very long about this request '.repeat(20);
    const guard = protectedGuard({
      symbol: '1000000BABYDOGEUSDT',
      entryPrice: '0.000123456789',
      price: '0.000123456789',
      tickSize: '0.0000000001',
      size: '123456789012.5',
      openTime: 1_700_000_000_001,
      liqPrice: '0.000111111111',
      takeProfit: '0.000222222222',
      nativeTrailing: '0.00000123',
      unrealisedPnl: '-1234567.12345678',
      positionIM: '1234567.12345678',
    });
    for (let at = 0; at < 60; at += 1) {
      guard.sees(
        {
          price: `0.0001${3 + (at % 7)}${at}456789`,
          stopLoss: at % 3 === 0 ? null : (guard.row.stopLoss ?? null),
        },
        30_000,
      );
      if (guard.last?.action.kind === 'write') {
        if (at % 2 === 0) guard.proves();
        else guard.fails({ ...aFailure('VenueUnknown', words), hint: words });
      }
      guard.seesNothing(at % 5 === 0 ? 'VenueAuth' : 'VenueUnavailable', 5_000);
    }
    guard.sees({ side: 'short', openTime: 1_700_000_000_002, stopLoss: null, status: 'Liq' }, 1_000);
    guard.fails({ ...aFailure('VenueAuth', words), hint: words });
    return guard;
  }

  it('hands less than 8 kB to its next run, alerts and policy included, and the newest decisions with it', () => {
    const guard = crowdedGuard();
    expect(guard.book.log.length).toBe(50);
    expect(guard.book.outbox.length).toBeGreaterThan(3);
    const next = carried(guard.book, 6_500);
    const input = {
      account: 'main',
      leg: next.leg,
      policy: DEFAULT_POLICY,
      searchAttributes: 'on',
      book: next,
    };
    expect(Buffer.byteLength(JSON.stringify(input))).toBeLessThan(8_000);
    expect(next.log.length).toBeGreaterThan(0);
    expect(next.log.at(-1)).toEqual(guard.book.log.at(-1));
    expect({ ...next, log: [] }).toEqual({ ...guard.book, log: [] });
  });
});
