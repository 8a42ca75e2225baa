/** A guard's ordinary life on the time-skipping server: hours of checks, trailing, restoring, closing (I1, I4). */
import { describe, expect, it } from 'vitest';
import type { LogEntry } from '../../src/domain/decision-log.ts';
import type { Policy } from '../../src/domain/policy.ts';
import { TASK_QUEUE } from '../../src/domain/names.ts';
import type { GuardResult } from '../../src/workflows/guard-position.ts';
import { REFUSED, UNAVAILABLE } from '../support/fake-venue-records.ts';
import { carriedBytes, runsOf } from '../support/histories.ts';
import { until } from '../support/waiting.ts';
import { workflowWorld } from '../support/workflow-world.ts';

const world = workflowWorld();

describe('a position without a stop', () => {
  it("gets a proven stop at the policy's level, and nothing more is written for an hour", async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    await stage.startGuard(leg);
    const status = await stage.proven(leg);
    expect(status).toMatchObject({ stop: '94', stopKind: 'fixed', side: 'long' });
    await world.pass('1 hour');
    expect((await stage.status(leg)).checks).toBeGreaterThan(100);
    expect(stage.venue.sent(leg)).toEqual(['94']);
  });

  it('shows its state in the search attributes', async () => {
    const stage = world.stage();
    const leg = stage.venue.open({ side: 'short' });
    await stage.startGuard(leg);
    await stage.proven(leg, '106');
    await until('the attributes', async () => {
      const { searchAttributes } = await stage.guard(leg).describe();
      return (
        searchAttributes['ProtectionState']?.[0] === 'PROTECTED' &&
        searchAttributes['PositionSide']?.[0] === 'short' &&
        searchAttributes['TrailingActive']?.[0] === false
      );
    });
  });
});

describe('a thousand checks across continue-as-new', () => {
  it('keep best price, proven stop, policy and decisions, in a state under 8 kB', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    await stage.startGuard(leg);
    await stage.proven(leg, '94');
    const changed = { policy: { fixedStopPct: 5 } };
    await stage.guard(leg).executeUpdate('setPolicy', { args: [changed] });
    await stage.proven(leg, '95');
    stage.venue.price('BTCUSDT', '102');
    await world.pass('1 minute');
    const { stop, provenAt } = await stage.proven(leg, '101.19');
    stage.venue.price('BTCUSDT', '101.5');
    await world.pass('10 hours');

    const status = await stage.status(leg);
    expect(status.checks).toBeGreaterThan(1_000);
    expect(status).toMatchObject({ bestPrice: '102', stop, stopKind: 'trailing', state: 'PROTECTED' });
    expect(Date.parse(status.provenAt ?? '')).toBeGreaterThan(Date.parse(provenAt ?? ''));
    expect(stage.venue.sent(leg)).toEqual(['94', '95', '101.19']);
    expect(await stage.guard(leg).query<Policy>('policy')).toMatchObject({ fixedStopPct: 5 });
    const requests = (await stage.guard(leg).query<readonly LogEntry[]>('decisions')).map(
      (one) => one.request,
    );
    expect(requests).toEqual(expect.arrayContaining(['94', '95', '101.19']));
    const runs = await runsOf(stage.guard(leg));
    expect(runs.length).toBeGreaterThan(20);
    for (const history of runs) expect(carriedBytes(history)).toBeLessThan(8_000);
  });

  it('stay under 8 kB also when alerts pile up that nobody takes and decisions change all the time', async () => {
    const stage = world.stage({ continueAsNewAfterChecks: 10, checkEveryMs: 10_000 });
    stage.channelDown = true;
    const leg = stage.venue.open();
    await stage.startGuard(leg);
    await stage.proven(leg, '94');
    for (let round = 0; round < 12; round += 1) {
      const refusal = { ...REFUSED, message: `refused ${round}: ${'a long explanation '.repeat(12)}` };
      stage.venue.fault({ call: 'setStop', kind: 'refuse', failure: refusal, times: 4 });
      stage.venue.humanStop(leg, null);
      await world.pass('2 minutes');
      await stage.proven(leg, '94');
    }
    await world.pass('10 minutes');
    const runs = await runsOf(stage.guard(leg));
    expect(runs.length).toBeGreaterThan(5);
    for (const history of runs) expect(carriedBytes(history)).toBeLessThan(8_000);
    expect(stage.alerts).toEqual([]);
  });

  it('get shorter runs where an account has many legs, whose guards a restart would replay together', async () => {
    const stage = world.stage();
    for (let at = 0; at < 1_000; at += 1) stage.venue.open({ symbol: `X${at}USDT` });
    const leg = stage.venue.open();
    await stage.startGuard(leg);
    await stage.proven(leg, '94');
    await world.pass('11 minutes');
    const runs = await runsOf(stage.guard(leg));
    expect(runs.length).toBeGreaterThan(1);
    expect((await stage.status(leg)).checks).toBeLessThan(40);
  });

  it('an update waiting while it continues as new is answered', async () => {
    const stage = world.stage({ continueAsNewAfterChecks: 5 });
    const leg = stage.venue.open();
    await stage.startGuard(leg);
    await stage.proven(leg, '94');
    for (let round = 0; round < 12; round += 1) {
      const answers = await Promise.all([1, 2, 3].map(() => stage.reprotectNow(leg)));
      for (const answer of answers) expect(answer).toMatchObject({ state: 'PROTECTED', stop: '94' });
      await world.pass('1 minute');
    }
    expect((await runsOf(stage.guard(leg))).length).toBeGreaterThan(3);
  });
});

describe('a stop that a human cancels', () => {
  it('is back at the next check, and a human hears of it', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    await stage.startGuard(leg);
    await stage.proven(leg, '94');
    stage.venue.humanStop(leg, null);
    await world.pass('40 seconds');
    await until('the stop', () => stage.venue.stopOf(leg) === '94');
    await until('the alert', () => stage.told('stop-vanished').length === 1);
  });

  it('is back at once after reprotect', async () => {
    const stage = world.stage({ checkEveryMs: 86_400_000 });
    const leg = stage.venue.open();
    await stage.startGuard(leg);
    await stage.proven(leg, '94');
    stage.venue.humanStop(leg, null);
    await stage.guard(leg).signal('reprotect');
    await until('the stop', () => stage.venue.stopOf(leg) === '94');
  });

  it('is back when reprotectNow answers, with state, stop and proof', async () => {
    const stage = world.stage({ checkEveryMs: 86_400_000 });
    const leg = stage.venue.open();
    await stage.startGuard(leg);
    await stage.proven(leg, '94');
    stage.venue.humanStop(leg, null);
    const asked = world.now();
    const answer = await stage.reprotectNow(leg);
    expect(stage.venue.stopOf(leg)).toBe('94');
    expect(answer).toMatchObject({ state: 'PROTECTED', stop: '94' });
    expect(Date.parse(answer.provenAt ?? '')).toBeGreaterThanOrEqual(asked);
  });

  it('that was tighter than the policy is restored at its own level', async () => {
    const stage = world.stage();
    const leg = stage.venue.open({ stopLoss: '97' });
    await stage.startGuard(leg);
    expect(await stage.proven(leg, '97')).toMatchObject({ stopKind: 'human' });
    stage.venue.humanStop(leg, null);
    await world.pass('40 seconds');
    await until('the stop', () => stage.venue.stopOf(leg) === '97');
    expect(stage.venue.sent(leg)).toEqual(['97']);
  });

  it('with rewrite is sent again although it is in place', async () => {
    const stage = world.stage({ checkEveryMs: 86_400_000 });
    const leg = stage.venue.open();
    await stage.startGuard(leg);
    await stage.proven(leg, '94');
    await stage.guard(leg).signal('reprotect', { rewrite: true });
    await until('the second write', () => stage.venue.asked('setStop').length === 2);
    await stage.proven(leg, '94');
  });
});

describe('a message that arrives in the middle of a check', () => {
  it('is not forgotten when that check ends: the next one does what it asks', async () => {
    const stage = world.stage({ checkEveryMs: 86_400_000 });
    const leg = stage.venue.open();
    const sent = stage.venue.holding('setStop');
    const guard = await stage.startGuard(leg);
    await until('the write', () => stage.venue.asked('setStop').length === 1);
    await guard.signal('reprotect', { rewrite: true });
    sent();
    await until('the second write', () => stage.venue.asked('setStop').length === 2);
    await stage.proven(leg, '94');
  });
});

describe('a position that goes into profit', () => {
  it.each([
    ['long', ['102', '101.6', '103', '102.4', '104', '103.3'], ['94', '101.19', '102.18', '103.17']],
    ['short', ['98', '98.4', '97', '97.6', '96', '96.7'], ['106', '98.78', '97.77', '96.76']],
  ] as const)('gets a trailing stop that only tightens: %s', async (side, path, sent) => {
    const stage = world.stage();
    const leg = stage.venue.open({ side });
    await stage.startGuard(leg);
    await stage.proven(leg);
    for (const price of path) {
      stage.venue.price('BTCUSDT', price);
      await world.pass('1 minute');
    }
    expect(stage.venue.sent(leg)).toEqual(sent);
    expect(await stage.status(leg)).toMatchObject({ stopKind: 'trailing', bestPrice: path[4] });
  });
});

describe('a position that closes', () => {
  it('by its stop ends the guard after two reads, with reason, PnL and slippage', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    const guard = await stage.startGuard(leg);
    await stage.proven(leg, '94');
    stage.venue.price('BTCUSDT', '93.5');
    await world.pass('2 minutes');
    const result = (await guard.result()) as GuardResult;
    expect(result).toMatchObject({
      ended: 'closed',
      report: { reason: 'stop-loss', exitPrice: '94', pnl: '-6', slippage: '0', side: 'long', stop: '94' },
    });
    const confirmed = stage.venue.asked('readSymbol').at(-1)?.at ?? 0;
    const absent =
      stage.venue
        .asked('snapshot')
        .filter(({ at }) => at < confirmed)
        .at(-1)?.at ?? 0;
    expect(confirmed - absent).toBeGreaterThanOrEqual(2_000);
  });

  it('by a human hand says so', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    const guard = await stage.startGuard(leg);
    await stage.proven(leg, '94');
    stage.venue.humanClose(leg);
    await world.pass('2 minutes');
    expect(await guard.result()).toMatchObject({ report: { reason: 'manual', exitPrice: '100' } });
  });

  it('without a closing record is confirmed for a minute and then called unexplained', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    const guard = await stage.startGuard(leg);
    await stage.proven(leg, '94');
    stage.venue.fault({ call: 'executions', kind: 'fail', failure: UNAVAILABLE, times: 'always' });
    stage.venue.humanClose(leg);
    await world.pass('35 seconds');
    expect(await stage.isRunning(guard)).toBe(true);
    await world.pass('3 minutes');
    expect(await guard.result()).toMatchObject({ report: { reason: 'unexplained' } });
  });

  it('and is opened again meanwhile is guarded on, as a new episode', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    await stage.startGuard(leg);
    await stage.proven(leg, '94');
    stage.venue.price('BTCUSDT', '103');
    await world.pass('1 minute');
    await stage.proven(leg, '102.18');
    const before = await stage.status(leg);
    stage.venue.humanClose(leg);
    stage.venue.open({ entryPrice: '103', markPrice: '103' });
    await world.pass('1 minute');
    const after = await stage.proven(leg, '96.82');
    expect(after.episode).not.toBe(before.episode);
    expect(after.bestPrice).toBeNull();
  });

  it('on one leg of a hedged symbol leaves the other guard at work', async () => {
    const stage = world.stage();
    const long = stage.venue.open({ positionIdx: 1, side: 'long' });
    const short = stage.venue.open({ positionIdx: 2, side: 'short' });
    const first = await stage.startGuard(long);
    const second = await stage.startGuard(short);
    await stage.proven(long, '94');
    await stage.proven(short, '106');
    stage.venue.humanClose(long);
    await world.pass('2 minutes');
    expect(await first.result()).toMatchObject({ ended: 'closed' });
    expect(await stage.isRunning(second)).toBe(true);
    expect(second.workflowId).toBe(`guard:${stage.account}:BTCUSDT:short`);
  });

  it('a guard that was started for a leg without a position ends', async () => {
    const stage = world.stage();
    const guard = await stage.startGuard({ symbol: 'BTCUSDT', positionIdx: 0 });
    await world.pass('1 minute');
    expect(await guard.result()).toMatchObject({ ended: 'closed', report: { reason: 'unexplained' } });
  });
});

describe('reads that fail', () => {
  it('make the guard blind, never flat: one alert, and one RESOLVED when it sees again', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    const guard = await stage.startGuard(leg);
    await stage.proven(leg, '94');
    stage.venue.fault({ call: 'snapshot', kind: 'fail', failure: UNAVAILABLE, times: 'always' });
    stage.venue.fault({ call: 'readSymbol', kind: 'fail', failure: UNAVAILABLE, times: 'always' });
    await world.pass('1 hour');
    expect(await stage.status(leg)).toMatchObject({ state: 'BLIND', stop: '94' });
    expect(await stage.isRunning(guard)).toBe(true);
    await until('the alert', () => stage.told('blind').length === 1);
    stage.venue.mend();
    await world.pass('1 minute');
    await stage.proven(leg, '94');
    await until('RESOLVED', () => stage.told('RESOLVED').length === 1);
    expect(stage.venue.sent(leg)).toEqual(['94']);
    expect(stage.alerts.map(({ kind }) => kind)).toEqual(['blind', 'resolved']);
  });

  it('after the leg was absent do not end the guard', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    const guard = await stage.startGuard(leg);
    await stage.proven(leg, '94');
    stage.venue.fault({ call: 'readSymbol', kind: 'fail', failure: UNAVAILABLE, times: 'always' });
    stage.venue.humanClose(leg);
    await world.pass('20 minutes');
    expect(await stage.isRunning(guard)).toBe(true);
    stage.venue.mend();
    await world.pass('2 minutes');
    expect(await guard.result()).toMatchObject({ report: { reason: 'manual' } });
  });

  it('of one row alone make its guard blind, and nothing is written on it', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    stage.venue.breakRow(leg, 'markPrice: expected a positive price, got "0"');
    await stage.startGuard(leg);
    await world.pass('10 minutes');
    expect(await stage.status(leg)).toMatchObject({ state: 'BLIND' });
    expect(stage.venue.asked('setStop')).toEqual([]);
    stage.venue.breakRow(leg, null);
    await world.pass('1 minute');
    await stage.proven(leg, '94');
  });
});

it('the guard with no input at all fails by name instead of hanging', async () => {
  const id = 'guard:nobody:NOTHING';
  await world.client().workflow.start('guardPosition', { workflowId: id, taskQueue: TASK_QUEUE, args: [] });
  await expect(world.client().workflow.getHandle(id).result()).rejects.toMatchObject({
    cause: { type: 'InvalidInput' },
  });
});
