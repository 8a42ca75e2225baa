/**
 * The time-skipping server, one worker with the product's workflows and activities, and a fake venue for each account. A test
 * works on accounts of its own; when it ends its workflows are terminated and their histories replayed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import type { Duration } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, type ActivityInterceptorsFactory, type WorkerOptions } from '@temporalio/worker';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeEach } from 'vitest';
import type { ActivityDeps } from '../../src/activities/deps.ts';
import { createActivities, createAuxActivities } from '../../src/activities/index.ts';
import { AUX_TASK_QUEUE, SEARCH_ATTRIBUTES, TASK_QUEUE } from '../../src/domain/names.ts';
import { changedPolicy, type PolicyChange } from '../../src/domain/policy-change.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/domain/policy.ts';
import { GuardMetrics } from '../../src/metrics/guard-metrics.ts';
import { createRunningGuards } from '../../src/running-guards.ts';
import { guardSinks } from '../../src/worker-metrics.ts';
import { FakeVenue } from './fake-port.ts';
import { LostTaskError, lostTasks } from './lost-tasks.ts';
import { replayable, replayAll, RunLog, workflowBundle } from './replay.ts';
import { Stage } from './stage.ts';
import { standstill } from './standstill.ts';
import { startTimeSkipping } from './time-skipping.ts';
import { quieted } from './waiting.ts';

const PASS_MS = 120_000;
/** An idle server skips a minute in a few ms. */
const PROBE_MS = 3_000;

/** The server's clock as the venue and the activities see it: learned again at the start of each activity. */
class ServerClock {
  #aheadMs = 0;

  readonly now = (): number => Math.floor(Date.now() + this.#aheadMs);

  async learn(env: TestWorkflowEnvironment): Promise<void> {
    this.#aheadMs = (await env.currentTimeMs()) - Date.now();
  }
}

export interface World {
  readonly env: () => TestWorkflowEnvironment;
  readonly client: () => Client;
  /** A new account, with the default policy and what is changed in it. */
  readonly stage: (change?: PolicyChange & Partial<Pick<Policy, 'discoverEveryMs' | 'ignore'>>) => Stage;
  /** Lets the workflows live through so much time of theirs. */
  readonly pass: (duration: Duration) => Promise<void>;
  readonly now: () => number;
  readonly runs: RunLog;
  /** The value of a series of the guards' metrics as a scrape would show it now; `undefined` where there is none. */
  readonly metric: (name: string, labels: Readonly<Record<string, string>>) => Promise<number | undefined>;
  /** Minutes after midnight UTC; `null`, as at first: none. */
  readonly allClear: { at: number | null };
}

/** Names that `stage` gives to accounts; metrics show no others. */
const MOST_ACCOUNTS = 40;
const accountName = (number: number): string => `acc${number}`;

/** Call it once at the top of a test file. */
export function workflowWorld(): World {
  const clock = new ServerClock();
  const runs = new RunLog();
  const allClear: World['allClear'] = { at: null };
  const stages = new Map<string, Stage>();
  const registry = new Registry();
  const names = Array.from({ length: MOST_ACCOUNTS }, (_, at) => accountName(at + 1));
  const guardMetrics = new GuardMetrics(registry, names, clock.now);
  let environment: TestWorkflowEnvironment | null = null;
  let plain: Client | null = null;
  let stop = async (): Promise<void> => undefined;
  const env = (): TestWorkflowEnvironment => {
    if (environment === null) throw new Error('the server is not up yet');
    return environment;
  };
  const client = (): Client => {
    if (plain === null) throw new Error('the server is not up yet');
    return plain;
  };
  const stageOf = (account: string): Stage => {
    const found = stages.get(account);
    if (found === undefined) throw new Error(`no account ${account}`);
    return found;
  };

  const start = async (): Promise<void> => {
    environment = await startTimeSkipping();
    // Not the environment's own client: that one skips time while it waits for a result, which a test says itself.
    plain = new Client({ connection: env().connection, interceptors: { workflow: [runs.interceptor] } });
    await registerAttributes(env());
    await clock.learn(env());
    stop = await startWorkers(env(), clock, guardMetrics, {
      port: (account) => stageOf(account).venue.port,
      policy: (account) => stageOf(account).policy,
      mode: () => 'DEMO',
      client: client(),
      runningGuards: createRunningGuards(client()),
      checkedAt: (workflowId) => guardMetrics.checkedAt(workflowId),
      searchAttributes: 'on',
      log: SILENT,
      deliver: (alert) => stageOf(alert.account).deliver(alert),
      audit: async (entries) => stageOf(entries[0]?.account ?? '').keepAudit(entries),
      get allClearAt() {
        return allClear.at;
      },
      roundEnded: () => undefined,
      now: clock.now,
    });
  };
  const shut = async (): Promise<void> => {
    if (environment === null) return;
    await stop();
    await environment.teardown();
    environment = null;
  };

  const tellStandstill = async (): Promise<void> => {
    const told = await standstill(env(), client(), runs.workflowIds).catch(String);
    process.stderr.write(`${[told].flat().join('\n')}\n`);
  };
  const endRuns = async (): Promise<void> => {
    for (const stage of stages.values()) stage.heal();
    try {
      await endAll(client(), runs);
      await replayAll(replayable(await runs.histories(client())));
    } finally {
      runs.forget();
      stages.clear();
      allClear.at = null;
      if (!(await skipsTime(env()))) await shut();
    }
  };

  let lostBefore = 0;
  beforeEach(async () => {
    lostBefore = lostTasks();
    if (environment === null) await start();
  });

  afterEach(async ({ task }) => {
    const failed = task.result?.state === 'fail';
    if (failed) await tellStandstill();
    const lost = (): boolean => lostTasks() > lostBefore;
    const ended = await endRuns().then(
      () => true,
      (error: unknown) => {
        if (!lost()) throw error;
        return false;
      },
    );
    // The last error decides whether the test is repeated.
    if (lost() && (failed || !ended)) throw new LostTaskError();
  });

  afterAll(shut);

  let accounts = 0;
  return {
    env,
    client,
    runs,
    allClear,
    now: clock.now,
    metric: async (name, labels) => {
      const found = await registry.getSingleMetric(name)?.get();
      const wanted = Object.entries(labels);
      return found?.values.find((series) => wanted.every(([label, value]) => series.labels[label] === value))
        ?.value;
    },
    stage: (change = {}) => {
      accounts += 1;
      const account = accountName(accounts);
      const venue = new FakeVenue({ account, now: clock.now });
      const made = new Stage(account, client(), venue, changedPolicy(DEFAULT_POLICY, change));
      stages.set(account, made);
      return made;
    },
    pass: async (duration) => {
      const left = new AbortController();
      const late = sleep(PASS_MS, 'late', { signal: left.signal }).catch(() => 'left');
      const outcome = await Promise.race([env().sleep(duration), late]);
      left.abort();
      if (outcome === 'late') throw new Error(`the server did not let ${duration} pass within 2 minutes`);
      await clock.learn(env());
    },
  };
}

const SILENT: ActivityDeps['log'] = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** `IndexedValueType` of Temporal's API; this server cannot list what is registered, so nothing is compared. */
async function registerAttributes(env: TestWorkflowEnvironment): Promise<void> {
  const types = { KEYWORD: 2, BOOL: 5, DATETIME: 6 } as const;
  const wanted = Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => [name, types[type]] as const);
  await env.connection.operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: Object.fromEntries(wanted),
  });
}

async function startWorkers(
  env: TestWorkflowEnvironment,
  clock: ServerClock,
  guardMetrics: GuardMetrics,
  deps: ActivityDeps,
): Promise<() => Promise<void>> {
  const learning: ActivityInterceptorsFactory = () => ({
    inbound: {
      async execute(input, next) {
        await clock.learn(env);
        return next(input);
      },
    },
  });
  const options = {
    connection: env.nativeConnection,
    shutdownGraceTime: '1 second',
    interceptors: { activity: [learning] },
  } satisfies Partial<WorkerOptions>;
  const workers = [
    await Worker.create({
      ...options,
      taskQueue: TASK_QUEUE,
      workflowBundle,
      activities: createActivities(deps),
      sinks: guardSinks(guardMetrics),
      maxConcurrentWorkflowTaskExecutions: 100,
      maxConcurrentLocalActivityExecutions: 100,
    }),
    await Worker.create({ ...options, taskQueue: AUX_TASK_QUEUE, activities: createAuxActivities(deps) }),
  ];
  const running = Promise.all(workers.map((worker) => worker.run()));
  return async () => {
    for (const worker of workers) worker.shutdown();
    await running;
  };
}

/** Terminates what a test left running, watchers first: they would start the guards again. */
async function endAll(client: Client, runs: RunLog): Promise<void> {
  const first = (id: string): number => Number(!id.startsWith('watch:')) + Number(id.startsWith('guard:'));
  for (const workflowId of runs.workflowIds.toSorted((a, b) => first(a) - first(b))) {
    const handle = client.workflow.getHandle(workflowId);
    await quieted(handle);
    const { status } = await handle.describe();
    if (status.name === 'RUNNING') await handle.terminate('the test has ended');
  }
}

/**
 * Whether the server still skips time. One that lost a workflow in the middle of an activity or a workflow task never does
 * again, and is replaced.
 */
async function skipsTime(env: TestWorkflowEnvironment): Promise<boolean> {
  const skipped = env.sleep('1 minute').then(
    () => true,
    () => false,
  );
  return Promise.race([skipped, sleep(PROBE_MS, false)]);
}
