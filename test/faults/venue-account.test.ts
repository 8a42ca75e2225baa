/** Troubles of the whole account: the venue's clock, an expired key, a ban of the address (I4, I5, I7, I8). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBybitPort } from '../../src/exchange/bybit-port.ts';
import { createGate } from '../../src/exchange/gate.ts';
import { VenueError, type VenuePort } from '../../src/exchange/port.ts';
import {
  cancelStop,
  faultSystem,
  guardedSystem,
  open,
  PATIENCE_MS,
  quietly,
  runSession,
  settled,
  stopShown,
  symbolsOf,
} from '../support/fault-world.ts';
import { until, type System } from '../support/system.ts';
import { expectSafe } from '../support/verdict.ts';

const SYMBOLS = symbolsOf(5);
/** In place of the ten minutes that Bybit asks for. */
const BAN_PAUSE_MS = 12_000;

describe('on an account with five guarded positions', { timeout: 300_000 }, () => {
  let system: System;

  beforeAll(async () => {
    const env = { STOPKEEPER_BAN_PAUSE_MS: String(BAN_PAUSE_MS) };
    system = await guardedSystem({ open: SYMBOLS, listed: symbolsOf(4, 'N'), env });
  });

  afterAll(async () => {
    await system.close();
  });

  // I8: signatures and staleness follow the venue's clock; a refusal for time is followed by a fresh offset.
  it.each([
    [1_500, 'S00USDT'],
    [-1_500, 'S01USDT'],
    [60_000, 'S02USDT'],
    [-60_000, 'S03USDT'],
  ])("a venue's clock that jumps by %i ms delays a stop, and prevents none", async (offsetMs, symbol) => {
    const since = Date.now();
    await system.paper.clock(offsetMs);
    await cancelStop(system, symbol);
    await stopShown(system, symbol, '94');
    await settled(system, SYMBOLS);
    await expectSafe(system, `clock moved by ${offsetMs} ms`, { since });
    await system.paper.clock(0);
    await settled(system, SYMBOLS);
  });

  // I4, I5: a rejected key is an EMERGENCY and not the end of a guard; I7: a session says what it cannot see.
  it('a key that expires in the middle is shouted about, and guarding goes on once it is renewed', async () => {
    const since = Date.now();
    await system.paper.fault({
      path: '*',
      kind: 'ret-code',
      code: 33004,
      message: 'expired',
      times: 'always',
    });
    await cancelStop(system, 'S04USDT');
    const [worker] = system.programs.workers;
    await until('the emergency', async () => worker?.log.includes('key-rejected'), PATIENCE_MS);
    const report = await runSession(system, 'session:expired');
    expect(report.status).toBe('FAILED');
    expect(JSON.stringify(report.criteria)).toContain('API key has expired');
    expect(report.system.readyForTrading).toBe(false);
    await system.paper.clearFaults();
    await stopShown(system, 'S04USDT', '94');
    await settled(system, SYMBOLS);
    await expectSafe(system, 'key expired (33004) mid-run, then renewed', { since });
  });

  // I4, I5, I7: after a 403 the worker asks nothing for the pause and says so; guards wait, stops rest on the venue.
  it('a ban of the address silences the worker for its pause, ends no guard, and is over by itself', async () => {
    const since = Date.now();
    await system.paper.fault({ path: '*', kind: 'status', code: 403, times: 1 });
    const [worker] = system.programs.workers;
    await until('the ban', async () => worker?.log.includes('shut this IP address out'), PATIENCE_MS);
    const before = (await system.paper.requests()).length;
    await open(system, 'N00USDT');
    const report = await runSession(system, 'session:banned');
    expect(report.status).toBe('FAILED');
    expect(report.criteria.find(({ id }) => id === 'positions-read')?.level).toBe('failure');
    // The probe of a request that was already on its way is all that may still arrive.
    expect((await system.paper.requests()).length - before).toBeLessThanOrEqual(2);
    expect(Date.now() - since, 'the session answered within the pause').toBeLessThan(BAN_PAUSE_MS);
    await settled(system, [...SYMBOLS, 'N00USDT']);
    await expectSafe(system, `banned (403), silent for ${BAN_PAUSE_MS / 1_000} s`, { since });
  });
});

describe('a ban by the venue, at the port', { timeout: 300_000 }, () => {
  let system: System;
  let port: VenuePort;

  beforeAll(async () => {
    const limits = { ipRequests: 40, banMs: 2_000 };
    system = await faultSystem({ open: ['S00USDT'], limits, workers: 0 });
    port = createBybitPort({
      account: 'main',
      venue: 'paper',
      baseUrl: system.paper.url,
      apiKey: 'paper-key',
      apiSecret: 'paper-secret',
      gate: createGate({ breakerMs: 2_500 }),
    });
  });

  afterAll(async () => {
    port.close();
    await system.close();
  });

  const rateLimited = async (): Promise<boolean> => {
    const error = await port.snapshot({ fresh: true }).then(
      () => null,
      (reason: unknown) => reason,
    );
    return error instanceof VenueError && error.info.type === 'VenueRateLimited';
  };

  // DESIGN §4: all traffic stops, one probe asks, and only its answer opens the door again.
  it('stops all traffic, then one probe opens the door', async () => {
    const since = Date.now();
    await until('the ban', rateLimited, PATIENCE_MS);
    // What was in flight when the ban came has its answer by now; from here on nothing is sent.
    const silent = (await system.paper.requests()).length;
    for (let at = 0; at < 20; at += 1) expect(await rateLimited()).toBe(true);
    expect((await system.paper.requests()).length).toBe(silent);
    const after = await until('an answer', () => quietly(() => port.snapshot({ fresh: true })), PATIENCE_MS);
    expect(after.positions.map(({ symbol }) => symbol)).toEqual(['S00USDT']);
    const stop = { symbol: 'S00USDT', positionIdx: 0, stopLoss: '94', triggerBy: 'MarkPrice' } as const;
    expect(await port.setStop(stop, 'no-stop')).toEqual({ kind: 'applied' });
    await expectSafe(system, 'banned by the venue for too many requests, at the port', { since });
  });
});
