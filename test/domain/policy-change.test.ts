/** A guard's policy change is held to the ranges of the policy file's own schema, path by path and value by value. */
import { describe, expect, it } from 'vitest';
import { changedPolicy, guardPolicy, POLICY_RULES, policyProblems } from '../../src/domain/policy-change.ts';
import { DEFAULT_POLICY } from '../../src/domain/policy.ts';
import { policyFileSchema } from '../../src/policy-schema.ts';

/** `{ "trailing.mode": "off" }` → `{ trailing: { mode: "off" } }`. */
function nested(path: string, value: unknown): Record<string, unknown> {
  const [outer = '', inner] = path.split('.');
  return inner === undefined ? { [outer]: value } : { [outer]: { [inner]: value } };
}

const fileAccepts = (change: unknown): boolean =>
  policyFileSchema.safeParse({ symbols: { BTCUSDT: change } }).success;

/** Values at, just inside and just outside every bound, and of every wrong type. */
function candidates(path: string): readonly unknown[] {
  const rule = POLICY_RULES[path];
  const odd = [null, true, '', '1', [], {}, Number.NaN, Infinity, -Infinity, -1, 0, 1, 2 ** 53];
  if (rule === undefined || !('min' in rule)) return [...odd, ...(rule ?? []), 'OFF', 'IndexPrice'];
  const step = rule.whole === true ? 1 : 0.001;
  const around = [rule.min, rule.max].flatMap((bound) => [bound - step, bound, bound + step, bound + 0.5]);
  return [...odd, ...around];
}

describe('every key', () => {
  it.each(Object.keys(POLICY_RULES))('%s accepts and refuses what the policy file does', (path) => {
    for (const value of candidates(path)) {
      const change = nested(path, value);
      const problems = policyProblems(change);
      expect([value, problems.length === 0]).toEqual([value, fileAccepts(change)]);
      for (const problem of problems) expect(problem).toContain(path.split('.')[0]);
    }
  });

  it("of a guard's part of the default policy is known and good", () => {
    expect(policyProblems(guardPolicy(DEFAULT_POLICY))).toEqual([]);
    expect(fileAccepts(guardPolicy(DEFAULT_POLICY))).toBe(true);
  });

  it('that a guard can follow is in the part that is compared', () => {
    const part = guardPolicy(DEFAULT_POLICY) as Record<string, unknown>;
    for (const path of [...Object.keys(POLICY_RULES), 'trailing.bands']) {
      const [outer = '', inner] = path.split('.');
      const value = part[outer];
      expect(
        inner === undefined ? value : (value as Record<string, unknown>)[inner],
        path,
      ).not.toBeUndefined();
    }
  });
});

describe('bands', () => {
  const band = (belowAtrPct: unknown, more: object = {}) => ({
    belowAtrPct,
    triggerPct: 1,
    distancePct: 0.8,
    ...more,
  });
  it.each<[string, unknown]>([
    ['a single last band', [band(null)]],
    ['rising bands', [band(2), band(4), band(null)]],
    ['equal bounds', [band(2), band(2), band(null)]],
    ['falling bounds', [band(4), band(2), band(null)]],
    ['no last band', [band(2), band(4)]],
    ['an early null', [band(null), band(4), band(null)]],
    ['a bound of 0', [band(0), band(null)]],
    ['a bound of 100', [band(100), band(null)]],
    ['a bound over 100', [band(100.1), band(null)]],
    ['an empty list', []],
    ['eleven bands', [...Array.from({ length: 10 }, (_, at) => band(at + 1)), band(null)]],
    ['ten bands', [...Array.from({ length: 9 }, (_, at) => band(at + 1)), band(null)]],
    ['no list', { 0: band(null) }],
    ['a band that is no object', [7]],
    ['an unknown key in a band', [band(null, { triggrPct: 1 })]],
    ['a missing distance', [{ belowAtrPct: null, triggerPct: 1 }]],
    ['a distance out of range', [band(null, { distancePct: 0.04 })]],
    ['a trigger out of range', [band(null, { triggerPct: 50.1 })]],
    ['a text for a bound', [band('2'), band(null)]],
  ])('%s: as the policy file judges it', (_name, bands) => {
    const change = { trailing: { bands } };
    expect(policyProblems(change).length === 0).toBe(fileAccepts(change));
  });
});

describe('problems are named', () => {
  it.each<[unknown, string]>([
    [{ fixedStopPct: 0 }, 'policy.fixedStopPct: expected a number from 0.1 to 50, got 0'],
    [{ checkEveryMs: 1.5 }, 'policy.checkEveryMs: expected a whole number from 200 to 86400000, got 1.5'],
    [
      { escalation: { closeAfterMs: 5 } },
      'policy.escalation.closeAfterMs: expected a whole number from 1000 to 86400000 or null, got 5',
    ],
    [{ trailing: { mode: 'on' } }, 'policy.trailing.mode: expected one of off, fixed, bands, got "on"'],
    [{ trailing: null }, 'policy.trailing: expected an object'],
    [{ trailing: { triggrPct: 1 } }, 'policy.trailing.triggrPct: unknown key'],
    [{ stopPct: 5 }, 'policy.stopPct: unknown key'],
    [{ 'trailing.mode': 'off' }, 'policy.trailing.mode: unknown key'],
    [{ maxPositions: 5 }, 'policy.maxPositions: belongs to the account, set it in the policy file'],
    [JSON.parse('{"constructor": 5}'), 'policy.constructor: unknown key'],
    [JSON.parse('{"trailing": {"__proto__": {}}}'), 'policy.trailing.__proto__: unknown key'],
    ['fixed', 'policy: expected an object of policy keys'],
    [[], 'policy: expected an object of policy keys'],
  ])('%j', (change, problem) => {
    expect(policyProblems(change)).toEqual([problem]);
  });

  it('all at once', () => {
    expect(
      policyProblems({ fixedStopPct: 99, minMovePct: 9, liquidation: { bufferPct: 99, cross: 'no' } }),
    ).toHaveLength(4);
  });
});

it('a change replaces what it names and leaves the rest', () => {
  const changed = changedPolicy(DEFAULT_POLICY, { fixedStopPct: 4, trailing: { distancePct: 2 } });
  expect(changed).toEqual({
    ...DEFAULT_POLICY,
    fixedStopPct: 4,
    trailing: { ...DEFAULT_POLICY.trailing, distancePct: 2 },
  });
});
