/** A guard whose venue fails it: attempts, escalation, lost answers, other writers, alerts that nobody takes (I2, I3, I5). */
import { describe, expect, it } from 'vitest';
import type { GuardResult } from '../../src/workflows/guard-position.ts';
import { KEY_REJECTED, REFUSED, UNAVAILABLE } from '../support/fake-venue-records.ts';
import { attemptsOf, runsOf } from '../support/histories.ts';
import { until } from '../support/waiting.ts';
import { workflowWorld } from '../support/workflow-world.ts';

const world = workflowWorld();

describe('a venue that does not take the stop', () => {
  it('is tried exactly three times, then CRITICAL once, EMERGENCY after a minute and every five, and no more', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    stage.venue.fault({ call: 'setStop', kind: 'fail', failure: UNAVAILABLE, times: 'always' });
    const guard = await stage.startGuard(leg);
    await world.pass('12 minutes');
    await until('EMERGENCY three times', () => stage.told('EMERGENCY').length === 3);
    expect(stage.alerts.map(({ level }) => level)).toEqual([
      'CRITICAL',
      'EMERGENCY',
      'EMERGENCY',
      'EMERGENCY',
    ]);
    const [critical, first, second, third] = stage.alerts.map(({ at }) => at) as [
      number,
      number,
      number,
      number,
    ];
    expect(first - critical).toBeGreaterThanOrEqual(60_000);
    expect(second - first).toBeGreaterThanOrEqual(300_000);
    expect(third - second).toBeGreaterThanOrEqual(300_000);
    const attempts = (await runsOf(guard)).flatMap((history) => attemptsOf(history, 'ensureStop'));
    expect(attempts.length).toBeGreaterThan(20);
    expect(new Set(attempts)).toEqual(new Set([3]));
    // An activity that is under way has written up to three times already.
    const more = stage.venue.asked('setStop').length - attempts.length * 3;
    expect(more).toBeGreaterThanOrEqual(0);
    expect(more).toBeLessThanOrEqual(3);

    stage.venue.mend();
    await world.pass('1 minute');
    await stage.proven(leg, '94');
    await until('RESOLVED', () => stage.told('RESOLVED').length === 1);
    expect(Number(stage.told('RESOLVED')[0]?.unprotectedSeconds)).toBeGreaterThan(600);
    await world.pass('10 minutes');
    expect(stage.alerts).toHaveLength(5);
  });

  it('by refusing for good is not tried again within the activity, but with every check', async () => {
    const stage = world.stage({ escalation: { emergencyAfterMs: 20_000 } });
    const leg = stage.venue.open();
    stage.venue.fault({ call: 'setStop', kind: 'refuse', failure: REFUSED, times: 'always' });
    const guard = await stage.startGuard(leg);
    await world.pass('1 minute');
    const attempts = (await runsOf(guard)).flatMap((history) => attemptsOf(history, 'ensureStop'));
    expect(new Set(attempts)).toEqual(new Set([1]));
    expect(attempts.length).toBeGreaterThan(5);
    expect(stage.told('CRITICAL')).toHaveLength(1);
    expect(stage.told('unprotected-emergency')).toHaveLength(1);
    expect(await stage.status(leg)).toMatchObject({ state: 'UNPROTECTED' });
  });

  it('because the key is rejected is EMERGENCY at once, with one attempt in each check', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    stage.venue.fault({ call: 'setStop', kind: 'refuse', failure: KEY_REJECTED, times: 'always' });
    const guard = await stage.startGuard(leg);
    await until('EMERGENCY', () => stage.told('key-rejected').length === 1);
    await world.pass('4 minutes');
    const attempts = (await runsOf(guard)).flatMap((history) => attemptsOf(history, 'ensureStop'));
    expect(new Set(attempts)).toEqual(new Set([1]));
    expect(attempts.length).toBeGreaterThan(1);
    // Every 5 s, with the time that an attempt and its read take.
    expect(attempts.length).toBeLessThanOrEqual(4 * 12 + 1);
    stage.venue.mend();
    await world.pass('2 minutes');
    await stage.proven(leg, '94');
    await until('RESOLVED', () => stage.told('RESOLVED').length === 1);
  });

  it('and closeAfterMs set is closed by a reduce-only order, proven by reads', async () => {
    const stage = world.stage({ escalation: { closeAfterMs: 30_000 } });
    const leg = stage.venue.open({ side: 'short' });
    stage.venue.fault({ call: 'setStop', kind: 'refuse', failure: REFUSED, times: 'always' });
    const guard = await stage.startGuard(leg);
    await world.pass('3 minutes');
    expect((await guard.result()) as GuardResult).toMatchObject({ report: { reason: 'stopkeeper' } });
    expect(stage.venue.asked('closePosition')).toHaveLength(1);
  });
});

describe('a price that crosses the stop between computing and writing', () => {
  it('is answered at once with a stop for the price of now', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    stage.venue.fault({ call: 'setStop', kind: 'meanwhile', act: () => stage.venue.price('BTCUSDT', '93') });
    const guard = await stage.startGuard(leg);
    await stage.proven(leg, '87.42');
    expect(stage.venue.asked('setStop').map(({ stopLoss }) => stopLoss)).toEqual(['94', '87.42']);
    const [history] = await runsOf(guard);
    expect(history === undefined ? [] : attemptsOf(history, 'ensureStop')).toEqual([2]);
    await until('the warning', () => stage.told('wrong-side').length === 1);
    expect(stage.told('CRITICAL')).toEqual([]);
  });
});

describe('an answer that is lost', () => {
  it('although the stop was set is resolved by reading, without a second write', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    stage.venue.fault({ call: 'setStop', kind: 'apply-then-timeout' });
    await stage.startGuard(leg);
    await stage.proven(leg, '94');
    await world.pass('2 minutes');
    expect(stage.venue.asked('setStop')).toHaveLength(1);
    expect(stage.alerts).toEqual([]);
  });

  it('with the request itself leads to a second one, after a read', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    stage.venue.fault({ call: 'setStop', kind: 'lost' });
    await stage.startGuard(leg);
    await world.pass('30 seconds');
    await stage.proven(leg, '94');
    const calls = stage.venue.requests.map(({ call }) => call);
    const [first, second] = calls.flatMap((call, at) => (call === 'setStop' ? [at] : [])) as [number, number];
    expect(calls.slice(first + 1, second)).toContain('snapshot');
    expect(stage.venue.asked('setStop')).toHaveLength(2);
  });

  it('together with the worker that asked is never CRITICAL while a read shows the stop', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    stage.venue.fault({ call: 'setStop', kind: 'apply-then-timeout', times: 'always' });
    // The proofs fail too: only the guard's own read after the last attempt shows the stop.
    stage.venue.fault({ call: 'snapshot', kind: 'fail', failure: UNAVAILABLE, skip: 2, times: 5 });
    await stage.startGuard(leg);
    await world.pass('1 minute');
    await stage.proven(leg, '94');
    expect(stage.told('CRITICAL')).toEqual([]);
  });
});

describe('an answer that is not true', () => {
  it.each([
    ['ok-without-effect', 'the venue accepted the stop 94, but the read shows no stop'],
    ['unchanged-without-effect', 'the venue answered "not modified" 94, but the read shows no stop'],
  ] as const)(
    '%s is a failure: three attempts, CRITICAL, and proven when the venue means it',
    async (kind, words) => {
      const stage = world.stage();
      const leg = stage.venue.open();
      stage.venue.fault({ call: 'setStop', kind, times: 3 });
      const guard = await stage.startGuard(leg);
      await world.pass('1 minute');
      await stage.proven(leg, '94');
      const attempts = (await runsOf(guard)).flatMap((history) => attemptsOf(history, 'ensureStop'));
      expect(attempts[0]).toBe(3);
      await until('RESOLVED', () => stage.told('RESOLVED').length === 1);
      expect(stage.told('CRITICAL')).toHaveLength(1);
      expect(stage.told('CRITICAL')[0]?.message).toContain(words);
    },
  );
});

describe('a stop that somebody keeps loosening', () => {
  it('is put back each time, and reported as another writer after three times, once', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    await stage.startGuard(leg);
    await stage.proven(leg, '94');
    for (let time = 1; time <= 4; time += 1) {
      stage.venue.humanStop(leg, '90');
      await world.pass('40 seconds');
      await until('the stop', () => stage.venue.stopOf(leg) === '94');
    }
    await until('the alert', () => stage.told('another-writer').length === 1);
    expect(stage.venue.sent(leg)).toEqual(['94', '94', '94', '94', '94']);
  });

  it("a human's tighter stop is kept", async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    await stage.startGuard(leg);
    await stage.proven(leg, '94');
    stage.venue.humanStop(leg, '98');
    await world.pass('5 minutes');
    expect(await stage.status(leg)).toMatchObject({ stop: '98', stopKind: 'human' });
    expect(stage.venue.sent(leg)).toEqual(['94']);
  });
});

describe('an alert that nobody takes', () => {
  it('for an hour is delivered once when the channel is back, across continue-as-new', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    const guard = await stage.startGuard(leg);
    await stage.proven(leg, '94');
    stage.channelDown = true;
    stage.venue.humanStop(leg, null);
    await world.pass('1 hour');
    await stage.proven(leg, '94');
    expect(stage.alerts).toEqual([]);
    expect(stage.deliveriesTried).toBeGreaterThan(10);
    expect((await runsOf(guard)).length).toBeGreaterThan(1);
    stage.channelDown = false;
    await world.pass('10 minutes');
    expect(stage.alerts.map(({ kind }) => kind)).toEqual(['stop-vanished']);
  });

  it('before the guard ends is handed to the watcher, which delivers it once', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    await stage.startWatcher();
    await until('the guard', () => stage.venue.stopOf(leg) === '94');
    await stage.proven(leg, '94');
    stage.channelDown = true;
    stage.venue.humanStop(leg, null);
    await world.pass('1 minute');
    await stage.proven(leg, '94');
    stage.venue.humanClose(leg);
    await world.pass('5 minutes');
    expect(await stage.isRunning(stage.guard(leg))).toBe(false);
    expect(stage.alerts).toEqual([]);
    stage.channelDown = false;
    await world.pass('2 minutes');
    expect(stage.told('stop-vanished')).toHaveLength(1);
  });
});
