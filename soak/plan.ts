/** Everything that a soak does to Stopkeeper, decided before it begins: kills, faults of the venue, humans, operators. */
import { Draw, type Weighted } from './draw.ts';
import { plannedKills, type Kill } from './kills.ts';
import type { SoakLeg } from './account.ts';
import { drawnFault, type VenueFault } from './venue-faults.ts';

export type HandAct = 'cancel-stop' | 'tighten' | 'loosen' | 'add' | 'reduce' | 'close' | 'flip';

export type OperatorAct =
  | 'reprotect'
  | 'reprotect-all'
  | 'reprotectNow'
  | 'setPolicy'
  | 'closeNow'
  | 'session'
  | 'cancel-guard'
  | 'terminate-guard'
  | 'syncBalance'
  | 'allocate'
  | 'release-margin';

export type SoakEvent =
  | ({ readonly kind: 'kill' } & Kill)
  | { readonly kind: 'venue-fault'; readonly atMs: number; readonly fault: VenueFault }
  | {
      readonly kind: 'hand';
      readonly atMs: number;
      readonly leg: SoakLeg;
      readonly act: HandAct;
      /** In [0, 1): how far, and what instead where the leg is flat. */
      readonly draw: number;
    }
  | {
      readonly kind: 'operator';
      readonly atMs: number;
      readonly leg: SoakLeg;
      readonly act: OperatorAct;
      readonly draw: number;
    };

const HANDS: readonly [Weighted<HandAct>, ...Weighted<HandAct>[]] = [
  { weight: 24, value: 'cancel-stop' },
  { weight: 14, value: 'tighten' },
  { weight: 16, value: 'loosen' },
  { weight: 10, value: 'add' },
  { weight: 10, value: 'reduce' },
  { weight: 14, value: 'close' },
  { weight: 12, value: 'flip' },
];

const OPERATORS: readonly [Weighted<OperatorAct>, ...Weighted<OperatorAct>[]] = [
  { weight: 24, value: 'reprotect' },
  { weight: 4, value: 'reprotect-all' },
  { weight: 24, value: 'reprotectNow' },
  { weight: 8, value: 'setPolicy' },
  { weight: 4, value: 'closeNow' },
  { weight: 3, value: 'session' },
  { weight: 6, value: 'cancel-guard' },
  { weight: 6, value: 'terminate-guard' },
  { weight: 5, value: 'syncBalance' },
  { weight: 10, value: 'allocate' },
  { weight: 6, value: 'release-margin' },
];

/** Means of the pauses between two, ms. */
const FAULT_EVERY_MS = 6_000;
const HAND_EVERY_MS = 3_000;
const OPERATOR_EVERY_MS = 9_000;

function moments(draw: Draw, everyMs: number, durationMs: number): number[] {
  const found: number[] = [];
  for (let atMs = 0; ;) {
    atMs += draw.between(everyMs / 3, (everyMs * 5) / 3);
    if (atMs >= durationMs) return found;
    found.push(Math.round(atMs));
  }
}

/** All events in their order; the same seed, duration and legs give the same. */
export function planOf(
  seed: number,
  durationMs: number,
  legs: readonly [SoakLeg, ...SoakLeg[]],
): readonly SoakEvent[] {
  const [faults, hands, operators] = ['venue-faults', 'hands', 'operators'].map(
    (name) => new Draw(seed, name),
  ) as [Draw, Draw, Draw];
  const events: readonly SoakEvent[] = [
    ...plannedKills(seed, durationMs).map((kill): SoakEvent => ({ kind: 'kill', ...kill })),
    ...moments(faults, FAULT_EVERY_MS, durationMs).map((atMs): SoakEvent => ({
      kind: 'venue-fault',
      atMs,
      fault: drawnFault(faults, faults.pick(legs)),
    })),
    ...moments(hands, HAND_EVERY_MS, durationMs).map((atMs): SoakEvent => ({
      kind: 'hand',
      atMs,
      leg: hands.pick(legs),
      act: hands.weighted(HANDS),
      draw: hands.unit(),
    })),
    ...moments(operators, OPERATOR_EVERY_MS, durationMs).map((atMs): SoakEvent => ({
      kind: 'operator',
      atMs,
      leg: operators.pick(legs),
      act: operators.weighted(OPERATORS),
      draw: operators.unit(),
    })),
  ];
  return events.toSorted((a, b) => a.atMs - b.atMs);
}
