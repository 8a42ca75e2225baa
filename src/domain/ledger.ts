/**
 * The margin ledger as a pure reducer (DESIGN §6): each operation takes the book, a request and the time, and gives the
 * new book and the answer. Answers come from the remembered figures, so that equal ids are answered alike by construction.
 */
import { dec, cents, max, plain } from './decimal.ts';
import type { Dec } from './decimal.ts';
import {
  allocateAnswer,
  releaseAnswer,
  reserveAnswer,
  sessionAnswer,
  tradeAnswer,
} from './ledger-answers.ts';
import type { AllocateAnswer, Cleared, ReleaseAnswer, ReserveAnswer, TradeAnswer } from './ledger-answers.ts';
import type {
  AllocateRequest,
  ReleaseRequest,
  ReserveRequest,
  SessionRequest,
  TradeRequest,
} from './ledger-input.ts';
import { byteLength, operationOf, recall, remember } from './ledger-memory.ts';
import type { CompactAnswer, CompactReason, Operation } from './ledger-memory.ts';
import {
  NO_OPERATIONS,
  entryBytes,
  expireReservations,
  figuresOf,
  isReservation,
  withEntry,
  withoutEntry,
} from './ledger-state.ts';
import type { Counters, LedgerEntry, LedgerState } from './ledger-state.ts';

/** A balance or a reading of positions older than this backs no new margin. */
const STALE_AFTER_MS = 15 * 60_000;
/** All that continue-as-new carries stays under 400 kB; the memory of ids gets what the rest leaves. */
const CARRIED_BYTES = 390_000;
/** Room for open entries, some 4,000 without descriptions. */
const ENTRIES_BYTES = 240_000;

export interface Step<Answer> {
  readonly state: LedgerState;
  readonly answer: Answer;
}

/** What one operation does to the book, and what is remembered of it. */
interface Outcome {
  readonly state: LedgerState;
  readonly answer: CompactAnswer;
}

/** Takes margin for a symbol, or turns a reservation into an allocation; both limits hold either way. `now` in ms. */
export function allocateMargin(
  state: LedgerState,
  request: AllocateRequest,
  now: number,
): Step<AllocateAnswer> {
  return once(state, 'allocateMargin', request.requestId, now, allocateAnswer, (book) => {
    const amount = plain(request.amount);
    const { reservationId } = request;
    if (reservationId === undefined) return take(book, 'a', { ...request, amount }, now);
    const reservation = book.entries.find((entry) => entry.id === reservationId && isReservation(entry));
    if (reservation === undefined) {
      return refuse(book, 'allocateMargin', [missing(book, reservationId, 'an open reservation')]);
    }
    if (reservation.symbol !== request.symbol) {
      const reason = ['reservationSymbol', request.symbol, reservation.symbol] as const;
      return refuse(book, 'allocateMargin', [reason]);
    }
    const taken = take(withoutEntry(book, reservation), 'a', { ...request, amount }, now);
    // A refusal leaves the reservation as it was: only the counters of the attempt are kept.
    return taken.answer[0] === 'allocated'
      ? taken
      : { ...taken, state: { ...book, counters: taken.state.counters } };
  });
}

/** Holds margin back, for ever or for `expiresInMs`. `now` in ms. */
export function reserveMargin(state: LedgerState, request: ReserveRequest, now: number): Step<ReserveAnswer> {
  return once(state, 'reserveMargin', request.requestId, now, reserveAnswer, (book) =>
    take(book, 'r', { ...request, amount: plain(request.amount) }, now),
  );
}

/** Gives an open allocation or reservation back, whole and once. `now` in ms. */
export function releaseMargin(state: LedgerState, request: ReleaseRequest, now: number): Step<ReleaseAnswer> {
  return once(state, 'releaseMargin', request.requestId, now, releaseAnswer, (book) => {
    const entry = book.entries.find((each) => each.id === request.id);
    if (entry === undefined) {
      return refuse(book, 'releaseMargin', [missing(book, request.id, 'an open allocation or reservation')]);
    }
    return {
      state: counted(withoutEntry(book, entry), 'releases'),
      answer: ['released', entry.id, entry.amount],
    };
  });
}

/** Says whether a trade would fit, and every reason if not; it takes nothing. `now` in ms. */
export function validateNewTrade(state: LedgerState, request: TradeRequest, now: number): Step<TradeAnswer> {
  const judged = (book: LedgerState): Outcome => ({ state: book, answer: judgeTrade(book, request, now) });
  if (request.requestId !== undefined) {
    return once(state, 'validateNewTrade', request.requestId, now, tradeAnswer, judged);
  }
  const outcome = judged(expireReservations(state, now));
  return { state: outcome.state, answer: expected(tradeAnswer(outcome.answer)) };
}

/**
 * Begins a session: baseline and counters start afresh, open allocations and reservations stay. Call it after the
 * session's own sync, whose total becomes the baseline; without one the next good read does. `now` in ms.
 */
export function newSession(state: LedgerState, request: SessionRequest, now: number): Step<Cleared> {
  return once(state, 'newSession', request.requestId, now, sessionAnswer, (book) => {
    const former = book.session !== null;
    const fresh = book.balanceFailure === null ? (book.balance?.total ?? null) : null;
    return {
      state: {
        ...book,
        session: { requestId: request.requestId, startedAt: now },
        limits: request.limits ?? book.limits,
        baseline: fresh,
        counters: NO_OPERATIONS,
      },
      answer: ['session', former ? (book.margins?.legs.length ?? 0) : 0, former ? book.counters.closed : 0],
    };
  });
}

/** Why a request id cannot be used for this operation, `null` when it can: for the validators of the messages. */
export function requestIdProblem(
  state: LedgerState,
  operation: Operation,
  requestId: string | undefined,
): string | null {
  const known = requestId === undefined ? null : recall(state, requestId);
  if (known === null || operationOf(known) === operation) return null;
  return `requestId: ${requestId} was already used for ${operationOf(known)}; use a new one`;
}

/** Runs an operation unless its id was answered before. */
function once<Answer>(
  state: LedgerState,
  operation: Operation,
  requestId: string,
  now: number,
  rebuilt: (answer: CompactAnswer) => Answer | null,
  perform: (book: LedgerState) => Outcome,
): Step<Answer> {
  const book = expireReservations(state, now);
  const known = recall(book, requestId);
  if (known !== null) {
    const problem = requestIdProblem(book, operation, requestId);
    if (problem !== null) throw new RangeError(problem);
    return { state: book, answer: expected(rebuilt(known)) };
  }
  const outcome = perform(book);
  const budget = CARRIED_BYTES - outcome.state.entriesBytes - marginsBytes(outcome.state);
  const memory = remember(outcome.state, [requestId, now, outcome.answer], budget);
  return { state: { ...outcome.state, ...memory }, answer: expected(rebuilt(outcome.answer)) };
}

/** Checks both limits and adds the entry, or refuses with each limit that binds. */
function take(
  book: LedgerState,
  prefix: 'a' | 'r',
  request: Omit<AllocateRequest & ReserveRequest, 'requestId' | 'reservationId'>,
  now: number,
): Outcome {
  const amount = dec(request.amount);
  const entry: LedgerEntry = {
    id: `${prefix}-${book.epoch}-${book.issued + 1}`,
    amount: request.amount,
    symbol: request.symbol,
    at: now,
    ...(request.expiresInMs === undefined ? {} : { expiresAt: now + request.expiresInMs }),
    ...(request.description === undefined ? {} : { text: request.description }),
  };
  const reasons = [...whyStale(book, request.amount, now), ...whyOver(book, amount)];
  if (book.entriesBytes + entryBytes(entry) > ENTRIES_BYTES) {
    reasons.push(['openEntries', String(book.entries.length), String(book.entries.length)]);
  }
  if (reasons.length > 0) {
    return refuse(book, prefix === 'a' ? 'allocateMargin' : 'reserveMargin', reasons);
  }
  const added = { ...withEntry(book, entry), issued: book.issued + 1 };
  if (prefix === 'a') {
    const answer = ['allocated', entry.id, entry.amount, entry.symbol] as const;
    return { state: counted(added, 'allocations'), answer };
  }
  const answer = ['reserved', entry.id, entry.amount, entry.symbol, entry.expiresAt ?? null] as const;
  return { state: counted(added, 'reservations'), answer };
}

function refuse(book: LedgerState, operation: Operation, reasons: readonly CompactReason[]): Outcome {
  const prevented = reasons.some(([limit]) => limit === 'available' || limit === 'maxAllocation');
  return {
    state: prevented ? counted(book, 'overexposurePrevented') : book,
    answer: ['refused', operation, reasons],
  };
}

function judgeTrade(book: LedgerState, request: TradeRequest, now: number): CompactAnswer {
  const notional = dec(request.notional);
  const adjusted = max(notional, dec(String(book.limits.minNotionalUsd)));
  const margin = adjusted.div(dec(String(request.leverage)));
  const left = slotsLeft(book);
  const reasons = [...whyStale(book, cents(margin), now), ...whyOver(book, margin)];
  if (left === 0) {
    const next = (book.margins?.legs.length ?? 0) + 1;
    reasons.push(['maxPositions', String(next), String(book.limits.maxPositions)]);
  }
  return ['trade', request.symbol, plain(notional), plain(adjusted), cents(margin), left, reasons];
}

/** New positions that the policy still allows; counts legs. */
export function slotsLeft(state: LedgerState): number {
  return Math.max(0, state.limits.maxPositions - (state.margins?.legs.length ?? 0));
}

/** Each limit that binds; without any balance there is nothing to compare with. */
function whyOver(book: LedgerState, amount: Dec): CompactReason[] {
  if (book.balance === null) return [];
  const figures = figuresOf(book);
  const asked = plain(amount.round(8, 3));
  const reasons: CompactReason[] = [];
  if (amount.gt(figures.available)) reasons.push(['available', asked, cents(figures.available)]);
  if (amount.gt(figures.headroom)) reasons.push(['maxAllocation', asked, cents(figures.headroom)]);
  return reasons;
}

/** Old or missing readings, each with its age in seconds and the oldest age allowed. */
function whyStale(book: LedgerState, asked: string, now: number): CompactReason[] {
  if (book.balance === null) return [['balance', asked, '0']];
  const allowed = String(STALE_AFTER_MS / 1000);
  const balanceAgeMs = now - book.balance.readAt;
  if (balanceAgeMs > STALE_AFTER_MS) return [['balanceAge', seconds(balanceAgeMs), allowed]];
  // Without the positions' margin `external` is not known, and too much could be given.
  if (book.margins === null) return [['positions', asked, '0']];
  const marginsAgeMs = now - book.margins.readAt;
  return marginsAgeMs > STALE_AFTER_MS ? [['positionsAge', seconds(marginsAgeMs), allowed]] : [];
}

/** An id that is not open: given out once, or never by this ledger. */
function missing(book: LedgerState, id: string, needed: string): CompactReason {
  const [, epoch, number] = /^[ar]-([0-9a-z]+)-(\d+)$/.exec(id) ?? [];
  const given = epoch === book.epoch && Number(number) >= 1 && Number(number) <= book.issued;
  return [given ? 'notOpen' : 'unknownId', id, needed];
}

function counted(book: LedgerState, counter: keyof Counters): LedgerState {
  return { ...book, counters: { ...book.counters, [counter]: book.counters[counter] + 1 } };
}

function marginsBytes(state: LedgerState): number {
  return byteLength(JSON.stringify(state.margins)) + byteLength(JSON.stringify(state.allocatedBySymbol));
}

function seconds(ms: number): string {
  return String(Math.floor(ms / 1000));
}

/** An answer of the operation it was remembered for; anything else is a defect of this file. */
function expected<Answer>(answer: Answer | null): Answer {
  if (answer === null) throw new RangeError('a remembered answer does not belong to this operation');
  return answer;
}
