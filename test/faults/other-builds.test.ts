/** Workers of other builds on the same workflows: an older version that hands over to this one, and one without a bundle (I5, I11). */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Board } from '../../src/domain/board.ts';
import {
  beginSession,
  cancelStop,
  FAST_POLICY,
  faultSystem,
  guardedSystem,
  LIST,
  open,
  PATIENCE_MS,
  pendingActivities,
  quietly,
  reportOf,
  settled,
  STOP,
  stopRequests,
  stopShown,
  symbolsOf,
  using,
} from '../support/fault-world.ts';
import { alteredBuild, unbundledBuild, unpackedBuild } from '../support/recorded-build.ts';
import { historiesOf, replayEach } from '../support/server-histories.ts';
import { until, type System } from '../support/system.ts';
import { expectSafe } from '../support/verdict.ts';

const TEST_MS = 300_000;
const DIST = join(import.meta.dirname, '../../dist');
const handle = (system: System, workflowId: string) => system.client.workflow.getHandle(workflowId);

let folder = '';
/** What the workers run from their next start on. */
let build = DIST;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stopkeeper-build-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** `kill -9` of the older worker, unless it is gone already; then the worker of now on the same server. */
async function handOver(system: System): Promise<void> {
  const [worker] = system.programs.workers;
  await worker?.kill();
  build = DIST;
  await worker?.start();
}

describe('a worker of version 0.1.0, killed', { timeout: TEST_MS }, () => {
  // I11: the runs that the older build began are replayed and continued by this one, trailing, floor and release included.
  it('leaves its guards, its watcher and its ledger to a worker of this build', async () => {
    const symbols = symbolsOf(6);
    build = await unpackedBuild('0.1.0', folder);
    // Short runs, so that each guard soon begins one with this build.
    const policy = { defaults: { ...FAST_POLICY.defaults, continueAsNewAfterChecks: 15 } };
    const world = { open: symbols, listed: ['N00USDT', 'N01USDT'], build: () => build, policy };
    await using(guardedSystem(world), async (system) => {
      const since = Date.now();
      await system.paper.price({ symbol: 'S00USDT', price: '104' });
      await stopShown(system, 'S00USDT', '103.17');
      await handle(system, 'guard:main:S05USDT').signal('release', { reason: 'hedged elsewhere' });
      await until(
        'the release',
        async () => (await handle(system, 'watch:main').query<Board>('board')).legs.some(isReleased),
        PATIENCE_MS,
      );
      // In the middle of a write: the venue has the stop, the older worker never hears of it.
      await system.paper.fault({ path: STOP, symbol: 'N00USDT', kind: 'apply-then-timeout', times: 1 });
      await open(system, 'N00USDT');
      await until('the write', async () => (await stopRequests(system, 'N00USDT')) > 0, PATIENCE_MS);
      await system.programs.workers[0]?.kill();
      const runs = await runIds(system, symbols.slice(0, 5));
      await handOver(system);
      // The older build's runs, not new ones: the best price that they remember is the floor.
      await system.paper.price({ symbol: 'S00USDT', price: '103.5' });
      await cancelStop(system, 'S00USDT');
      await cancelStop(system, 'S01USDT');
      await open(system, 'N01USDT', 'Sell');
      await stopShown(system, 'S00USDT', '103.17');
      await stopShown(system, 'S01USDT', '94');
      await settled(system, [...symbols.slice(0, 5), 'N00USDT', 'N01USDT']);
      expect(await stopRequests(system, 'N00USDT')).toBe(1);
      expect((await handle(system, 'watch:main').query<Board>('board')).legs.filter(isReleased)).toHaveLength(
        1,
      );
      await until(
        'runs that this build began',
        async () => {
          const now = await runIds(system, symbols.slice(0, 5));
          return now.every((runId, at) => runId !== runs[at]);
        },
        PATIENCE_MS,
      );
      await settled(system, symbols.slice(0, 5));
      await expectSafe(system, 'a worker of version 0.1.0 killed, this build takes over', { since });
    });
  });

  it('leaves its session in the middle to a worker of this build, which ends it well', async () => {
    const symbols = symbolsOf(4);
    build = await unpackedBuild('0.1.0', folder);
    await using(faultSystem({ open: symbols, build: () => build }), async (system) => {
      const since = Date.now();
      await system.paper.fault({ path: LIST, kind: 'delay', ms: 2_500, times: 'always' });
      const session = await beginSession(system);
      await until(
        'the write',
        async () => (await quietly(() => pendingActivities(system, 'session:main')))?.includes('ensureStop'),
        PATIENCE_MS,
      );
      await handOver(system);
      await system.paper.clearFaults();
      expect((await reportOf(session)).protection).toMatchObject({ total: 4, failures: 0 });
      await settled(system);
      await expectSafe(system, 'a session begun by version 0.1.0, ended by this build', { since });
    });
  });
});

function isReleased({ state }: Board['legs'][number]): boolean {
  return state === 'RELEASED';
}

async function runIds(system: System, symbols: readonly string[]): Promise<readonly string[]> {
  return Promise.all(
    symbols.map(async (symbol) => (await handle(system, `guard:main:${symbol}`).describe()).runId),
  );
}

describe('a worker that does not replay the guards of the one before', { timeout: TEST_MS }, () => {
  // I5: such a guard runs, and fails each of its tasks for ever; the watcher ends it and starts another, bare leg or not.
  it('has all of them replaced, puts back what vanished meanwhile, and says so', async () => {
    const symbols = symbolsOf(4);
    build = await alteredBuild(folder, 'guardPosition');
    await using(guardedSystem({ open: symbols, build: () => build, replays: false }), async (system) => {
      const since = Date.now();
      await system.paper.price({ symbol: 'S00USDT', price: '104' });
      await stopShown(system, 'S00USDT', '103.17');
      const runs = await runIds(system, symbols);
      await system.programs.workers[0]?.kill();
      await cancelStop(system, 'S01USDT');
      await handOver(system);
      await stopShown(system, 'S01USDT', '94');
      await until(
        'new guards',
        async () => (await runIds(system, symbols)).every((runId, at) => runId !== runs[at]),
        PATIENCE_MS,
      );
      await settled(system, symbols);
      await stopShown(system, 'S00USDT', '103.17');
      await until(
        'the alerts',
        async () => symbols.every((symbol) => memoryLost(system, symbol)),
        PATIENCE_MS,
      );
      // What runs now replays; what was ended does not, and is the reason for its end.
      const { problems } = await replayEach(historiesOf(system.client));
      expect(problems).toHaveLength(symbols.length);
      for (const symbol of symbols)
        expect(problems.join('\n')).toContain(`guard:main:${symbol} does not replay`);
      await expectSafe(system, 'a build that does not replay the guards of the one before', { since });
    });
  });
});

describe('a worker that does not replay the watcher of the one before', { timeout: TEST_MS }, () => {
  // I7: without a watcher nobody finds what is opened.
  it("has it replaced with the ledger's sync, and finds what was opened meanwhile", async () => {
    const symbols = symbolsOf(2);
    build = await alteredBuild(folder, 'watchAccount');
    const world = { open: symbols, listed: ['N00USDT'], build: () => build, replays: false } as const;
    await using(guardedSystem(world), async (system) => {
      const since = Date.now();
      const { runId } = await handle(system, 'watch:main').describe();
      await handOver(system);
      await open(system, 'N00USDT');
      await until(
        'another watcher',
        async () => {
          await quietly(() => handle(system, 'ledger:main').signal('syncBalance'));
          return (await handle(system, 'watch:main').describe()).runId !== runId;
        },
        60_000,
      );
      await stopShown(system, 'N00USDT', '94');
      await settled(system, [...symbols, 'N00USDT']);
      await expectSafe(system, 'a build that does not replay the watcher of the one before', { since });
    });
  });
});

function memoryLost({ programs: { workers } }: System, symbol: string): boolean {
  const lines = workers[0]?.log.split('\n') ?? [];
  return lines.some((line) => line.includes('"kind":"memory-lost"') && line.includes(`"${symbol}"`));
}

describe('a worker that bundles its workflows itself', { timeout: TEST_MS }, () => {
  // I5: with the SDK's own converter one such signal would fail the workflow task of the guard for ever.
  it('survives a signal of bytes that are no JSON as one with the bundle of the build does', async () => {
    build = await unbundledBuild(folder);
    await using(guardedSystem({ open: symbolsOf(1), build: () => build }), async (system) => {
      const since = Date.now();
      await system.client.workflowService.signalWorkflowExecution({
        namespace: 'default',
        workflowExecution: { workflowId: 'guard:main:S00USDT' },
        signalName: 'reprotect',
        input: {
          payloads: [{ metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('{"reason":') }],
        },
      });
      await cancelStop(system, 'S00USDT');
      await stopShown(system, 'S00USDT', '94');
      await settled(system);
      await expectSafe(system, 'bytes that are no JSON, to a worker that bundles its workflows itself', {
        since,
      });
    });
  });
});
