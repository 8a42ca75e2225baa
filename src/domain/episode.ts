/** One life of a position in a guard's memory: how an observation of it changes best price, floor and counts (I1). */
import { dec, plain } from './decimal.ts';
import {
  unprotectedSince,
  type Decision,
  type Episode,
  type GuardBook,
  type StopKind,
} from './guard-state.ts';
import { legal, tighter } from './levels.ts';
import type { Policy } from './policy.ts';
import type { OpenObservation } from './position.ts';
import type { Target } from './target.ts';

const LOOSENED_WINDOW_MS = 600_000;

export function newEpisode(observation: OpenObservation, now: number): Episode {
  const { position } = observation;
  return {
    id: `${position.openTime ?? now}`,
    side: position.side,
    openTime: position.openTime,
    adoptedAt: now,
    size: position.size,
    entryPrice: position.entryPrice,
    floor: null,
    sent: null,
    trailing: null,
    loosenedAt: [],
    crossLiqChecks: 0,
    passedSince: null,
    unprotectedMs: 0,
    mayLoosen: false,
  };
}

/** The episode after one more observation of it; `book` is the memory before. */
export function followed(
  episode: Episode,
  book: GuardBook,
  observation: OpenObservation,
  decision: Decision,
  policy: Policy,
  now: number,
): Episode {
  const { position } = observation;
  const best = decision.target?.best ?? null;
  const tooNear = decision.target?.notes.includes('liquidation-cross') === true;
  return {
    ...episode,
    openTime: openTimeAfter(episode, observation),
    size: position.size,
    entryPrice: position.entryPrice,
    floor:
      decision.resting === 'legal'
        ? floorAfter(episode, book, observation, decision.target, policy)
        : episode.floor,
    trailing: best === null ? null : { since: episode.trailing?.since ?? now, best },
    loosenedAt: loosenedAfter(episode, book, observation, decision, now),
    crossLiqChecks: tooNear ? Math.min(episode.crossLiqChecks + 1, 1_000) : 0,
    passedSince: decision.resting === 'passed' ? passedSince(episode, observation, now) : null,
    mayLoosen: episode.mayLoosen && !loosenedAsAllowed(episode, book, observation, decision),
  };
}

/**
 * True when the read shows a legal stop that needs nothing more, or the one that was asked for or tighter: what the write
 * was for is proven, however far the price has run on.
 */
export function satisfied(book: GuardBook, observation: OpenObservation, decision: Decision): boolean {
  const { state } = book;
  const { side, stopLoss } = observation.position;
  if (decision.resting !== 'legal' || stopLoss === null) return false;
  if (decision.action.kind === 'none') return true;
  return state.kind === 'uncertain' && !tighter(side, dec(state.intended), dec(stopLoss));
}

/** True when an operator's `allowLooser` has done its work: a looser stop is proven, or none is asked for. */
function loosenedAsAllowed(
  episode: Episode,
  book: GuardBook,
  observation: OpenObservation,
  decision: Decision,
): boolean {
  if (!satisfied(book, observation, decision)) return false;
  if (decision.action.kind === 'none') return true;
  // A write that was under way when the operator spoke is not the one that was allowed.
  const { side, stopLoss } = observation.position;
  const { floor } = episode;
  return floor !== null && stopLoss !== null && tighter(side, dec(floor.stop), dec(stopLoss));
}

/** Another openTime beside a stop is judged by the executions; until they are read the known one stays, so that they are asked for again. */
function openTimeAfter(episode: Episode, observation: OpenObservation): number | null {
  const { openTime } = observation.position;
  if (openTime === null || episode.openTime === null) return openTime ?? episode.openTime;
  const unjudged = openTime !== episode.openTime && observation.passedThroughZero === undefined;
  return unjudged ? episode.openTime : openTime;
}

/** A loosening counts when it is first seen, not again while the same stop rests: attempts and failures are no other writer. */
function loosenedAfter(
  episode: Episode,
  book: GuardBook,
  observation: OpenObservation,
  decision: Decision,
  now: number,
): readonly number[] {
  const recent = episode.loosenedAt.filter((at) => now - at < LOOSENED_WINDOW_MS);
  const { stopLoss } = observation.position;
  const before = book.seen?.position.stopLoss ?? null;
  const known = before !== null && stopLoss !== null && dec(before).eq(stopLoss);
  return decision.loosened && !known ? [...recent, now].slice(-10) : recent;
}

/** A human's stop by another trigger type has not been passed before its own price reaches it. */
function passedSince(episode: Episode, observation: OpenObservation, now: number): number | null {
  const { stopOrderPrice, position } = observation;
  const { stopLoss, side } = position;
  const untouched =
    stopOrderPrice !== undefined && stopLoss !== null && legal(side, dec(stopLoss), dec(stopOrderPrice));
  return untouched ? null : (episode.passedSince ?? now);
}

/** Whose the resting stop is, and of which kind. */
export function kindOf(
  episode: Episode,
  observation: OpenObservation,
  wanted: Target | null,
): { by: 'us' | 'human'; kind: StopKind } {
  const stop = dec(observation.position.stopLoss ?? '0');
  const { sent, floor } = episode;
  // A guard that lost its memory recognises the policy's own stop.
  if (sent === null && wanted?.stop != null && stop.eq(wanted.stop) && isPolicys(wanted)) {
    return { by: 'us', kind: wanted.kind };
  }
  if (sent !== null && stop.eq(sent.stop)) return { by: 'us', kind: sent.kind };
  if (floor !== null && stop.eq(floor.stop)) return { by: floor.by, kind: floor.kind };
  return { by: 'human', kind: 'human' };
}

function isPolicys({ rule }: Target): boolean {
  return rule !== 'kept' && rule !== 'respected' && rule !== 'last-proven';
}

/** The proven stop of the episode after a read that shows a legal one: never looser than before (I1). */
function floorAfter(
  episode: Episode,
  book: GuardBook,
  observation: OpenObservation,
  wanted: Target | null,
  policy: Policy,
): Episode['floor'] {
  const stop = plain(observation.position.stopLoss ?? '0');
  const shown = { stop, ...kindOf(episode, observation, wanted) };
  const { floor, side, sent } = episode;
  if (floor === null || episode.mayLoosen || !tighter(side, dec(floor.stop), dec(stop))) return shown;
  const left = policy.existingStop === 'respect' && floor.by === 'human';
  // The one case of I1: the price had passed the proven level, none rested, and what we placed instead is proven now.
  const instead =
    unprotectedSince(book.state) !== null &&
    sent !== null &&
    dec(sent.stop).eq(stop) &&
    !legal(side, dec(floor.stop), dec(observation.price));
  return left || instead ? shown : floor;
}
