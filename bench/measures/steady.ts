/**
 * Steady state: N guards that check each interval, beside the plain design and a loop without durability on the same account: lag, CPU for
 * each check, memory, venue requests, history and database.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_POLICY } from '../../src/domain/policy.ts';
import { pooled } from '../../src/domain/pool.ts';
import { announced } from '../../src/operator/readiness.ts';
import { rounded, spreadOf } from '../support/figures.ts';
import { historySizes, runsSince, type Check, type HistorySize } from '../support/histories.ts';
import { busyShare } from '../support/machine.ts';
import type { Measure, MeasureOptions, Measured, MeasuredTable } from '../support/measure.ts';
import { monotonicUs, profileTable } from '../support/profile.ts';
import { scenarioOf, symbolAt } from '../support/scenario.ts';
import { runSession } from '../support/session.ts';
import { setStage, startProgram, type Stage, type StageDesign, type StagePids } from '../support/stage.ts';
import { tablesOf, type Design, type Steady } from './steady-tables.ts';
import { cpuMs, databaseBytes, familyCpuMs, rssMb } from '../support/usage.ts';
import { isSnapshot } from '../support/venue.ts';

/** Checks that were due this long before the end of the window must be done in it, ms. */
const SERVED_WITHIN_MS = 2_000;
const ON_TIME_MS = 1_000;
/** Histories whose growth is followed: enough for a mean, few enough to cost nothing. */
const FOLLOWED = 25;

/** As many checks a second as 600 guards at 30 s, in a short while. */
const QUICK = { guards: 100, intervalMs: 5_000 } as const;
const COMPARED_AT = 1_000;

interface Reading {
  readonly at: number;
  readonly monotonicUs: number;
  readonly worker: number;
  readonly server: number;
  readonly databaseCpu: number;
  readonly databaseBytes: number;
}

type Pids = Omit<StagePids, 'server'> & { readonly server: number | null };

function read(stage: Stage, pids: Pids): Reading {
  return {
    at: Date.now(),
    monotonicUs: monotonicUs(),
    worker: cpuMs(pids.worker),
    server: pids.server === null ? 0 : cpuMs(pids.server),
    databaseCpu: pids.database === null ? 0 : familyCpuMs(pids.database),
    databaseBytes: stage.database === '' ? 0 : databaseBytes(stage.database),
  };
}

interface Window {
  readonly before: Reading;
  readonly after: Reading;
  readonly busyPct: number;
  readonly rssMb: { readonly worker: number; readonly server: number };
  readonly sizes: readonly [ReadonlyMap<string, HistorySize>, ReadonlyMap<string, HistorySize>];
}

async function windowOf(
  stage: Stage,
  pids: Pids,
  ms: number,
  sizes: () => Promise<ReadonlyMap<string, HistorySize>>,
): Promise<Window> {
  const sizesBefore = await sizes();
  const busy = busyShare();
  const before = read(stage, pids);
  await sleep(ms);
  const after = read(stage, pids);
  const busyPct = rounded(busy() * 100);
  return {
    before,
    after,
    busyPct,
    rssMb: {
      worker: rounded(rssMb(pids.worker)),
      server: pids.server === null ? 0 : rounded(rssMb(pids.server)),
    },
    sizes: [sizesBefore, await sizes()],
  };
}

type Timed = Pick<Check, 'dueAt' | 'doneAt'>;

async function summary(
  design: Design,
  guards: number,
  stage: Stage,
  window: Window,
  checks: readonly Timed[],
  more: Pick<Steady, 'checks' | 'unserved'> & { readonly workerAloneMb: number },
): Promise<Steady> {
  const { before, after } = window;
  const ms = after.at - before.at;
  const count = more.checks;
  const lags = checks.map(({ dueAt, doneAt }) => Math.max(0, doneAt - dueAt));
  const half = (from: number, to: number): number =>
    spreadOf(
      checks.filter(({ doneAt }) => doneAt >= from && doneAt < to).map((one) => one.doneAt - one.dueAt),
    ).p99;
  const middle = before.at + ms / 2;
  const requests = (await stage.venue.requestsSince(before.at)).filter(({ time }) => time < after.at);
  const [worker, server] = [after.worker - before.worker, after.server - before.server];
  const database = after.databaseCpu - before.databaseCpu;
  const growth = growthOf(window);
  return {
    design,
    guards,
    seconds: rounded(ms / 1_000, 1),
    checks: count,
    unserved: more.unserved,
    onTimePct: rounded(
      (100 * lags.filter((lag) => lag <= ON_TIME_MS).length) / (lags.length + more.unserved),
      2,
    ),
    lagMs: spreadOf(lags),
    p99Halves: [half(before.at, middle), half(middle, after.at)],
    cpuMsPerCheck: {
      worker: rounded(worker / count, 2),
      server: rounded(server / count, 2),
      database: rounded(database / count, 2),
      sum: rounded((worker + server + database) / count, 2),
    },
    cores: rounded((worker + server + database) / ms, 2),
    rssMb: { ...window.rssMb, workerAlone: more.workerAloneMb },
    requestsPerMinute: rounded((requests.length * 60_000) / ms, 1),
    snapshotsPerMinute: rounded((requests.filter(isSnapshot).length * 60_000) / ms, 1),
    eventsPerCheck: growth === null ? null : rounded((growth.events * guards) / count, 1),
    bytesPerCheck: growth === null ? null : rounded((growth.bytes * guards) / count),
    databaseBytesPerCheck:
      stage.database === '' ? null : rounded((after.databaseBytes - before.databaseBytes) / count),
    machineBusyPct: window.busyPct,
    span: { fromUs: before.monotonicUs, toUs: after.monotonicUs },
  };
}

/** Mean growth of a followed history over the window, of those that stayed in one run; `null` where none was followed. */
function growthOf({ sizes: [before, after] }: Window): { events: number; bytes: number } | null {
  const pairs = [...before].flatMap(([id, first]) => {
    const last = after.get(id);
    return last?.runId === first.runId
      ? [{ events: last.events - first.events, bytes: last.bytes - first.bytes }]
      : [];
  });
  if (pairs.length === 0) return null;
  return {
    events: pairs.reduce((sum, { events }) => sum + events, 0) / pairs.length,
    bytes: pairs.reduce((sum, { bytes }) => sum + bytes, 0) / pairs.length,
  };
}

/** The designs whose checks are in histories: where each runs, which workflow it is and how its ids begin. */
const DURABLE = [
  { design: 'stopkeeper', on: 'product', type: 'guardPosition', prefix: 'guard:main:' },
  { design: 'on PostgreSQL', on: 'postgres', type: 'guardPosition', prefix: 'guard:main:' },
  { design: 'plain design', on: 'plain', type: 'plainGuard', prefix: 'plain:' },
  { design: 'bare check', on: 'bare', type: 'bareGuard', prefix: 'bare:' },
] as const satisfies readonly {
  readonly design: Design;
  readonly on: StageDesign;
  readonly type: string;
  readonly prefix: string;
}[];

type Durable = (typeof DURABLE)[number];

async function durable(
  stage: Stage,
  { design, type, prefix }: Durable,
  guards: number,
  windowMs: number,
  intervalMs: number,
): Promise<Steady> {
  const pids = stage.pids();
  const workerAloneMb = rounded(rssMb(pids.worker));
  const idOf = (index: number): string => prefix + symbolAt(index);
  if (type === 'guardPosition') await runSession(stage);
  else await startCompared(stage, type, idOf, guards, intervalMs);
  // One interval, the longest that jitter makes of it, so that the crowd of the start is over.
  await sleep(intervalMs * 1.15);
  const followed = Array.from({ length: Math.min(FOLLOWED, guards) }, (_, at) =>
    idOf(Math.floor((at * guards) / Math.min(FOLLOWED, guards))),
  );
  const window = await windowOf(stage, pids, windowMs, () => historySizes(stage.client, followed));
  const { before, after } = window;
  const runs = await runsSince(stage.client, type, before.at);
  const facts = [...runs.values()].flat();
  const checks = facts
    .flatMap((run) => run.checks)
    .filter(({ doneAt }) => doneAt >= before.at && doneAt < after.at);
  const results = facts
    .flatMap((run) => run.resultsAt)
    .filter((at) => at >= before.at && at < after.at).length;
  // Done later than the window, or never, though due well within it.
  const unserved =
    facts
      .flatMap((run) => run.checks)
      .filter(({ dueAt, doneAt }) => dueAt < after.at - SERVED_WITHIN_MS && doneAt >= after.at).length +
    facts.filter(({ nextDueAt }) => nextDueAt !== null && nextDueAt < after.at - SERVED_WITHIN_MS).length;
  return summary(design, guards, stage, window, checks, { checks: results, unserved, workerAloneMb });
}

/** Starts what guards are compared with. */
async function startCompared(
  stage: Stage,
  type: string,
  idOf: (index: number) => string,
  guards: number,
  intervalMs: number,
): Promise<void> {
  const policy = { ...DEFAULT_POLICY, checkEveryMs: intervalMs };
  const spacingMs = intervalMs / guards;
  const began = Date.now();
  const indices = Array.from({ length: guards }, (_, index) => index);
  await pooled(indices, 8, async (index) => {
    // Spread over one interval, as jitter and start-up spread guards.
    await sleep(Math.max(0, began + index * spacingMs - Date.now()));
    await stage.client.workflow.start(type, {
      workflowId: idOf(index),
      taskQueue: 'plain',
      args: [{ account: 'main', leg: { symbol: symbolAt(index), positionIdx: 0 }, policy }],
    });
  });
}

async function loop(guards: number, windowMs: number, intervalMs: number, policy: object): Promise<Steady> {
  const stage = await setStage({
    scenario: scenarioOf({ positions: guards, stopped: true }),
    policy,
    design: 'venue',
  });
  try {
    const child = await startProgram('plain-loop', stage.folder, stage.env);
    const workerAloneMb = rounded(rssMb(child.identity.pid));
    await sleep(intervalMs * 1.15);
    const none = (): Promise<ReadonlyMap<string, HistorySize>> => Promise.resolve(new Map());
    const window = await windowOf(
      stage,
      { worker: child.identity.pid, server: null, database: null },
      windowMs,
      none,
    );
    process.kill(child.identity.pid, 'SIGTERM');
    await child.exited;
    const line = announced(child, 'checks');
    const said = (line?.['checks'] ?? []) as readonly { readonly doneAt: number; readonly lagMs: number }[];
    const checks = said
      .map(({ doneAt, lagMs }) => ({ doneAt, dueAt: doneAt - lagMs }))
      .filter(({ doneAt }) => doneAt >= window.before.at && doneAt < window.after.at);
    const more = { checks: checks.length, unserved: 0, workerAloneMb };
    return await summary('plain loop', guards, stage, window, checks, more);
  } finally {
    await stage.close();
  }
}

async function run(options: MeasureOptions): Promise<Measured> {
  const { quick, note } = options;
  const counts = options.counts ?? (quick ? [QUICK.guards] : [100, 500, 1_000, 2_000]);
  const intervalMs = quick ? QUICK.intervalMs : DEFAULT_POLICY.checkEveryMs;
  const windowMs = intervalMs * 2;
  const policy = { defaults: { checkEveryMs: intervalMs } };
  const measured: Steady[] = [];
  const profiles: MeasuredTable[] = [];
  for (const guards of counts) {
    const scenario = scenarioOf({ positions: guards, stopped: true });
    // The baselines take as long again: at one number of guards, and at those that were named.
    const compared = quick || guards === COMPARED_AT || options.counts !== null;
    for (const one of DURABLE) {
      const own = one.on === 'product';
      if (!own && !(compared && (one.on !== 'postgres' || options.postgres))) continue;
      note(`steady state with ${guards} guards: ${one.design}`);
      const profile = own && options.profile !== null ? join(options.profile, `steady-${guards}`) : null;
      const stage = await setStage({
        scenario,
        policy,
        design: one.on,
        ...(profile !== null && { profile }),
      });
      try {
        const row = await durable(stage, one, guards, windowMs, intervalMs);
        measured.push(row);
        if (profile === null) continue;
        await stage.stopWorker();
        profiles.push(
          profileTable(`Profile of the worker, ${row.checks} checks of ${guards}`, profile, row.span),
        );
      } finally {
        await stage.close();
      }
    }
    if (!compared) continue;
    note(`steady state with ${guards} legs: plain loop`);
    measured.push(await loop(guards, windowMs, intervalMs, policy));
  }
  return { result: { intervalMs, measured }, tables: [...tablesOf(measured, intervalMs), ...profiles] };
}

export const steady: Measure = { name: 'steady', run };
