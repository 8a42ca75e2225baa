/** The fault of the time-skipping server for which workflow tests are repeated: that it is still there, and is noticed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker, type InjectedSinks } from '@temporalio/worker';
import { expect, it } from 'vitest';
import { TIMER_MS, type cancelsFiredTimer, type SlowSinks } from '../support/fired-timer.ts';
import { lostTasks } from '../support/lost-tasks.ts';
import { startTimeSkipping } from '../support/time-skipping.ts';
import { until } from '../support/waiting.ts';

const taskQueue = 'lost-tasks';

it('a task that cancels a timer which fired meanwhile is lost, and that is noticed', async () => {
  const env = await startTimeSkipping();
  let waiting = false;
  const sinks: InjectedSinks<SlowSinks> = {
    slow: {
      wait: {
        fn: async () => {
          waiting = true;
          await sleep(TIMER_MS + 1_000);
        },
      },
    },
  };
  const worker = await Worker.create({
    connection: env.nativeConnection,
    taskQueue,
    sinks,
    workflowsPath: fileURLToPath(new URL('../support/fired-timer.ts', import.meta.url)),
    activities: { none: async () => undefined },
  });
  const running = worker.run();
  try {
    const run = await env.client.workflow.start<typeof cancelsFiredTimer>('cancelsFiredTimer', {
      taskQueue,
      workflowId: 'lost',
    });
    await until('the timer runs', async () =>
      ((await run.fetchHistory()).events ?? []).some((event) => event.timerStartedEventAttributes != null),
    );
    await run.signal('tell');
    await until('its task is under way', () => waiting);
    await until('the refusal', () => lostTasks() === 1);
    const last = (await run.fetchHistory()).events?.at(-1);
    expect(last?.workflowTaskStartedEventAttributes).not.toBeNull();
  } finally {
    worker.shutdown();
    await running;
    await env.teardown();
  }
});
