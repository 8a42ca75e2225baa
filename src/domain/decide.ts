/** `decide`: what one observation asks of a guard, as the table of DESIGN §4 says. Pure, and never a write on a bad read (I8). */
import { dec, plain } from './decimal.ts';
import {
  CONFIRM_AFTER_MS,
  sighted,
  unprotectedSince,
  type Action,
  type Decision,
  type Episode,
  type EpisodeChange,
  type GuardBook,
  type Urgency,
} from './guard-state.ts';
import { tighter } from './levels.ts';
import type { Policy } from './policy.ts';
import type { Observation, OpenObservation } from './position.ts';
import { NO_MEMORY, rests, target, type Memory, type Target } from './target.ts';

export interface DecideOptions {
  /** Send the stop again even if it is in place (`reprotect` with `rewrite`). */
  readonly rewrite?: boolean;
}

/** Decides what to do about `observation`; the same inputs always give the same answer. */
export function decide(
  book: GuardBook,
  observation: Observation,
  policy: Policy,
  options: DecideOptions = {},
): Decision {
  switch (observation.kind) {
    case 'unreadable':
      return nothing('none', `unreadable (${observation.problem}): ${observation.reason}`);
    case 'flat':
      return decideFlat(book, observation.confirmed, observation.readAt);
    case 'open':
      return decideOpen(book, observation, policy, options);
  }
}

function nothing(kind: 'none' | 'confirm' | 'end', reason: string): Decision {
  return { action: { kind }, episode: 'same', target: null, resting: null, loosened: false, reason };
}

function decideFlat(book: GuardBook, confirmed: boolean, readAt: number): Decision {
  const { state } = book;
  if (state.kind !== 'confirming') return nothing('confirm', 'the leg is absent: reading its own row in 2 s');
  if (!confirmed || readAt - state.absentSince < CONFIRM_AFTER_MS) {
    return nothing('confirm', 'still absent: reading its own row');
  }
  return nothing('end', 'flat, shown by two reads');
}

/** True when two reads had shown the leg flat before this observation. */
function provenFlat(book: GuardBook): boolean {
  const state = sighted(book.state);
  return state?.kind === 'closed' || (state?.kind === 'confirming' && state.flatSince !== null);
}

/** Whether the observation belongs to the episode that the guard knows. */
function episodeChange(book: GuardBook, observation: OpenObservation): EpisodeChange {
  const { episode } = book;
  if (episode === null) return 'first';
  const { position } = observation;
  if (position.side !== episode.side) return 'side';
  const sameOpening = position.openTime !== null && position.openTime === episode.openTime;
  if (provenFlat(book) && !sameOpening) return 'reopened';
  const moved =
    episode.openTime !== null && position.openTime !== null && position.openTime !== episode.openTime;
  if (!moved) return 'same';
  // The venue removes our stop at flat, so another openTime without it is another life of the position.
  const gone = position.stopLoss === null;
  return gone || observation.passedThroughZero === true ? 'reopened' : 'same';
}

function memoryOf(episode: Episode | null, observation: OpenObservation, policy: Policy): Memory {
  const { stopLoss } = observation.position;
  const respected = policy.existingStop === 'respect' && stopLoss !== null && !ours(episode, stopLoss);
  if (episode === null) return { ...NO_MEMORY, respected };
  const { floor, mayLoosen, trailing, crossLiqChecks } = episode;
  // A human may loosen a stop of their own where the policy respects those.
  const free = mayLoosen || (respected && floor?.by === 'human');
  return {
    floor: free ? null : (floor?.stop ?? null),
    best: trailing?.best ?? null,
    crossLiqChecks,
    respected,
    mayLoosen,
  };
}

/** True when the resting stop is the one that we sent last. */
function sentByUs(episode: Episode | null, stop: string): boolean {
  return episode?.sent != null && dec(episode.sent.stop).eq(stop);
}

/** True when the resting stop is the one that we sent last, or the proven one and that was ours. */
function ours(episode: Episode | null, stop: string): boolean {
  const floor = episode?.floor ?? null;
  return sentByUs(episode, stop) || (floor?.by === 'us' && dec(floor.stop).eq(stop));
}

function decideOpen(
  book: GuardBook,
  observation: OpenObservation,
  policy: Policy,
  options: DecideOptions,
): Decision {
  const change = episodeChange(book, observation);
  const episode = change === 'same' ? book.episode : null;
  const wanted = target(observation, policy, memoryOf(episode, observation, policy));
  const { position } = observation;
  const price = dec(observation.price);
  const resting = position.stopLoss === null ? 'none' : rests(position, price) ? 'legal' : 'passed';
  const base = { episode: change, target: wanted, resting, loosened: false } as const;

  if (position.status !== 'Normal') {
    return { ...base, action: { kind: 'watch' }, reason: `the venue shows ${position.status}: no writes` };
  }
  if (resting === 'none') return { ...base, ...withoutStop(book, observation, policy, wanted) };
  if (resting === 'passed') {
    return {
      ...base,
      action: { kind: 'watch' },
      reason: `the price is at or beyond the stop ${plain(position.stopLoss ?? '0')}: about to trigger`,
    };
  }
  return { ...base, ...withStop(episode, observation, policy, wanted, options) };
}

function withoutStop(
  book: GuardBook,
  observation: OpenObservation,
  policy: Policy,
  wanted: Target,
): Pick<Decision, 'action' | 'reason'> {
  const { position } = observation;
  const since = unprotectedSince(book.state);
  const { closeAfterMs } = policy.escalation;
  if (closeAfterMs !== null && since !== null && observation.readAt - since >= closeAfterMs) {
    return {
      action: { kind: 'close', size: position.size, side: position.side },
      reason: `no stop for ${closeAfterMs} ms: closing by policy`,
    };
  }
  if (wanted.stop === null)
    return { action: { kind: 'none' }, reason: 'no stop above 0 fits under the price' };
  return { action: write(wanted, wanted.stop, 'no-stop'), reason: `no stop rests: ${wanted.rule} stop` };
}

function write(wanted: Target, stop: string, urgency: Urgency): Action {
  return { kind: 'write', stop, stopKind: wanted.kind, rule: wanted.rule, urgency };
}

/** Smallest step of a stop that already rests: only trailing and liquidation stops of ours move by steps. */
function step(episode: Episode | null, stop: string, wanted: Target, policy: Policy, price: string): string {
  const sent = episode?.sent;
  const byStep = wanted.rule === 'trailing' || wanted.rule === 'liquidation';
  if (sent == null || !sentByUs(episode, stop) || !byStep || sent.rule !== wanted.rule) return '0';
  return dec(price).times(String(policy.minMovePct)).div(100).toFixed();
}

function withStop(
  episode: Episode | null,
  observation: OpenObservation,
  policy: Policy,
  wanted: Target,
  options: DecideOptions,
): Pick<Decision, 'action' | 'reason' | 'loosened'> {
  const { position } = observation;
  const { side } = position;
  const stop = position.stopLoss ?? '0';
  const keep = (reason: string) => ({ action: { kind: 'none' }, reason, loosened: false }) as const;
  const human = !sentByUs(episode, stop);
  const floor = episode?.floor ?? null;
  const belowFloor =
    floor !== null && !(episode?.mayLoosen ?? false) && tighter(side, dec(floor.stop), dec(stop));
  const loosened = belowFloor && floor.by === 'us';

  if (episode?.mayLoosen === true && wanted.stop !== null && !dec(wanted.stop).eq(stop)) {
    return {
      action: write(wanted, wanted.stop, 'tighten'),
      reason: 'policy changed by an operator',
      loosened: false,
    };
  }
  if (wanted.stop !== null && tighter(side, dec(wanted.stop), dec(stop))) {
    const gain = dec(wanted.stop).minus(stop).abs();
    if (belowFloor || gain.gte(step(episode, stop, wanted, policy, observation.price))) {
      const urgency = belowFloor ? 'loosened' : 'tighten';
      const why = belowFloor ? 'looser than proven before' : 'looser than the policy';
      return { action: write(wanted, wanted.stop, urgency), reason: `${stop} is ${why}`, loosened };
    }
  }
  const wrongTrigger =
    observation.stopOrder?.triggerBy != null &&
    !human &&
    observation.stopOrder.triggerBy !== policy.triggerBy;
  if (options.rewrite === true || wrongTrigger) {
    const action = {
      kind: 'write',
      stop,
      stopKind: wanted.kind,
      rule: human ? 'kept' : wanted.rule,
      urgency: 'rewrite',
    } as const;
    return {
      action,
      reason: wrongTrigger ? 'wrong trigger type' : 'asked to send it again',
      loosened: false,
    };
  }
  if (wanted.rule === 'respected') return keep('a human stop is respected by policy');
  return keep(human && episode?.sent != null ? 'a human stop that is tighter is kept' : 'in place');
}
