/** What `/readyz` looks at: the worker polls, Temporal has heard it, and the venue of each account has answered. */
import { isGrpcServiceError, type Connection } from '@temporalio/client';
import type { Worker } from '@temporalio/worker';
import { AUX_TASK_QUEUE, TASK_QUEUE } from './domain/names.ts';
import type { Ports } from './exchange/ports.ts';
import { VenueError } from './exchange/port.ts';
import type { VenueMetrics } from './metrics/venue-metrics.ts';
import { NotReady, type Probe } from './metrics/readiness.ts';

const ASK_LIMIT_MS = 3_000;
/** A long poll takes up to a minute, and the server notes it when it begins. */
const HEARD_WITHIN_MS = 90_000;
/** The watcher reads every 10 s; a venue that has been silent for longer is asked. */
const ANSWERED_WITHIN_MS = 30_000;
/** `TaskQueueType` of Temporal's API. */
const POLLED = [
  { name: TASK_QUEUE, type: 1 },
  { name: TASK_QUEUE, type: 2 },
  { name: AUX_TASK_QUEUE, type: 2 },
] as const;

export interface ProbedWorker {
  readonly workers: readonly Worker[];
  readonly connection: Connection;
  readonly namespace: string;
}

export interface ProbedVenues {
  readonly ports: Ports;
  readonly venue: VenueMetrics;
  readonly now: () => number;
}

/** `polling` is `null` until the worker is put together. */
export function probesOf(polling: ProbedWorker | null, venues: ProbedVenues): readonly Probe[] {
  const worker: readonly Probe[] =
    polling === null
      ? [{ name: 'worker', look: () => Promise.reject(new NotReady('the worker is starting')) }]
      : workerProbes(polling, venues.now);
  return [...worker, ...venues.ports.aliases.map((account) => venueProbe(account, venues))];
}

function workerProbes(polling: ProbedWorker, now: () => number): readonly Probe[] {
  // Both probes judge one answer.
  const heard = Promise.all(POLLED.map((queue) => lastHeard(polling, queue)));
  heard.catch(() => undefined);
  return [
    {
      name: 'temporal',
      look: async () => {
        await heard;
        return 'answers';
      },
    },
    {
      name: 'worker',
      look: async () => {
        const states = polling.workers.map((worker) => worker.getState());
        const idle = states.find((state) => state !== 'RUNNING');
        if (idle !== undefined) throw new NotReady(`the worker is ${idle}`);
        const times = await heard.catch(() => {
          throw new NotReady('whether it polls is not known: Temporal does not answer');
        });
        const ageMs = now() - Math.min(...times);
        if (ageMs > HEARD_WITHIN_MS)
          throw new NotReady('Temporal has not heard it poll all of its queues in the last 90 s');
        return `polls ${TASK_QUEUE} and ${AUX_TASK_QUEUE}`;
      },
    },
  ];
}

/** When the server last heard this process poll the queue, ms; 0 for never. */
async function lastHeard(
  { workers, connection, namespace }: ProbedWorker,
  { name, type }: (typeof POLLED)[number],
): Promise<number> {
  try {
    const { pollers } = await connection.withDeadline(Date.now() + ASK_LIMIT_MS, () =>
      connection.workflowService.describeTaskQueue({ namespace, taskQueue: { name }, taskQueueType: type }),
    );
    const identities = new Set(workers.map(({ options }) => options.identity));
    const mine = pollers.filter(({ identity }) => identities.has(identity ?? ''));
    return Math.max(0, ...mine.map(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1_000));
  } catch (error) {
    const why = isGrpcServiceError(error) ? error.details : (error as Error).message;
    throw new NotReady(`does not answer: ${why}`, { cause: error });
  }
}

function venueProbe(account: string, { ports, venue, now }: ProbedVenues): Probe {
  return {
    name: `venue ${account}`,
    look: async () => {
      const answeredAt = venue.answeredAt(account);
      const ageMs = answeredAt === null ? null : now() - answeredAt;
      if (ageMs !== null && ageMs <= ANSWERED_WITHIN_MS) return `answered ${Math.round(ageMs / 1_000)} s ago`;
      try {
        await ports.get(account).clock();
        return 'answers';
      } catch (error) {
        const why = error instanceof VenueError ? error.info.message : String(error);
        throw new NotReady(`has not answered well for 30 s: ${why}`, { cause: error });
      }
    },
  };
}
