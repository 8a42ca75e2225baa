/** What operators type: every wrong type, unknown field and missing field is named, and nothing else is refused. */
import { describe, expect, it } from 'vitest';
import { inputProblems, type MessageName } from '../../src/domain/messages.ts';

describe('good inputs', () => {
  it.each<[MessageName, unknown]>([
    ['startSession', undefined],
    ['startSession', { account: 'main', dryRun: true }],
    ['reprotect', undefined],
    ['reprotect', null],
    ['reprotect', {}],
    ['reprotect', { reason: 'looked odd', rewrite: true }],
    ['release', { reason: 'by hand' }],
    ['release', { reason: 'by hand', resumeAfterMs: 60_000, untilAdopted: false }],
    ['closeNow', { reason: 'enough', confirm: 'BTCUSDT' }],
    ['adopt', { symbol: 'BTC-26DEC25' }],
    ['adopt', { symbol: '1000PEPEUSDT', positionIdx: 2 }],
    ['setPolicy', { policy: {} }],
    ['setPolicy', { policy: { fixedStopPct: 4 }, allowLooser: true }],
  ])('%s accepts %j', (message, input) => {
    expect(inputProblems(message, input)).toEqual([]);
  });
});

describe('bad inputs', () => {
  it.each<[MessageName, unknown, string]>([
    ['startSession', { account: 'Main' }, 'account: expected an account alias'],
    ['startSession', { account: 7 }, 'account: '],
    ['startSession', { account: 'a'.repeat(33) }, 'account: '],
    ['startSession', { dryRun: 'yes' }, 'dryRun: expected true or false, got "yes"'],
    ['reprotect', { reason: 7 }, 'reason: expected a text'],
    ['reprotect', { reason: '  ' }, 'reason: expected a text'],
    ['reprotect', { reason: 'x'.repeat(501) }, 'reason: expected a text'],
    ['reprotect', { rewrite: 1 }, 'rewrite: expected true or false, got 1'],
    ['reprotect', { rewrite: null }, 'rewrite: expected true or false, got null'],
    ['release', {}, 'reason: missing'],
    ['release', undefined, 'reason: missing'],
    ['release', { reason: 'x', resumeAfterMs: 0 }, 'resumeAfterMs: expected a whole number'],
    ['release', { reason: 'x', resumeAfterMs: 1.5 }, 'resumeAfterMs: '],
    ['release', { reason: 'x', resumeAfterMs: '60000' }, 'resumeAfterMs: '],
    ['release', { reason: 'x', untilAdopted: 'true' }, 'untilAdopted: '],
    ['closeNow', { reason: 'x' }, 'confirm: missing'],
    ['closeNow', { confirm: 'BTCUSDT' }, 'reason: missing'],
    ['closeNow', { reason: 'x', confirm: 'btcusdt' }, 'confirm: expected a symbol such as BTCUSDT'],
    ['adopt', {}, 'symbol: missing'],
    ['adopt', { symbol: 'BTC USDT' }, 'symbol: '],
    ['adopt', { symbol: 'BTCUSDT', positionIdx: 3 }, 'positionIdx: expected 0, 1 or 2, got 3'],
    ['adopt', { symbol: 'BTCUSDT', positionIdx: '0' }, 'positionIdx: '],
    ['setPolicy', {}, 'policy: missing'],
    ['setPolicy', { policy: [] }, 'policy: expected an object'],
    ['setPolicy', { policy: {}, allowLooser: 'once' }, 'allowLooser: '],
  ])('%s refuses %j by name', (message, input, problem) => {
    const problems = inputProblems(message, input);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });

  it.each(['reprotect', 7, true, ['x']])('an input that is not an object (%j) is one problem', (input) => {
    expect(inputProblems('reprotect', input)).toEqual([
      `input: expected one JSON object, got ${JSON.stringify(input)}`,
    ]);
  });

  it.each(['startSession', 'reprotect', 'release', 'closeNow', 'adopt', 'setPolicy'] as const)(
    '%s names an unknown field and the ones it knows',
    (message) => {
      const [problem] = inputProblems(message, { rewrit: true });
      expect(problem).toContain('rewrit: unknown field, expected one of ');
    },
  );

  it('every problem is reported at once', () => {
    const problems = inputProblems('closeNow', { confirm: 5, force: true });
    expect(problems.map((problem) => problem.split(':')[0])).toEqual(['force', 'reason', 'confirm']);
  });

  it('names that every object has are unknown fields like any other, and long values are cut', () => {
    const input: unknown = JSON.parse('{"constructor": 1, "__proto__": {}}');
    expect(inputProblems('reprotect', input)).toHaveLength(2);
    expect(inputProblems('reprotect', { rewrite: 'x'.repeat(900) })[0]?.length).toBeLessThan(120);
  });
});
