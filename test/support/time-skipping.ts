/** The time-skipping server, which the SDK gives 5 s to come up: on a busy machine Java may need longer once. */
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { pathFrom } from './replay.ts';

const TRIES = 3;

export async function startTimeSkipping(tries = TRIES): Promise<TestWorkflowEnvironment> {
  const executable = { type: 'existing-path', path: pathFrom('STOPKEEPER_TEST_SERVER') } as const;
  try {
    return await TestWorkflowEnvironment.createTimeSkipping({ server: { executable } });
  } catch (error) {
    if (tries <= 1 || !String(error).includes('did not start within')) throw error;
    return startTimeSkipping(tries - 1);
  }
}
