/** The margin ledger's rules of DESIGN §6, one by one. */
import { describe, expect, it } from 'vitest';
import {
  allocateMargin,
  newSession,
  releaseMargin,
  requestIdProblem,
  reserveMargin,
  validateNewTrade,
} from '../../src/domain/ledger.ts';
import type { Step } from '../../src/domain/ledger.ts';
import { balanceFailed, balanceRead } from '../../src/domain/ledger-sync.ts';
import { externalMargin, newLedger } from '../../src/domain/ledger-state.ts';
import type { LedgerState } from '../../src/domain/ledger-state.ts';
import {
  sessionOpening,
  dashboardOf,
  ledgerDetails,
  limitsOf,
  reportedBalance,
  summaryOf,
} from '../../src/domain/ledger-view.ts';
import { REMEMBER_MS, byteLength } from '../../src/domain/ledger-memory.ts';
import { MINUTE, T0, book, margin, reading } from '../support/ledger-book.ts';

let ids = 0;
const id = () => `id-${(ids += 1)}`;
const allocate = (state: LedgerState, amount: string, symbol = 'BTCUSDT', now = T0) =>
  allocateMargin(state, { requestId: id(), amount, symbol }, now);
const reserve = (state: LedgerState, amount: string, symbol = 'BTCUSDT', now = T0) =>
  reserveMargin(state, { requestId: id(), amount, symbol }, now);
const release = (state: LedgerState, entry: string, now = T0) =>
  releaseMargin(state, { requestId: id(), id: entry }, now);

describe('allocating and reserving', () => {
  it('both limits are told with both figures', () => {
    const { state, answer } = allocate(book(), '1200');
    expect(answer).toEqual({
      ok: false,
      reasons: [
        {
          limit: 'available',
          asked: '1200',
          allowed: '1000.00',
          message: '1200 USD asked, 1000.00 USD available',
        },
        {
          limit: 'maxAllocation',
          asked: '1200',
          allowed: '800.00',
          message: '1200 USD asked, 800.00 USD left under the share of the balance that may be in use',
        },
      ],
    });
    expect(dashboardOf(state, T0)).toMatchObject({ overexposurePrevented: 1, operations: { total: 0 } });
  });

  it('exactly the cap fits, a fraction more does not', () => {
    expect(allocate(book(), '800').answer.ok).toBe(true);
    expect(allocate(book(), '800.000000000000000001').answer.ok).toBe(false);
  });

  it('the cap holds for allocations, reservations and external margin together', () => {
    let state = book({ positions: [margin('ETHUSDT', '100')] });
    state = allocate(state, '300').state;
    state = reserve(state, '300').state;
    expect(allocate(state, '100.01').answer).toMatchObject({ reasons: [{ limit: 'maxAllocation' }] });
    expect(reserve(state, '100.01').answer).toMatchObject({ ok: false });
    expect(reserve(state, '100').answer.ok).toBe(true);
  });

  it('with the cap at 100 % what is available binds by itself', () => {
    const state = book({ total: '99.999' }, 100);
    const { answer } = allocate(state, '100');
    expect(answer).toMatchObject({
      ok: false,
      reasons: [{ limit: 'available' }, { limit: 'maxAllocation' }],
    });
    expect(allocate(state, '99.999').answer.ok).toBe(true);
  });

  it('a balance of zero gives nothing and divides by nothing', () => {
    const { state, answer } = allocate(book({ total: '0' }), '1');
    expect(answer.ok).toBe(false);
    expect(dashboardOf(state, T0)).toMatchObject({ allocationPct: '0', sessionPnlPct: '0' });
  });

  it('what the account is over by is never negative', () => {
    const state = balanceRead(allocate(book(), '800').state, reading({ total: '500' }), T0);
    expect(dashboardOf(state, T0)).toMatchObject({ availableBalance: '0.00', allocationPct: '160' });
    expect(limitsOf(state, T0)).toMatchObject({ availableForAllocation: '0.00' });
  });
});

describe('the same request id', () => {
  it('is answered alike and counted once, also after a JSON round trip', () => {
    const request = { requestId: 'r1', amount: '120', symbol: 'BTCUSDT' };
    const first = allocateMargin(book(), request, T0);
    const again = allocateMargin(roundTrip(first.state), request, T0 + MINUTE);
    expect(again.answer).toEqual(first.answer);
    expect(dashboardOf(again.state, T0)).toMatchObject({
      allocatedMargin: '120.00',
      operations: { total: 1 },
    });
  });

  it('is answered alike for refusals, though there would be room now', () => {
    const request = { requestId: 'r1', amount: '120', symbol: 'BTCUSDT' };
    const first = allocateMargin(book({ total: '10' }), request, T0);
    const richer = balanceRead(first.state, reading(), T0 + 1);
    expect(allocateMargin(richer, request, T0 + 2).answer).toEqual(first.answer);
  });

  it('cannot be used for another operation', () => {
    const { state } = allocateMargin(book(), { requestId: 'r1', amount: '1', symbol: 'BTCUSDT' }, T0);
    expect(requestIdProblem(state, 'releaseMargin', 'r1')).toContain('allocateMargin');
    expect(requestIdProblem(state, 'allocateMargin', 'r1')).toBeNull();
    expect(requestIdProblem(state, 'validateNewTrade', undefined)).toBeNull();
    expect(() => releaseMargin(state, { requestId: 'r1', id: 'a-1' }, T0)).toThrow(RangeError);
  });

  it('is forgotten after a day, when something else is asked', () => {
    const request = { requestId: 'r1', amount: '1', symbol: 'BTCUSDT' };
    const first = allocateMargin(book(), request, T0).state;
    const late = T0 + REMEMBER_MS;
    const synced = balanceRead(first, reading(), late);
    const cleared = allocate(synced, '1', 'BTCUSDT', late).state;
    expect(cleared.answers).toHaveLength(1);
    const again = allocateMargin(cleared, request, late).state;
    expect(dashboardOf(again, late)).toMatchObject({ operations: { allocations: 3 } });
  });
});

describe('releasing', () => {
  it('gives the whole amount back, once', () => {
    const allocated = allocate(book(), '120');
    const entry = allocationId(allocated);
    const released = release(allocated.state, entry);
    expect(released.answer).toEqual({ ok: true, id: entry, released: '120' });
    expect(dashboardOf(released.state, T0)).toMatchObject({
      allocatedMargin: '0.00',
      operations: { total: 2, allocations: 1, releases: 1 },
    });
    const second = release(released.state, entry);
    expect(second.answer).toMatchObject({ ok: false, reasons: [{ limit: 'notOpen', asked: entry }] });
    expect(dashboardOf(second.state, T0).allocatedMargin).toBe('0.00');
  });

  it('an id that this ledger never gave out is told apart', () => {
    expect(release(book(), 'a-zzz-1').answer).toMatchObject({ reasons: [{ limit: 'unknownId' }] });
    expect(release(book(), `a-${book().epoch}-1`).answer).toMatchObject({
      reasons: [{ limit: 'unknownId' }],
    });
  });

  it('a reservation is given back too', () => {
    const reserved = reserve(book(), '50');
    expect(release(reserved.state, reservationId(reserved)).answer).toMatchObject({ released: '50' });
  });
});

describe('reservations', () => {
  it('turn into an allocation without needing room twice', () => {
    const reserved = reserve(book(), '800');
    const request = {
      requestId: id(),
      amount: '800',
      symbol: 'BTCUSDT',
      reservationId: reservationId(reserved),
    };
    const { state, answer } = allocateMargin(reserved.state, request, T0);
    expect(answer.ok).toBe(true);
    expect(dashboardOf(state, T0)).toMatchObject({ allocatedMargin: '800.00', reservedMargin: '0.00' });
  });

  it('stay when the allocation is refused', () => {
    const reserved = reserve(book(), '700');
    const request = {
      requestId: id(),
      amount: '900',
      symbol: 'BTCUSDT',
      reservationId: reservationId(reserved),
    };
    const { state, answer } = allocateMargin(reserved.state, request, T0);
    expect(answer).toMatchObject({ reasons: [{ limit: 'maxAllocation', asked: '900', allowed: '800.00' }] });
    expect(dashboardOf(state, T0)).toMatchObject({ reservedMargin: '700.00', overexposurePrevented: 1 });
  });

  it('are for their symbol only', () => {
    const reserved = reserve(book(), '10');
    const request = {
      requestId: id(),
      amount: '10',
      symbol: 'ETHUSDT',
      reservationId: reservationId(reserved),
    };
    expect(allocateMargin(reserved.state, request, T0).answer).toMatchObject({
      reasons: [{ limit: 'reservationSymbol', asked: 'ETHUSDT', allowed: 'BTCUSDT' }],
    });
  });

  it('an allocation is not a reservation', () => {
    const allocated = allocate(book(), '10');
    const request = {
      requestId: id(),
      amount: '10',
      symbol: 'BTCUSDT',
      reservationId: allocationId(allocated),
    };
    expect(allocateMargin(allocated.state, request, T0).answer).toMatchObject({
      reasons: [{ limit: 'notOpen' }],
    });
  });

  it('lapse when their time is over, and then make room', () => {
    const reserved = reserveMargin(
      book(),
      { requestId: id(), amount: '800', symbol: 'BTCUSDT', expiresInMs: 5_000 },
      T0,
    );
    expect(reserved.answer).toMatchObject({ expiresAt: new Date(T0 + 5_000).toISOString() });
    expect(allocate(reserved.state, '800', 'BTCUSDT', T0 + 4_999).answer.ok).toBe(false);
    expect(dashboardOf(reserved.state, T0 + 5_000).reservedMargin).toBe('0.00');
    expect(allocate(reserved.state, '800', 'BTCUSDT', T0 + 5_000).answer.ok).toBe(true);
    expect(release(reserved.state, reservationId(reserved), T0 + 5_000).answer).toMatchObject({
      reasons: [{ limit: 'notOpen' }],
    });
  });
});

describe('external margin', () => {
  it('is what positions hold beyond the allocations of their own symbol', () => {
    let state = book({
      positions: [margin('BTCUSDT', '100', 1), margin('BTCUSDT', '40', 2), margin('ETHUSDT', '30')],
    });
    expect(externalMargin(state).toFixed()).toBe('170');
    state = allocate(state, '120').state;
    expect(externalMargin(state).toFixed()).toBe('50');
    state = allocate(state, '500', 'SOLUSDT').state;
    expect(externalMargin(state).toFixed()).toBe('50');
  });

  it('comes back when the allocation is released and the position stays', () => {
    const allocated = allocate(book({ positions: [margin('BTCUSDT', '100')] }), '100');
    expect(externalMargin(allocated.state).toFixed()).toBe('0');
    const { state } = release(allocated.state, allocationId(allocated));
    expect(externalMargin(state).toFixed()).toBe('100');
  });

  it("in portfolio margin is the account's margin in use beyond all allocations, and said so", () => {
    const state = book({
      marginMode: 'PORTFOLIO_MARGIN',
      totalInitialMargin: '250',
      positions: [margin('BTCUSDT', null)],
    });
    expect(externalMargin(allocate(state, '100').state).toFixed()).toBe('150');
    expect(summaryOf(state, T0).notes.join()).toContain('portfolio margin');
  });

  it('without any figure says what is lacking', () => {
    const state = book({ totalInitialMargin: null, positions: [margin('BTCUSDT', null)] });
    expect(summaryOf(state, T0).notes.join()).toContain('lacks 1 positions');
  });
});

describe('a balance that cannot be read', () => {
  const failure = {
    type: 'VenueAuth',
    code: '33004',
    message: 'API key has expired',
    hint: 'make a new key',
  } as const;

  it('before the first read nothing is given, and the reason says so', () => {
    const { answer, state } = allocate(newLedger({ account: 'main' }, T0), '1');
    expect(answer).toMatchObject({ ok: false, reasons: [{ limit: 'balance', asked: '1' }] });
    expect(reportedBalance(state)).toMatchObject({ error: { code: 'balance-not-available' } });
    expect(dashboardOf(state, T0)).toMatchObject({ totalBalance: '0.00', lastSync: null });
  });

  it('keeps the last balance and shows its age', () => {
    const state = balanceFailed(book(), failure, T0 + 5 * MINUTE);
    expect(summaryOf(state, T0 + 6 * MINUTE)).toMatchObject({
      totalBalance: '1000.00',
      balanceAgeMs: 6 * MINUTE,
    });
    expect(summaryOf(state, T0).notes.join()).toContain('API key has expired');
    expect(reportedBalance(state)).toEqual({
      error: {
        type: 'VenueAuth',
        code: '33004',
        message: 'API key has expired',
        hint: 'make a new key',
      },
    });
    expect(allocate(state, '10', 'BTCUSDT', T0 + 15 * MINUTE).answer.ok).toBe(true);
  });

  it('refuses new margin after 15 minutes, gives back all the same, and recovers with the next read', () => {
    const late = T0 + 15 * MINUTE + 1;
    const allocated = allocate(book(), '10');
    expect(allocate(allocated.state, '10', 'BTCUSDT', late).answer).toMatchObject({
      ok: false,
      reasons: [{ limit: 'balanceAge', asked: '900', allowed: '900' }],
    });
    expect(reserve(allocated.state, '10', 'BTCUSDT', late).answer.ok).toBe(false);
    expect(dashboardOf(allocate(allocated.state, '10', 'BTCUSDT', late).state, late)).toMatchObject({
      overexposurePrevented: 0,
    });
    expect(release(allocated.state, allocationId(allocated), late).answer.ok).toBe(true);
    const synced = balanceRead(allocated.state, reading(), late);
    expect(allocate(synced, '10', 'BTCUSDT', late).answer.ok).toBe(true);
  });

  it('positions that were never read, or not for 15 minutes, refuse new margin too', () => {
    const unread = book({ positions: null, positionsProblem: 'timed out' });
    expect(allocate(unread, '10').answer).toMatchObject({ reasons: [{ limit: 'positions' }] });
    const late = T0 + 15 * MINUTE + 1;
    const half = balanceRead(book(), reading({ positions: null, positionsProblem: 'timed out' }), late);
    expect(allocate(half, '10', 'BTCUSDT', late).answer).toMatchObject({
      reasons: [{ limit: 'positionsAge' }],
    });
    expect(summaryOf(half, late).notes.join()).toContain('timed out');
  });
});

describe('a new session', () => {
  it('resets baseline and counters, keeps what is allocated, and says what it cleared', () => {
    const stays = margin('SOLUSDT', '5');
    const before = book({ positions: [margin('BTCUSDT', '10'), stays] });
    const first = newSession(before, { requestId: 's1' }, T0);
    expect(first.answer).toEqual({ open: 0, closed: 0 });
    let state = allocate(first.state, '50').state;
    state = allocate(state, '5000').state;
    const after = reading({ total: '1100', positions: [margin('ETHUSDT', '10'), stays] });
    state = balanceRead(state, after, T0 + MINUTE);
    expect(dashboardOf(state, T0)).toMatchObject({ sessionPnl: '100.00', sessionPnlPct: '10' });
    expect(summaryOf(state, T0).closedPositions).toBe(1);
    const timings = { callMs: 0, parseMs: 0 };
    expect(sessionOpening(state, { open: 0, closed: 0 }, timings, T0).closedPositions).toBe(1);

    const second = newSession(state, { requestId: 's2' }, T0 + MINUTE);
    expect(second.answer).toEqual({ open: 2, closed: 1 });
    expect(dashboardOf(second.state, T0)).toMatchObject({
      sessionPnl: '0.00',
      sessionPnlPct: '0',
      allocatedMargin: '50.00',
      operations: { total: 0, allocations: 0, releases: 0 },
      overexposurePrevented: 0,
    });
    expect(newSession(second.state, { requestId: 's2' }, T0 + 2 * MINUTE).answer).toEqual(second.answer);
  });

  it('without a balance takes the next good read as its baseline', () => {
    const failed = balanceFailed(
      book(),
      { type: 'VenueUnavailable', code: null, message: 'down', hint: 'wait' },
      T0,
    );
    const { state } = newSession(failed, { requestId: 's1' }, T0);
    expect(dashboardOf(state, T0).sessionPnl).toBe('0.00');
    const read = balanceRead(state, reading({ total: '700' }), T0 + MINUTE);
    expect(dashboardOf(read, T0)).toMatchObject({ totalBalance: '700.00', sessionPnl: '0.00' });
  });

  it('takes new limits', () => {
    const limits = { maxAllocationPct: 50, minNotionalUsd: 5, maxPositions: 3 };
    const { state } = newSession(book(), { requestId: 's1', limits }, T0);
    expect(limitsOf(state, T0)).toMatchObject({ maxAllocation: '500.00', maxPositions: 3 });
  });
});

describe('a new trade', () => {
  const trade = { symbol: 'BTCUSDT', notional: '1000', leverage: '10' };

  it('that fits is told its margin and the slots left', () => {
    const state = book({ positions: [margin('ETHUSDT', '10'), margin('BTCUSDT', '1', 1)] });
    expect(validateNewTrade(state, trade, T0).answer).toEqual({
      ok: true,
      symbol: 'BTCUSDT',
      notional: '1000',
      adjustedNotional: '1000',
      margin: '100.00',
      slotsLeft: 18,
      warnings: [],
      reasons: [],
    });
  });

  it('below the minimum is raised to it, with a warning', () => {
    expect(validateNewTrade(book(), { ...trade, notional: '50', leverage: 3 }, T0).answer).toMatchObject({
      ok: true,
      notional: '50',
      adjustedNotional: '200',
      margin: '66.66',
      warnings: ['notional raised from 50 to 200 USD, the smallest allowed'],
    });
  });

  it('is refused with every reason at once', () => {
    const positions = Array.from({ length: 21 }, (_, i) => margin(`COIN${i}USDT`, '1'));
    const { answer, state } = validateNewTrade(book({ positions }), { ...trade, notional: '99999' }, T0);
    expect(answer).toMatchObject({ ok: false, slotsLeft: 0 });
    expect(answer.reasons.map((reason) => reason.limit)).toEqual([
      'available',
      'maxAllocation',
      'maxPositions',
    ]);
    expect(answer.reasons[2]).toMatchObject({ asked: '22', allowed: '20' });
    expect(dashboardOf(state, T0).overexposurePrevented).toBe(0);
  });

  it('with a request id is answered alike later', () => {
    const first = validateNewTrade(book(), { ...trade, requestId: 'v1' }, T0);
    const later = allocate(first.state, '800').state;
    expect(validateNewTrade(later, { ...trade, requestId: 'v1' }, T0).answer).toEqual(first.answer);
    expect(validateNewTrade(later, trade, T0).answer.ok).toBe(false);
  });
});

describe('what is carried on', () => {
  const longId = (n: number) => `${String(n).padStart(6, '0')}${'x'.repeat(58)}`;
  const wide = '999999999999999.123456789012345678';

  it('filled with refusals stays under 400 kB, the oldest ids leaving first', () => {
    let state = book({ total: '1' });
    for (let n = 0; n < 2_500; n += 1) {
      state = allocateMargin(state, { requestId: longId(n), amount: wide, symbol: 'BTCUSDT' }, T0 + n).state;
    }
    expect(byteLength(JSON.stringify(state))).toBeLessThan(400_000);
    expect(state.answers.length).toBeLessThanOrEqual(2_000);
    expect(state.answers.at(-1)?.[0]).toBe(longId(2_499));
    const oldest = state.answers[0];
    expect(oldest?.[0]).toBe(longId(2_500 - state.answers.length));
  });

  it('holds 2,000 ids of ordinary length', () => {
    let state = book();
    for (let n = 0; n < 2_100; n += 1) {
      const requestId = `3f0f6f0e-8d55-4bfb-9e4f-${String(n).padStart(12, '0')}`;
      state = allocateMargin(state, { requestId, amount: '120.50', symbol: 'BTCUSDT' }, T0).state;
    }
    expect(state.answers).toHaveLength(2_000);
    expect(byteLength(JSON.stringify(state))).toBeLessThan(400_000);
  });

  it('filled with open entries and long descriptions refuses more and stays under 400 kB', () => {
    const positions = Array.from({ length: 1_000 }, (_, i) => margin(`1000COIN${i}USDT`, '0.001'));
    let state = book({ total: '1000000000', positions });
    const refusals: string[] = [];
    for (let n = 0; n < 1_000; n += 1) {
      const request = {
        requestId: longId(n),
        amount: '0.000000000000000001',
        symbol: 'BTCUSDT',
        description: '\u4e2d'.repeat(200),
      };
      const step = allocateMargin(state, request, T0);
      state = step.state;
      if (!step.answer.ok) refusals.push(...step.answer.reasons.map((reason) => reason.limit));
    }
    expect(new Set(refusals)).toEqual(new Set(['openEntries']));
    expect(byteLength(JSON.stringify(state))).toBeLessThan(400_000);
  });

  it('the byte counts equal what is there', () => {
    const { state } = allocateMargin(
      book(),
      { requestId: 'r', amount: '1', symbol: 'BTCUSDT', description: 'an é and a \u{1f600}' },
      T0,
    );
    expect(state.entriesBytes).toBe(Buffer.byteLength(JSON.stringify(state.entries)) - 1);
    expect(state.answersBytes).toBe(Buffer.byteLength(JSON.stringify(state.answers)) - 1);
  });
});

it('the page in the UI shows the figures and the entries, with table marks of descriptions removed', () => {
  const { state } = allocateMargin(
    book(),
    { requestId: 'r', amount: '120.5', symbol: 'BTCUSDT', description: 'grid | bot' },
    T0,
  );
  const page = ledgerDetails(state, T0);
  expect(page).toContain('### DEMO balance of main on paper');
  expect(page).toContain('| allocated (12.05 %) | 120.50 |');
  expect(page).toContain('grid / bot');
});

function roundTrip(state: LedgerState): LedgerState {
  // What continue-as-new does to it; the type is the same by construction of the state as plain JSON.
  return JSON.parse(JSON.stringify(state)) as LedgerState;
}

function allocationId(step: Step<{ ok: boolean }>): string {
  const { answer } = step;
  if (!('allocationId' in answer) || typeof answer.allocationId !== 'string')
    throw new Error('not allocated');
  return answer.allocationId;
}

function reservationId(step: Step<{ ok: boolean }>): string {
  const { answer } = step;
  if (!('reservationId' in answer) || typeof answer.reservationId !== 'string')
    throw new Error('not reserved');
  return answer.reservationId;
}
