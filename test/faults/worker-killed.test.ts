/** `kill -9` of a worker at every interesting point of a session, and under running guards (I2, I3, I5; DESIGN §5). */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  account,
  beginSession,
  cancelStop,
  FAST_POLICY,
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
import { startSystem, until, type System } from '../support/system.ts';
import { expectSafe, statusOf } from '../support/verdict.ts';

const TEST_MS = 300_000;

interface Point {
  readonly point: string;
  readonly positions: number;
  /** Holds the session at the point. */
  readonly hold: readonly object[];
  readonly reached: (system: System) => Promise<boolean>;
}

const SLOW_READS = { path: LIST, kind: 'delay', ms: 2_500, times: 'always' };

async function anyStop(system: System): Promise<boolean> {
  return (await system.paper.state()).positions.some(({ stopLoss }) => Number(stopLoss) > 0);
}

const POINTS: readonly Point[] = [
  {
    point: 'while it imports',
    positions: 4,
    hold: [SLOW_READS],
    reached: async (system) => (await pendingActivities(system, 'session:main')).includes('importPositions'),
  },
  {
    point: 'before the write',
    positions: 4,
    hold: [SLOW_READS],
    reached: async (system) => (await pendingActivities(system, 'session:main')).includes('ensureStop'),
  },
  {
    point: 'while the write is on its way',
    positions: 4,
    hold: [{ path: STOP, kind: 'delay', ms: 2_500, times: 'always' }],
    reached: async (system) => (await system.paper.requests()).some(({ path }) => path === STOP),
  },
  {
    point: 'after the write took effect, before its answer',
    positions: 4,
    hold: [{ path: STOP, kind: 'apply-then-timeout', times: 'always' }],
    reached: anyStop,
  },
  {
    point: 'after the answer, before the proof',
    positions: 4,
    hold: [SLOW_READS],
    reached: anyStop,
  },
  {
    point: 'while guards start',
    positions: 20,
    hold: [],
    reached: async (system) => {
      const first = await quietly(() => pendingActivities(system, 'session:main'));
      return first?.includes('startGuard') === true;
    },
  },
];

/** Two systems at a time: most of what these tests do is wait. */
const slots: Promise<void>[] = [Promise.resolve(), Promise.resolve()];
let taken = 0;

async function expectInTurn(work: () => Promise<void>): Promise<void> {
  const slot = taken++ % slots.length;
  const mine = (slots[slot] ?? Promise.resolve()).then(work);
  slots[slot] = mine.catch(() => undefined);
  return mine;
}

// I2, I3, I7: whatever the dead worker had done, the next attempt reads before it writes, and the report names only what was proven.
describe('a worker that is killed in a session', () => {
  it.concurrent.for(POINTS)(
    '$point, is followed by a session that ends with every position proven and guarded',
    { timeout: 2 * TEST_MS },
    (point) => expectInTurn(() => expectToSurvive(point)),
  );
});

async function expectToSurvive({ point, positions, hold, reached }: Point): Promise<void> {
  const symbols = symbolsOf(positions);
  const system = await startSystem({ scenario: account({ open: symbols }), policy: FAST_POLICY });
  try {
    for (const fault of hold) await system.paper.fault(fault);
    const since = Date.now();
    const session = await beginSession(system);
    await until(point, () => quietly(() => reached(system)), PATIENCE_MS);
    const [worker] = system.programs.workers;
    await worker?.kill();
    await sleep(1_000);
    await system.paper.clearFaults();
    await worker?.start();
    const report = await reportOf(session);
    expect(report.criteria.filter(({ level }) => level === 'failure')).toEqual([]);
    expect(report.protection).toMatchObject({ total: positions, failures: 0 });
    await settled(system, symbols);
    await expectSafe(system, `worker killed ${point}`, { since });
  } finally {
    await system.close();
  }
}

describe('a worker killed under 50 running guards', () => {
  const symbols = symbolsOf(50);
  const checkEveryMs = 3_000;

  async function allChecked(system: System, after: number): Promise<void> {
    await until(
      'a check of every guard',
      async () => {
        const all = await Promise.all(symbols.map((one) => statusOf(system.client, `guard:main:${one}`)));
        return all.every((status) => Date.parse(status?.checkedAt ?? '') > after);
      },
      PATIENCE_MS,
    );
  }

  // I5: no guard gives up; what rests on the venue stays there; what happened meanwhile is caught up with.
  it(
    'leaves every stop in place, and every guard checks again after the restart',
    { timeout: TEST_MS },
    async () => {
      const system = await startSystem({
        scenario: account({ open: symbols, listed: ['N00USDT'] }),
        policy: { defaults: { ...FAST_POLICY.defaults, checkEveryMs } },
      });
      try {
        expect((await runSession(system)).protection).toMatchObject({ total: 50, failures: 0 });
        const [worker] = system.programs.workers;
        let since = Date.now();
        await worker?.kill();
        await sleep(1_000);
        await worker?.start();
        const restarted = Date.now();
        await allChecked(system, restarted);
        const seconds = (Date.now() - restarted) / 1_000;
        console.log(
          `50 guards: all checked ${seconds.toFixed(1)} s after the restart (interval ${checkEveryMs} ms)`,
        );
        await expectSafe(system, 'worker killed under 50 guards, away for 1 s', { since });

        // The longer outage: a price goes into profit, a human takes a stop away and opens a position.
        since = Date.now();
        await worker?.kill();
        await system.paper.price({ symbol: 'S01USDT', price: '105' });
        await cancelStop(system, 'S02USDT');
        await open(system, 'N00USDT', 'Sell');
        await sleep(15_000);
        await worker?.start();
        await stopShown(system, 'S02USDT', '94');
        await stopShown(system, 'N00USDT', '106');
        // 105 × 0.992
        await stopShown(system, 'S01USDT', '104.16');
        await allChecked(system, Date.now());
        await settled(system, ['S01USDT', 'S02USDT', 'N00USDT']);
        await expectSafe(system, 'worker killed under 50 guards, away for 15 s', { since });
      } finally {
        await system.close();
      }
    },
  );
});

describe('one of two workers killed', () => {
  // I5: the other takes the guards over; nothing waits for the dead one.
  it('leaves its guards to the other', { timeout: TEST_MS }, async () => {
    const symbols = symbolsOf(12);
    const system = await startSystem({
      scenario: account({ open: symbols, listed: ['N00USDT'] }),
      policy: FAST_POLICY,
      workers: 2,
      env: { STOPKEEPER_WORKERS: '2' },
    });
    try {
      expect((await runSession(system)).protection).toMatchObject({ total: 12, failures: 0 });
      await settled(system, symbols);
      const since = Date.now();
      await system.programs.workers[0]?.kill();
      await cancelStop(system, 'S00USDT');
      await cancelStop(system, 'S07USDT');
      await open(system, 'N00USDT');
      await settled(system, [...symbols, 'N00USDT']);
      await expectSafe(system, 'one of two workers killed', { since });
    } finally {
      await system.close();
    }
  });
});
