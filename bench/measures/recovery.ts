/** Recovery: `kill -9` of the worker under N guards, a stop cancelled meanwhile, and what a replay costs just before continue-as-new. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from '@temporalio/worker';
import { Registry } from 'prom-client';
import { guardId } from '../../src/domain/names.ts';
import { DEFAULT_POLICY } from '../../src/domain/policy.ts';
import { checksInRun } from '../../src/domain/run-length.ts';
import { GuardMetrics } from '../../src/metrics/guard-metrics.ts';
import { guardSinks } from '../../src/worker-metrics.ts';
import { asLoaded } from '../../src/workflow-code.ts';
import { rounded, spreadOf, spreadText, type Spread } from '../support/figures.ts';
import { factsOf, runsSince } from '../support/histories.ts';
import type { Measure, MeasureOptions, Measured } from '../support/measure.ts';
import { scenarioOf, symbolAt } from '../support/scenario.ts';
import { runSession } from '../support/session.ts';
import { ROOT, setStage, until, type Stage } from '../support/stage.ts';
import { cpuMs, rssMb } from '../support/usage.ts';

const OUTAGE_MS = 5_000;
const CANCEL_AFTER_MS = 2_000;
/** All guards are asked for after so many intervals, then again while some are missing. */
const LOOK_AFTER_INTERVALS = 1.5;
const LOOK_AGAIN_MS = 15_000;
const LOOKS = 8;

interface Recovered {
  readonly guards: number;
  /** Checks of each guard before the kill: what is replayed. */
  readonly checksBefore: number;
  /** From the start of the new worker process. */
  readonly readyMs: number;
  readonly stopRestoredMs: number;
  readonly firstCheckMs: Spread;
  readonly everyGuardMs: number | null;
  readonly unchecked: number;
  /** CPU of the new worker until the last guard had checked, ms. */
  readonly workerCpuMs: number;
  /** What a guard has added to the worker's resident memory when all have begun, and just before the kill, MB. */
  readonly guardMb: readonly [begun: number, before: number];
}

async function measureKill(guards: number, intervalMs: number, checks: number): Promise<Recovered> {
  const stage = await setStage({
    scenario: scenarioOf({ positions: guards, stopped: true }),
    policy: { defaults: { checkEveryMs: intervalMs } },
  });
  try {
    const { worker } = stage.pids();
    const alone = rssMb(worker);
    await runSession(stage);
    const begun = rssMb(worker);
    await sleep(intervalMs * (checks + 0.15));
    const before = rssMb(worker);
    await stage.killWorker();
    await sleep(CANCEL_AFTER_MS);
    const cancelled = Math.floor(guards / 2);
    await stage.venue.cancelStop(cancelled);
    await sleep(OUTAGE_MS - CANCEL_AFTER_MS);
    const began = Date.now();
    await stage.startWorker();
    const readyMs = Date.now() - began;
    await until(
      'the cancelled stop',
      async () => ((await stage.venue.bare()).length === 0 ? true : null),
      180_000,
      250,
    );
    const { stops } = await stage.venue.state();
    const restored = stops.findLast(
      ({ symbol, timeMs, price }) => symbol === symbolAt(cancelled) && timeMs >= began && price !== '',
    );
    const seen = await firstChecks(stage, guards, began, intervalMs);
    return {
      guards,
      readyMs,
      stopRestoredMs: (restored?.timeMs ?? Number.NaN) - began,
      guardMb: [rounded((begun - alone) / guards, 2), rounded((before - alone) / guards, 2)],
      ...seen,
    };
  } finally {
    await stage.close();
  }
}

async function firstChecks(
  stage: Stage,
  guards: number,
  began: number,
  intervalMs: number,
): Promise<Pick<Recovered, 'checksBefore' | 'firstCheckMs' | 'everyGuardMs' | 'unchecked' | 'workerCpuMs'>> {
  for (let look = 0; ; look += 1) {
    const wait = began + intervalMs * LOOK_AFTER_INTERVALS + look * LOOK_AGAIN_MS - Date.now();
    if (wait > 0) await sleep(wait);
    const workerCpuMs = cpuMs(stage.pids().worker);
    const runs = await runsSince(stage.client, 'guardPosition', 0);
    const checks = [...runs.values()].map((facts) => facts.flatMap((run) => run.checks));
    const first = checks.flatMap((own) => {
      const times = own.map(({ doneAt }) => doneAt).filter((at) => at >= began);
      return times.length === 0 ? [] : [Math.min(...times) - began];
    });
    const before = checks.map((own) => own.filter(({ doneAt }) => doneAt < began).length);
    const unchecked = guards - first.length;
    if (unchecked > 0 && look < LOOKS) continue;
    return {
      checksBefore: rounded(before.reduce((sum, count) => sum + count, 0) / guards, 1),
      firstCheckMs: spreadOf(first),
      everyGuardMs: unchecked > 0 ? null : Math.max(...first),
      unchecked,
      workerCpuMs,
    };
  }
}

interface Replayed {
  readonly checks: number;
  readonly events: number;
  readonly historyBytes: number;
  readonly replayMs: number;
  readonly shortReplayMs: number;
}

const CHECKS_IN_A_RUN = 40;
const REPLAYS = 40;

/** A guard checks each second until it continues as new; the run that ended is replayed. */
async function measureReplay(): Promise<Replayed> {
  const stage = await setStage({
    scenario: scenarioOf({ positions: 1, stopped: true }),
    policy: { defaults: { checkEveryMs: 1_000, continueAsNewAfterChecks: CHECKS_IN_A_RUN } },
  });
  try {
    await runSession(stage);
    const id = guardId('main', { symbol: symbolAt(0), positionIdx: 0 });
    const ended = await until(
      'a run of the guard that continued as new',
      async () => {
        for await (const run of stage.client.workflow.list({ query: `WorkflowId="${id}"` })) {
          if (run.status.name === 'CONTINUED_AS_NEW') return run;
        }
        return null;
      },
      180_000,
      1_000,
    );
    const history = await stage.client.workflow.getHandle(id, ended.runId).fetchHistory();
    const events = history.events ?? [];
    // Up to the first check, and without what would end it: the fixed part of a replay.
    const cut = events.findIndex((event) => event.markerRecordedEventAttributes != null);
    return {
      checks: factsOf(id, history).checks.length,
      events: events.length,
      historyBytes: ended.historySize ?? 0,
      replayMs: await replayMs(id, history),
      shortReplayMs: await replayMs(id, { events: events.slice(0, cut - 1) }),
    };
  } finally {
    await stage.close();
  }
}

type History = Parameters<typeof factsOf>[1];

/** ms for each of many replays of one history; making the worker is apart. */
async function replayMs(workflowId: string, history: History): Promise<number> {
  const code = asLoaded(readFileSync(join(ROOT, 'dist/workflow-bundle.js'), 'utf8'), false);
  const workflowBundle = { code };
  // A replay tells nothing, and complains of what it could not tell.
  const sinks = guardSinks(new GuardMetrics(new Registry(), [], Date.now));
  const times: number[] = [];
  const copies = function* (): Generator<{ workflowId: string; history: History }> {
    for (let copy = 0; copy < REPLAYS; copy += 1) yield { workflowId: `${workflowId}:${copy}`, history };
  };
  let last: number | null = null;
  for await (const { error } of Worker.runReplayHistories({ workflowBundle, sinks }, copies())) {
    if (error !== undefined) throw error;
    const now = performance.now();
    // The first one waits for the worker.
    if (last !== null) times.push(now - last);
    last = now;
  }
  return rounded(times.reduce((sum, time) => sum + time, 0) / times.length, 1);
}

async function run(options: MeasureOptions): Promise<Measured> {
  const counts = options.counts ?? (options.quick ? [50] : [1_000]);
  const killed: Recovered[] = [];
  for (const guards of counts) {
    options.note(`recovery of ${guards} guards`);
    // Guards are killed in the middle of their runs: what is replayed is what a guard has behind it on average.
    const half = Math.ceil(checksInRun(DEFAULT_POLICY, guards) / 2);
    const [intervalMs, checks] = options.quick ? [6_000, 1] : [DEFAULT_POLICY.checkEveryMs, half];
    killed.push(await measureKill(guards, intervalMs, options.checks ?? checks));
  }
  if (!options.quick) options.note('replay of a full run');
  const replay = options.quick ? null : await measureReplay();
  const seconds = (ms: number | null): number | null => (ms === null ? null : rounded(ms / 1_000, 1));
  return {
    result: { killed, replay },
    tables: [
      {
        title: 'Recovery after kill -9 of the worker, from the start of the new process',
        head: [
          'guards',
          'checks before',
          'ready s',
          'cancelled stop back s',
          'first check p50 / p99 / max ms',
          'every guard s',
          'unchecked',
          'worker CPU s',
          'MB a guard: begun, before the kill',
        ],
        rows: killed.map((one) => [
          one.guards,
          one.checksBefore,
          seconds(one.readyMs),
          seconds(one.stopRestoredMs),
          spreadText(one.firstCheckMs),
          seconds(one.everyGuardMs),
          one.unchecked,
          seconds(one.workerCpuMs),
          one.guardMb.join(', '),
        ]),
      },
      ...(replay === null
        ? []
        : [
            {
              title: 'Replay of a guard just before continue-as-new',
              head: ['checks', 'events', 'history bytes', 'replay ms', 'replay before the first check ms'],
              rows: [
                [replay.checks, replay.events, replay.historyBytes, replay.replayMs, replay.shortReplayMs],
              ],
            },
          ]),
    ],
  };
}

export const recovery: Measure = { name: 'recovery', run };
