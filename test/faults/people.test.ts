/** People and other programs on the account, working against Stopkeeper without meaning to (I1, I4, I5, I6, I7). */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  beginSession,
  cancelStop,
  faultSystem,
  LIST,
  open,
  PATIENCE_MS,
  pendingActivities,
  quietly,
  reportOf,
  runSession,
  settled,
  STOP,
  stopShown,
  symbolsOf,
} from '../support/fault-world.ts';
import { until, type System } from '../support/system.ts';
import { expectSafe } from '../support/verdict.ts';

const SYMBOLS = symbolsOf(8);

describe('on an account with eight positions', { timeout: 300_000 }, () => {
  let system: System;

  beforeAll(async () => {
    system = await faultSystem({ open: SYMBOLS, listed: ['N00USDT', 'N01USDT', 'H00USDT', 'H01USDT'] });
  });

  afterAll(async () => {
    await system.close();
  });

  async function hedge(symbol: string): Promise<void> {
    await system.paper.position({ symbol, action: 'close' });
    await system.paper.position({ symbol, action: 'mode', mode: 'hedge' });
    const both = { symbol, action: 'open', size: '1', price: '100', leverage: '5' };
    await system.paper.position({ ...both, positionIdx: 1, side: 'Buy' });
    await system.paper.position({ ...both, positionIdx: 2, side: 'Sell' });
  }

  async function stoppedOnBothLegs(symbol: string): Promise<void> {
    await until(
      'a stop on both legs',
      async () =>
        Number((await system.paper.row(symbol, 1))?.stopLoss) === 94 &&
        Number((await system.paper.row(symbol, 2))?.stopLoss) === 106,
      PATIENCE_MS,
    );
  }

  // I1, TEMPORAL "three starts, one run": each leg is written once, and has one guard.
  it('three sessions at once all succeed, with one guard and one stop for each leg', async () => {
    const since = Date.now();
    const sessions = await Promise.all(
      ['a', 'b', 'c'].map((name) => beginSession(system, `session:${name}`)),
    );
    const reports = await Promise.all(sessions.map(reportOf));
    for (const report of reports) {
      expect(report.criteria.filter(({ level }) => level === 'failure')).toEqual([]);
      expect(report.protection).toMatchObject({ total: 8, failures: 0 });
    }
    await settled(system);
    const { lives } = await expectSafe(system, 'three sessions at once', { since });
    for (const { symbol, stops } of lives)
      expect(
        stops.map(({ price }) => Number(price)),
        symbol,
      ).toEqual([94]);
    const guards = await system.temporal(
      'workflow',
      'count',
      '--query',
      'WorkflowType="guardPosition" AND ExecutionStatus="Running"',
    );
    expect(guards).toContain('Total: 8');
  });

  // I1: the proven level is put back each time, never a looser one, and "another writer" is named.
  it('a human who keeps cancelling and loosening a stop always finds it back at its level', async () => {
    const since = Date.now();
    await system.paper.price({ symbol: 'S00USDT', price: '103' });
    // 103 × 0.992
    await stopShown(system, 'S00USDT', '102.18');
    for (let at = 0; at < 6; at += 1) {
      const stopLoss = at % 2 === 0 ? '' : String(90 + at);
      await system.paper.position({ symbol: 'S00USDT', action: 'stop', stopLoss });
      await stopShown(system, 'S00USDT', '102.18');
      await settled(system, ['S00USDT']);
    }
    const [worker] = system.programs.workers;
    await until('the alert', async () => worker?.log.includes('another-writer'), PATIENCE_MS);
    await expectSafe(system, 'a human fighting over a stop', { since });
  });

  // I1: a human's tighter stop is kept, through checks and through a session.
  it("a human's tighter stop is kept", async () => {
    const since = Date.now();
    await system.paper.position({ symbol: 'S01USDT', action: 'stop', stopLoss: '97' });
    await settled(system, ['S01USDT']);
    const report = await runSession(system, 'session:kept');
    expect(report.positions.find(({ symbol }) => symbol === 'S01USDT')).toMatchObject({
      stop: '97',
      stopKind: 'human',
    });
    await stopShown(system, 'S01USDT', '97');
    await expectSafe(system, "a human's tighter stop", { since });
  });

  // I4, I5: each life is its own episode; a guard that ends over a leg that has been opened again is replaced at once.
  it('positions opened and closed in quick succession leave none of them without its guard', async () => {
    const since = Date.now();
    for (let at = 0; at < 12; at += 1) {
      await open(system, 'N00USDT', at % 2 === 0 ? 'Buy' : 'Sell');
      await sleep(150 + 450 * (at % 5));
      await system.paper.position({ symbol: 'N00USDT', action: 'close' });
      await sleep(at % 3 === 0 ? 2_500 : 50);
    }
    await open(system, 'N00USDT', 'Sell');
    await open(system, 'N01USDT');
    await settled(system, ['N00USDT', 'N01USDT']);
    await stopShown(system, 'N00USDT', '106');
    await system.paper.position({ symbol: 'N01USDT', action: 'flip' });
    await until(
      'a stop for the other side',
      async () => Number((await system.paper.row('N01USDT'))?.stopLoss) > 100,
      PATIENCE_MS,
    );
    await settled(system);
    await expectSafe(system, 'opening, closing and flipping fast', { since });
  });

  // I5, I6: the leg that is no more ends its guard; the two legs of hedge mode get theirs; nobody switches the mode back.
  it('a symbol switched to hedge mode has its old guard ended and both its legs guarded', async () => {
    const since = Date.now();
    await open(system, 'H00USDT');
    await settled(system, ['H00USDT']);
    await hedge('H00USDT');
    await stoppedOnBothLegs('H00USDT');
    await settled(system);
    expect(await system.client.workflow.getHandle('guard:main:H00USDT').result()).toMatchObject({
      ended: 'closed',
    });
    await expectSafe(system, 'position mode switched to hedge under its guard', { since });
  });

  // I2, I6, I7: the session has imported a leg that is no more when it writes; it claims nothing of it, and the watcher finds the new ones.
  it('a symbol switched to hedge mode between import and write of a session ends with both its legs guarded', async () => {
    const since = Date.now();
    // Alone on the account's list without a guard: the session itself is to meet the switch.
    await system.client.workflow.getHandle('watch:main').terminate('out of the way');
    await open(system, 'H01USDT');
    await system.paper.fault({ path: LIST, kind: 'delay', ms: 2_500, times: 'always' });
    const session = await beginSession(system, 'session:switched');
    await until(
      'the write',
      async () =>
        (await quietly(() => pendingActivities(system, 'session:switched')))?.includes('ensureStop'),
      PATIENCE_MS,
    );
    await hedge('H01USDT');
    await system.paper.clearFaults();
    const report = await reportOf(session);
    const named = report.positions.filter(({ symbol }) => symbol === 'H01USDT');
    expect(named.filter(({ positionIdx, provenAt }) => positionIdx === 0 && provenAt !== null)).toEqual([]);
    await stoppedOnBothLegs('H01USDT');
    await settled(system);
    await expectSafe(system, 'position mode switched to hedge in the middle of a session', { since });
  });

  // I6: whatever people did above, Stopkeeper itself has written nothing but stops.
  it('nothing but full stops was ever written', async () => {
    const since = Date.now();
    const requests = await system.paper.requests();
    expect(requests.filter(({ method, path }) => method === 'POST' && path !== STOP)).toEqual([]);
    await cancelStop(system, 'S07USDT');
    await stopShown(system, 'S07USDT', '94');
    await settled(system);
    await expectSafe(system, 'a stop cancelled after all that people did', { since });
  });
});
