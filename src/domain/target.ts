/** The one stop that the policy wants for a position now, and why: the rules of DESIGN §3 in their order (I1, I8). */
import { dec, plain, type Dec } from './decimal.ts';
import {
  legal,
  levels,
  liquidationLimit,
  moved,
  roundStop,
  tighter,
  trailingNumbers,
  type Levels,
  type TrailingNumbers,
} from './levels.ts';
import type { Policy } from './policy.ts';
import type { OpenObservation, OpenPosition } from './position.ts';

/** Which rule of DESIGN §3 a stop follows. */
export type Rule =
  'fixed' | 'trailing' | 'wrong-side' | 'liquidation' | 'last-proven' | 'kept' | 'respected' | 'refused';

/** What earlier checks of this episode know and a single read cannot show. */
export interface Memory {
  /** Last proven stop of the episode (I1); `null` at import. */
  readonly floor: string | null;
  /** Best price since trailing began; `null` while it has not. */
  readonly best: string | null;
  /** Cross-margin liquidation: checks in a row with the stop too near, this one not counted. */
  readonly crossLiqChecks: number;
  /** The resting stop is a human's and the policy leaves those as they are. */
  readonly respected?: boolean;
  /** An operator allowed to replace the resting stop by a looser one: it does not count for the liquidation rule. */
  readonly mayLoosen?: boolean;
}

export const NO_MEMORY: Memory = { floor: null, best: null, crossLiqChecks: 0 };

export type TargetNote =
  | 'wrong-side'
  | 'floor-passed'
  | 'liquidation'
  | 'liquidation-near'
  | 'liquidation-cross'
  | 'liquidation-alert'
  | 'reduced-functionality';

export interface Target {
  /** The stop wanted, on the tick; `null` when no stop above 0 fits. */
  readonly stop: string | null;
  readonly rule: Rule;
  /** Whether the policy's own stop is a trailing one now. */
  readonly kind: 'fixed' | 'trailing';
  /** Best price with this observation included; `null` while trailing has not begun. */
  readonly best: string | null;
  /** Price at which trailing begins. */
  readonly trigger: string | null;
  readonly notes: readonly TargetNote[];
}

/** A level that was there before is placed as it was: off the tick, or nearer than a tick to the price (I1 before rounding). */
const AS_IT_WAS: readonly Rule[] = ['last-proven', 'kept', 'respected'];

interface Wanted {
  readonly stop: Dec;
  readonly rule: Rule;
}

/** Best price of an active trail with this observation's price (and the candles of a gap) counted in. */
function bestNow(observation: OpenObservation, memory: Memory, reached: boolean): Dec | null {
  const { position, price, candleBest } = observation;
  if (memory.best === null && !reached) return null;
  const seen = [price, memory.best, memory.best === null ? null : (candleBest ?? null)]
    .filter((value) => value !== null)
    .map((value) => dec(value));
  return seen.reduce((best, value) => (tighter(position.side, value, best) ? value : best));
}

/**
 * The policy's own stop; `beyond`, anchored to the price, where that is on the wrong side of it. A legal stop that rests is
 * kept rather than anchored again: until the policy's own is legal and tighter.
 */
function anchored(
  position: OpenPosition,
  price: Dec,
  numbers: TrailingNumbers,
  at: Levels,
  best: Dec | null,
  beyond: Dec,
): Wanted {
  const { side } = position;
  const own = best === null ? at.fixed : moved(best, side, -numbers.distancePct);
  if (legal(side, own, price)) return { stop: own, rule: best === null ? 'fixed' : 'trailing' };
  const resting = restingStop(position, price);
  return resting === null ? { stop: beyond, rule: 'wrong-side' } : { stop: resting, rule: 'kept' };
}

/** The resting stop where it is on the right side of the price. */
function restingStop(position: OpenPosition, price: Dec): Dec | null {
  if (position.stopLoss === null) return null;
  const stop = dec(position.stopLoss);
  return legal(position.side, stop, price) ? stop : null;
}

/** True when a resting stop is on the right side of the price. */
export function rests(position: OpenPosition, price: Dec): boolean {
  return restingStop(position, price) !== null;
}

/** The last proven stop again where it is the tighter one and still legal; where it is not, the nearest legal one (I1). */
function withFloor(
  observation: OpenObservation,
  memory: Memory,
  wanted: Wanted,
  price: Dec,
  beyond: Dec,
  notes: TargetNote[],
): Wanted {
  const { side, stopLoss } = observation.position;
  if (memory.floor === null) return wanted;
  const floor = dec(memory.floor);
  if (!legal(side, floor, price)) {
    if (stopLoss !== null) return wanted;
    notes.push('floor-passed');
    return tighter(side, beyond, wanted.stop) ? { stop: beyond, rule: 'wrong-side' } : wanted;
  }
  return tighter(side, floor, wanted.stop) ? { stop: floor, rule: 'last-proven' } : wanted;
}

function withLiquidation(
  observation: OpenObservation,
  policy: Policy,
  memory: Memory,
  wanted: Wanted,
  price: Dec,
  notes: TargetNote[],
): Wanted {
  const { position, marginMode } = observation;
  const { bufferPct } = policy.liquidation;
  // A buffer of 0 still keeps a tick: a stop at the liquidation price itself would come too late.
  const limit = liquidationLimit(
    position.side,
    position.liqPrice,
    price,
    bufferPct,
    dec(observation.tickSize),
  );
  const resting = memory.mayLoosen === true ? null : restingStop(position, price);
  const effective = resting !== null && tighter(position.side, resting, wanted.stop) ? resting : wanted.stop;
  if (limit === null || !tighter(position.side, limit.stop, effective)) return wanted;
  if (marginMode === 'ISOLATED_MARGIN') {
    if (policy.liquidation.isolated === 'alert') {
      notes.push('liquidation-alert');
      return wanted;
    }
    notes.push('liquidation');
    if (limit.near) notes.push('liquidation-near');
    return { stop: limit.stop, rule: 'liquidation' };
  }
  // In cross and portfolio margin (and while the mode is unknown) liqPrice is an estimate that moves with the whole account.
  notes.push('liquidation-cross');
  if (policy.liquidation.cross === 'alert' || memory.crossLiqChecks + 1 < 3) return wanted;
  return { stop: limit.stop, rule: 'liquidation' };
}

/**
 * Computes the stop that the rules want for one open leg. The resting stop is not compared here (see `decide`), except that
 * a legal resting stop keeps the wrong-side rule from anchoring again. Longs and shorts are mirror images.
 */
export function target(observation: OpenObservation, policy: Policy, memory: Memory): Target {
  const { position } = observation;
  const { side } = position;
  const price = dec(observation.price);
  const tick = dec(observation.tickSize);
  const notes: TargetNote[] = [];
  const numbers = trailingNumbers(policy, observation.atrPct);
  if (numbers.reduced) notes.push('reduced-functionality');
  const at = levels(side, position.entryPrice, policy, numbers);
  const trails = policy.trailing.mode !== 'off';
  const reached = trails && !tighter(side, at.trigger, price);
  const best = trails ? bestNow(observation, memory, reached) : null;

  const beyond = moved(price, side, -(best === null ? policy.fixedStopPct : numbers.distancePct));
  const resting = memory.respected === true ? restingStop(position, price) : null;
  let wanted: Wanted =
    resting === null
      ? anchored(position, price, numbers, at, best, beyond)
      : { stop: resting, rule: 'respected' };
  if (wanted.rule === 'wrong-side') notes.push('wrong-side');
  wanted = withFloor(observation, memory, wanted, price, beyond, notes);
  wanted = withLiquidation(observation, policy, memory, wanted, price, notes);
  const rounded = AS_IT_WAS.includes(wanted.rule) ? wanted.stop : roundStop(side, wanted.stop, price, tick);
  // One tick away from the price may be looser than an off-tick level that was proven.
  const floor = memory.floor === null ? null : dec(memory.floor);
  if (floor !== null && legal(side, floor, price) && (rounded === null || tighter(side, floor, rounded))) {
    wanted = { stop: floor, rule: 'last-proven' };
  }
  const stop = wanted.rule === 'last-proven' ? wanted.stop : rounded;
  return {
    stop: stop === null ? null : plain(stop),
    rule: stop === null ? 'refused' : wanted.rule,
    kind: best === null ? 'fixed' : 'trailing',
    best: best === null ? null : plain(best),
    trigger: trails ? plain(at.trigger) : null,
    notes,
  };
}
