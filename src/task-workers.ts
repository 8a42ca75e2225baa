/** The two SDK workers of a process: slots, cache, shut-down, versions and payload keys, each with its reason (docs/temporal.md §4, §10). */
import { totalmem } from 'node:os';
import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import type { ActivityDeps } from './activities/deps.ts';
import { createActivities, createAuxActivities } from './activities/index.ts';
import type { Config } from './config.ts';
import { AUX_TASK_QUEUE, TASK_QUEUE } from './domain/names.ts';
import { workerDataConverter } from './encryption/data-converter.ts';
import type { LeaveMessages } from './encryption/payload-codec.ts';
import type { Logger } from './logging.ts';
import { guardSinks, type WorkerMetrics } from './worker-metrics.ts';
import { workflowBundle } from './workflow-code.ts';
import { WorkflowSlots } from './workflow-slots.ts';

/** A cached guard takes 0.3 MB when it begins and up to 1 MB with a long run behind it (docs/performance.md); a third of the memory is theirs. */
const BYTES_A_GUARD = 1_000_000;
const MOST_GUARDS = 4_000;
/** A full history takes about 0.2 s of one thread: so many end well within a task's 10 s, also where the machine is ten times too busy. */
const REPLAYED_AT_ONCE = 4;
/** After a restart replays are most of the work, and what they do is JavaScript: one thread would leave the other core to the server alone. */
const WORKFLOW_THREADS = 2;
const WORKFLOW_POLLS = 24;
const UNREADABLE_TOLD_EVERY_MS = 60_000;

/** What is in flight may end by itself for so long after SIGTERM; then it is handed over, ms. */
export const FINISH_MS = 5_000;
/** An init system kills after 10 s, ms. */
export const FORCE_MS = 9_000;

function cachedGuards(): number {
  return Math.max(200, Math.min(MOST_GUARDS, Math.floor(totalmem() / 3 / BYTES_A_GUARD)));
}

/** Guards pin themselves (`workflows/pinned-run.ts`); what else runs moves to the current build with its next task. */
function versioningOf(version: Config['version']): Pick<WorkerOptions, 'workerDeploymentOptions'> {
  if (version === null) return {};
  return {
    workerDeploymentOptions: {
      version,
      useWorkerVersioning: true,
      defaultVersioningBehavior: 'AUTO_UPGRADE',
    },
  };
}

/** The failed workflow tasks do not say it: with encryption their words are encrypted too. Each key is told once a minute. */
function tellUnreadable(log: Logger): LeaveMessages {
  const toldAt = new Map<string | null, number>();
  return ({ keyId, message }) => {
    if (Date.now() - (toldAt.get(keyId) ?? 0) < UNREADABLE_TOLD_EVERY_MS) return;
    toldAt.set(keyId, Date.now());
    log.error({ keyId, message: `workflows wait: ${message}` }, 'payload.unreadable');
  };
}

/** For guards, sessions and the watcher, and for what waits for workflows or people. */
export async function createWorkers(
  connection: NativeConnection,
  namespace: string,
  payloadKeys: Config['payloadKeys'],
  deps: ActivityDeps,
  log: Logger,
  { guards: guardMetrics }: WorkerMetrics,
  version: Config['version'],
): Promise<Worker[]> {
  const guards = cachedGuards();
  const workflowSlots = new WorkflowSlots({ cached: guards + 100, replayed: REPLAYED_AT_ONCE });
  const shared: Omit<WorkerOptions, 'taskQueue'> = {
    connection,
    namespace,
    dataConverter: workerDataConverter(payloadKeys, tellUnreadable(log)),
    // Both queues: an activity of a pinned run goes to its own build.
    ...versioningOf(version),
    shutdownGraceTime: FINISH_MS,
    shutdownForceTime: FORCE_MS,
  };
  const main = await Worker.create({
    ...shared,
    workflowBundle: await workflowBundle(payloadKeys !== null),
    taskQueue: TASK_QUEUE,
    activities: createActivities(deps),
    sinks: guardSinks(guardMetrics),
    interceptors: { activity: [workflowSlots.interceptor] },
    maxCachedWorkflows: guards + 100,
    workflowThreadPoolSize: WORKFLOW_THREADS,
    tuner: {
      // A routine check holds a workflow slot while its local activity runs: more slots than guards (docs/temporal.md §4).
      workflowTaskSlotSupplier: workflowSlots,
      localActivityTaskSlotSupplier: { type: 'fixed-size', numSlots: guards + 100 },
      // A guard waits for one at a time, a session for fifty: those of an account whose venue hangs never take the slot of another's.
      activityTaskSlotSupplier: { type: 'fixed-size', numSlots: guards + 100 },
      nexusTaskSlotSupplier: { type: 'fixed-size', numSlots: 1 },
    },
    // Guards are due together: with the SDK's ten polls a fifth of their tasks waited in the server's database.
    workflowTaskPollerBehavior: { type: 'simple-maximum', maximum: WORKFLOW_POLLS },
    // After a crash the sticky queue of the dead worker is waited for this long.
    stickyQueueScheduleToStartTimeout: '3 seconds',
  });
  const aux = await Worker.create({
    ...shared,
    taskQueue: AUX_TASK_QUEUE,
    activities: createAuxActivities(deps),
    maxConcurrentActivityTaskExecutions: guards + 100,
  });
  return [main, aux];
}
