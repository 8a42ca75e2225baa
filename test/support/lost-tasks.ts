/**
 * The SDK's runtime of the workflow tests: only errors are shown, and a known fault of the time-skipping server is noticed. A workflow task
 * that cancels a timer which fired while the task was under way is refused there and stays begun for ever: its run never goes on, and time
 * is never skipped again (sdk-java issues 2606 and 3088, open in 1.38.0). A real server takes such a task.
 */
import { DefaultLogger, Runtime } from '@temporalio/worker';

const REFUSAL = 'invalid history builder state for action';

/** The tests of the `workflow` project are repeated for this error, on a new server, and for no other (vitest.config.ts). */
export class LostTaskError extends Error {
  override readonly name = 'LostTaskError';

  constructor() {
    super('the time-skipping server lost a workflow task (sdk-java issue 3088)');
  }
}

let lost = 0;

/** How many tasks servers of this process have lost so far. */
export function lostTasks(): number {
  return lost;
}

const shown = new DefaultLogger('ERROR');

Runtime.install({
  logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
    if (String(meta?.['error']).includes(REFUSAL)) lost += 1;
    shown.log(level, message, meta);
  }),
  telemetryOptions: { logging: { filter: 'WARN', forward: {} } },
});
