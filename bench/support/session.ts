/** Runs a session and waits until guards and their checks are there. */
import type { SessionReport } from '../../src/domain/report.ts';
import { TASK_QUEUE } from '../../src/domain/names.ts';
import type { Stage } from './stage.ts';

export interface SessionRun {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly report: SessionReport;
}

/** Throws where the session does not protect everything: a benchmark of a failure would mislead. */
export async function runSession(stage: Stage): Promise<SessionRun> {
  const startedAt = Date.now();
  const report = (await stage.client.workflow.execute('startSession', {
    workflowId: `session:main:${startedAt}`,
    taskQueue: TASK_QUEUE,
    args: [{ account: 'main' }],
  })) as SessionReport;
  if (report.status === 'FAILED') {
    throw new Error(
      `the session failed: ${report.criteria
        .filter(({ level }) => level === 'failure')
        .map(({ message }) => message)
        .join('; ')}`,
    );
  }
  return { startedAt, endedAt: Date.now(), report };
}
