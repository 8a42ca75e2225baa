/** Two accounts on one worker, one of them on a venue that hangs and then refuses its key: the other's checks, messages and sessions go on as before. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Board } from '../../src/domain/board.ts';
import type { SessionReport } from '../../src/domain/report.ts';
import { account, open, PATIENCE_MS, settled, stopShown, symbolsOf } from '../support/fault-world.ts';
import { checkTimes } from '../support/histories.ts';
import { Paper } from '../support/paper-control.ts';
import { Program } from '../support/program.ts';
import { startSystem, until, type System } from '../support/system.ts';
import { statusOf } from '../support/verdict.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CHECK_EVERY_MS = 5_000;
const WATCHED_MS = 45_000;
const HANGS_MS = 20_000;

const HEALTHY = symbolsOf(6);
const SICK = symbolsOf(60, 'X');
const GUARDS = HEALTHY.map((symbol) => `guard:main:${symbol}`);

const POLICY = {
  defaults: {
    checkEveryMs: CHECK_EVERY_MS,
    discoverEveryMs: 2_000,
    escalation: { emergencyAfterMs: 10_000, repeatEveryMs: 20_000, fastCheckMs: 1_000 },
  },
};

/** What the healthy account got in one span of time. */
interface Served {
  /** Between two checks of a guard in a row, ms over the interval. */
  readonly lags: readonly number[];
  readonly fewestChecks: number;
}

async function served(system: System, ms: number): Promise<Served> {
  const from = Date.now();
  await sleep(ms);
  const to = Date.now();
  const times = await Promise.all(GUARDS.map((guard) => checkTimes(system.client, guard)));
  // The span's own ends count as checks: a guard that never checked must not look as if it had no gap.
  const within = times.map((all) => [from, ...all.filter((at) => at > from && at < to), to]);
  const gaps = within.flatMap((all) => all.slice(1).map((at, index) => at - (all[index] ?? at)));
  return {
    lags: gaps.map((gap) => gap - CHECK_EVERY_MS),
    fewestChecks: Math.min(...within.map((all) => all.length - 2)),
  };
}

function print(phase: string, { lags, fewestChecks }: Served): void {
  const sorted = lags.filter((lag) => lag > -CHECK_EVERY_MS / 2).toSorted((a, b) => a - b);
  const at = (share: number): string =>
    String(Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0));
  console.log(
    `${phase}: ${fewestChecks} checks or more of each guard, lag p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, most ${at(1)} ms`,
  );
}

/** A check that is left out shows as a gap of two intervals; their jitter is a tenth. */
function expectNoneLeftOut({ lags }: Served): void {
  expect(Math.max(...lags)).toBeLessThan(CHECK_EVERY_MS);
}

describe('with one account on a venue in trouble', { timeout: 600_000 }, () => {
  let system: System;
  let sickVenue: Program;
  let sickPaper: Paper;
  let folder: string;

  const session = (alias: string, workflowId: string): Promise<SessionReport> =>
    system.client.workflow.execute<() => Promise<SessionReport>>('startSession', {
      taskQueue: 'stopkeeper',
      workflowId,
      args: [{ account: alias }] as never,
    });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stopkeeper-sick-'));
    const scenario = join(folder, 'scenario.json');
    await writeFile(scenario, JSON.stringify(account({ open: SICK })));
    sickVenue = new Program(
      'sick-venue',
      folder,
      () => ({
        command: process.execPath,
        args: [join(ROOT, 'dist/paper/main.js'), '--port', '0', '--scenario', scenario],
        env: process.env,
      }),
      (output) => output.includes('listening'),
    );
    await sickVenue.start();
    sickPaper = new Paper((JSON.parse(sickVenue.output) as { listening: string }).listening);
    system = await startSystem({
      scenario: account({ open: HEALTHY, listed: symbolsOf(2, 'N') }),
      policy: POLICY,
      env: {
        STOPKEEPER_ACCOUNTS: 'main,sick',
        STOPKEEPER_SICK_VENUE: 'paper',
        STOPKEEPER_SICK_VENUE_URL: sickPaper.url,
      },
    });
    const [healthy, sick] = await Promise.all([
      session('main', 'session:main'),
      session('sick', 'session:sick'),
    ]);
    expect(healthy.protection).toMatchObject({ total: HEALTHY.length, failures: 0 });
    expect(sick.protection).toMatchObject({ total: SICK.length, failures: 0 });
    await settled(system, HEALTHY);
  });

  afterAll(async () => {
    await sickVenue.kill();
    await system.close();
    await rm(folder, { recursive: true, force: true });
  });

  const sickBoard = (): Promise<Board> =>
    system.client.workflow.getHandle('watch:sick').query<Board>('board');

  /** Messages, a new position and a session of the healthy account, each to its end. */
  async function useHealthy(symbol: string, sessionId: string): Promise<void> {
    const began = Date.now();
    const updates = GUARDS.map((guard) =>
      system.client.workflow.getHandle(guard).executeUpdate<{ state: string }, []>('reprotectNow'),
    );
    for (const { state } of await Promise.all(updates)) expect(state).toBe('PROTECTED');
    const updated = Date.now();
    await open(system, symbol);
    await stopShown(system, symbol, '94');
    const found = Date.now();
    const report = await session('main', sessionId);
    expect(report).toMatchObject({ protection: { failures: 0 }, system: { readyForTrading: true } });
    const figures = [updated - began, found - updated, Date.now() - found];
    console.log(
      `updates of all guards ${figures[0]} ms, stop of a new position ${figures[1]} ms, session ${figures[2]} ms`,
    );
  }

  it('no check is left out and nothing is refused, whether it hangs or refuses the key', async () => {
    const alone = await served(system, WATCHED_MS);
    print('both well', alone);
    expectNoneLeftOut(alone);

    // Half of its stops are taken away, so that guards do not only look but write.
    for (const symbol of SICK.slice(0, 30))
      await sickPaper.position({ symbol, action: 'stop', stopLoss: '' });
    await sickPaper.fault({ path: '*', kind: 'delay', ms: HANGS_MS, times: 'always' });
    await sickPaper.fault({
      path: '*',
      kind: 'ret-code',
      code: 10003,
      message: 'API key is invalid.',
      times: 'always',
    });
    const sickSession = session('sick', 'session:sick-again');
    // From the first moment: later its guards answer at once that they cannot see, and hold nothing up.
    const hanging = await served(system, WATCHED_MS);
    await until(
      'the sick account is blind',
      async () => (await statusOf(system.client, 'guard:sick:X59USDT'))?.state === 'BLIND',
      PATIENCE_MS,
    );
    print('the other hangs', hanging);
    expectNoneLeftOut(hanging);
    await useHealthy('N00USDT', 'session:main-2');

    await sickPaper.clearFaults();
    await sickPaper.fault({
      path: '*',
      kind: 'ret-code',
      code: 10003,
      message: 'API key is invalid.',
      times: 'always',
    });
    expect((await sickSession).status).toBe('FAILED');
    const refused = await served(system, WATCHED_MS);
    print("the other's key is revoked", refused);
    expectNoneLeftOut(refused);
    await useHealthy('N01USDT', 'session:main-3');

    await sickPaper.clearFaults();
    await until(
      'the sick account is guarded again',
      async () => {
        const { positions } = await sickPaper.state();
        return positions.length === SICK.length && positions.every(({ stopLoss }) => Number(stopLoss) > 0);
      },
      PATIENCE_MS,
    );
    expect((await sickBoard()).legs).toHaveLength(SICK.length);
  });
});
