import { describe, expect, it } from 'vitest';
import { closingLine, exitCode, tally, type Stage } from '../../scripts/test-summary.mjs';

const report = (...files: readonly (readonly [string, readonly string[]])[]): unknown => ({
  testResults: files.map(([status, tests]) => ({
    status,
    assertionResults: tests.map((test) => ({ status: test })),
  })),
});
const tests = (name: string, json: unknown, code = 0): Stage => {
  const counts = tally(json, code);
  return { name, ok: counts.failed === 0, note: '', kind: 'tests', counts };
};
const check = (ok: boolean): Stage => ({ name: 'lint', ok, note: '', kind: 'check' });

describe('the count of one project', () => {
  it('adds the files up; pending, skipped and todo are skipped', () => {
    const json = report(
      ['passed', ['passed', 'passed', 'pending']],
      ['passed', ['skipped', 'todo', 'passed']],
    );
    expect(tally(json, 0)).toEqual({ passed: 3, failed: 0, skipped: 3 });
  });

  it('counts a file that failed to load as one failure', () => {
    expect(tally(report(['failed', []], ['passed', ['passed']]), 1)).toEqual({
      passed: 1,
      failed: 1,
      skipped: 0,
    });
  });

  it('counts failed tests, not also their file', () => {
    expect(tally(report(['failed', ['failed', 'failed', 'passed']]), 1)).toEqual({
      passed: 1,
      failed: 2,
      skipped: 0,
    });
  });

  it('counts a run that ended badly without a failed test as one failure', () => {
    expect(tally(report(['passed', ['passed']]), 1)).toEqual({ passed: 1, failed: 1, skipped: 0 });
  });

  it.each([
    ['no report', undefined],
    ['null', null],
    ['a report of another shape', { testResults: 7 }],
  ])('counts %s with a bad exit code as one failure', (_, json) => {
    expect(tally(json, 1).failed).toBe(1);
  });

  it('counts a missing report as a failure even with exit code 0', () => {
    expect(tally(undefined, 0).failed).toBe(1);
  });
});

describe('the closing line', () => {
  it('adds up all projects', () => {
    const stages = [
      check(true),
      tests('unit', report(['passed', ['passed', 'skipped']])),
      tests('faults', report(['passed', ['passed']])),
    ];
    expect(closingLine(stages)).toBe('2 passed, 0 failed, 1 skipped');
    expect(exitCode(stages)).toBe(0);
  });

  it('never says 0 failed when a check failed', () => {
    const stages = [check(false), tests('unit', report(['passed', ['passed']]))];
    expect(closingLine(stages)).toBe('1 passed, 1 failed, 0 skipped');
    expect(exitCode(stages)).toBe(1);
  });

  it('is red when not a single test ran', () => {
    const stages = [check(true), tests('unit', report())];
    expect(closingLine(stages)).toBe('0 passed, 0 failed, 0 skipped');
    expect(exitCode(stages)).toBe(1);
  });

  it('is red with code 2 when a server is missing', () => {
    const stages = [
      tests('unit', report(['passed', ['passed']])),
      { name: 'workflow', ok: false, note: '', kind: 'setup' } as const,
    ];
    expect(closingLine(stages)).toBe('1 passed, 1 failed, 0 skipped');
    expect(exitCode(stages)).toBe(2);
  });
});
