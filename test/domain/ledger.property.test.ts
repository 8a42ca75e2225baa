/** Any interleaving of operations, retries, syncs, sessions, waits and continue-as-new keeps the ledger's promises. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { dec } from '../../src/domain/decimal.ts';
import {
  allocateMargin,
  newSession,
  releaseMargin,
  reserveMargin,
  validateNewTrade,
} from '../../src/domain/ledger.ts';
import type { AllocateRequest, ReleaseRequest, ReserveRequest } from '../../src/domain/ledger-input.ts';
import { balanceFailed, balanceRead } from '../../src/domain/ledger-sync.ts';
import { externalMargin, figuresOf, isReservation } from '../../src/domain/ledger-state.ts';
import type { LedgerState } from '../../src/domain/ledger-state.ts';
import { T0, book, margin, reading } from '../support/ledger-book.ts';

const RUNS = Number(process.env['FC_RUNS'] ?? 5_000);
const SEED = Number(process.env['FC_SEED'] ?? Date.now() % 1_000_000_007);

/** One thing that happens; `pick` chooses among the ids given out so far. */
type Event =
  | {
      readonly kind: 'allocate';
      readonly amount: string;
      readonly symbol: string;
      readonly pick: number | null;
    }
  | {
      readonly kind: 'reserve';
      readonly amount: string;
      readonly symbol: string;
      readonly lapses: number | null;
    }
  | { readonly kind: 'release'; readonly pick: number }
  | { readonly kind: 'trade'; readonly notional: string; readonly leverage: number }
  | { readonly kind: 'retry'; readonly pick: number }
  | {
      readonly kind: 'sync';
      readonly total: string;
      readonly margins: readonly (readonly [string, string])[];
    }
  | { readonly kind: 'sync-failed' }
  | { readonly kind: 'session' }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'continue-as-new' };

const SYMBOLS = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT'] as const;
const symbol = fc.constantFrom(...SYMBOLS);
const amount = fc.oneof(
  fc.integer({ min: 1, max: 60_000 }).map((cents) => (cents / 100).toFixed(2)),
  fc.constantFrom('0.000000000000000001', '800', '1000', '79.99', '99999'),
);
const total = fc.integer({ min: 0, max: 200_000 }).map((cents) => (cents / 100).toFixed(2));
const pick = fc.nat({ max: 1_000 });

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('allocate' as const),
      amount,
      symbol,
      pick: fc.option(pick, { freq: 2 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('reserve' as const),
      amount,
      symbol,
      lapses: fc.option(fc.integer({ min: 1, max: 600_000 })),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('release' as const), pick }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('trade' as const),
      notional: amount,
      leverage: fc.integer({ min: 1, max: 100 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('retry' as const), pick }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('sync' as const),
      total,
      margins: fc.array(fc.tuple(symbol, total), { maxLength: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'sync-failed' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'session' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 400_000 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'continue-as-new' as const }) },
);

interface Asked {
  readonly again: (state: LedgerState, now: number) => { state: LedgerState; answer: unknown };
  readonly answer: unknown;
}

/** A ledger under test, with an account of its own of what is open. */
class Run {
  state: LedgerState;
  now = T0;
  refusedByAvailable = 0;
  succeeded = 0;
  private readonly asked: Asked[] = [];
  private readonly given: string[] = [];
  /** Id → amount, expiry: what the answers say is open. */
  private readonly open = new Map<
    string,
    { amount: string; expiresAt: number | null; reservation: boolean }
  >();

  constructor(maxAllocationPct: number) {
    this.state = book({}, maxAllocationPct);
  }

  apply(each: Event): void {
    switch (each.kind) {
      case 'allocate':
        return this.allocate(each);
      case 'reserve':
        return this.reserve(each);
      case 'release':
        return this.release(each.pick);
      case 'trade': {
        const request = {
          requestId: this.nextId(),
          symbol: 'BTCUSDT',
          notional: each.notional,
          leverage: each.leverage,
        };
        this.ask((state, now) => validateNewTrade(state, request, now));
        return;
      }
      case 'retry': {
        const former = this.asked[each.pick % Math.max(1, this.asked.length)];
        if (former === undefined) return;
        const before = sums(this.state, this.now);
        const { state, answer } = former.again(this.state, this.now);
        expect(answer).toEqual(former.answer);
        expect(sums(state, this.now)).toEqual(before);
        this.state = state;
        return;
      }
      case 'sync': {
        const positions = each.margins.map(([name, amount], i) => margin(name, amount, i % 3));
        this.state = balanceRead(this.state, reading({ total: each.total, positions }), this.now);
        return;
      }
      case 'sync-failed': {
        const failure = { type: 'VenueUnavailable', code: null, message: 'down', hint: 'wait' } as const;
        this.state = balanceFailed(this.state, failure, this.now);
        return;
      }
      case 'session': {
        const request = { requestId: this.nextId() };
        this.ask((state, now) => newSession(state, request, now));
        return;
      }
      case 'wait':
        this.now += each.ms;
        return;
      case 'continue-as-new':
        this.state = JSON.parse(JSON.stringify(this.state)) as LedgerState;
    }
  }

  /** The promises that hold after every event. */
  check(): void {
    this.lapse();
    const { allocated, reserved } = sums(this.state, this.now);
    const mine = { allocated: dec('0'), reserved: dec('0') };
    for (const entry of this.open.values()) {
      const kind = entry.reservation ? 'reserved' : 'allocated';
      mine[kind] = mine[kind].plus(dec(entry.amount));
    }
    expect(allocated).toBe(mine.allocated.toFixed());
    expect(reserved).toBe(mine.reserved.toFixed());
    expect(dec(this.state.allocated).gte(0)).toBe(true);
    expect(dec(this.state.reserved).gte(0)).toBe(true);
    expect(externalMargin(this.state).gte(0)).toBe(true);
    expect(figuresOf(this.state).available.gte(0)).toBe(true);
  }

  private allocate({ amount, symbol: name, pick: chosen }: Extract<Event, { kind: 'allocate' }>): void {
    const reservations = this.given.filter((id) => id.startsWith('r'));
    const reservationId =
      chosen === null ? undefined : reservations[chosen % Math.max(1, reservations.length)];
    const request: AllocateRequest = {
      requestId: this.nextId(),
      amount,
      symbol: name,
      ...(reservationId === undefined ? {} : { reservationId }),
    };
    const answer = this.ask((state, now) => allocateMargin(state, request, now));
    this.took(answer);
    if (!answer.ok) return;
    if (reservationId !== undefined) this.open.delete(reservationId);
    this.open.set(answer.allocationId, { amount, expiresAt: null, reservation: false });
    this.given.push(answer.allocationId);
    this.withinTheCap();
  }

  private reserve({ amount, symbol: name, lapses }: Extract<Event, { kind: 'reserve' }>): void {
    const request: ReserveRequest = {
      requestId: this.nextId(),
      amount,
      symbol: name,
      ...(lapses === null ? {} : { expiresInMs: lapses }),
    };
    const answer = this.ask((state, now) => reserveMargin(state, request, now));
    this.took(answer);
    if (!answer.ok) return;
    const expiresAt = lapses === null ? null : this.now + lapses;
    this.open.set(answer.reservationId, { amount, expiresAt, reservation: true });
    this.given.push(answer.reservationId);
    this.withinTheCap();
  }

  private release(chosen: number): void {
    const id = this.given[chosen % Math.max(1, this.given.length)] ?? 'a-none-1';
    this.lapse();
    const wasOpen = this.open.get(id);
    const request: ReleaseRequest = { requestId: this.nextId(), id };
    const answer = this.ask((state, now) => releaseMargin(state, request, now));
    expect(answer.ok).toBe(wasOpen !== undefined);
    if (answer.ok) expect(dec(answer.released).eq(dec(wasOpen?.amount ?? '0'))).toBe(true);
    this.open.delete(id);
  }

  private ask<Answer>(
    perform: (state: LedgerState, now: number) => { state: LedgerState; answer: Answer },
  ): Answer {
    const { state, answer } = perform(this.state, this.now);
    this.state = state;
    this.asked.push({ again: perform, answer });
    return answer;
  }

  private took(answer: { ok: boolean; reasons?: readonly { limit: string }[] }): void {
    if (answer.ok) this.succeeded += 1;
    else if (answer.reasons?.some(({ limit }) => limit === 'available') === true)
      this.refusedByAvailable += 1;
  }

  private withinTheCap(): void {
    const { total: whole, allocated, reserved, external, cap } = figuresOf(this.state);
    const inUse = allocated.plus(reserved).plus(external);
    expect(inUse.lte(cap)).toBe(true);
    expect(inUse.lte(whole)).toBe(true);
  }

  private lapse(): void {
    for (const [id, entry] of this.open) {
      if (entry.expiresAt !== null && entry.expiresAt <= this.now) this.open.delete(id);
    }
  }

  private nextId(): string {
    return `q-${this.asked.length}`;
  }
}

/** Recomputed from the open entries, reservations that lapsed left out. */
function sums(state: LedgerState, now: number): { allocated: string; reserved: string } {
  let allocated = dec('0');
  let reserved = dec('0');
  for (const entry of state.entries) {
    if (entry.expiresAt !== undefined && entry.expiresAt <= now) continue;
    if (isReservation(entry)) reserved = reserved.plus(dec(entry.amount));
    else allocated = allocated.plus(dec(entry.amount));
  }
  expect(allocated.toFixed()).toBe(state.allocated);
  return { allocated: allocated.toFixed(), reserved: reserved.toFixed() };
}

it.each([80, 100])(
  `with at most %s percent in use, ${RUNS} interleavings keep every promise (seed ${SEED})`,
  (maxAllocationPct) => {
    let succeeded = 0;
    let refusedByAvailable = 0;
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 40 }), (events) => {
        const run = new Run(maxAllocationPct);
        for (const each of events) {
          run.apply(each);
          run.check();
        }
        succeeded += run.succeeded;
        refusedByAvailable += run.refusedByAvailable;
      }),
      { numRuns: RUNS, seed: SEED },
    );
    expect(succeeded).toBeGreaterThan(0);
    expect(refusedByAvailable).toBeGreaterThan(0);
  },
  600_000,
);
