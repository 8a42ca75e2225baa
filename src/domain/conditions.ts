/** Which conditions of a guard a human must hear of now, and in which words (DESIGN §4 "Escalation"). */
import type { Condition } from './alert.ts';
import { seconds } from './closing.ts';
import { dec, plain } from './decimal.ts';
import type { FailureInfo } from './failure.ts';
import { criticalAt, unprotectedSince, type Decision, type GuardBook } from './guard-state.ts';
import { guardId } from './names.ts';
import type { Policy } from './policy.ts';
import { sign, type OpenObservation } from './position.ts';

/** Unreadable checks in a row before a human hears of it. */
const BLIND_READS = 3;
/** A stop that the price has passed for so long, with size left, is an alert. */
const PASSED_MS = 10_000;
/** Our stop loosened so often within 10 minutes means that another program writes stops. */
const LOOSENED_TIMES = 3;

/** The same trouble, however its words and figures change meanwhile. */
function causeOf(failure: FailureInfo | null): string {
  return failure === null ? '' : `${failure.type} ${failure.code ?? ''}`;
}

function reprotectCommand(book: GuardBook): string {
  return `temporal workflow update execute -w ${guardId(book.account, book.leg)} --name reprotectNow`;
}

/** What the position makes if `stop` fires, quote coin, without fees. */
export function pnlAt(observation: OpenObservation, stop: string): string {
  const { position } = observation;
  return plain(dec(stop).minus(position.entryPrice).times(position.size).times(sign(position.side)).round(8));
}

/** The conditions that hold after an observation (or after a write has failed for good), most severe last. */
export function conditions(
  book: GuardBook,
  decision: Decision | null,
  policy: Policy,
  now: number,
): Condition[] {
  return [
    ...ofVenue(book, policy),
    ...ofStop(book, decision, now),
    ...ofLiquidation(book, decision),
    ...ofEscalation(book, policy, now),
  ];
}

/** What is wrong with the venue rather than with the stop: the key, the reads, a write that failed for good. */
function ofVenue(book: GuardBook, policy: Policy): Condition[] {
  const { state } = book;
  const found: Condition[] = [];
  const rejected = state.kind === 'blind' && state.problem === 'VenueAuth';
  if (rejected || book.failure?.type === 'VenueAuth') {
    found.push({
      kind: 'key-rejected',
      level: 'EMERGENCY',
      message: `the venue rejects the API key: ${rejected ? state.reason : (book.failure?.message ?? '')}`,
      todo: 'check the key, its permissions, its expiry and its bound addresses; stops that rest on the venue stay there',
      repeatEveryMs: policy.escalation.repeatEveryMs,
      cause: causeOf(book.failure),
    });
  }
  if (book.failure !== null && state.kind === 'protected') {
    found.push({
      kind: 'not-tightened',
      level: 'WARNING',
      message: `the stop ${state.stop} could not be moved: ${book.failure.message}`,
      todo: book.failure.hint,
      repeatEveryMs: null,
    });
  }
  if (state.kind === 'blind' && state.reads >= BLIND_READS) {
    found.push({
      kind: 'blind',
      level: 'WARNING',
      message: `the position cannot be read (${state.reads} times in a row): ${state.reason}`,
      todo: 'check the venue and the network; the guard goes on reading, and a stop that rests on the venue stays there',
      repeatEveryMs: null,
    });
  }
  return found;
}

function ofStop(book: GuardBook, decision: Decision | null, now: number): Condition[] {
  const { episode, seen } = book;
  if (decision === null || episode === null || seen === null || decision.resting === null) return [];
  const found: Condition[] = [];
  const once = (
    kind: Condition['kind'],
    message: string,
    todo: string,
    level: 'WARNING' | 'CRITICAL' = 'WARNING',
  ) => found.push({ kind, level, message, todo, repeatEveryMs: null });
  if (decision.resting === 'none' && episode.floor !== null) {
    once(
      'stop-vanished',
      `the stop ${episode.floor.stop} vanished from the venue`,
      'find out who cancelled it; it is being put back',
    );
  }
  const wanted = decision.target;
  if (wanted?.notes.includes('floor-passed') === true) {
    once(
      'floor-passed',
      `the price ${seen.price} has passed the last proven stop ${episode.floor?.stop ?? ''}: nearest legal stop ${wanted.stop ?? 'none'} instead${wanted.stop === null ? '' : `, PnL if hit ${pnlAt(seen, wanted.stop)}`}`,
      'decide whether to close the position by hand',
      'CRITICAL',
    );
  }
  if (wanted?.notes.includes('wrong-side') === true && wanted.stop !== null) {
    once(
      'wrong-side',
      `the price ${seen.price} is beyond the policy's stop: stop at ${wanted.stop}, PnL if hit ${pnlAt(seen, wanted.stop)}`,
      'decide whether to close the position by hand',
    );
  }
  if (wanted !== null && wanted.stop === null && decision.resting === 'none') {
    once('no-legal-stop', 'no stop above 0 fits under the price', 'close the position by hand', 'CRITICAL');
  }
  if (episode.passedSince !== null && now - episode.passedSince >= PASSED_MS) {
    once(
      'stop-passed',
      `stop ${seen.position.stopLoss ?? ''} passed, position open`,
      'close the position by hand',
      'CRITICAL',
    );
  }
  if (episode.loosenedAt.length >= LOOSENED_TIMES) {
    once(
      'another-writer',
      `our stop was loosened ${episode.loosenedAt.length} times in 10 minutes`,
      'find the other program or person that writes stops, or release this leg',
    );
  }
  return found;
}

function ofLiquidation(book: GuardBook, decision: Decision | null): Condition[] {
  const { seen, episode } = book;
  if (seen === null || decision === null || decision.resting === null) return [];
  const found: Condition[] = [];
  const liq = seen.position.liqPrice ?? '';
  if (seen.position.status !== 'Normal') {
    found.push({
      kind: 'liquidating',
      level: 'EMERGENCY',
      message: `the venue shows positionStatus ${seen.position.status}: it is ${seen.position.status === 'Liq' ? 'liquidating' : 'deleveraging'} the position`,
      todo: 'nothing is written now; look at the account',
      repeatEveryMs: null,
    });
  }
  const notes = decision.target?.notes ?? [];
  if (notes.includes('liquidation-near') || notes.includes('liquidation-alert')) {
    found.push({
      kind: 'liquidation-near',
      level: 'CRITICAL',
      message: `liquidation at ${liq} is near the price ${seen.price}`,
      todo: 'add margin or reduce the position',
      repeatEveryMs: null,
    });
  }
  if (notes.includes('liquidation-cross') && (episode?.crossLiqChecks ?? 0) >= 3) {
    found.push({
      kind: 'liquidation-cross',
      level: 'WARNING',
      message: `the stop lies beyond or near the estimated liquidation price ${liq}`,
      todo: 'add margin, reduce the position, or set liquidation.cross to "tighten"',
      repeatEveryMs: null,
    });
  }
  return found;
}

function ofEscalation(book: GuardBook, policy: Policy, now: number): Condition[] {
  const since = unprotectedSince(book.state);
  const critical = criticalAt(book.state);
  if (since === null || critical === null) return [];
  const { kind } = book.state;
  const sight = kind === 'blind' ? ' (not readable now)' : kind === 'confirming' ? ' (absent now)' : '';
  const why = book.failure === null ? '' : `: ${book.failure.message}`;
  const found: Condition[] = [
    {
      kind: 'unprotected',
      level: 'CRITICAL',
      message: `no stop for ${seconds(now - since)} s${sight}${why}`,
      todo: `set a stop by hand, then: ${reprotectCommand(book)}`,
      repeatEveryMs: null,
    },
  ];
  if (now - critical >= policy.escalation.emergencyAfterMs) {
    found.push({
      kind: 'unprotected-emergency',
      level: 'EMERGENCY',
      message: `manual intervention required: no stop for ${seconds(now - since)} s${sight}${why}`,
      todo: `set a stop by hand or close the position, then: ${reprotectCommand(book)}`,
      repeatEveryMs: policy.escalation.repeatEveryMs,
      cause: causeOf(book.failure),
    });
  }
  return found;
}
