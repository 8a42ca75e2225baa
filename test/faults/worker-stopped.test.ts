/** A worker that is told to stop (SIGTERM) finishes or hands over what is in flight and exits 0; no stop is sent twice (I1, I2, I5). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  beginSession,
  cancelStop,
  faultSystem,
  guardedSystem,
  LIST,
  open,
  PATIENCE_MS,
  reportOf,
  settled,
  STOP,
  stopRequests,
  stopShown,
  symbolsOf,
  using,
} from '../support/fault-world.ts';
import { until, type System } from '../support/system.ts';
import { expectSafe } from '../support/verdict.ts';

const TEST_MS = 300_000;

/** Sends SIGTERM to the first worker, prints how long it took, answers its exit code. */
async function stopWorker({ programs }: System): Promise<number | null> {
  const began = Date.now();
  const code = (await programs.workers[0]?.kill('SIGTERM')) ?? null;
  console.log(`SIGTERM: gone after ${((Date.now() - began) / 1_000).toFixed(1)} s with exit code ${code}`);
  return code;
}

describe('with four guards running', { timeout: TEST_MS }, () => {
  let system: System;

  beforeAll(async () => {
    system = await guardedSystem({ open: symbolsOf(4), listed: symbolsOf(3, 'N') });
  });

  afterAll(async () => {
    await system.close();
  });

  /** A human opens a position whose first write meets a fault; returns when the request has reached the venue. */
  async function openInto(symbol: string, fault: object): Promise<void> {
    await system.paper.fault({ path: STOP, symbol, ...fault });
    await open(system, symbol);
    await until('the write', async () => (await stopRequests(system, symbol)) > 0, PATIENCE_MS);
  }

  it('a worker stopped in the middle of a write finishes it, and the stop is sent once', async () => {
    const since = Date.now();
    await openInto('N00USDT', { kind: 'delay', ms: 2_000, times: 1 });
    expect(await stopWorker(system)).toBe(0);
    await stopShown(system, 'N00USDT', '94');
    expect(system.programs.workers[0]?.log).toContain('"inFlight":"finished"');
    await system.programs.workers[0]?.start();
    await settled(system);
    expect(await stopRequests(system, 'N00USDT')).toBe(1);
    await expectSafe(system, 'SIGTERM in the middle of a write that can be finished', { since });
  });

  // I2, I3: the answer never comes and no read can prove the stop: the next worker reads, and finds it there.
  it('a worker stopped in a write that cannot be finished hands it over, and the stop is sent once', async () => {
    const since = Date.now();
    await openInto('N01USDT', { kind: 'apply-then-timeout', times: 1 });
    await system.paper.fault({ path: LIST, kind: 'delay', ms: 10_000, times: 'always' });
    expect(await stopWorker(system)).toBe(0);
    await system.paper.clearFaults();
    await system.programs.workers[0]?.start();
    await settled(system);
    expect(await stopRequests(system, 'N01USDT')).toBe(1);
    await expectSafe(system, 'SIGTERM in the middle of a write without an answer', { since });
  });

  // I5: nothing can be handed over to a server that is away; its time-outs do it once it is back.
  it('a worker stopped while the Temporal server is away exits as well, and its work goes on later', async () => {
    const since = Date.now();
    await openInto('N02USDT', { kind: 'delay', ms: 1_000, times: 1 });
    await system.programs.temporal.kill();
    expect(await stopWorker(system)).toBe(0);
    await cancelStop(system, 'S00USDT');
    await system.programs.temporal.start();
    await system.programs.workers[0]?.start();
    await stopShown(system, 'S00USDT', '94');
    await settled(system);
    await expectSafe(system, 'SIGTERM while the Temporal server is away', { since });
  });
});

describe('with forty bare positions', { timeout: TEST_MS }, () => {
  // I1: what waits for its turn in the write lane is finished or left to the next worker, never to both.
  it('a worker stopped in the middle of the session leaves each leg written once, and the session ends well', async () => {
    const symbols = symbolsOf(40);
    await using(faultSystem({ open: symbols }), async (system) => {
      const since = Date.now();
      const session = await beginSession(system);
      await until(
        'the first stops',
        async () => (await system.paper.state()).positions.some(({ stopLoss }) => Number(stopLoss) > 0),
        PATIENCE_MS,
      );
      expect(await stopWorker(system)).toBe(0);
      await system.programs.workers[0]?.start();
      const report = await reportOf(session);
      expect(report.protection).toMatchObject({ total: 40, failures: 0 });
      await settled(system);
      for (const symbol of symbols) expect(await stopRequests(system, symbol), symbol).toBe(1);
      await expectSafe(system, 'SIGTERM in the middle of a session of 40', { since });
    });
  });
});

describe('with two workers', { timeout: TEST_MS }, () => {
  it('one that is stopped leaves its guards to the other', async () => {
    const symbols = symbolsOf(8);
    const env = { STOPKEEPER_WORKERS: '2' };
    await using(guardedSystem({ open: symbols, listed: ['N00USDT'], workers: 2, env }), async (system) => {
      const since = Date.now();
      const stopping = stopWorker(system);
      await open(system, 'N00USDT');
      await cancelStop(system, 'S03USDT');
      expect(await stopping).toBe(0);
      await settled(system);
      await expectSafe(system, 'SIGTERM to one of two workers', { since });
    });
  });
});
