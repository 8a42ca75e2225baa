/** Where the workflows of a test stood when it failed: what a wait that was never over was waiting for. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { optionalTsToMs } from '@temporalio/common/lib/time.js';
import type { TestWorkflowEnvironment } from '@temporalio/testing';

const LAST_EVENTS = 8;
const BETWEEN_LOOKS_MS = 1_000;

/** Lines for a person: the server's clock against ours, twice, and of each workflow its pending activities and last events. */
export async function standstill(
  env: TestWorkflowEnvironment,
  client: Client,
  workflowIds: readonly string[],
): Promise<readonly string[]> {
  const ahead = async (): Promise<number> => Math.round((await env.currentTimeMs()) - Date.now());
  const first = await ahead();
  await sleep(BETWEEN_LOOKS_MS);
  const clock = `the server's clock is ${first} ms ahead of ours, a second later ${await ahead()} ms`;
  const workflows = await Promise.all(workflowIds.map((id) => linesOf(client.workflow.getHandle(id))));
  return [clock, ...workflows.flat()];
}

async function linesOf(handle: WorkflowHandle): Promise<readonly string[]> {
  const { raw, status } = await handle.describe();
  const pending = (raw.pendingActivities ?? []).map(
    ({ activityId, activityType, state, attempt, lastFailure, scheduledTime, lastStartedTime }) =>
      `  pending ${JSON.stringify({
        activityId,
        type: activityType?.name,
        state,
        attempt,
        scheduledAt: isoOf(scheduledTime),
        startedAt: isoOf(lastStartedTime),
        lastFailure: lastFailure?.message,
      })}`,
  );
  const events = ((await handle.fetchHistory()).events ?? [])
    .slice(-LAST_EVENTS)
    .map(
      ({ eventId, eventType, eventTime }) =>
        `  event ${String(eventId)} type ${eventType} at ${isoOf(eventTime)}`,
    );
  return [`${handle.workflowId}: ${status.name}`, ...pending, ...events];
}

function isoOf(time: Parameters<typeof optionalTsToMs>[0]): string | null {
  const ms = optionalTsToMs(time);
  return ms === undefined ? null : new Date(ms).toISOString();
}
