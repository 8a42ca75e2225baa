/** Changing a running guard's policy: merging a partial one, with every number's range checked by name (DESIGN §3). */
import type { Policy, TrailingBand } from './policy.ts';

type Deep<T> = {
  readonly [K in keyof T]?: T[K] extends readonly unknown[] ? T[K] : T[K] extends object ? Deep<T[K]> : T[K];
};

/** Any part of a policy that one guard can follow. */
export type PolicyChange = Deep<Omit<Policy, (typeof ACCOUNT_KEYS)[number]>>;

/** Keys that belong to an account; a guard cannot follow them. */
const ACCOUNT_KEYS = [
  'discoverEveryMs',
  'requestsPerMinute',
  'maxAllocationPct',
  'minNotionalUsd',
  'maxPositions',
  'ignore',
] as const;

type Rule =
  | { readonly min: number; readonly max: number; readonly whole?: boolean; readonly orNull?: boolean }
  | readonly string[];

const DAY_MS = 86_400_000;

/** Ranges of DESIGN §3 by path; the policy file's schema is tested to refuse and accept the same. */
export const POLICY_RULES: Readonly<Record<string, Rule>> = {
  fixedStopPct: { min: 0.1, max: 50 },
  feeAllowancePct: { min: 0, max: 1 },
  'trailing.mode': ['off', 'fixed', 'bands'],
  'trailing.triggerPct': { min: 0, max: 50 },
  'trailing.distancePct': { min: 0.05, max: 50 },
  minMovePct: { min: 0, max: 5 },
  triggerBy: ['MarkPrice', 'LastPrice'],
  existingStop: ['tighten', 'respect'],
  'liquidation.bufferPct': { min: 0, max: 10 },
  'liquidation.isolated': ['tighten', 'alert'],
  'liquidation.cross': ['tighten', 'alert'],
  checkEveryMs: { min: 200, max: DAY_MS, whole: true },
  priceMaxAgeMs: { min: 1_000, max: DAY_MS, whole: true },
  'escalation.emergencyAfterMs': { min: 100, max: DAY_MS, whole: true },
  'escalation.repeatEveryMs': { min: 1_000, max: DAY_MS, whole: true },
  'escalation.closeAfterMs': { min: 1_000, max: DAY_MS, whole: true, orNull: true },
  'escalation.fastCheckMs': { min: 200, max: DAY_MS, whole: true },
  continueAsNewAfterChecks: { min: 5, max: 500, whole: true },
};

const BAND_KEYS: readonly string[] = ['belowAtrPct', 'triggerPct', 'distancePct'];

const GROUPS = ['trailing', 'liquidation', 'escalation'] as const;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function valueProblem(path: string, value: unknown): string | null {
  const rule = Object.hasOwn(POLICY_RULES, path) ? POLICY_RULES[path] : undefined;
  if (rule === undefined) {
    return ACCOUNT_KEYS.some((key) => key === path)
      ? `policy.${path}: belongs to the account, set it in the policy file`
      : `policy.${path}: unknown key`;
  }
  const got = `got ${JSON.stringify(value)}`;
  if (Array.isArray(rule)) {
    return rule.includes(value) ? null : `policy.${path}: expected one of ${rule.join(', ')}, ${got}`;
  }
  const { min, max, whole, orNull } = rule as Exclude<Rule, readonly string[]>;
  if (value === null && orNull === true) return null;
  const fits =
    typeof value === 'number' &&
    value >= min &&
    value <= max &&
    (whole !== true || Number.isSafeInteger(value));
  const kind = whole === true ? 'a whole number' : 'a number';
  return fits
    ? null
    : `policy.${path}: expected ${kind} from ${min} to ${max}${orNull === true ? ' or null' : ''}, ${got}`;
}

/** Every problem of a partial policy, by path; empty when a guard can follow it. */
export function policyProblems(change: unknown): readonly string[] {
  if (!isObject(change)) return ['policy: expected an object of policy keys'];
  return Object.entries(change).flatMap(([key, value]) => {
    // A path is our way to name a value, not an operator's to give one.
    if (key.includes('.')) return `policy.${key}: unknown key`;
    if (!GROUPS.some((group) => group === key)) return valueProblem(key, value) ?? [];
    if (!isObject(value)) return [`policy.${key}: expected an object`];
    return Object.entries(value).flatMap(([inner, one]) =>
      `${key}.${inner}` === 'trailing.bands'
        ? bandProblems(one)
        : (valueProblem(`${key}.${inner}`, one) ?? []),
    );
  });
}

function bandProblems(value: unknown): readonly string[] {
  const bands: readonly unknown[] = Array.isArray(value) ? value : [];
  if (bands.length === 0 || bands.length > 10)
    return ['policy.trailing.bands: expected a list of 1 to 10 bands'];
  let below = 0;
  return bands.flatMap((band, at) => {
    const name = `trailing.bands[${at}]`;
    if (!isObject(band)) return [`policy.${name}: expected an object`];
    const { belowAtrPct: bound } = band;
    const last = at === bands.length - 1;
    const rising = typeof bound === 'number' && bound > below && bound <= 100;
    if (typeof bound === 'number') below = bound;
    const problems = (last ? bound === null : rising)
      ? []
      : [
          `policy.${name}.belowAtrPct: expected ${last ? 'null in the last band' : 'a number above the band before'}`,
        ];
    for (const key of Object.keys(band)) {
      if (!BAND_KEYS.includes(key)) problems.push(`policy.${name}.${key}: unknown key`);
    }
    for (const key of ['triggerPct', 'distancePct'] as const) {
      const problem = valueProblem(`trailing.${key}`, band[key]);
      if (problem !== null) problems.push(problem.replace(`trailing.${key}`, `${name}.${key}`));
    }
    return problems;
  });
}

/** The policy with the change in it; `change` must have no problems. */
export function changedPolicy(policy: Policy, change: PolicyChange): Policy {
  return {
    ...policy,
    ...change,
    trailing: { ...policy.trailing, ...change.trailing },
    liquidation: { ...policy.liquidation, ...change.liquidation },
    escalation: { ...policy.escalation, ...change.escalation },
  };
}

/** The part of a policy that a guard follows, with its keys in one order, so that two can be compared as text. */
export function guardPolicy(policy: Policy): PolicyChange {
  const { fixedStopPct, feeAllowancePct, minMovePct, triggerBy, existingStop } = policy;
  const { checkEveryMs, priceMaxAgeMs, continueAsNewAfterChecks } = policy;
  const { mode, triggerPct, distancePct, bands } = policy.trailing;
  const { bufferPct, isolated, cross } = policy.liquidation;
  const { emergencyAfterMs, repeatEveryMs, closeAfterMs, fastCheckMs } = policy.escalation;
  return {
    fixedStopPct,
    feeAllowancePct,
    trailing: { mode, triggerPct, distancePct, bands: bands.map((band) => ordered(band)) },
    minMovePct,
    triggerBy,
    existingStop,
    liquidation: { bufferPct, isolated, cross },
    checkEveryMs,
    priceMaxAgeMs,
    escalation: { emergencyAfterMs, repeatEveryMs, closeAfterMs, fastCheckMs },
    continueAsNewAfterChecks,
  };
}

function ordered({ belowAtrPct, triggerPct, distancePct }: TrailingBand): TrailingBand {
  return { belowAtrPct, triggerPct, distancePct };
}
