/**
 * Records a life of each workflow under `test/replay/histories/<version>`, for `replay.test.ts` to replay from then on, and the build of
 * the worker under `test/replay/builds`, for `test/faults/other-builds.test.ts` to take over from:
 *
 *     npx vitest run --config test/replay/record.config.ts
 *
 * Record once for each released version, after its workflow code has come to rest. Histories of versions that were released are
 * never recorded again: guards that began under them are still running somewhere.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import { beforeAll, describe, expect, it } from 'vitest';
import { ledgerId } from '../../src/domain/names.ts';
import { REFUSED, UNAVAILABLE } from '../support/fake-venue-records.ts';
import { packedBuild } from '../support/recorded-build.ts';
import { recorded } from '../support/replay.ts';
import { runsOf } from '../support/histories.ts';
import { until } from '../support/waiting.ts';
import { workflowWorld } from '../support/workflow-world.ts';

const world = workflowWorld();
const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const folder = fileURLToPath(new URL(`histories/${version}/`, import.meta.url));

beforeAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
});

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Writes every run of a workflow, the first run first. */
async function keep(name: string, handle: WorkflowHandle): Promise<number> {
  const runs = (await runsOf(handle)).toReversed();
  for (const [at, history] of runs.entries()) {
    const suffix = runs.length === 1 ? '' : `-run-${at + 1}`;
    const run = recorded(handle.workflowId, history);
    // Stack traces name where the project lay; that is nobody's business.
    const text = JSON.stringify(run).replaceAll(ROOT, '');
    await writeFile(`${folder}${name}${suffix}.json`, `${text}\n`);
  }
  return runs.length;
}

describe('a guard', () => {
  it('with a fixed stop, asked by an operator and given another policy', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    const guard = await stage.startGuard(leg);
    await stage.proven(leg, '94');
    await stage.reprotectNow(leg);
    await guard.executeUpdate('setPolicy', { args: [{ policy: { fixedStopPct: 5 } }] });
    await stage.proven(leg, '95');
    await guard.signal('reprotect', { rewrite: true });
    await world.pass('5 minutes');
    expect(await keep('guard-fixed', guard)).toBe(1);
  });

  it('that trails a short', async () => {
    const stage = world.stage();
    const leg = stage.venue.open({ side: 'short' });
    const guard = await stage.startGuard(leg);
    await stage.proven(leg, '106');
    for (const price of ['98', '98.4', '97', '96']) {
      stage.venue.price('BTCUSDT', price);
      await world.pass('1 minute');
    }
    await stage.proven(leg, '96.76');
    expect(await keep('guard-trailing', guard)).toBe(1);
  });

  it('that puts a stop back, against refusals, lost answers and blindness', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    const guard = await stage.startGuard(leg);
    await stage.proven(leg, '94');
    stage.venue.fault({ call: 'setStop', kind: 'lost' });
    stage.venue.humanStop(leg, null);
    await world.pass('1 minute');
    await stage.proven(leg, '94');
    stage.venue.fault({ call: 'setStop', kind: 'refuse', failure: REFUSED, times: 15 });
    stage.venue.humanStop(leg, '90');
    await world.pass('2 minutes');
    stage.venue.humanStop(leg, null);
    stage.venue.mend();
    await world.pass('1 minute');
    await stage.proven(leg, '94');
    stage.venue.fault({ call: 'snapshot', kind: 'fail', failure: UNAVAILABLE, times: 6 });
    await world.pass('3 minutes');
    await stage.proven(leg, '94');
    expect(await keep('guard-restored', guard)).toBe(1);
  });

  it('whose position closes by its stop', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    const guard = await stage.startGuard(leg);
    await stage.proven(leg, '94');
    stage.venue.price('BTCUSDT', '93');
    await world.pass('2 minutes');
    await guard.result();
    expect(await keep('guard-closed', guard)).toBe(1);
  });

  it('that is closed by its operator', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    const guard = await stage.startGuard(leg);
    await stage.proven(leg, '94');
    await guard.executeUpdate('closeNow', { args: [{ reason: 'risk off', confirm: 'BTCUSDT' }] });
    await guard.result();
    expect(await keep('guard-closed-by-operator', guard)).toBe(1);
  });

  it('that continues as new', async () => {
    const stage = world.stage({ continueAsNewAfterChecks: 10 });
    const leg = stage.venue.open();
    const guard = await stage.startGuard(leg);
    await stage.proven(leg, '94');
    stage.venue.price('BTCUSDT', '102');
    await world.pass('12 minutes');
    await stage.proven(leg, '101.19');
    expect(await keep('guard-continued', guard)).toBeGreaterThan(1);
  });
});

describe('a session', () => {
  it('on three positions, with its guards, its watcher and its ledger, and a second one after it', async () => {
    const stage = world.stage();
    stage.venue.open({ symbol: 'BTCUSDT', markPrice: '102' });
    stage.venue.open({ symbol: 'ETHUSDT', side: 'short' });
    stage.venue.open({ symbol: 'XRPUSDT', stopLoss: '97' });
    await stage.session();
    await world.pass('12 minutes');
    await stage.session({}, `session:${stage.account}:2`);
    const of = (id: string): WorkflowHandle => world.client().workflow.getHandle(id);
    await keep('session', of(`session:${stage.account}`));
    await keep('session-second', of(`session:${stage.account}:2`));
    expect(await keep('ledger', of(ledgerId(stage.account)))).toBe(1);
  });

  it('that is a dry run', async () => {
    const stage = world.stage();
    stage.venue.open();
    await stage.session({ dryRun: true });
    expect(await keep('session-dry-run', world.client().workflow.getHandle(`session:${stage.account}`))).toBe(
      1,
    );
  });

  it('whose write fails for good and whose balance cannot be read', async () => {
    const stage = world.stage();
    stage.venue.open();
    stage.venue.fault({ call: 'setStop', kind: 'fail', failure: UNAVAILABLE, times: 'always' });
    stage.venue.fault({ call: 'wallet', kind: 'fail', failure: UNAVAILABLE, times: 'always' });
    expect(await stage.session()).toMatchObject({ status: 'FAILED' });
    await keep('session-failed', world.client().workflow.getHandle(`session:${stage.account}`));
  });
});

describe('a watcher', () => {
  it('that finds, loses, releases and adopts, and continues as new', async () => {
    const stage = world.stage();
    const watcher = await stage.startWatcher();
    const leg = stage.venue.open();
    await until('the stop', () => stage.venue.stopOf(leg) === '94');
    await stage.proven(leg, '94');
    await stage.quiet(stage.guard(leg));
    await stage.guard(leg).terminate('by hand');
    await world.pass('1 minute');
    await stage.guard(leg).signal('release', { reason: 'mine' });
    const released = stage.guard(leg);
    await released.result();
    await keep('guard-released', released);
    stage.venue.fault({ call: 'snapshot', kind: 'fail', failure: UNAVAILABLE, times: 4 });
    await world.pass('2 minutes');
    await watcher.executeUpdate('adopt', { args: [{ symbol: 'BTCUSDT' }] });
    await watcher.signal('reprotect', { rewrite: true });
    await world.pass('50 minutes');
    expect(await keep('watch', watcher)).toBeGreaterThan(1);
  });
});

describe('the build', () => {
  it('of the worker', async () => {
    const packed = await packedBuild(`${ROOT}dist`);
    expect(packed.length).toBeGreaterThan(100_000);
    await writeFile(fileURLToPath(new URL(`builds/${version}.json.gz`, import.meta.url)), packed);
  });
});
