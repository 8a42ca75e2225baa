/** What guards report to in workers and replays of tests that do not look at metrics. */
import type { InjectedSinks } from '@temporalio/worker';
import type { GuardSinks } from '../../src/workflows/guard-reporter.ts';

const nothing = { fn: () => undefined };

export const SILENT_SINKS: InjectedSinks<GuardSinks> = {
  guardMetrics: { shown: nothing, ended: nothing },
};
