/** `kill -9` and silence of the servers that Stopkeeper stands on: Temporal, the exchange, everything at once (I3, I4, I5). */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  cancelStop,
  guardedSystem,
  open,
  PATIENCE_MS,
  quietly,
  settled,
  stopShown,
  symbolsOf,
} from '../support/fault-world.ts';
import { until, type System } from '../support/system.ts';
import { expectSafe } from '../support/verdict.ts';

const SYMBOLS = symbolsOf(6);
const TEST_MS = 300_000;

describe('with six guards running', { timeout: TEST_MS }, () => {
  let system: System;

  beforeAll(async () => {
    system = await guardedSystem({ open: SYMBOLS, listed: symbolsOf(6, 'N') });
  });

  afterAll(async () => {
    await system.close();
  });

  // I5: timers, guards and the watcher go on from the database; what a human did meanwhile is found and mended.
  it('a Temporal server killed and restarted on its database leaves no position unwatched', async () => {
    const since = Date.now();
    await system.programs.temporal.kill();
    await open(system, 'N00USDT');
    await cancelStop(system, 'S00USDT');
    await sleep(1_000);
    await system.programs.temporal.start();
    await settled(system);
    await stopShown(system, 'S00USDT', '94');
    await expectSafe(system, 'Temporal server killed, away for 1 s', { since });
  });

  // I1, I5: the venue's own stops do their work while nothing watches; afterwards trailing catches up and a stopped-out leg is explained.
  it('a Temporal server away for a minute while prices move is caught up with: trails, stop-outs and new positions', async () => {
    const since = Date.now();
    await system.programs.temporal.kill();
    await open(system, 'N01USDT', 'Sell');
    for (let second = 1; second <= 60; second += 1) {
      await system.paper.price({ symbol: 'S01USDT', price: (100 + (4 * second) / 60).toFixed(2) });
      await system.paper.price({ symbol: 'S02USDT', price: (100 - (6.5 * second) / 60).toFixed(2) });
      await sleep(1_000);
    }
    await system.programs.temporal.start();
    // 104 × 0.992
    await stopShown(system, 'S01USDT', '103.17');
    const ended = await until(
      'the end of the guard of S02USDT',
      () => quietly(() => system.client.workflow.getHandle('guard:main:S02USDT').result()),
      PATIENCE_MS,
    );
    expect(ended).toMatchObject({ ended: 'closed', report: { reason: 'stop-loss' } });
    await settled(system);
    await expectSafe(system, 'Temporal server away for 60 s while prices move', { since });
  });

  // I5: a server that hangs with its connections open is waited out, by the worker and by every guard.
  it('a Temporal server that hangs for 15 s with its connections open is waited out', async () => {
    const since = Date.now();
    system.programs.temporal.signal('SIGSTOP');
    await cancelStop(system, 'S03USDT');
    await sleep(15_000);
    system.programs.temporal.signal('SIGCONT');
    await stopShown(system, 'S03USDT', '94');
    await settled(system);
    await expectSafe(system, 'Temporal server hanging for 15 s', { since });
  });

  // I4: refused connections are not flat; the stops are the venue's own and survive it.
  it('an exchange killed and restarted from its state ends no guard and costs no stop', async () => {
    const since = Date.now();
    await system.programs.paper.kill();
    await sleep(8_000);
    await system.programs.paper.start();
    await cancelStop(system, 'S04USDT');
    await stopShown(system, 'S04USDT', '94');
    await open(system, 'N02USDT');
    await settled(system);
    await expectSafe(system, 'exchange killed, connections refused for 8 s', { since });
  });

  // All at once: what each keeps on disk is enough to go on.
  it('a power cut of everything at once is followed by every guard at its place', async () => {
    const since = Date.now();
    const { temporal, paper, workers } = system.programs;
    await Promise.all([temporal, paper, ...workers].map((program) => program.kill()));
    await sleep(1_000);
    await paper.start();
    await cancelStop(system, 'S05USDT');
    await open(system, 'N03USDT', 'Sell');
    await temporal.start();
    for (const worker of workers) await worker.start();
    await stopShown(system, 'S05USDT', '94');
    await settled(system);
    await expectSafe(system, 'power cut: Temporal, exchange and worker killed at once', { since });
  });
});
