/** What the audit log hears of guards and the watcher, acknowledgements, the daily all-clear and flips, on the time-skipping server. */
import type { WorkflowHandle } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../src/domain/audit.ts';
import type { GuardStatus } from '../../src/domain/board.ts';
import type { EndedReport } from '../../src/domain/guard-state.ts';
import { REFUSED } from '../support/fake-venue-records.ts';
import type { Stage } from '../support/stage.ts';
import { until } from '../support/waiting.ts';
import { workflowWorld } from '../support/workflow-world.ts';

const world = workflowWorld();

/** Minutes of an outage in few checks. */
const SLOW = { escalation: { fastCheckMs: 30_000 } };

/** Entries of a kind, each once: a workflow task that was tried again brings the same ones, by their ids. */
function heard<K extends AuditEntry['kind']>(
  stage: Stage,
  kind: K,
): readonly Extract<AuditEntry, { kind: K }>[] {
  const entries = [...new Map(stage.audited.toReversed().map((entry) => [entry.id, entry])).values()];
  return entries
    .toReversed()
    .filter((entry): entry is Extract<AuditEntry, { kind: K }> => entry.kind === kind);
}

/** This server records a signal also in the middle of a workflow task, where no real one does and no replay takes it. */
async function acknowledged(stage: Stage, guard: WorkflowHandle, word: object): Promise<void> {
  await stage.quiet(guard);
  await guard.signal('acknowledge', word);
  await stage.quiet(guard);
}

const messages = (stage: Stage): readonly string[] => heard(stage, 'message').map(({ name }) => name);

describe('the audit log hears', () => {
  it('of the stop that was written, with its outcome, and of its proof', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    await stage.startGuard(leg);
    await stage.proven(leg, '94');
    expect(heard(stage, 'stop-written')).toMatchObject([
      { leg, stop: '94', previous: null, outcome: 'applied', rule: 'fixed', urgency: 'no-stop' },
    ]);
    expect(heard(stage, 'stop-proven')).toMatchObject([{ leg, stop: '94' }]);
  });

  it('of a stop that a human set and the guard found, once', async () => {
    const stage = world.stage();
    const leg = stage.venue.open({ stopLoss: '97' });
    await stage.startGuard(leg);
    await stage.proven(leg, '97');
    await world.pass('5 minutes');
    expect(heard(stage, 'stop-written')).toEqual([]);
    expect(heard(stage, 'stop-proven')).toMatchObject([{ leg, stop: '97' }]);
  });

  it('of messages that a guard accepts, of its alerts, and of its release', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    stage.venue.fault({ call: 'setStop', kind: 'refuse', failure: REFUSED, times: 3 });
    const guard = await stage.startGuard(leg);
    await until('CRITICAL', () => stage.told('CRITICAL').length === 1);
    await guard.signal('reprotect', { reason: 'look again' });
    await guard.signal('reprotect', { colour: 'red' });
    await stage.proven(leg, '94');
    await guard.executeUpdate('setPolicy', { args: [{ policy: { fixedStopPct: 5 } }] });
    await stage.proven(leg, '95');
    await guard.signal('release', { reason: 'mine now' });
    await guard.result();
    expect(messages(stage)).toEqual(['reprotect', 'setPolicy', 'release']);
    expect(heard(stage, 'alert').map(({ alert }) => alert.level)).toContain('CRITICAL');
    expect(heard(stage, 'released')).toMatchObject([{ leg, reason: 'mine now' }]);
  });

  it('of the end of an episode, with its report', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    const guard = await stage.startGuard(leg);
    await stage.proven(leg, '94');
    stage.venue.humanClose(leg);
    await guard.signal('reprotect');
    await world.pass('30 seconds');
    await guard.result();
    expect(heard(stage, 'episode-ended')).toMatchObject([{ leg, report: { reason: 'manual', stop: '94' } }]);
  });

  it('of what arrives in the last moment of a run: the next run passes it on', async () => {
    const stage = world.stage({ continueAsNewAfterChecks: 5, checkEveryMs: 1_000 });
    const leg = stage.venue.open();
    const guard = await stage.startGuard(leg);
    await stage.proven(leg, '94');
    for (let sent = 0; sent < 12; sent += 1) {
      await acknowledged(stage, guard, { by: `Ann ${sent}` });
      await world.pass('700 milliseconds');
    }
    await world.pass('3 seconds');
    expect(heard(stage, 'message').map(({ input }) => (input as { by: string }).by)).toEqual(
      Array.from({ length: 12 }, (_, at) => `Ann ${at}`),
    );
  });
});

describe('an episode that a flip ended', () => {
  it('is told by the running guard, by the audit log, and by the guard once it has ended', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    const guard = await stage.startGuard(leg);
    await stage.proven(leg, '94');
    stage.venue.humanClose(leg);
    stage.venue.open({ side: 'short' });
    await guard.signal('reprotect');
    await stage.proven(leg, '106');
    await until('its report', async () => (await guard.query<EndedReport[]>('episodes')).length === 1);
    const [flipped] = await guard.query<EndedReport[]>('episodes');
    expect(flipped?.report).toMatchObject({ side: 'long', stop: '94' });
    await world.pass('1 minute');
    expect(heard(stage, 'episode-ended')).toMatchObject([{ report: { side: 'long' } }]);
    stage.venue.humanClose(leg);
    await guard.signal('reprotect');
    await world.pass('30 seconds');
    expect(await guard.result()).toMatchObject({
      ended: 'closed',
      report: { side: 'short' },
      earlier: [{ report: { side: 'long' } }],
    });
    expect(heard(stage, 'episode-ended').map(({ report }) => report.side)).toEqual(['long', 'short']);
  });
});

describe('an alert that was acknowledged', () => {
  it('is not repeated, is shown, and RESOLVED comes all the same', async () => {
    const stage = world.stage(SLOW);
    stage.venue.fault({ call: 'setStop', kind: 'refuse', failure: REFUSED, times: 'always' });
    const leg = stage.venue.open();
    const guard = await stage.startGuard(leg);
    await world.pass('3 minutes');
    expect(stage.told('EMERGENCY')).toHaveLength(1);
    await acknowledged(stage, guard, { by: 'Ann', reason: 'calling the venue' });
    await world.pass('11 minutes');
    expect(stage.told('EMERGENCY')).toHaveLength(1);
    const status = await guard.query<GuardStatus>('status');
    expect(status.acknowledged).toMatchObject({ by: 'Ann', reason: 'calling the venue' });
    stage.venue.mend();
    await world.pass('1 minute');
    expect(stage.told('RESOLVED')).toHaveLength(1);
    expect((await stage.proven(leg, '94')).acknowledged).toBeNull();
    expect(messages(stage)).toEqual(['acknowledge']);
  });

  it('with a malformed word is repeated as before', async () => {
    const stage = world.stage(SLOW);
    stage.venue.fault({ call: 'setStop', kind: 'refuse', failure: REFUSED, times: 'always' });
    const leg = stage.venue.open();
    const guard = await stage.startGuard(leg);
    await until('EMERGENCY', async () => {
      await world.pass('30 seconds');
      return stage.told('EMERGENCY').length === 1;
    });
    for (const wrong of [undefined, null, 'Ann', {}, { by: '' }, { by: 'Ann', until: 'noon' }])
      await guard.signal('acknowledge', wrong);
    await world.pass('6 minutes');
    expect(stage.told('EMERGENCY').length).toBeGreaterThan(1);
    expect(messages(stage)).toEqual([]);
  });
});

describe('the daily all-clear', () => {
  /** The hour comes 10 minutes from now. */
  function soon(): void {
    const at = new Date(world.now() + 600_000);
    world.allClear.at = at.getUTCHours() * 60 + at.getUTCMinutes();
  }

  it('says "N open, N proven" once, from a fresh read and the guards', async () => {
    const stage = world.stage({ discoverEveryMs: 1_800_000, checkEveryMs: 1_800_000 });
    soon();
    const legs = [stage.venue.open(), stage.venue.open({ symbol: 'ETHUSDT' })];
    await stage.startWatcher();
    await until('the stops', () => legs.every((leg) => stage.venue.stopOf(leg) !== null));
    for (const leg of legs) await stage.proven(leg);
    expect(stage.told('INFO')).toEqual([]);
    await world.pass('40 minutes');
    expect(stage.told('INFO').map(({ message }) => message)).toEqual(['all clear: 2 open, 2 proven']);
    await world.pass('24 hours');
    expect(stage.told('INFO')).toHaveLength(2);
    expect(new Set(stage.told('INFO').map(({ id }) => id)).size).toBe(2);
  });
});
