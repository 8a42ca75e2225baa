/** Waits of workflow tests: for a condition, or for a workflow that only waits itself; all with a deadline. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';

/** Deadline of every wait, real time. */
const WAIT_MS = 60_000;
const QUIET_MS = 10_000;

/** Waits for a condition, with a deadline of a minute of real time. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`within 60 s this did not come true: ${what}`);
    await sleep(20);
  }
}

/** `EventType` of Temporal's API: a workflow task that waits for a worker or runs there. */
const TASK_EVENTS: readonly unknown[] = [5, 6];

/** Whether nothing of a workflow is under way. This server does not describe pending workflow tasks: its history shows them. */
async function isQuiet(handle: WorkflowHandle): Promise<boolean> {
  const { raw, status } = await handle.describe();
  if (status.name !== 'RUNNING') return true;
  const last = (await handle.fetchHistory()).events?.at(-1)?.eventType;
  return (raw.pendingActivities?.length ?? 0) === 0 && !TASK_EVENTS.includes(last);
}

/** Waits until nothing of a workflow is under way, seen twice; `false` when that took too long. */
export async function quieted(handle: WorkflowHandle): Promise<boolean> {
  const deadline = Date.now() + QUIET_MS;
  for (let seen = 0; seen < 2;) {
    seen = (await isQuiet(handle)) ? seen + 1 : 0;
    if (Date.now() > deadline) return false;
    await sleep(20);
  }
  return true;
}
