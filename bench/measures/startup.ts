/** Start-up: a session on bare positions, from its start to the last proof, against the venue's limit and against a sequential bot. */
import { join } from 'node:path';
import { runSession } from '../support/session.ts';
import { rounded } from '../support/figures.ts';
import type { Measure, MeasureOptions, Measured, MeasuredTable } from '../support/measure.ts';
import { monotonicUs, profileTable, type Span } from '../support/profile.ts';
import { LATENCY_MS, scenarioOf } from '../support/scenario.ts';
import { runSequentialBot, type BotRun } from '../support/sequential-bot.ts';
import { setStage } from '../support/stage.ts';
import { cpuMs } from '../support/usage.ts';
import { byPath, isSnapshot, type VenueRequest } from '../support/venue.ts';

/** What the venue allows: stop writes a second of one account. */
const VENUE_WRITES_PER_SECOND = 10;
const LEAST_ROUND_TRIPS = 3;

interface Startup {
  readonly positions: number;
  readonly limitMs: number;
  /** From the start of the session to the last proof that its report names. */
  readonly lastProofMs: number;
  /** The same by the venue's records: answer of the first complete list that was asked for after the last stop was set. */
  readonly lastProofByVenueMs: number;
  readonly reportMs: number;
  readonly ofLimit: number;
  readonly requests: { readonly untilProof: number; readonly proofLists: number; readonly others: number };
  readonly snapshots: number;
  readonly secondsOfWriting: number;
  readonly byPath: Readonly<Record<string, number>>;
  /** CPU from the start of the session to its report, ms. */
  readonly cpuMs: { readonly worker: number; readonly server: number };
  readonly timings: unknown;
  readonly span: Span;
}

async function measureSession(positions: number, profile: string | null): Promise<Startup> {
  const stage = await setStage({
    scenario: scenarioOf({ positions, stopped: false }),
    ...(profile !== null && { profile }),
  });
  try {
    const { worker, server } = stage.pids();
    const before = { worker: cpuMs(worker), server: cpuMs(server) };
    const fromUs = monotonicUs();
    const { startedAt, endedAt, report } = await runSession(stage);
    const toUs = monotonicUs();
    const used = { worker: cpuMs(worker) - before.worker, server: cpuMs(server) - before.server };
    const proofs = report.positions.map(({ provenAt }) =>
      provenAt === null ? Number.NaN : Date.parse(provenAt),
    );
    const lastProof = Math.max(...proofs);
    const requests = await stage.venue.requestsSince(startedAt);
    const { stops } = await stage.venue.state();
    const lastStop = Math.max(
      ...stops.filter(({ timeMs }) => timeMs >= startedAt).map(({ timeMs }) => timeMs),
    );
    const counted = countsUntil(requests, lastProof);
    if (profile !== null) await stage.stopWorker();
    return {
      positions,
      limitMs: Math.max(LEAST_ROUND_TRIPS * LATENCY_MS, (positions / VENUE_WRITES_PER_SECOND) * 1_000),
      lastProofMs: lastProof - startedAt,
      lastProofByVenueMs: rounded(answerAfter(requests, lastStop) - startedAt),
      reportMs: endedAt - startedAt,
      ofLimit: rounded(
        (lastProof - startedAt) /
          Math.max(LEAST_ROUND_TRIPS * LATENCY_MS, (positions / VENUE_WRITES_PER_SECOND) * 1_000),
        2,
      ),
      ...counted,
      cpuMs: used,
      timings: report.timingsMs,
      span: { fromUs, toUs },
    };
  } finally {
    await stage.close();
  }
}

/** Requests received until the last proof: lists of positions from the first write on are shared proof reads, the rest is not. */
function countsUntil(
  all: readonly VenueRequest[],
  lastProof: number,
): Pick<Startup, 'requests' | 'snapshots' | 'secondsOfWriting' | 'byPath'> {
  const requests = all.filter(({ time }) => time <= lastProof);
  const writes = requests.filter(({ path }) => path === '/v5/position/trading-stop').map(({ time }) => time);
  const firstWrite = Math.min(...writes);
  const isProof = (one: VenueRequest): boolean => one.path === '/v5/position/list' && one.time >= firstWrite;
  const proofLists = requests.filter(isProof).length;
  return {
    requests: { untilProof: requests.length, proofLists, others: requests.length - proofLists },
    snapshots: requests.filter((one) => isProof(one) && isSnapshot(one)).length,
    secondsOfWriting: rounded((Math.max(...writes) - firstWrite) / 1_000, 1),
    byPath: byPath(requests),
  };
}

/** When the first pair of position lists (both settle coins) that was asked for after `ms` had been answered. */
function answerAfter(requests: readonly VenueRequest[], ms: number): number {
  const answers = ['USDT', 'USDC'].map(
    (coin) =>
      requests.find(
        ({ path, time, parameters }) =>
          path === '/v5/position/list' && parameters['settleCoin'] === coin && time > ms,
      )?.answered ?? Number.NaN,
  );
  return Math.max(...answers);
}

async function measureBot(positions: number, pauseMs: number): Promise<BotRun> {
  const stage = await setStage({ scenario: scenarioOf({ positions, stopped: false }), design: 'venue' });
  try {
    return await runSequentialBot({ url: stage.venue.url, positions, pauseMs });
  } finally {
    await stage.close();
  }
}

async function run(options: MeasureOptions): Promise<Measured> {
  const counts = options.counts ?? (options.quick ? [2, 20] : [2, 20, 200]);
  const profiles: MeasuredTable[] = [];
  const rows: { session: Startup; bot: BotRun; pausingBot: BotRun | null }[] = [];
  for (const positions of counts) {
    options.note(`start-up with ${positions} positions`);
    const profile = options.profile === null ? null : join(options.profile, `startup-${positions}`);
    const session = await measureSession(positions, profile);
    if (profile !== null)
      profiles.push(profileTable(`Profile of the worker, start-up with ${positions}`, profile, session.span));
    options.note(`the sequential bot with ${positions} positions`);
    // They wait for the venue nearly all the time: side by side, each on a venue of its own.
    const [bot, pausingBot] = await Promise.all([
      measureBot(positions, 0),
      // It sleeps most of the time, which takes its time to show.
      options.quick ? null : measureBot(positions, 1_000),
    ]);
    rows.push({ session, bot, pausingBot });
  }
  const times = (seconds: number, session: Startup): number =>
    rounded((seconds * 1_000) / session.lastProofMs, 1);
  return {
    result: rows,
    tables: [
      {
        title: 'Start-up: from the start of the session to the last proof',
        head: [
          'positions',
          'limit s',
          'last proof s',
          'of limit',
          'by the venue s',
          'report s',
          'bot s',
          '×',
          'bot, 1 s pause, s',
          '×',
        ],
        rows: rows.map(({ session, bot, pausingBot }) => [
          session.positions,
          rounded(session.limitMs / 1_000, 2),
          rounded(session.lastProofMs / 1_000, 2),
          session.ofLimit,
          rounded(session.lastProofByVenueMs / 1_000, 2),
          rounded(session.reportMs / 1_000, 2),
          rounded(bot.seconds, 1),
          times(bot.seconds, session),
          pausingBot === null ? null : rounded(pausingBot.seconds, 1),
          pausingBot === null ? null : times(pausingBot.seconds, session),
        ]),
      },
      {
        title: 'Start-up: venue requests until the last proof',
        head: ['positions', 'all', 'without proof reads', 'N + 12', 'proof snapshots', 's of writing', 'bot'],
        rows: rows.map(({ session, bot }) => [
          session.positions,
          session.requests.untilProof,
          session.requests.others,
          session.positions + 12,
          session.snapshots,
          session.secondsOfWriting,
          bot.requests,
        ]),
      },
      ...profiles,
    ],
  };
}

export const startup: Measure = { name: 'startup', run };
