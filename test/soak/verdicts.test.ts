/** The judge of a soak, judged itself: each verdict finds what is broken and leaves what is not. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { msToTs } from '@temporalio/common/lib/time.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { coveredMs, type Outage } from '../../soak/outages.ts';
import { ageing, type MemorySample } from '../../soak/memory.ts';
import type { Run, ToldWrite } from '../../soak/run-facts.ts';
import { counted } from '../../soak/verdicts/counted.ts';
import { judgedProofs } from '../../soak/verdicts/proofs.ts';
import { touchedElse } from '../../soak/verdicts/requests.ts';
import { lateness, missingRuns, recoveries, slowTasks } from '../../soak/verdicts/runs.ts';
import { leakedInFiles } from '../../soak/verdicts/secrets.ts';
import { runFacts } from '../../soak/run-facts.ts';
import { judgedSpells } from '../../soak/verdicts/spells.ts';
import { judgedLoosenings } from '../../soak/verdicts/stops.ts';
import type { PaperRequest } from '../support/paper-control.ts';
import type { Life } from '../support/venue-log.ts';

const BTC = { symbol: 'BTCUSDT', positionIdx: 0 };
const LIST = '/v5/position/list';
const STOP = '/v5/position/trading-stop';

type Resting = Life['stops'][number];

function resting(at: number, price: string, override: Partial<Resting> = {}): Resting {
  return { at, price, by: 'api', reason: price === '' ? 'cancelled' : 'set', mark: '100', ...override };
}

function life(override: Partial<Life> = {}): Life {
  return { ...BTC, side: 'long', from: 0, to: null, stops: [], ...override };
}

function request(override: Partial<PaperRequest>): PaperRequest {
  return {
    id: 0,
    time: 0,
    answered: 10,
    method: 'GET',
    path: LIST,
    parameters: { settleCoin: 'USDT' },
    code: 0,
    fault: null,
    faultId: null,
    ...override,
  };
}

function write(override: Partial<ToldWrite> = {}): ToldWrite {
  const proof = { stop: '94', at: 1_200 };
  return {
    workflowId: 'guard:main:BTCUSDT',
    ...BTC,
    stop: '94',
    decidedAt: 900,
    writtenAt: 1_000,
    proof,
    ...override,
  };
}

function run(override: Partial<Run> = {}): Run {
  return {
    workflowId: 'guard:main:BTCUSDT',
    runId: 'a',
    checks: [],
    resultsAt: [],
    nextDueAt: null,
    continuedAs: null,
    writes: [],
    from: 0,
    to: 1_000_000,
    result: null,
    lostTasks: [],
    failedTasks: [],
    mendedTasks: [],
    leaked: [],
    ...override,
  };
}

const outage = (
  from: number,
  to: number,
  symbol: string | null = null,
  part: Outage['part'] = 'worker',
): Outage => ({
  part,
  from,
  to,
  symbol,
  what: 'x',
});

describe('the length that outages cover', () => {
  it('counts overlaps once and nothing outside', () => {
    const covers = [outage(0, 5), outage(3, 12), outage(11, 14), outage(30, 40)];
    expect(coveredMs({ from: 2, to: 20 }, covers)).toBe(12);
    expect(coveredMs({ from: 14, to: 30 }, covers)).toBe(0);
  });
});

describe('a bare spell', () => {
  const bareFor = (ms: number, outages: readonly Outage[]) =>
    judgedSpells([life({ stops: [resting(ms, '94')] })], outages, { from: 0, to: 200_000 })[0];

  it('is too long 35 s after its outage, not before', () => {
    expect(bareFor(35_000, [])?.tooLong).toBe(false);
    expect(bareFor(35_001, [])?.tooLong).toBe(true);
    expect(bareFor(60_000, [outage(10_000, 35_000)])).toMatchObject({ outageMs: 25_000, tooLong: false });
    expect(bareFor(60_001, [outage(10_000, 35_000)])?.tooLong).toBe(true);
  });

  it('is excused by what comes again within the time of one try, not by pauses that have room for two', () => {
    const venue = (from: number) => outage(from, from + 1_000, 'BTCUSDT');
    expect(bareFor(50_000, [venue(0), venue(8_000), venue(16_000)])).toMatchObject({
      outageMs: 17_000,
      tooLong: false,
    });
    expect(bareFor(50_000, [venue(0), venue(8_001), venue(16_002)])).toMatchObject({
      outageMs: 3_000,
      tooLong: true,
    });
    expect(bareFor(50_000, [venue(0), outage(8_000, 9_000, 'ETHUSDT'), venue(16_000)])?.tooLong).toBe(true);
  });

  it("is not excused by another symbol's outage, or by one at another time", () => {
    expect(bareFor(60_000, [outage(10_000, 35_000, 'ETHUSDT')])?.tooLong).toBe(true);
    expect(bareFor(60_000, [outage(60_000, 90_000)])?.tooLong).toBe(true);
    expect(bareFor(60_000, [outage(10_000, 35_000, 'BTCUSDT')])?.tooLong).toBe(false);
  });
});

describe('a stop looser than the one before', () => {
  const excuses = async (
    stops: readonly Resting[],
    more: Partial<Parameters<typeof judgedLoosenings>[0]> = {},
  ): Promise<readonly (string | null)[]> => {
    const none = () => Promise.resolve(false);
    const evidence = {
      lives: [life({ stops })],
      writes: [],
      requests: [],
      endedByHand: [],
      reached: none,
      ...more,
    };
    return (await judgedLoosenings(evidence, 0)).map(({ excuse }) => excuse);
  };
  const putBack = [resting(1, '95'), resting(50_000, '', { by: 'human' }), resting(60_000, '94')];

  it('is broken where it replaces one that rests, or is put back while the price was on the right side', async () => {
    expect(await excuses([resting(1, '95'), resting(2, '94')])).toEqual([null]);
    expect(await excuses(putBack)).toEqual([null]);
    expect(await excuses([resting(1, '95'), resting(2, '', { by: 'api' })])).toEqual([null]);
  });

  it('is right where the price had passed the level, as the venue shows', async () => {
    expect(await excuses([...putBack.slice(0, 2), resting(60_000, '88', { mark: '94.9' })])).toEqual([
      'passed',
    ]);
    expect(await excuses(putBack, { reached: () => Promise.resolve(true) })).toEqual(['passed']);
  });

  it('is excused where the guard that knew the level was ended by hand, that guard and since then', async () => {
    const ended = (workflowId: string, at: number) => ({ endedByHand: [{ workflowId, at }] });
    expect(await excuses(putBack, ended('guard:main:BTCUSDT', 55_000))).toEqual(['forgotten']);
    expect(await excuses(putBack, ended('guard:main:ETHUSDT', 55_000))).toEqual([null]);
    expect(await excuses(putBack, ended('guard:main:BTCUSDT', 60_001))).toEqual([null]);
  });

  it("is excused where a human's stop was set after the read that it was decided by, and not before", async () => {
    const stops = [resting(1, '94'), resting(20_000, '97', { by: 'human' }), resting(20_400, '95')];
    const writes = [write({ stop: '95', decidedAt: 19_900, writtenAt: 20_450 })];
    const early = [request({ time: 19_850, answered: 19_890 })];
    expect(await excuses(stops, { writes, requests: early })).toEqual(['crossed']);
    const late = [write({ stop: '95', decidedAt: 20_200, writtenAt: 20_450 })];
    const seen = [request({ time: 20_100, answered: 20_150 })];
    expect(await excuses(stops, { writes: late, requests: seen })).toEqual([null]);
    expect(await excuses(stops)).toEqual([null]);
  });
});

describe('a claimed proof', () => {
  const sent = request({
    method: 'POST',
    path: STOP,
    parameters: { ...BTC, stopLoss: '94' },
    time: 950,
    answered: 990,
  });
  const read = request({ time: 1_050, answered: 1_150 });
  const lives = [life({ stops: [resting(980, '94')] })];
  const judge = (requests: readonly PaperRequest[], more = {}) =>
    judgedProofs({ writes: [write()], requests, lives, gaps: [], ...more });

  it('is borne out by a read that began after the write and found the stop', () => {
    expect(judge([sent, read])).toEqual({ judged: 1, notJudged: 0, problems: [] });
  });

  it('is none without a read, with one that began too early, or of another settle coin', () => {
    for (const other of [
      [],
      [request({ time: 970, answered: 1_150 })],
      [request({ ...read, parameters: { settleCoin: 'USDC' } })],
    ]) {
      expect(judge([sent, ...other]).problems).toEqual([expect.stringContaining('no read began')]);
    }
  });

  it('is none where the venue held another stop', () => {
    const other = [life({ stops: [resting(980, '93')] })];
    expect(judge([sent, read], { lives: other }).problems).toEqual([expect.stringContaining('no such stop')]);
  });

  it('is not judged where requests were lost or the venue answered with what was no longer so', () => {
    expect(judge([sent, read], { gaps: [{ from: 1_000, to: 1_100 }] })).toMatchObject({
      judged: 0,
      notJudged: 1,
    });
    expect(judge([sent, { ...read, fault: 'stale' }])).toMatchObject({ judged: 0, notJudged: 1 });
  });
});

describe('requests that change something', () => {
  const post = (path: string, parameters: object) =>
    touchedElse([request({ method: 'POST', path, parameters: { ...parameters } })]);
  const stop = { category: 'linear', ...BTC, tpslMode: 'Full', stopLoss: '94', slTriggerBy: 'MarkPrice' };

  it('may be full stops and reduce-only orders', () => {
    expect(post(STOP, stop)).toEqual([]);
    expect(post('/v5/order/create', { ...BTC, reduceOnly: true })).toEqual([]);
    expect(touchedElse([request({})])).toEqual([]);
  });

  it('may not touch take profits, sizes, leverage or open anything, nor take a stop away', () => {
    expect(post(STOP, { ...stop, takeProfit: '130' })).toHaveLength(1);
    expect(post(STOP, { ...stop, tpslMode: 'Partial' })).toHaveLength(1);
    expect(post(STOP, { ...stop, stopLoss: '0' })).toHaveLength(1);
    expect(post('/v5/order/create', BTC)).toHaveLength(1);
    expect(post('/v5/position/set-leverage', BTC)).toHaveLength(1);
  });
});

describe('histories', () => {
  const check = (dueAt: number, doneAt: number) => ({
    workflowId: 'guard:main:BTCUSDT',
    dueAt,
    begunAt: dueAt,
    doneAt,
  });

  it('lack a run that one of them was continued as', () => {
    expect(missingRuns([run({ continuedAs: 'b' }), run({ runId: 'b' })])).toEqual([]);
    expect(missingRuns([run({ continuedAs: 'b' })])).toHaveLength(1);
  });

  it('show a task that took too long where no process was away', () => {
    const lost = { workflowId: 'guard:main:BTCUSDT', takenAt: 50_000, lostAt: 60_000 };
    expect(slowTasks([run({ lostTasks: [lost] })], [])).toHaveLength(1);
    const slow = (...outages: readonly Outage[]) => slowTasks([run({ lostTasks: [lost] })], outages).length;
    expect(slow(outage(55_000, 65_000))).toBe(0);
    expect(slow(outage(10_000, 20_000))).toBe(1);
    // A worker that came back and took it is not excused by its own kill; a server that came back is.
    expect(slow(outage(45_000, 49_000))).toBe(1);
    expect(slow(outage(45_000, 49_000, null, 'server'))).toBe(0);
    expect(slow(outage(49_000, 61_000, null, 'venue'))).toBe(1);
  });

  it('show late checks, apart from those of an outage', () => {
    const late = lateness(
      [run({ checks: [check(0, 50), check(1_000, 3_000), check(20_000, 29_000)] })],
      [outage(20_000, 28_000)],
    );
    expect(late).toMatchObject({ checks: 3, late: 1, lateInOutage: 1, lagMs: { max: 2_000 } });
  });

  it('show when every guard checked again after all workers came back', () => {
    const restart = { what: 'workers', killedAt: 100_000, startedAt: 110_000, readyAt: 114_000 } as const;
    const guard = (symbol: string, at: number) =>
      run({ workflowId: `guard:main:${symbol}`, resultsAt: [90_000, at], from: 0, to: at });
    const of = (...runs: readonly Run[]) => recoveries(runs, [restart], [])[0];
    expect(of(guard('A', 130_000), guard('B', 150_000))).toMatchObject({
      guards: 2,
      lastCheckMs: 40_000,
      inTime: true,
    });
    expect(of(guard('A', 130_000), guard('B', 155_001))).toMatchObject({ inTime: false });
    // One whose key was rejected had 60 s to wait; its lateness counts, too.
    const waiting = (dueAt: number, at: number) => of({ ...guard('B', at), checks: [check(dueAt, at)] });
    expect(waiting(160_000, 160_100)).toMatchObject({ lastCheckMs: 50_100, longer: 1, inTime: true });
    expect(waiting(145_000, 160_100)).toMatchObject({ inTime: false });
    expect(waiting(190_000, 190_100)).toMatchObject({ inTime: false });
    expect(of(run({ resultsAt: [90_000], to: 120_000 }))).toMatchObject({ lastCheckMs: null, inTime: false });
  });

  it('show unprotected seconds that nobody can have counted', () => {
    const lives = [life({ to: 100_000, stops: [resting(3_000, '94')] })];
    const closed = (unprotectedSeconds: string) =>
      counted(
        [run({ result: { ended: 'closed', report: { closedAt: 100_000, unprotectedSeconds } } })],
        lives,
        [],
        () => false,
      );
    expect(closed('2.5')).toMatchObject({ positions: 1, guardsSeconds: 2.5, venueSeconds: 3, problems: [] });
    expect(closed('39.0').problems).toHaveLength(1);
  });
});

describe('memory', () => {
  const samples = (rss: (ageMs: number) => number, untilMs: number): MemorySample[] =>
    Array.from({ length: untilMs / 10_000 + 1 }, (_, at) => {
      return { name: 'worker-1', pid: 7, at: at * 10_000, ageMs: at * 10_000, rssMb: rss(at * 10_000) };
    });

  it('is compared between the second minute and the end of one process, single jumps left out', () => {
    const [one] = ageing(
      samples((ageMs) => (ageMs === 130_000 ? 900 : ageMs < 300_000 ? 300 : 360), 600_000),
    );
    expect(one).toMatchObject({ earlyMb: 300, lateMb: 360, minutes: [2, 10] });
    expect(one?.ratio).toBeCloseTo(1.2);
  });

  it('is not compared where a process lived too short for that', () => {
    expect(ageing(samples(() => 300, 230_000))).toEqual([]);
  });
});

describe('secrets', () => {
  it('are found in any file but the venue’s own', () => {
    const folder = mkdtempSync(join(tmpdir(), 'stopkeeper-soak-test-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(
      join(folder, 'temporal.db'),
      Buffer.concat([Buffer.from([0, 255]), Buffer.from('..soakabc..')]),
    );
    writeFileSync(join(folder, 'worker-0.log'), 'nothing');
    writeFileSync(join(folder, 'paper.json'), 'soakabc');
    expect(leakedInFiles(folder, { apiKey: 'soakabc' })).toEqual(['temporal.db holds apiKey']);
  });
});

describe('failed workflow tasks', () => {
  const failed = { workflowTaskFailedEventAttributes: { cause: 23, failure: { message: 'lost its way' } } };
  const done = { workflowTaskCompletedEventAttributes: {} };
  const told = (...events: readonly object[]) => {
    const run = {
      workflowId: 'guard:main:X',
      runId: 'r',
      history: { events: events.map((one) => ({ ...one, eventTime: msToTs(0) })) },
    };
    const { failedTasks, mendedTasks } = runFacts(run, {});
    return [failedTasks.length, mendedTasks.length];
  };

  it('are broken where the next attempt fails too, or never comes', () => {
    expect(told(done, failed, failed, done)).toEqual([2, 0]);
    expect(told(done, failed)).toEqual([1, 0]);
  });

  it('are counted where the next attempt is done', () => {
    expect(told(done, failed, done, failed, done)).toEqual([0, 2]);
  });
});
