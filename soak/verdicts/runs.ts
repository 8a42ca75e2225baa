/** What the histories show of the engine: runs that are all there, tasks that failed or were lost, secrets, checks and their lateness (I9, I11). */
import { spreadOf, type Spread } from '../../bench/support/figures.ts';
import { coveredMs, type Outage } from '../outages.ts';
import type { Restart } from '../processes.ts';
import type { LostTask, Run } from '../run-facts.ts';
import type { EndedByHand } from '../operators.ts';

const LATE_MS = 1_000;
/** A task that was taken so long before a process died may have been lost with it, ms. */
const LOST_WITH_IT_MS = 12_000;
/** A dead worker may still be given a task for so long, and a server that has just come back gives some out in vain, ms. */
const DEAD_WORKER_MS = 1_000;
const SERVER_SETTLES_MS = 5_000;

/** Runs that a history names as its continuation and that are not among those read. */
export function missingRuns(runs: readonly Run[]): readonly string[] {
  const known = new Set(runs.map(({ runId }) => runId));
  return runs.flatMap(({ workflowId, continuedAs }) =>
    continuedAs === null || known.has(continuedAs)
      ? []
      : [`${workflowId}: run ${continuedAs} was not listed`],
  );
}

/** Workflow tasks that timed out although neither the worker that had taken it nor the server was away: a worker took too long. */
export function slowTasks(runs: readonly Run[], outages: readonly Outage[]): readonly LostTask[] {
  const losing = outages.flatMap(({ part, from, to }) => {
    if (part === 'venue') return [];
    const until = part === 'worker' ? from + DEAD_WORKER_MS : to + SERVER_SETTLES_MS;
    return [{ from: from - LOST_WITH_IT_MS, until, diedAt: from }];
  });
  const lost = runs.flatMap(({ lostTasks }) => lostTasks);
  return lost.filter(
    ({ takenAt, lostAt }) =>
      !losing.some(({ from, until, diedAt }) => takenAt >= from && takenAt <= until && lostAt >= diedAt),
  );
}

export interface Lateness {
  readonly checks: number;
  /** Over 1 s late while nothing was broken, and while something was. */
  readonly late: number;
  readonly lateInOutage: number;
  /** Of the checks while nothing was broken, ms. */
  readonly lagMs: Spread;
}

/** `outages`: those that keep workers or the server from working. */
export function lateness(runs: readonly Run[], outages: readonly Outage[]): Lateness {
  const checks = runs
    .filter(({ workflowId }) => workflowId.startsWith('guard:'))
    .flatMap((run) => run.checks);
  const calm = checks.filter(
    ({ dueAt, doneAt }) => coveredMs({ from: dueAt - 1, to: Math.max(dueAt, doneAt) }, outages) === 0,
  );
  const lagOf = ({ dueAt, doneAt }: (typeof checks)[number]): number => Math.max(0, doneAt - dueAt);
  const late = (some: typeof checks): number => some.filter((one) => lagOf(one) > LATE_MS).length;
  return {
    checks: checks.length,
    late: late(calm),
    lateInOutage: late(checks) - late(calm),
    lagMs: spreadOf(calm.map(lagOf)),
  };
}

export interface Recovery extends Restart {
  readonly guards: number;
  /** From the start of the first worker to the last guard's first check, ms; `null` where a guard never checked. */
  readonly lastCheckMs: number | null;
  readonly lagMs: Spread;
  /** Guards whose own interval was longer at the time: the venue had rejected the key. */
  readonly longer: number;
  /** Judged for workers: one interval and 15 s. */
  readonly inTime: boolean;
}

const INTERVAL_MS = 30_000;
/** The interval of a guard is shifted by so much at most. */
const JITTER = 1.1;
/** With a rejected key a protected position is looked at so often (docs/design.md §4). */
const LONGEST_INTERVAL_MS = 60_000;
/** Within an interval and this of the restart every guard has checked again. */
const RECOVERED_MS = 15_000;

/** How long after each restart of all workers every guard that ran before and after had checked again. */
export function recoveries(
  runs: readonly Run[],
  restarts: readonly Restart[],
  endedByHand: readonly EndedByHand[],
): readonly Recovery[] {
  const guards = new Map<string, Run[]>();
  for (const run of runs.filter(({ workflowId }) => workflowId.startsWith('guard:'))) {
    guards.set(run.workflowId, [...(guards.get(run.workflowId) ?? []), run]);
  }
  return restarts.map((restart) => {
    const { killedAt, startedAt } = restart;
    const judgedMs = INTERVAL_MS + RECOVERED_MS;
    const judgedUntil = startedAt + judgedMs;
    const first = [...guards].flatMap(([workflowId, own]) => {
      const byHand = endedByHand.some(
        (one) => one.workflowId === workflowId && one.at >= killedAt - judgedMs && one.at <= judgedUntil,
      );
      const lived = own.some(({ from, to }) => from < killedAt && to >= startedAt);
      if (byHand || !lived) return [];
      const at = Math.min(...own.flatMap(({ resultsAt }) => resultsAt).filter((time) => time >= startedAt));
      // When its timer wanted it: the check that the restart found waiting.
      const due = own.flatMap(({ checks }) => checks).find(({ doneAt }) => doneAt === at)?.dueAt ?? startedAt;
      const intervalMs = Math.min(LONGEST_INTERVAL_MS, Math.max(INTERVAL_MS, due - startedAt));
      return [{ ms: at - startedAt, intervalMs }];
    });
    const times = first.map(({ ms }) => ms);
    const lastCheckMs = Math.max(0, ...times);
    return {
      ...restart,
      guards: first.length,
      lastCheckMs: Number.isFinite(lastCheckMs) ? lastCheckMs : null,
      lagMs: spreadOf(times),
      longer: first.filter(({ intervalMs }) => intervalMs > INTERVAL_MS * JITTER).length,
      inTime:
        restart.what !== 'workers' || first.every(({ ms, intervalMs }) => ms <= intervalMs + RECOVERED_MS),
    };
  });
}
