/** Worker versioning on a real server: a guard stays with the build that began its run, and its next run goes to the current build. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { account, FAST_POLICY, PATIENCE_MS, runSession, settled, symbolsOf } from '../support/fault-world.ts';
import { runsOf } from '../support/histories.ts';
import { startSystem, until, type System } from '../support/system.ts';
import { expectSafe } from '../support/verdict.ts';
import { makeCurrent } from '../support/versions.ts';

const DEPLOYMENT = 'stopkeeper';
const BUILDS = ['build-1', 'build-2'] as const;
const SYMBOLS = symbolsOf(2);
const GUARD = 'guard:main:S00USDT';
/** Long enough that the build changes in the middle of a run. */
const POLICY = { defaults: { ...FAST_POLICY.defaults, continueAsNewAfterChecks: 12 } };

/** A workflow task that a worker completed: when (ms), and of which build. */
interface Task {
  readonly at: number;
  readonly build: string;
}

interface VersionedRun {
  readonly tasks: readonly Task[];
  readonly ended: boolean;
}

/** The runs of a workflow, oldest first. */
async function versionedRuns(system: System, workflowId: string): Promise<readonly VersionedRun[]> {
  const histories = (await runsOf(system.client.workflow.getHandle(workflowId))).toReversed();
  return histories.map(({ events }) => ({
    ended: events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes != null,
    tasks: (events ?? []).flatMap(({ eventTime, workflowTaskCompletedEventAttributes: completed }) =>
      completed == null
        ? []
        : [
            {
              at: Number(eventTime?.seconds ?? 0) * 1_000,
              build: completed.deploymentVersion?.buildId ?? 'none',
            },
          ],
    ),
  }));
}

function buildsOf(run: VersionedRun | undefined): readonly string[] {
  return [...new Set(run?.tasks.map(({ build }) => build))];
}

describe('with two builds polling', { timeout: 300_000 }, () => {
  let system: System;

  beforeAll(async () => {
    system = await startSystem({
      scenario: account({ open: SYMBOLS }),
      policy: POLICY,
      workers: 2,
      workerEnv: (at) => ({ STOPKEEPER_DEPLOYMENT: DEPLOYMENT, STOPKEEPER_BUILD_ID: BUILDS[at] ?? '' }),
    });
    await makeCurrent(system, DEPLOYMENT, BUILDS[0]);
    expect((await runSession(system)).status).toBe('SUCCESS');
    await settled(system);
  });

  afterAll(async () => {
    await system.close();
  });

  it('a guard that began under the old build stays with it after the switch, and its next run begins under the new one', async () => {
    const since = Date.now();
    const before = (await versionedRuns(system, GUARD)).length;
    expect(buildsOf((await versionedRuns(system, GUARD)).at(-1))).toEqual([BUILDS[0]]);
    const switchedAt = await makeCurrent(system, DEPLOYMENT, BUILDS[1]);
    const runs = await until(
      'a run of the new build',
      async () => {
        const found = await versionedRuns(system, GUARD);
        return buildsOf(found.at(-1)).includes(BUILDS[1]) ? found : null;
      },
      PATIENCE_MS,
    );
    const old = runs.filter((run) => buildsOf(run).includes(BUILDS[0]));
    expect(old.length).toBeGreaterThanOrEqual(before);
    for (const run of runs) expect(buildsOf(run)).toHaveLength(1);
    const after = old.at(-1)?.tasks.filter(({ at }) => at > switchedAt) ?? [];
    console.log(`versioning: ${after.length} tasks of the old build after the switch, then the next run`);
    expect(after.length).toBeGreaterThan(1);
    await expectSafe(system, 'a new build made current', { since });
  });

  it('the watcher goes to the new build with its next task', async () => {
    const builds = await until('a task of the new build', async () => {
      const found = (await versionedRuns(system, 'watch:main')).at(-1)?.tasks.at(-1)?.build;
      return found === BUILDS[1] ? found : null;
    });
    expect(builds).toBe(BUILDS[1]);
  });

  it('once the old build is drained its worker can go, and every guard goes on', async () => {
    const since = Date.now();
    await until(
      'the old build is drained of guards',
      async () => {
        const runs = await Promise.all(SYMBOLS.map((one) => versionedRuns(system, `guard:main:${one}`)));
        return runs.every((found) => buildsOf(found.at(-1)).includes(BUILDS[1]));
      },
      PATIENCE_MS,
    );
    await system.programs.workers[0]?.kill('SIGTERM');
    await settled(system);
    expect((await runSession(system, 'session:after')).status).toBe('SUCCESS');
    await expectSafe(system, 'the worker of the old build stopped', { since });
  });
});
