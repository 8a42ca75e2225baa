/**
 * Health check of the worker's container: exit code 0 while Temporal has heard this container's worker poll within the last 90 s.
 * A process that runs but polls nothing protects nothing.
 */
import { hostname } from 'node:os';
import process from 'node:process';
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';

const TASK_QUEUE = 'stopkeeper';
const WORKFLOW_TASKS = 1;
/** A long poll takes up to a minute, and the server notes it when it begins. */
const HEARD_WITHIN_MS = 90_000;

const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
const connection = await Connection.connect({ ...connectionOptions, connectTimeout: '5 seconds' });
try {
  const { workflowService } = new Client({ connection, namespace });
  const { pollers } = await workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: TASK_QUEUE },
    taskQueueType: WORKFLOW_TASKS,
  });
  // The SDK's default identity is `pid@hostname`; a container's host name is its own.
  const mine = pollers.filter(({ identity }) => identity?.endsWith(`@${hostname()}`));
  const heard = mine.map(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1_000);
  const ageMs = Date.now() - Math.max(0, ...heard);
  if (ageMs > HEARD_WITHIN_MS) {
    process.stderr.write(
      mine.length === 0 ? 'this worker does not poll\n' : `last polled ${Math.round(ageMs / 1_000)} s ago\n`,
    );
    process.exitCode = 1;
  }
} finally {
  await connection.close();
}
