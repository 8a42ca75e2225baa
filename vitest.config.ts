/** Test projects, in the order of `npm test`: those after `unit` need the built program and real Temporal servers (`test/support/prepare.ts`). */
import { defineConfig } from 'vitest/config';

const PREPARE = ['test/support/prepare.ts'];

/** A known fault of the time-skipping server (test/support/lost-tasks.ts): what met it is run again, on a new server, and nothing else is. */
const LOST_TASK = { count: 2, condition: /sdk-java issue 3088/u };

export default defineConfig({
  test: {
    reporters: ['default'],
    onUnhandledError: (error) => !isLateRetry(error),
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'test/{domain,exchange,alerts,audit,activities,encryption,metrics,paper,operator,config,scripts,docs,fuzz,soak}/**/*.test.ts',
            'test/*.test.ts',
          ],
          // Deadlines for a hung test, not judgements of speed: some unit tests start a small process, on machines that are busy.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      // Each file brings up servers and workers. The skipping of time is busy all the while; the others mostly wait, and are as many at once as
      // two cores carry without starving a heartbeat.
      serverProject('workflow', 'test/workflows', { groupOrder: 1, atOnce: 2, retry: LOST_TASK }),
      serverProject('integration', 'test/integration', { groupOrder: 2, atOnce: 3 }),
      serverProject('replay', 'test/replay', { groupOrder: 3, atOnce: 2 }),
      serverProject('faults', 'test/faults', { groupOrder: 4, atOnce: 3 }),
      // Not part of `npm test`: `npm run test:postgres` finds what it needs.
      serverProject('postgres', 'test/postgres', { groupOrder: 5, atOnce: 2 }),
    ],
  },
});

/**
 * The Temporal client repeats a failed call by a timer, and throws out of that timer when its connection was closed meanwhile: a test
 * that ends with a call of an abandoned activity under way meets it. Nothing can catch it there, and nothing is wrong.
 */
function isLateRetry({
  message,
  stack,
}: {
  readonly message: string;
  readonly stack?: string | undefined;
}): boolean {
  return message === 'Channel has been shut down' && (stack ?? '').includes('grpc-retry');
}

function serverProject(
  name: string,
  folder: string,
  {
    groupOrder,
    atOnce,
    retry,
  }: { readonly groupOrder: number; readonly atOnce: number; readonly retry?: typeof LOST_TASK },
) {
  return {
    test: {
      name,
      include: [`${folder}/**/*.test.ts`],
      globalSetup: PREPARE,
      pool: 'forks' as const,
      maxWorkers: atOnce,
      testTimeout: 180_000,
      hookTimeout: 180_000,
      sequence: { groupOrder },
      ...(retry !== undefined && { retry }),
    },
  };
}
