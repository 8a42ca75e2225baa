/** One soak from start to end: brings a real system up, starts a session, does to it what the plan says, lets it settle, gathers evidence. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { databaseBytes } from '../bench/support/usage.ts';
import type { SessionReport } from '../src/domain/report.ts';
import { TASK_QUEUE } from '../src/domain/names.ts';
import { startSystem, type System } from '../test/support/system.ts';
import { livesOf } from '../test/support/venue-log.ts';
import { soakAccount, type SoakAccount, type SoakLeg } from './account.ts';
import { problemsOf, type Evidence, type Problem } from './evidence.ts';
import { Hands } from './hands.ts';
import { judged, type Judgement } from './judgement.ts';
import { liveProblems, replayEverything, stopWorkers } from './live-checks.ts';
import { sampled, type MemorySample } from './memory.ts';
import { Operators } from './operators.ts';
import { coveredMs } from './outages.ts';
import { planOf, type SoakEvent } from './plan.ts';
import { Processes } from './processes.ts';
import { settling } from './settling.ts';
import { Tally } from './tally.ts';
import { VenueRecords } from './venue-records.ts';
import { leakedInFiles } from './verdicts/secrets.ts';

export interface SoakOptions {
  readonly minutes: number;
  readonly positions: number;
  readonly seed: number;
  /** Tells what is going on. */
  readonly note: (text: string) => void;
}

export interface Soaked {
  readonly evidence: Evidence;
  readonly judgement: Judgement;
  /** Logs, database and the venue's state. */
  readonly folder: string;
}

const SAMPLE_EVERY_MS = 10_000;
const WORKERS = 2;

/** The parts that act on the system, and what they write down. */
interface Stage {
  readonly system: System;
  readonly account: SoakAccount;
  readonly processes: Processes;
  readonly records: VenueRecords;
  readonly hands: Hands;
  readonly operators: Operators;
  readonly kills: Tally;
  readonly venueFaults: Tally;
  readonly memory: MemorySample[];
  readonly timeline: { readonly at: number; readonly event: SoakEvent }[];
  readonly problems: Problem[];
}

/** Throws where the soak itself cannot be carried out; broken promises are in the evidence. */
export async function soak(options: SoakOptions): Promise<Soaked> {
  const account = soakAccount(options.seed, options.positions);
  const system = await startSystem({
    scenario: account.scenario,
    workers: WORKERS,
    env: {
      BYBIT_API_KEY: account.apiKey,
      BYBIT_API_SECRET: account.apiSecret,
      STOPKEEPER_WORKERS: String(WORKERS),
    },
  });
  const endAll = (): void => {
    const { temporal, paper, workers } = system.programs;
    for (const { pid } of [...workers, paper, temporal]) if (pid !== null) process.kill(pid, 'SIGKILL');
  };
  // However this ends, nothing that it started goes on.
  process.once('exit', endAll);
  try {
    const evidence = await carriedOut(stageOf(system, account), options);
    return { evidence, judgement: await judged(evidence), folder: system.folder };
  } finally {
    await system.stop();
    process.off('exit', endAll);
  }
}

function stageOf(system: System, account: SoakAccount): Stage {
  const records = new VenueRecords(system);
  const processes = new Processes(system, {
    dies: () => records.save().catch(() => undefined),
    died: () => records.died(),
  });
  return {
    system,
    account,
    processes,
    records,
    hands: new Hands(system.paper, account.legs),
    operators: new Operators(system.client),
    kills: new Tally(),
    venueFaults: new Tally(),
    memory: [],
    timeline: [],
    problems: [],
  };
}

async function carriedOut(stage: Stage, options: SoakOptions): Promise<Evidence> {
  const { system } = stage;
  const database = join(system.folder, 'temporal.db');
  await firstSession(stage, options);
  const began = Date.now();
  const bytesBefore = databaseBytes(database);
  const unwatch = watched(stage);
  try {
    await carryOutPlan(stage, options, began);
    await system.paper.clearFaults();
    options.note('faults have ended; settling');
    const faultsEnded = Date.now();
    const settled = await settling(system);
    stage.problems.push(...(settled.afterMs === null ? problemsOf('I5, I7: settles', settled.waiting) : []));
    // From here on the soak itself ends processes.
    await unwatch();
    return await gathered(stage, options, { began, faultsEnded, settled, database, bytesBefore });
  } finally {
    await unwatch();
  }
}

/** The session that an operator starts: it must protect everything before anything is broken. */
async function firstSession({ system }: Stage, { note }: SoakOptions): Promise<void> {
  const report = (await system.client.workflow.execute('startSession', {
    taskQueue: TASK_QUEUE,
    workflowId: 'session:main',
    args: [{ account: 'main' }],
  })) as SessionReport;
  const { total, failures } = report.protection;
  note(`session ${report.status}: ${total - failures} of ${total} protected`);
  if (report.status === 'FAILED') throw new Error('the first session failed before anything was broken');
}

/** Looks after the soak's own books meanwhile: memory, the venue's records, processes that ended by themselves. Returns how to end that. */
function watched(stage: Stage): () => Promise<void> {
  const stop = new AbortController();
  const look = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      stage.memory.push(...sampled([...stage.processes.lives.values()]));
      stage.problems.push(...(await endedByThemselves(stage.processes)));
      await stage.records.save().catch(() => undefined);
      await sleep(SAMPLE_EVERY_MS, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  };
  const looking = look();
  return () => {
    stop.abort();
    return looking;
  };
}

async function endedByThemselves(processes: Processes): Promise<readonly Problem[]> {
  const promise = 'a process ends only when it is told to';
  try {
    return problemsOf(promise, await processes.revived());
  } catch (error) {
    return problemsOf(promise, [`one did, and does not start again: ${String((error as Error).message)}`]);
  }
}

async function carryOutPlan(
  stage: Stage,
  { seed, minutes, note }: SoakOptions,
  began: number,
): Promise<void> {
  const [first, ...rest] = stage.account.legs;
  if (first === undefined) throw new Error('a soak needs at least one position');
  const legs: readonly [SoakLeg, ...SoakLeg[]] = [first, ...rest];
  const running = new Set<Promise<void>>();
  let minute = 0;
  for (const event of planOf(seed, minutes * 60_000, legs)) {
    await sleep(Math.max(0, began + event.atMs - Date.now()));
    while (event.atMs >= (minute + 1) * 60_000) minute += 1;
    if (event.kind === 'kill')
      note(`minute ${minute}: ${event.what} killed for ${Math.round(event.downMs / 1_000)} s`);
    stage.timeline.push({ at: Date.now(), event });
    const work = carryOut(stage, event).catch((error: unknown) => {
      const what = `${event.kind}: ${String((error as Error).message)}`;
      stage.problems.push({ promise: 'the soak itself', what });
    });
    running.add(work);
    void work.then(() => running.delete(work));
  }
  await sleep(Math.max(0, began + minutes * 60_000 - Date.now()));
  await Promise.all(running);
}

async function carryOut(stage: Stage, event: SoakEvent): Promise<void> {
  switch (event.kind) {
    case 'kill':
      stage.kills.add(event.what);
      return stage.processes.carryOut(event);
    case 'venue-fault':
      try {
        await stage.system.paper.fault(event.fault.body);
        stage.venueFaults.add(event.fault.name);
      } catch (error) {
        if (String((error as Error).message).includes(': 400')) throw error;
        stage.venueFaults.add('not laid: venue away');
      }
      return;
    case 'hand':
      return stage.hands.carryOut(event);
    case 'operator':
      return stage.operators.carryOut(event);
  }
}

interface Times {
  readonly began: number;
  readonly faultsEnded: number;
  readonly settled: Evidence['settled'];
  readonly database: string;
  readonly bytesBefore: number;
}

async function gathered(
  stage: Stage,
  { seed, positions, note }: SoakOptions,
  times: Times,
): Promise<Evidence> {
  const { system, processes, records, operators, hands } = stage;
  await records.save();
  const log = await system.paper.log();
  const lives = livesOf(log);
  const { requests, gaps } = records;
  const venueOutages = records.outages;
  const outages = [...processes.outages, ...venueOutages];
  const lies = requests.filter(({ fault }) => fault === 'stale');
  const found = [
    ...(await liveProblems(system, lives, operators, {
      endingSlackMs: (at) => 75_000 + coveredMs({ from: at - 300_000, to: at }, outages),
      venueLied: (at) => lies.some(({ time }) => Math.abs(time - at) < 5_000),
    })),
    ...(await stopWorkers(system)),
  ];
  note('replaying every history');
  const secrets = { apiKey: stage.account.apiKey, apiSecret: stage.account.apiSecret };
  const replayed = await replayEverything(system, secrets);
  const ended = Date.now();
  const leaks = leakedInFiles(system.folder, secrets);
  const evidence: Evidence = {
    seed,
    positions,
    began: times.began,
    faultsEnded: times.faultsEnded,
    ended,
    log,
    lives,
    requests,
    gaps,
    processOutages: processes.outages,
    venueOutages,
    restarts: processes.restarts,
    endedByHand: operators.endedByHand,
    reprotected: operators.reprotected,
    runs: replayed.runs,
    replayed: replayed.count,
    settled: times.settled,
    memory: stage.memory,
    timeline: stage.timeline,
    databaseBytes: [times.bytesBefore, databaseBytes(times.database)],
    reached: (...asked) => system.paper.markReached(...asked),
    found: [
      ...stage.problems,
      ...found,
      ...replayed.problems,
      ...problemsOf('I9: keys stay in the worker', leaks),
    ],
    done: {
      kills: stage.kills.counts,
      venueFaults: stage.venueFaults.counts,
      hands: hands.tally.counts,
      operators: operators.tally.counts,
    },
  };
  writeFileSync(join(system.folder, 'evidence.json'), JSON.stringify({ ...evidence, reached: undefined }));
  return evidence;
}
