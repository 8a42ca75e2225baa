/** What a guard tells its worker's metrics on the time-skipping server: once, over continue-as-new and to its end (I11, I12). */
import { describe, expect, it } from 'vitest';
import { REFUSED } from '../support/fake-venue-records.ts';
import { until } from '../support/waiting.ts';
import { workflowWorld } from '../support/workflow-world.ts';

const world = workflowWorld();

describe('a guard whose stop the venue refuses for a while', () => {
  it('shows as unprotected, then as protected, with each second counted once over hours, and goes when it ends', async () => {
    const stage = world.stage();
    const { account } = stage;
    const positions = (state: string) => world.metric('stopkeeper_positions', { account, state });
    const value = (name: string) => world.metric(name, { account });
    const leg = stage.venue.open();
    stage.venue.fault({ call: 'setStop', kind: 'fail', failure: REFUSED, times: 'always' });
    const guard = await stage.startGuard(leg);
    await world.pass('1 minute');
    await until('the bare leg', async () => (await positions('UNPROTECTED')) === 1);
    expect(await value('stopkeeper_unprotected_max_seconds')).toBeGreaterThan(30);

    stage.venue.mend();
    await world.pass('1 minute');
    await stage.proven(leg, '94');
    await until('the proof', async () => (await positions('PROTECTED')) === 1);
    expect([await positions('UNPROTECTED'), await value('stopkeeper_unprotected_max_seconds')]).toEqual([
      0, 0,
    ]);
    const { unprotectedSeconds } = await stage.status(leg);
    const counted = await value('stopkeeper_unprotected_seconds_total');
    expect(Math.abs((counted ?? 0) - Number(unprotectedSeconds))).toBeLessThan(0.06);

    await world.pass('2 hours');
    await stage.status(leg);
    expect(await value('stopkeeper_unprotected_seconds_total')).toBe(counted);
    expect(await world.metric('stopkeeper_checks_total', { account, result: 'open' })).toBeGreaterThan(200);
    expect(await value('stopkeeper_proof_age_max_seconds')).toBeLessThan(120);

    stage.venue.humanClose(leg);
    await world.pass('2 minutes');
    await guard.result();
    for (const state of ['PROTECTED', 'UNPROTECTED', 'UNCERTAIN', 'BLIND', 'CONFIRMING'])
      expect(await positions(state)).toBe(0);
  });
});

describe('a released guard', () => {
  it('shows no more', async () => {
    const stage = world.stage();
    const { account } = stage;
    const leg = stage.venue.open();
    const guard = await stage.startGuard(leg);
    await stage.proven(leg, '94');
    await until(
      'the guard',
      async () => (await world.metric('stopkeeper_positions', { account, state: 'PROTECTED' })) === 1,
    );
    await guard.signal('release', { reason: 'by hand from now on' });
    await guard.result();
    expect(await world.metric('stopkeeper_positions', { account, state: 'PROTECTED' })).toBe(0);
  });
});
