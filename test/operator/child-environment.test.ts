/** The environments in which the programs of a system run. */
import { totalmem } from 'node:os';
import { describe, expect, it } from 'vitest';
import { goEnvironment } from '../../src/operator/child-environment.ts';

describe('the environment of a Go program', () => {
  it('trades memory for CPU, up to a quarter of the machine', () => {
    const { GOGC, GOMEMLIMIT, PATH } = goEnvironment({ PATH: '/bin' });
    expect({ GOGC, PATH }).toEqual({ GOGC: '400', PATH: '/bin' });
    expect(GOMEMLIMIT).toMatch(/^\d+$/u);
    expect(Number(GOMEMLIMIT) / totalmem()).toBeCloseTo(0.25, 6);
  });

  it('keeps its threads on one core', () => {
    expect(goEnvironment({})['GOMAXPROCS']).toBe('1');
  });

  it('leaves all three to whoever has set them', () => {
    const own = { GOGC: '50', GOMEMLIMIT: '100MiB', GOMAXPROCS: '8' };
    expect(goEnvironment(own)).toEqual(own);
  });
});
