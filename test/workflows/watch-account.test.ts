/** The watcher on the time-skipping server: unguarded legs, ended guards, bare legs, rounds that fail (I5, I7). */
import { describe, expect, it } from 'vitest';
import type { Leg } from '../../src/domain/position.ts';
import { REFUSED, UNAVAILABLE } from '../support/fake-venue-records.ts';
import { runsOf } from '../support/histories.ts';
import type { Stage } from '../support/stage.ts';
import { until } from '../support/waiting.ts';
import { workflowWorld } from '../support/workflow-world.ts';

const world = workflowWorld();

/** Starts of one leg's guard: the first runs of its workflow id. */
function startsOf(stage: Stage, leg: Leg): number {
  return world.runs.startsOf(stage.guard(leg).workflowId);
}

describe('a position that nobody guards', () => {
  it('gets a guard and a proven stop at the next round', async () => {
    const stage = world.stage();
    await stage.startWatcher();
    await world.pass('1 minute');
    const leg = stage.venue.open();
    await world.pass('15 seconds');
    await stage.proven(leg, '94');
    expect(await stage.board()).toMatchObject({
      legs: [{ symbol: 'BTCUSDT', guard: stage.guard(leg).workflowId }],
    });
    await world.pass('1 minute');
    expect((await stage.board()).legs[0]).toMatchObject({ state: 'PROTECTED', stop: '94' });
    expect(stage.alerts).toEqual([]);
  });

  it('on either leg of a hedged symbol gets a guard of its own', async () => {
    const stage = world.stage();
    await stage.startWatcher();
    const long = stage.venue.open({ positionIdx: 1 });
    const short = stage.venue.open({ positionIdx: 2, side: 'short' });
    await world.pass('15 seconds');
    expect((await stage.proven(long)).stop).toBe('94');
    expect((await stage.proven(short)).stop).toBe('106');
    expect(await stage.isRunning(stage.guard(long))).toBe(true);
    expect(stage.guard(long).workflowId).not.toBe(stage.guard(short).workflowId);
  });

  it('that the policy ignores is named and left alone', async () => {
    const stage = world.stage({ ignore: ['BTCUSDT'] });
    await stage.startWatcher();
    const ignored = stage.venue.open();
    const other = stage.venue.open({ symbol: 'ETHUSDT' });
    await world.pass('1 minute');
    await stage.proven(other, '94');
    expect(stage.venue.stopOf(ignored)).toBeNull();
    expect((await stage.board()).notCovered).toMatchObject([
      { symbol: 'BTCUSDT', reason: 'ignored by policy' },
    ]);
  });
});

describe('a guard that was terminated', () => {
  it('comes back with the stop on the venue as its floor, and an alert says what was lost', async () => {
    const stage = world.stage();
    await stage.startWatcher();
    const leg = stage.venue.open();
    await world.pass('1 minute');
    stage.venue.price('BTCUSDT', '103');
    await world.pass('1 minute');
    await stage.proven(leg, '102.18');
    stage.venue.price('BTCUSDT', '102.5');
    await stage.quiet(stage.guard(leg));
    await stage.guard(leg).terminate('by hand');
    await world.pass('30 seconds');
    await stage.proven(leg, '102.18');
    await until('the alert', () => stage.told('memory-lost').length === 1);
    expect(startsOf(stage, leg)).toBe(2);
    await world.pass('5 minutes');
    expect(stage.venue.sent(leg)).toEqual(['94', '102.18']);
    expect(stage.alerts).toHaveLength(1);
  });
});

describe('a leg without a stop', () => {
  it('has its guard woken by the next round, long before its own check is due', async () => {
    const stage = world.stage({ checkEveryMs: 86_400_000 });
    await stage.startWatcher();
    const leg = stage.venue.open();
    await world.pass('1 minute');
    await stage.proven(leg, '94');
    stage.venue.humanStop(leg, null);
    await world.pass('15 seconds');
    await until('the stop', () => stage.venue.stopOf(leg) === '94');
  });

  it('for a minute is an EMERGENCY of the watcher, whatever runs, repeated each five minutes', async () => {
    const stage = world.stage();
    await stage.startWatcher();
    const leg = stage.venue.open();
    stage.venue.fault({ call: 'setStop', kind: 'refuse', failure: REFUSED, times: 'always' });
    await world.pass('8 minutes');
    const own = stage.alerts.filter(({ id, level }) => id.startsWith('watch:') && level === 'EMERGENCY');
    expect(own).toHaveLength(2);
    expect(own[0]?.message).toContain('BTCUSDT');
    expect(await stage.isRunning(stage.guard(leg))).toBe(true);
    stage.venue.mend();
    await world.pass('1 minute');
    await stage.proven(leg, '94');
  });

  it('that cannot even be read is an alert by name', async () => {
    const stage = world.stage();
    await stage.startWatcher();
    const leg = stage.venue.open();
    stage.venue.breakRow(leg, 'avgPrice: expected a positive price, got "-1"');
    await world.pass('1 minute');
    const named = stage.alerts.filter(({ id, kind }) => id.startsWith('watch:') && kind === 'blind');
    expect(named).toHaveLength(1);
    expect(named[0]?.message).toMatch(/BTCUSDT.*avgPrice/);
    expect((await stage.board()).legs[0]).toMatchObject({ state: 'UNREADABLE' });
  });
});

describe('rounds that fail', () => {
  it('keep what is known, are an alert after three, and go on', async () => {
    const stage = world.stage();
    await stage.startWatcher();
    const leg = stage.venue.open();
    await world.pass('1 minute');
    await stage.proven(leg, '94');
    stage.venue.fault({ call: 'snapshot', kind: 'fail', failure: UNAVAILABLE, times: 'always' });
    await world.pass('10 minutes');
    const board = await stage.board();
    expect(board.legs).toHaveLength(1);
    expect(board.failedRounds).toBeGreaterThan(30);
    const own = stage.alerts.filter(({ id }) => id.startsWith('watch:'));
    expect(own.map(({ kind, level }) => [kind, level])).toEqual([['blind', 'WARNING']]);
    stage.venue.mend();
    const second = stage.venue.open({ symbol: 'ETHUSDT' });
    await world.pass('1 minute');
    await stage.proven(second, '94');
  });
});

describe('a long watch', () => {
  it('goes on across continue-as-new, keeps what was released, and does not repeat its alerts', async () => {
    const stage = world.stage();
    const watcher = await stage.startWatcher();
    const leg = stage.venue.open();
    await world.pass('1 minute');
    await stage.proven(leg, '94');
    await stage.guard(leg).signal('release', { reason: 'mine' });
    await stage.guard(leg).result();
    stage.venue.breakRow(stage.venue.open({ symbol: 'XRPUSDT' }), 'size: expected a positive number');
    await world.pass('50 minutes');
    expect((await runsOf(watcher)).length).toBeGreaterThan(1);
    const board = await stage.board();
    expect(board.rounds).toBeGreaterThan(250);
    expect(board.released).toMatchObject([{ symbol: 'BTCUSDT', reason: 'mine' }]);
    expect(await stage.isRunning(stage.guard(leg))).toBe(false);
    const named = stage.alerts.filter(({ id, kind }) => id.startsWith('watch:') && kind === 'blind');
    expect(named.length).toBeGreaterThan(5);
    expect(named.length).toBeLessThan(12);
    expect(new Set(stage.alerts.map(({ id }) => id)).size).toBe(stage.alerts.length);
  });

  it('a reprotect to it wakes every guard', async () => {
    const stage = world.stage({ checkEveryMs: 86_400_000 });
    const legs = ['BTCUSDT', 'ETHUSDT', 'XRPUSDT'].map((symbol) => stage.venue.open({ symbol }));
    await stage.startWatcher();
    for (const leg of legs) await until('a stop', () => stage.venue.stopOf(leg) === '94');
    for (const leg of legs) await stage.proven(leg, '94');
    await stage.watcher.signal('reprotect', { rewrite: true });
    await until('a second write of each', () =>
      legs.every(({ symbol }) => stage.venue.asked('setStop', symbol).length === 2),
    );
    for (const leg of legs) await stage.proven(leg, '94');
  });
});

describe('a reprotect to it in the middle of a round', () => {
  it('is not forgotten when that round ends: the next one wakes every guard', async () => {
    const stage = world.stage({ checkEveryMs: 86_400_000, discoverEveryMs: 86_400_000 });
    const leg = stage.venue.open({ stopLoss: '97' });
    const read = stage.venue.holding('snapshot');
    await stage.startWatcher();
    await until('the round', () => stage.venue.asked('snapshot').length === 1);
    await stage.watcher.signal('reprotect', { rewrite: true });
    read();
    await until('the write that the message asked for', () => stage.venue.asked('setStop').length === 1);
    await stage.proven(leg, '97');
  });
});
