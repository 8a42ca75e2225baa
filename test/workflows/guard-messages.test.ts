/** What operators ask of a guard: release, adopt, setPolicy, closeNow; and what malformed messages do to it: nothing. */
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import type { CloseAnswer } from '../../src/domain/messages.ts';
import type { Policy } from '../../src/domain/policy.ts';
import type { Leg } from '../../src/domain/position.ts';
import * as messages from '../../src/workflows/messages.ts';
import { REFUSED } from '../support/fake-venue-records.ts';
import type { Stage } from '../support/stage.ts';
import { until } from '../support/waiting.ts';
import { workflowWorld } from '../support/workflow-world.ts';

const world = workflowWorld();

/** An account with a position, its watcher and its guard. */
async function guarded(stage: Stage, override: Parameters<Stage['venue']['open']>[0] = {}): Promise<Leg> {
  const leg = stage.venue.open(override);
  await stage.startWatcher();
  await until('a guard that protects', () => stage.venue.stopOf(leg) !== null);
  await stage.proven(leg);
  return leg;
}

async function problemsOf(work: Promise<unknown>): Promise<string> {
  const refused: unknown = await work.catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(WorkflowUpdateFailedError);
  return String((refused as Error).cause);
}

const setPolicy = (stage: Stage, leg: Leg, input: object): Promise<Policy> =>
  stage.guard(leg).executeUpdate<Policy, [object]>('setPolicy', { args: [input] });

describe('release', () => {
  it('ends the guard, leaves the stop, and the watcher does not take the leg back before adopt', async () => {
    const stage = world.stage();
    const leg = await guarded(stage);
    const guard = stage.guard(leg);
    await guard.signal('release', { reason: 'hedged elsewhere' });
    expect(await guard.result()).toMatchObject({ ended: 'released', reason: 'hedged elsewhere' });
    expect(stage.venue.stopOf(leg)).toBe('94');
    await world.pass('30 minutes');
    expect(await stage.isRunning(stage.guard(leg))).toBe(false);
    expect(await stage.board()).toMatchObject({
      legs: [{ symbol: 'BTCUSDT', state: 'RELEASED', guard: null }],
      released: [{ symbol: 'BTCUSDT', reason: 'hedged elsewhere' }],
    });
    expect(stage.venue.sent(leg)).toEqual(['94']);

    const adopted = await stage.watcher.executeUpdate('adopt', { args: [{ symbol: 'BTCUSDT' }] });
    expect(adopted).toMatchObject({ adopted: true });
    await until('the guard', async () => stage.isRunning(stage.guard(leg)));
    expect(await stage.proven(leg, '94')).toMatchObject({ state: 'PROTECTED' });
    expect((await stage.board()).released).toEqual([]);
  });

  it('is not taken back by a session either, which names the leg', async () => {
    const stage = world.stage();
    const leg = await guarded(stage);
    await stage.guard(leg).signal('release', { reason: 'mine' });
    await stage.guard(leg).result();
    const report = await stage.session();
    expect(report.positions[0]).toMatchObject({ state: 'RELEASED', guard: null });
    expect(report.criteria.find(({ id }) => id === 'released')?.message).toContain('BTCUSDT');
    await world.pass('2 minutes');
    expect(await stage.isRunning(stage.guard(leg))).toBe(false);
  });

  it('ends with the time given', async () => {
    const stage = world.stage();
    const leg = await guarded(stage);
    await stage.guard(leg).signal('release', { reason: 'for a while', resumeAfterMs: 600_000 });
    await stage.guard(leg).result();
    await world.pass('8 minutes');
    expect(await stage.isRunning(stage.guard(leg))).toBe(false);
    await world.pass('4 minutes');
    expect(await stage.isRunning(stage.guard(leg))).toBe(true);
  });

  it('ends with the episode, unless it is until adopted', async () => {
    const stage = world.stage();
    const leg = await guarded(stage);
    await stage.guard(leg).signal('release', { reason: 'this one' });
    await stage.guard(leg).result();
    stage.venue.humanClose(leg);
    await world.pass('1 minute');
    stage.venue.open();
    await world.pass('1 minute');
    expect(await stage.isRunning(stage.guard(leg))).toBe(true);

    await stage.guard(leg).signal('release', { reason: 'for good', untilAdopted: true });
    await stage.guard(leg).result();
    stage.venue.humanClose(leg);
    await world.pass('1 minute');
    stage.venue.open();
    await world.pass('10 minutes');
    expect(await stage.isRunning(stage.guard(leg))).toBe(false);
  });

  it('works while the stop cannot be set', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    stage.venue.fault({ call: 'setStop', kind: 'refuse', failure: REFUSED, times: 'always' });
    const guard = await stage.startGuard(leg);
    await until('CRITICAL', () => stage.told('CRITICAL').length === 1);
    await guard.signal('release', { reason: 'by hand' });
    expect(await guard.result()).toMatchObject({ ended: 'released' });
  });
});

describe('setPolicy', () => {
  it('answers with the effective policy and tightens at once', async () => {
    const stage = world.stage({ checkEveryMs: 86_400_000 });
    const leg = stage.venue.open();
    await stage.startGuard(leg);
    await stage.proven(leg, '94');
    const change = { fixedStopPct: 4, trailing: { distancePct: 2 } };
    expect(await setPolicy(stage, leg, { policy: change })).toMatchObject({
      fixedStopPct: 4,
      trailing: { mode: 'fixed', distancePct: 2 },
    });
    await stage.proven(leg, '96');
  });

  it('never loosens by itself; allowLooser does, once', async () => {
    const stage = world.stage({ checkEveryMs: 86_400_000 });
    const leg = stage.venue.open();
    await stage.startGuard(leg);
    await stage.proven(leg, '94');
    await setPolicy(stage, leg, { policy: { fixedStopPct: 10 } });
    await stage.reprotectNow(leg);
    expect(stage.venue.stopOf(leg)).toBe('94');
    await setPolicy(stage, leg, { policy: { fixedStopPct: 10 }, allowLooser: true });
    await stage.proven(leg, '90');
    stage.venue.humanStop(leg, '88');
    await stage.reprotectNow(leg);
    expect(stage.venue.stopOf(leg)).toBe('90');
  });

  it('refuses what is wrong, with every problem by name, and goes on', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    await stage.startGuard(leg);
    const words = await problemsOf(
      setPolicy(stage, leg, {
        policy: { fixedStopPct: 80, colour: 'red', trailing: { mode: 'wild' }, maxPositions: 3 },
      }),
    );
    for (const name of [
      'policy.fixedStopPct',
      'policy.colour',
      'policy.trailing.mode',
      'policy.maxPositions',
    ])
      expect(words).toContain(name);
    expect(await problemsOf(setPolicy(stage, leg, { allowLooser: 'yes' }))).toMatch(
      /policy: missing[^]*allowLooser/,
    );
    await stage.proven(leg, '94');
  });
});

describe('closeNow', () => {
  it('closes the position by a reduce-only order and answers when reads show it flat', async () => {
    const stage = world.stage();
    const leg = await guarded(stage, { side: 'short' });
    const closing = stage.guard(leg).executeUpdate<CloseAnswer, [object]>('closeNow', {
      args: [{ reason: 'risk off', confirm: 'BTCUSDT' }],
    });
    expect(await closing).toMatchObject({ flat: true });
    expect(stage.venue.position(leg)).toBeUndefined();
    expect(stage.venue.asked('closePosition')).toHaveLength(1);
    expect(await stage.guard(leg).result()).toMatchObject({ report: { reason: 'stopkeeper' } });
  });

  it('without the right symbol or a reason is refused', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    await stage.startGuard(leg);
    await stage.proven(leg);
    const close = (input: object) => stage.guard(leg).executeUpdate('closeNow', { args: [input] });
    expect(await problemsOf(close({ reason: 'x', confirm: 'ETHUSDT' }))).toContain(
      'expected the symbol BTCUSDT',
    );
    expect(await problemsOf(close({ confirm: 'BTCUSDT' }))).toContain('reason: missing');
    expect(stage.venue.asked('closePosition')).toEqual([]);
  });

  it('that the venue refuses says so, and the guard goes on', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    await stage.startGuard(leg);
    await stage.proven(leg);
    stage.venue.fault({ call: 'closePosition', kind: 'refuse', failure: REFUSED, times: 'always' });
    const closing = stage.guard(leg).executeUpdate<CloseAnswer, [object]>('closeNow', {
      args: [{ reason: 'risk off', confirm: 'BTCUSDT' }],
    });
    await world.pass('70 seconds');
    expect(await closing).toMatchObject({ flat: false });
    expect((await closing).message).toContain(REFUSED.message);
    await stage.proven(leg, '94');
  });
});

/** Things that are not what any message takes, by number. */
function nonsense(number: number): unknown {
  const values: readonly unknown[] = [
    null,
    '',
    'text',
    number,
    -1.5,
    true,
    [],
    [1, 2],
    [[null]],
    { rewrite: 'yes' },
    { reason: 5 },
    { reason: '' },
    { reason: 'x'.repeat(501) },
    { resumeAfterMs: -1 },
    { policy: null },
    { policy: [] },
    { policy: { fixedStopPct: 'NaN' } },
    { policy: { trailing: 7 } },
    { policy: { trailing: { bands: [null] } } },
    { confirm: {} },
    { __proto__: null, constructor: 1 },
    { [`field${number}`]: number },
    { symbol: 12, positionIdx: 9 },
  ];
  return values[number % values.length];
}

describe('malformed messages', () => {
  const TIMES = 500;

  it('500 of each kind, and unknown ones, leave the guard at its work', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    const guard = await stage.startGuard(leg);
    await stage.proven(leg, '94');
    const each = async (send: (number: number) => Promise<unknown>): Promise<void> => {
      for (let from = 0; from < TIMES; from += 25)
        await Promise.all(Array.from({ length: 25 }, (_, at) => send(from + at).catch(() => undefined)));
    };
    await each((number) => guard.signal('reprotect', { wrong: number }));
    await each((number) => guard.signal('release', { reason: number }));
    await each((number) => guard.signal(`unknown${number % 5}`, nonsense(number)));
    await each((number) => guard.executeUpdate('reprotectNow', { args: [{ rewrite: number }] }));
    await each((number) => guard.executeUpdate('setPolicy', { args: [nonsense(number)] }));
    await each((number) => guard.executeUpdate('closeNow', { args: [nonsense(number)] }));
    await each((number) => guard.executeUpdate(`unknown${number % 5}`, { args: [nonsense(number)] }));
    await each((number) => guard.query('status', nonsense(number)));
    await each((number) => guard.query(`unknown${number % 5}`, nonsense(number)));
    expect(await stage.isRunning(guard)).toBe(true);
    stage.venue.humanStop(leg, null);
    expect(await stage.reprotectNow(leg)).toMatchObject({ state: 'PROTECTED', stop: '94' });
    expect(stage.venue.asked('closePosition')).toEqual([]);
  });

  it('leave the watcher at its work', async () => {
    const stage = world.stage();
    const leg = await guarded(stage);
    const { watcher } = stage;
    for (let number = 0; number < 60; number += 1) {
      await watcher.signal('reprotect', nonsense(number));
      await watcher.signal('legReleased', nonsense(number));
      await watcher.signal('alertsLeft', nonsense(number));
      await watcher.executeUpdate('adopt', { args: [nonsense(number)] }).catch(() => undefined);
    }
    const second = stage.venue.open({ symbol: 'ETHUSDT' });
    await world.pass('30 seconds');
    await stage.proven(second, '94');
    await stage.proven(leg, '94');
    expect((await stage.board()).legs).toHaveLength(2);
  });
});

it('every message constant is named after its wire name and its kind', () => {
  const kinds = { update: 'Update', signal: 'Signal', query: 'Query' } as const;
  const definitions = Object.entries(messages);
  expect(definitions.length).toBeGreaterThan(8);
  for (const [constant, { name, type }] of definitions) expect(constant).toBe(`${name}${kinds[type]}`);
});
