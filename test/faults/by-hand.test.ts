/** Workflows cancelled and terminated by hand: guards and the watcher come back, a released leg does not (I5; DESIGN §5). */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Board } from '../../src/domain/board.ts';
import type { LedgerSummary } from '../../src/domain/ledger-view.ts';
import {
  beginSession,
  cancelStop,
  faultSystem,
  guardedSystem,
  LIST,
  open,
  PATIENCE_MS,
  pendingActivities,
  quietly,
  runSession,
  settled,
  stopShown,
  symbolsOf,
  using,
} from '../support/fault-world.ts';
import { until, type System } from '../support/system.ts';
import { expectSafe } from '../support/verdict.ts';

const SYMBOLS = symbolsOf(5);
const WATCH = 'watch:main';

describe('with five guards running', { timeout: 300_000 }, () => {
  let system: System;
  const handle = (workflowId: string) => system.client.workflow.getHandle(workflowId);

  beforeAll(async () => {
    system = await guardedSystem({ open: SYMBOLS, listed: symbolsOf(6, 'N') });
  });

  afterAll(async () => {
    await system.close();
  });

  async function runs(workflowId: string): Promise<boolean> {
    const description = await quietly(() => handle(workflowId).describe());
    return description?.status.name === 'RUNNING';
  }

  // I5: the watcher sees a leg without a guard and starts one; the stop on the venue is its floor.
  it.each([
    ['terminated', 'S00USDT', (id: string) => handle(id).terminate('by hand')],
    ['cancelled', 'S01USDT', (id: string) => handle(id).cancel()],
  ] as const)(
    'a guard that is %s by hand is replaced, and goes on from the stop that rests',
    async (how, symbol, end) => {
      const since = Date.now();
      const id = `guard:main:${symbol}`;
      await system.paper.price({ symbol, price: '104' });
      await stopShown(system, symbol, '103.17');
      const { runId } = await handle(id).describe();
      await end(id);
      await system.paper.price({ symbol, price: '103.5' });
      await until(
        'another run of the guard',
        async () => {
          const now = await handle(id).describe();
          return now.status.name === 'RUNNING' && now.runId !== runId;
        },
        PATIENCE_MS,
      );
      await settled(system, [symbol]);
      await stopShown(system, symbol, '103.17');
      await expectSafe(system, `a guard ${how} by hand`, { since });
    },
  );

  // I5: guards work without the watcher; the ledger's sync brings it back, and it finds what was opened meanwhile.
  it.each([
    ['terminated', 'N00USDT', () => handle(WATCH).terminate('by hand')],
    ['cancelled', 'N01USDT', () => handle(WATCH).cancel()],
  ] as const)("a watcher that is %s by hand comes back with the ledger's sync", async (how, symbol, end) => {
    const since = Date.now();
    await end();
    await until('the end of the watcher', async () => !(await runs(WATCH)), PATIENCE_MS);
    await open(system, symbol);
    await cancelStop(system, 'S02USDT');
    await stopShown(system, 'S02USDT', '94');
    await handle('ledger:main').signal('syncBalance');
    await until('the watcher', () => runs(WATCH), PATIENCE_MS);
    await settled(system);
    await expectSafe(system, `the watcher ${how} by hand`, { since });
  });

  it('a watcher that was terminated comes back with a session, and with a worker that starts', async () => {
    const since = Date.now();
    await handle(WATCH).terminate('by hand');
    await runSession(system, 'session:again');
    expect(await runs(WATCH)).toBe(true);
    await handle(WATCH).terminate('by hand');
    await open(system, 'N02USDT', 'Sell');
    const [worker] = system.programs.workers;
    await worker?.kill('SIGTERM');
    await worker?.start();
    await until('the watcher', () => runs(WATCH), PATIENCE_MS);
    await settled(system);
    await expectSafe(system, 'the watcher terminated, the worker restarted in order', { since });
  });

  // I5, I7: guards need no ledger; the watcher's rounds bring it back, and it reads the balance anew.
  it('a ledger that is terminated by hand comes back with the rounds of the watcher', async () => {
    const since = Date.now();
    await handle('ledger:main').terminate('by hand');
    await cancelStop(system, 'S04USDT');
    await stopShown(system, 'S04USDT', '94');
    await until('the ledger', () => runs('ledger:main'), PATIENCE_MS);
    await until(
      'its balance',
      async () => {
        const summary = await quietly(() => handle('ledger:main').query<LedgerSummary>('summary'));
        return Number(summary?.totalBalance ?? 0) > 0;
      },
      PATIENCE_MS,
    );
    await settled(system);
    await expectSafe(system, 'the ledger terminated by hand', { since });
  });

  // DESIGN §5, release: no session, watcher or worker takes the leg back before `adopt`; not even a watcher that lost its memory.
  it('a released leg stays released through session, worker and watcher, and is guarded again after adopt', async () => {
    const since = Date.now();
    const id = 'guard:main:S03USDT';
    await handle(id).signal('release', { reason: 'hedged elsewhere' });
    await until('the end of the guard', async () => !(await runs(id)), PATIENCE_MS);
    await cancelStop(system, 'S03USDT');

    const report = await runSession(system, 'session:released');
    expect(report.positions.find(({ symbol }) => symbol === 'S03USDT')).toMatchObject({ state: 'RELEASED' });
    await handle(WATCH).terminate('by hand');
    const [worker] = system.programs.workers;
    await worker?.kill();
    await worker?.start();
    await until('the watcher', () => runs(WATCH), PATIENCE_MS);
    await until(
      'rounds of the watcher',
      async () => ((await quietly(() => handle(WATCH).query<Board>('board')))?.rounds ?? 0) >= 3,
      PATIENCE_MS,
    );
    await sleep(2_000);
    expect(await runs(id)).toBe(false);
    expect(Number((await system.paper.row('S03USDT'))?.stopLoss)).toBe(0);
    const board = await handle(WATCH).query<Board>('board');
    expect(board.legs.find(({ symbol }) => symbol === 'S03USDT')).toMatchObject({ state: 'RELEASED' });
    await expectSafe(system, 'a released leg that its operator left bare', { since, stillBare: ['S03USDT'] });

    const answer = await handle(WATCH).executeUpdate('adopt', { args: [{ symbol: 'S03USDT' }] });
    expect(answer).toMatchObject({ adopted: true });
    await stopShown(system, 'S03USDT', '94');
    await settled(system);
  });
});

describe('a session', { timeout: 300_000 }, () => {
  // I7: the watcher comes last in a session, and in every one.
  it('that is cancelled in its import starts the watcher all the same, which protects everything', async () => {
    const symbols = symbolsOf(3);
    await using(faultSystem({ open: symbols }), async (system) => {
      const since = Date.now();
      await system.paper.fault({ path: LIST, kind: 'delay', ms: 4_000, times: 'always' });
      const session = await beginSession(system);
      await until(
        'the import',
        async () => (await pendingActivities(system, 'session:main')).includes('importPositions'),
        PATIENCE_MS,
      );
      await session.cancel();
      await expect(session.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
      await system.paper.clearFaults();
      for (const symbol of symbols) await stopShown(system, symbol, '94');
      await settled(system, symbols);
      await expectSafe(system, 'a session cancelled in its import', { since });
    });
  });
});
