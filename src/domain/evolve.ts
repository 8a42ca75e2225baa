/** `evolve`: how a guard's memory changes by what a check brought; alerts are its by-product (I1, I4, I5, I12). */
import { plain } from './decimal.ts';
import { decide } from './decide.ts';
import { answered, logged } from './decision-log.ts';
import { followed, kindOf, newEpisode, satisfied } from './episode.ts';
import {
  CONFIRM_AFTER_MS,
  MAX_REPORTED,
  criticalAt,
  sighted,
  unprotectedSince,
  type Decision,
  type Episode,
  type GuardBook,
  type GuardEvent,
  type GuardState,
} from './guard-state.ts';
import type { Policy } from './policy.ts';
import type { Observation, OpenObservation } from './position.ts';
import { acknowledge, clipped, raise } from './telling.ts';

/** Words of the venue that a guard carries about, cut to this length. */
const MAX_REASON = 200;

type Observed = Extract<GuardEvent, { kind: 'observed' }>;
type Written = Extract<GuardEvent, { kind: 'written' }>;

/** The next state of a guard's memory. Deterministic; `policy` must be the one that the decision was made with. */
export function evolve(book: GuardBook, event: GuardEvent, policy: Policy): GuardBook {
  switch (event.kind) {
    case 'observed':
      return observed(book, event, policy);
    case 'written':
      return written(book, event);
    case 'write-failed':
      return writeFailed(book, event.failure, event.at, policy);
    case 'loosening-allowed':
      return book.episode === null ? book : { ...book, episode: { ...book.episode, mayLoosen: true } };
    case 'closing-order':
      return { ...book, message: event.message };
    case 'closed':
      return {
        ...book,
        state: { kind: 'closed', report: event.report },
        message: `closed: ${event.report.reason}`,
      };
    case 'episode-reported':
      return {
        ...book,
        ended: book.ended.filter((episode) => episode.id !== event.id),
        reported: [...(book.reported ?? []), { report: event.report, at: event.at }].slice(-MAX_REPORTED),
      };
    case 'acknowledged':
      return acknowledge(book, event);
    case 'delivered':
      return { ...book, outbox: book.outbox.filter((alert) => alert.id !== event.alertId) };
  }
}

/** Folds events in order; the workflow and the activity that made them arrive at the same memory. */
export function evolveAll(book: GuardBook, events: readonly GuardEvent[], policy: Policy): GuardBook {
  return events.reduce((next, event) => evolve(next, event, policy), book);
}

function observed(book: GuardBook, event: Observed, policy: Policy): GuardBook {
  const { observation } = event;
  const decision = decide(book, observation, policy, { rewrite: event.rewrite ?? false });
  const now = Math.max(book.lastAt, observation.readAt);
  const next =
    observation.kind === 'open'
      ? sawOpen(book, observation, decision, policy, now)
      : observation.kind === 'flat'
        ? sawFlat(book, observation.confirmed, now)
        : sawNothing(book, observation, now);
  const spoken = raise({ ...next, lastAt: now, message: decision.reason }, decision, policy, now);
  return { ...spoken, log: logged(spoken.log, entryOf(spoken, observation, decision, now)) };
}

function entryOf(book: GuardBook, observation: Observation, decision: Decision, now: number) {
  const open = observation.kind === 'open' ? observation : null;
  return {
    at: now,
    count: 1,
    state: book.state.kind,
    rule: decision.target?.rule ?? null,
    price: open?.price ?? null,
    resting: open?.position.stopLoss ?? null,
    request: decision.action.kind === 'write' ? decision.action.stop : null,
    answer: null,
    provenAt: book.state.kind === 'protected' ? book.state.provenAt : null,
    reason: clipped(decision.reason, MAX_REASON),
  };
}

function sawNothing(
  book: GuardBook,
  observation: Extract<Observation, { kind: 'unreadable' }>,
  now: number,
): GuardBook {
  const { state } = book;
  const known = state.kind === 'blind';
  return {
    ...book,
    state: {
      kind: 'blind',
      since: known && state.reads > 0 ? state.since : now,
      reads: known ? state.reads + 1 : 1,
      problem: observation.problem,
      reason: clipped(observation.reason, MAX_REASON),
      previous: sighted(state),
    },
  };
}

function sawFlat(book: GuardBook, confirmed: boolean, now: number): GuardBook {
  const { state } = book;
  if (state.kind !== 'confirming') {
    // A spell goes on if the leg is seen again: one list that lacks it proves nothing (I4).
    const spell = { unprotectedSince: unprotectedSince(state), criticalAt: criticalAt(state) };
    return { ...book, state: { kind: 'confirming', absentSince: now, flatSince: null, ...spell } };
  }
  if (!confirmed || now - state.absentSince < CONFIRM_AFTER_MS) {
    return { ...book, state: { ...state, flatSince: null } };
  }
  const flatSince = state.flatSince ?? now;
  return {
    ...settled(book, state.absentSince),
    state: { ...state, flatSince, unprotectedSince: null, criticalAt: null },
  };
}

/** Ends the running unprotected spell in the books at `until`: the leg is flat, another life or protected now. */
function settled(book: GuardBook, until: number): GuardBook {
  const since = unprotectedSince(book.state);
  const { episode } = book;
  if (since === null || episode === null) return book;
  const unprotectedMs = episode.unprotectedMs + Math.max(0, until - since);
  return { ...book, episode: { ...episode, unprotectedMs } };
}

function sawOpen(
  book: GuardBook,
  observation: OpenObservation,
  decision: Decision,
  policy: Policy,
  now: number,
): GuardBook {
  const fresh = decision.episode !== 'same' || book.episode === null;
  const begun = fresh ? begin(book, observation, now) : book;
  const episode = followed(
    begun.episode ?? newEpisode(observation, now),
    book,
    observation,
    decision,
    policy,
    now,
  );
  const state = openState(begun.state, episode, observation, decision, now);
  const proven = state.kind === 'protected' ? settled({ ...begun, episode }, now).episode : episode;
  // A failure stays known until a read shows what was asked for: an answer is a claim (I2).
  const healed = satisfied(book, observation, decision);
  return {
    ...begun,
    state,
    episode: proven,
    seen: observation,
    target: decision.target,
    failure: healed ? null : begun.failure,
  };
}

/** Puts the old episode away for its closing report and starts afresh (best price and proven stop included). */
function begin(book: GuardBook, observation: OpenObservation, now: number): GuardBook {
  const seen = sighted(book.state);
  const old = settled(book, seen?.kind === 'confirming' ? seen.absentSince : now).episode;
  return {
    ...book,
    episode: newEpisode(observation, now),
    state: old === null ? book.state : begunState(book.state, observation, now),
    failure: null,
    ended: old === null ? book.ended : [...book.ended, old].slice(-4),
  };
}

/** A new spell where no stop rests, in the same escalation where one ran: the leg has been bare all the time. */
function begunState(before: GuardState, observation: OpenObservation, now: number): GuardState {
  return observation.position.stopLoss === null
    ? { kind: 'unprotected', since: now, criticalAt: criticalAt(before) }
    : { kind: 'blind', since: now, reads: 0, problem: '', reason: 'not read yet', previous: null };
}

function openState(
  state: GuardState,
  episode: Episode,
  observation: OpenObservation,
  decision: Decision,
  now: number,
): GuardState {
  const since = unprotectedSince(state);
  const stop = plain(observation.position.stopLoss ?? '0');
  if (decision.resting === 'none') {
    return { kind: 'unprotected', since: since ?? now, criticalAt: criticalAt(state) };
  }
  if (decision.resting === 'passed' && episode.passedSince !== null) {
    // The stop is there, so no unprotected spell runs; but nothing is proven on this side of the price (I2).
    const held = state.kind === 'uncertain' ? state.since : now;
    return {
      kind: 'uncertain',
      intended: stop,
      since: held,
      unprotectedSince: since,
      criticalAt: criticalAt(state),
    };
  }
  return {
    kind: 'protected',
    stop,
    stopKind: kindOf(episode, observation, decision.target).kind,
    provenAt: observation.readAt,
  };
}

function written(book: GuardBook, event: Written): GuardBook {
  const { outcome } = event;
  const log = answered(book.log, {
    at: event.at,
    state: book.state.kind,
    rule: event.rule,
    price: book.seen?.price ?? null,
    resting: book.seen?.position.stopLoss ?? null,
    request: event.stop,
    answer:
      outcome.kind === 'refused' || outcome.kind === 'unknown'
        ? clipped(`${outcome.kind}: ${outcome.failure.message}`, MAX_REASON)
        : outcome.kind,
    provenAt: null,
    reason: `stop sent (${event.urgency})`,
  });
  if (book.episode === null || outcome.kind === 'refused') return { ...book, log };
  const sent = { stop: plain(event.stop), kind: event.stopKind, rule: event.rule };
  const state: GuardState = {
    kind: 'uncertain',
    intended: event.stop,
    since: event.at,
    unprotectedSince: unprotectedSince(book.state),
    criticalAt: criticalAt(book.state),
  };
  return {
    ...book,
    log,
    state,
    episode: { ...book.episode, sent },
  };
}

function writeFailed(
  book: GuardBook,
  failure: Extract<GuardEvent, { kind: 'write-failed' }>['failure'],
  at: number,
  policy: Policy,
): GuardBook {
  const now = Math.max(book.lastAt, at);
  const seen = sighted(book.state);
  const unprotected = unprotectedSince(book.state) !== null;
  const critical = criticalAt(book.state) ?? now;
  const raised: GuardState =
    unprotected && (seen?.kind === 'unprotected' || seen?.kind === 'uncertain')
      ? restored(book.state, { ...seen, criticalAt: critical })
      : book.state;
  const kept = {
    ...failure,
    message: clipped(failure.message, MAX_REASON),
    hint: clipped(failure.hint, MAX_REASON),
  };
  return raise({ ...book, state: raised, failure: kept, lastAt: now }, null, policy, now);
}

function restored(state: GuardState, seen: Exclude<GuardState, { kind: 'blind' }>): GuardState {
  return state.kind === 'blind' ? { ...state, previous: seen } : seen;
}
