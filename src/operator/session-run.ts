/** Runs `startSession` from the outside: one workflow for each account, its report as the answer. */
import { WorkflowFailedError, type Client } from '@temporalio/client';
import { TASK_QUEUE } from '../domain/names.ts';
import type { SessionReport } from '../domain/report.ts';
import { StartError } from './start-error.ts';

export interface SessionRequest {
  readonly account: string;
  readonly dryRun: boolean;
}

/**
 * Starts the session and waits for its report, however long the venue takes. A session of that account which still runs (its starter was
 * killed) is waited for instead of a second one. Throws `StartError` when the workflow itself failed: invalid input, or ended by hand.
 */
export async function runSession(client: Client, request: SessionRequest): Promise<SessionReport> {
  const { account, dryRun } = request;
  const handle = await client.workflow.start('startSession', {
    workflowId: `${dryRun ? 'plan' : 'session'}:${account}`,
    taskQueue: TASK_QUEUE,
    args: [dryRun ? { account, dryRun } : { account }],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
  try {
    // The workflow's name is all that the client knows of its type.
    return (await handle.result()) as SessionReport;
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const message = error.cause?.message ?? error.message;
    const hint = `See it: npm run temporal -- workflow show -w ${handle.workflowId}`;
    throw new StartError([{ setting: handle.workflowId, message, hint }], { cause: error });
  }
}
