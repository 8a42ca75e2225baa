/** One attempt of a protective write: read, decide, write, prove. Every attempt takes a fresh price (I1, I2, I3). */
import type { AuditFact } from '../domain/audit.ts';
import { dec, plain } from '../domain/decimal.ts';
import { decide } from '../domain/decide.ts';
import { evolve } from '../domain/evolve.ts';
import type { FailureInfo } from '../domain/failure.ts';
import type { Action, GuardBook, GuardEvent } from '../domain/guard-state.ts';
import { tighter } from '../domain/levels.ts';
import type { Policy } from '../domain/policy.ts';
import type { Observation, OpenObservation } from '../domain/position.ts';
import { TurnPassed } from '../exchange/port.ts';
import type { EventLog } from './deps.ts';
import { activityFailure, asActivityFailure, failureOf, type FailureDetail } from './failures.ts';
import { observeLeg, readingOf, type Known, type Reader } from './observe.ts';

export interface EnsureStopInput {
  readonly account: string;
  /** The guard's memory without its log and outbox; a new one for a leg that nobody guards yet. */
  readonly book: GuardBook;
  readonly policy: Policy;
  readonly rewrite: boolean;
  /** The leg was just imported and has no guard: the first attempt may decide by a read of the last second. */
  readonly justRead?: boolean;
}

export interface EnsureStopResult {
  /** What happened, in order; `evolveAll` in the workflow arrives at the memory that this attempt had. */
  readonly events: readonly GuardEvent[];
}

type Written = Extract<GuardEvent, { kind: 'written' }>;
type Write = Extract<Action, { kind: 'write' }> & {
  /** Of an earlier turn that came too late. */
  readonly waitingSince: number | undefined;
};

/** Proof reads after a write that the venue acknowledged: its reads follow its writes with a small delay. */
const PROOF_WAITS_MS = [0, 250, 1_000];

export interface Attempt {
  readonly reader: Reader;
  readonly input: EnsureStopInput;
  /** False where an attempt before this one may have written, also without leaving a trace. */
  readonly first: boolean;
  /** Writes of earlier attempts whose fate the first read of this one shows. */
  readonly earlier: readonly Written[];
  /** Called before and after each write, so that a later attempt knows of it also after a crash. */
  readonly remember: (written: readonly Written[]) => void;
  readonly sleep: (ms: number) => Promise<void>;
  /** Aborted once nobody waits for this attempt: another one may be under way, and this one writes no more (I1). */
  readonly signal: AbortSignal;
  readonly log: EventLog;
  /** For the audit log; `place` names the entry within this activity, the same at each attempt. */
  readonly audit: (place: string, fact: AuditFact) => void;
}

function known(book: GuardBook): Known {
  const { episode } = book;
  return {
    side: episode?.side ?? null,
    openTime: episode?.openTime ?? null,
    best: episode?.trailing?.best ?? null,
    gapSince: null,
    adoptedAt: episode?.adoptedAt ?? null,
  };
}

function read(
  attempt: Attempt,
  book: GuardBook,
  mode: 'recent' | 'fresh' = 'fresh',
  withStopOrders = false,
): Promise<Observation> {
  const { account, policy } = attempt.input;
  return observeLeg(attempt.reader, {
    account,
    leg: book.leg,
    mode,
    ...readingOf(policy),
    withStopOrders,
    known: known(book),
  });
}

function unreadableFailure(observation: Extract<Observation, { kind: 'unreadable' }>): FailureInfo {
  const venue = observation.problem.startsWith('Venue');
  return {
    type: venue ? (observation.problem as FailureInfo['type']) : 'VenueUnavailable',
    code: null,
    message: observation.reason,
    hint: 'the guard goes on reading; check the venue and the network',
  };
}

/** True when the read shows a stop at the price asked for, within a tick, or tighter (I2). */
function proves(observation: OpenObservation, asked: string): boolean {
  const { position, tickSize, price } = observation;
  if (position.stopLoss === null) return false;
  const stop = dec(position.stopLoss);
  if (!tighter(position.side, dec(price), stop)) return false;
  const near = stop.minus(asked).abs().lte(tickSize);
  return near || tighter(position.side, stop, dec(asked));
}

/**
 * Runs one attempt. Returns the events when a read shows what is so (proven, nothing to do, flat); throws an
 * `ApplicationFailure` of a venue type when the stop is not proven.
 */
export async function attemptStop(attempt: Attempt): Promise<EnsureStopResult> {
  const { input } = attempt;
  const events: GuardEvent[] = [...attempt.earlier];
  const written: Written[] = [...attempt.earlier];
  let book = attempt.earlier.reduce((next, event) => evolve(next, event, input.policy), input.book);
  const add = (event: GuardEvent): void => {
    events.push(event);
    book = evolve(book, event, input.policy);
  };
  const step = async (mode: 'recent' | 'fresh', waitingSince?: number): Promise<EnsureStopResult> => {
    // A check that read the stop orders may have asked for this because of what they showed: a wrong trigger type.
    const first = await read(attempt, book, mode, book.seen?.stopOrder != null);
    if (first.kind === 'unreadable') throw activityFailure(unreadableFailure(first), written);
    const { action } = decide(book, first, input.policy, { rewrite: input.rewrite });
    const before = { book, events: events.length };
    add({ kind: 'observed', observation: first, rewrite: input.rewrite });
    noteEarlier(attempt, first);
    if (action.kind !== 'write' || first.kind !== 'open') return { events };
    try {
      await write(attempt, { ...action, waitingSince }, first, written, add, () => book);
      return { events };
    } catch (error) {
      if (!(error instanceof TurnPassed)) throw error;
      // Nothing was sent: the next read takes the place of this one, whose turn came too late (I1).
      book = before.book;
      events.length = before.events;
      return step('fresh', error.waitingSince);
    }
  };
  try {
    return await step(attempt.first && input.justRead === true ? 'recent' : 'fresh');
  } catch (error) {
    throw asActivityFailure(error, written);
  }
}

/** Writes of attempts that ended before they could say what became of them, and the proof that this read is of the last. */
function noteEarlier(attempt: Attempt, first: Observation): void {
  const { earlier } = attempt;
  for (const [at, event] of earlier.entries()) noteWritten(attempt, event, at, null);
  const last = earlier.at(-1);
  if (last !== undefined && first.kind === 'open' && proves(first, last.stop)) {
    notedProof(attempt, last.stop, first, earlier.length);
  }
}

function noteWritten(attempt: Attempt, event: Written, at: number, previous: string | null): void {
  const { stop, stopKind, rule, urgency, outcome } = event;
  attempt.audit(`written-${at}`, {
    kind: 'stop-written',
    leg: attempt.input.book.leg,
    stop,
    previous,
    stopKind,
    rule,
    urgency,
    outcome: outcome.kind,
    answer: failureOf(outcome)?.message ?? (outcome.kind === 'unchanged' ? outcome.message : null),
  });
}

async function write(
  attempt: Attempt,
  action: Write,
  before: OpenObservation,
  written: Written[],
  add: (event: GuardEvent) => void,
  book: () => GuardBook,
): Promise<void> {
  const { reader, input, log } = attempt;
  const { leg } = input.book;
  const event = (outcome: Written['outcome'], stop: string): Written => ({
    kind: 'written',
    stop,
    stopKind: action.stopKind,
    rule: action.rule,
    urgency: action.urgency,
    outcome,
    at: reader.now(),
  });
  const pending = {
    type: 'VenueUnknown',
    code: null,
    message: 'attempt ended before an answer',
    hint: '',
  } as const;
  attempt.remember([...written, event({ kind: 'unknown', failure: pending }, action.stop)]);
  const send = async (stopLoss: string): Promise<Written['outcome']> => {
    try {
      attempt.signal.throwIfAborted();
      const { triggerBy } = input.policy;
      return await reader.port.setStop({ ...leg, stopLoss, triggerBy }, action.urgency, action.waitingSince);
    } catch (error) {
      // Thrown means "not executed": there is nothing for a later attempt to look for.
      attempt.remember(written);
      throw error;
    }
  };
  let stop = action.stop;
  let outcome = await send(stop);
  if (outcome.kind === 'unchanged' && action.urgency === 'rewrite' && !input.rewrite) {
    // The venue calls a changed trigger type "not modified": one tick tighter makes it a change.
    stop = oneTickTighter(before, stop);
    outcome = await send(stop);
  }
  const sent = event(outcome, stop);
  written.push(sent);
  add(sent);
  attempt.remember(written);
  noteWritten(attempt, sent, written.length - 1, before.position.stopLoss);
  const fields = {
    account: input.account,
    ...leg,
    stop,
    previous: before.position.stopLoss,
    rule: action.rule,
  };
  if (outcome.kind === 'unchanged') log.warn({ ...fields, message: outcome.message }, 'stop.unchanged');
  else log.info({ ...fields, outcome: outcome.kind }, 'stop.set');
  if (outcome.kind === 'refused') {
    if (outcome.failure.reason === 'crossed-price') reader.port.refreshInstruments();
    throw activityFailure(outcome.failure, written);
  }
  await prove(attempt, stop, outcome, written, add, book);
}

function oneTickTighter(observation: OpenObservation, stop: string): string {
  const { side } = observation.position;
  return plain(
    side === 'long' ? dec(stop).plus(observation.tickSize) : dec(stop).minus(observation.tickSize),
  );
}

async function prove(
  attempt: Attempt,
  stop: string,
  outcome: Written['outcome'],
  written: FailureDetail['written'],
  add: (event: GuardEvent) => void,
  book: () => GuardBook,
): Promise<void> {
  let seen: Observation | undefined;
  for (const wait of PROOF_WAITS_MS) {
    if (wait > 0) await attempt.sleep(wait);
    seen = await read(attempt, book());
    // A leg that is gone, or liquidated, is not for this write to judge: the guard's next step is.
    if (
      seen.kind === 'flat' ||
      (seen.kind === 'open' && (proves(seen, stop) || seen.position.status !== 'Normal'))
    ) {
      add({ kind: 'observed', observation: seen });
      if (seen.kind === 'open' && proves(seen, stop)) notedProof(attempt, stop, seen, written.length);
      return;
    }
  }
  throw activityFailure(unproven(stop, outcome, seen), written, { nonRetryable: false });
}

function notedProof(attempt: Attempt, stop: string, seen: OpenObservation, writes: number): void {
  const { account, book } = attempt.input;
  const shown = seen.position.stopLoss ?? stop;
  const provenAt = new Date(seen.readAt).toISOString();
  attempt.audit(`proven-${writes}`, { kind: 'stop-proven', leg: book.leg, stop: shown, provenAt });
  attempt.log.info(
    {
      account,
      ...book.leg,
      stop,
      shown,
      provenAt,
    },
    'stop.proven',
  );
}

function unproven(stop: string, outcome: Written['outcome'], seen: Observation | undefined): FailureInfo {
  const shown =
    seen?.kind === 'open'
      ? `the read shows ${seen.position.stopLoss ?? 'no stop'}`
      : `the proof could not be read: ${seen?.kind === 'unreadable' ? seen.reason : ''}`;
  const failure = failureOf(outcome);
  if (failure !== null) return { ...failure, message: `${failure.message}; ${shown}` };
  const said =
    outcome.kind === 'unchanged' ? 'the venue answered "not modified"' : 'the venue accepted the stop';
  const lacks = seen?.kind === 'open';
  return {
    type: outcome.kind === 'unchanged' && lacks ? 'VenueRefused' : 'VenueUnknown',
    code: outcome.kind === 'unchanged' ? '34040' : '0',
    message: `${said} ${stop}, but ${shown}`,
    hint: 'look at the position on the venue; the guard tries again',
    ...(outcome.kind === 'unchanged' && lacks ? { reason: 'other' as const } : {}),
  };
}
