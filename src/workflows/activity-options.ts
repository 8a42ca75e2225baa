/** How workflows call activities: timeouts, attempts and queues, each with its reason (docs/temporal.md §4, §5). */
import { ActivityCancellationType, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { Activities, AuxActivities } from '../activities/index.ts';
import { AUX_TASK_QUEUE } from '../domain/names.ts';

/** Exactly three attempts, 1 s then 2 s apart: the promise of DESIGN §3. */
const THREE_ATTEMPTS = { maximumAttempts: 3, initialInterval: '1 second', backoffCoefficient: 2 } as const;
const ONE_ATTEMPT = { maximumAttempts: 1 } as const;

/** The routine check answers within 3 s by itself; local, because a check leaves half the history that way. */
export const routine = proxyLocalActivities<Pick<Activities, 'observe'>>({
  startToCloseTimeout: '10 seconds',
  retry: ONE_ATTEMPT,
});

/** A worker that dies in the middle is missed after this, not after the whole time-out; every such activity sends one each second. */
const HEARTBEAT = '5 seconds';

/** Reads that wait for the venue's answer: proof, confirmation, import. */
export const reading = proxyActivities<
  Pick<Activities, 'observe' | 'preflight' | 'importPositions' | 'closingRecord' | 'readLedgerBalance'>
>({
  startToCloseTimeout: '30 seconds',
  heartbeatTimeout: HEARTBEAT,
  retry: THREE_ATTEMPTS,
  cancellationType: ActivityCancellationType.TRY_CANCEL,
});

/**
 * Protective writes. The heartbeat finds a dead worker in 5 s; no schedule-to-close, which would call a write failed that
 * was done. A cancelled workflow abandons the write, so that it ends in order.
 */
export const protective = proxyActivities<Pick<Activities, 'ensureStop' | 'closePosition'>>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: HEARTBEAT,
  retry: THREE_ATTEMPTS,
  cancellationType: ActivityCancellationType.ABANDON,
});

/** Waits for workflows: apart from protective writes, on a queue of its own. */
export const aux = proxyActivities<
  Pick<AuxActivities, 'startGuard' | 'ensureWatcher' | 'ensureLedger' | 'recordRelease'>
>({
  taskQueue: AUX_TASK_QUEUE,
  startToCloseTimeout: '30 seconds',
  retry: THREE_ATTEMPTS,
  cancellationType: ActivityCancellationType.TRY_CANCEL,
});

/** A round tries once: the next one comes in seconds anyway, and a late answer of this one would be stale. */
export const sweeping = proxyActivities<Pick<AuxActivities, 'sweep'>>({
  taskQueue: AUX_TASK_QUEUE,
  startToCloseTimeout: '60 seconds',
  // Without it a worker killed in a round would leave new positions unseen for a minute.
  heartbeatTimeout: HEARTBEAT,
  scheduleToStartTimeout: '60 seconds',
  retry: ONE_ATTEMPT,
  cancellationType: ActivityCancellationType.TRY_CANCEL,
});

/** Asking hundreds of guards takes a while, and the heartbeat says that it goes on. */
export const asking = proxyActivities<Pick<AuxActivities, 'askGuards'>>({
  taskQueue: AUX_TASK_QUEUE,
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '10 seconds',
  retry: THREE_ATTEMPTS,
  cancellationType: ActivityCancellationType.TRY_CANCEL,
});

/** One bounded try; the outbox tries again with a later check. */
export const delivery = proxyActivities<Pick<AuxActivities, 'notify'>>({
  taskQueue: AUX_TASK_QUEUE,
  startToCloseTimeout: '30 seconds',
  scheduleToCloseTimeout: '60 seconds',
  retry: ONE_ATTEMPT,
  cancellationType: ActivityCancellationType.ABANDON,
});

/** What no check has taken along when a guard ends; nothing waits longer for a log. */
export const auditing = proxyActivities<Pick<AuxActivities, 'recordAudit'>>({
  taskQueue: AUX_TASK_QUEUE,
  startToCloseTimeout: '5 seconds',
  scheduleToCloseTimeout: '20 seconds',
  retry: THREE_ATTEMPTS,
  cancellationType: ActivityCancellationType.ABANDON,
});

/** The ledger answers after its own three attempts at the balance; protection never waits for it. */
export const ledger = proxyActivities<Pick<AuxActivities, 'openLedgerSession'>>({
  taskQueue: AUX_TASK_QUEUE,
  startToCloseTimeout: '150 seconds',
  heartbeatTimeout: HEARTBEAT,
  retry: THREE_ATTEMPTS,
  cancellationType: ActivityCancellationType.TRY_CANCEL,
});
