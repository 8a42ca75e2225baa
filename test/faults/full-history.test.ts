/** A guard whose run is as long as a run gets, killed just before it would continue as new: replayed, and it goes on (I5, I11). */
import { describe, expect, it } from 'vitest';
import {
  cancelStop,
  FAST_POLICY,
  guardedSystem,
  PATIENCE_MS,
  settled,
  stopShown,
  using,
} from '../support/fault-world.ts';
import { until, type System } from '../support/system.ts';
import { expectSafe, statusOf } from '../support/verdict.ts';

const SYMBOL = 'S00USDT';
const GUARD = `guard:main:${SYMBOL}`;
/** As in the default policy. */
const CHECKS_IN_A_RUN = 40;
/** Sent while no worker runs: with them the history is longer than its checks make it. */
const SIGNALS = 200;

interface Run {
  readonly runId: string;
  readonly events: number;
  readonly bytes: number;
  /** Checks and writes that the history holds. */
  readonly checks: number;
  readonly writes: number;
}

async function runOf(system: System): Promise<Run> {
  const handle = system.client.workflow.getHandle(GUARD);
  const { runId, historyLength, raw } = await handle.describe();
  const events = (await handle.fetchHistory()).events ?? [];
  const types = events.map(({ activityTaskScheduledEventAttributes: at }) => at?.activityType?.name);
  return {
    runId,
    events: historyLength,
    bytes: Number(raw.workflowExecutionInfo?.historySizeBytes ?? 0),
    checks: events.filter(({ markerRecordedEventAttributes: at }) => at != null).length,
    writes: types.filter((name) => name === 'ensureStop').length,
  };
}

describe('a guard with a history of full size', { timeout: 300_000 }, () => {
  it('whose worker is killed just before it would continue as new is replayed and goes on', async () => {
    const policy = {
      defaults: { ...FAST_POLICY.defaults, checkEveryMs: 500, continueAsNewAfterChecks: CHECKS_IN_A_RUN },
    };
    await using(guardedSystem({ open: [SYMBOL, 'S01USDT'], policy }), async (system) => {
      const since = Date.now();
      const handle = system.client.workflow.getHandle(GUARD);
      // A run of its own from here on, each of its checks with a price that moves the trailing stop.
      const first = await runOf(system);
      await until('the next run', async () => (await runOf(system)).runId !== first.runId, PATIENCE_MS);
      let price = 102;
      const full = await until(
        'a run that is nearly full',
        async () => {
          price += 0.2;
          await system.paper.price({ symbol: SYMBOL, price: price.toFixed(2) });
          const run = await runOf(system);
          if (run.checks < CHECKS_IN_A_RUN - 8) return null;
          return run;
        },
        PATIENCE_MS,
      );
      await system.programs.workers[0]?.kill();
      for (let at = 0; at < SIGNALS; at += 1) {
        await handle.signal('reprotect', { reason: `signal ${at} ${'x'.repeat(120)}` });
      }
      const before = await runOf(system);
      expect(before.runId).toBe(full.runId);
      console.log(
        `full-size history: ${before.events} events, ${(before.bytes / 1_000).toFixed(0)} kB, ` +
          `${before.checks} checks, ${before.writes} writes`,
      );
      const rested = (await system.paper.row(SYMBOL))?.stopLoss ?? '';
      await cancelStop(system, SYMBOL);
      await system.programs.workers[0]?.start();
      const ready = Date.now();
      // The very stop, from the memory that only this history holds: the price of now would give the same or a looser one.
      await stopShown(system, SYMBOL);
      console.log(
        `full-size history: replayed and the stop back ${((Date.now() - ready) / 1_000).toFixed(1)} s after ready`,
      );
      expect(Number((await system.paper.row(SYMBOL))?.stopLoss)).toBeGreaterThanOrEqual(Number(rested));
      await until('the run after it', async () => (await runOf(system)).runId !== full.runId, PATIENCE_MS);
      await settled(system);
      expect(await statusOf(system.client, GUARD)).toMatchObject({
        state: 'PROTECTED',
        stopKind: 'trailing',
      });
      await expectSafe(system, 'worker killed, a guard with a full-size history', { since });
    });
  });
});
