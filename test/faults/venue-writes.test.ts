/** Every way in which a write of a stop can go wrong, each on a symbol of its own while a human opens it (I1, I2, I3). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  faultSystem,
  open,
  PATIENCE_MS,
  rateRefusal,
  runSession,
  settled,
  STOP,
  stopShown,
  symbolsOf,
} from '../support/fault-world.ts';
import { until, type System } from '../support/system.ts';
import { expectSafe, statusOf, type Verdict } from '../support/verdict.ts';

interface WriteFault {
  readonly name: string;
  readonly fault: () => object;
}

const WRITE_FAULTS: readonly WriteFault[] = [
  { name: 'reset before applying', fault: () => ({ kind: 'drop' }) },
  { name: 'reset after applying', fault: () => ({ kind: 'apply-then-drop' }) },
  { name: 'time-out after applying', fault: () => ({ kind: 'apply-then-timeout' }) },
  { name: 'stalled body after applying', fault: () => ({ kind: 'stall', applied: true }) },
  { name: 'stalled body without applying', fault: () => ({ kind: 'stall', applied: false }) },
  { name: 'reset in the middle of the body', fault: () => ({ kind: 'reset-mid-body', applied: true }) },
  { name: '502 without applying', fault: () => ({ kind: 'status', code: 502 }) },
  { name: '502 after applying', fault: () => ({ kind: 'status', code: 502, applied: true }) },
  { name: 'an answer that is not JSON', fault: () => ({ kind: 'not-json' }) },
  { name: 'truncated JSON', fault: () => ({ kind: 'truncate' }) },
  { name: 'an answer after 10 s', fault: () => ({ kind: 'delay', ms: 10_000 }) },
  { name: 'success without effect', fault: () => ({ kind: 'ok-without-effect' }) },
  { name: '34040 without effect', fault: () => ({ kind: 'unchanged-without-effect' }) },
  { name: 'a burst of 10016', fault: () => ({ kind: 'ret-code', code: 10016, message: 'busy', times: 4 }) },
  {
    name: '10016 although it was applied',
    fault: () => ({ kind: 'ret-code', code: 10016, message: 'busy', applied: true }),
  },
  {
    name: '10006 with a reset header',
    fault: () => rateRefusal(4_000),
  },
  { name: '10006 without a reset header', fault: () => rateRefusal() },
  {
    name: '10002, refused for its time',
    fault: () => ({ kind: 'ret-code', code: 10002, message: 'timestamp' }),
  },
];

const SYMBOLS = symbolsOf(WRITE_FAULTS.length, 'W');

describe('a position that a human opens', { timeout: 300_000 }, () => {
  let system: System;
  let verdict: Verdict;

  beforeAll(async () => {
    system = await faultSystem({ listed: SYMBOLS });
    await runSession(system);
    for (const [at, { fault }] of WRITE_FAULTS.entries()) {
      await system.paper.fault({ path: STOP, symbol: SYMBOLS[at], times: 1, ...fault() });
    }
    const since = Date.now();
    for (const symbol of SYMBOLS) await open(system, symbol);
    await settled(system, SYMBOLS);
    const fault = `a fault in the first write of each of ${SYMBOLS.length} positions`;
    verdict = await expectSafe(system, fault, { since });
  }, 300_000);

  afterAll(async () => {
    await system.close();
  });

  // I2, I3: whatever the answer was, a read shows what is so; the stop is there once, at its level, and the guard says so.
  it.each(WRITE_FAULTS.map(({ name }, at) => [name, SYMBOLS[at] ?? ''] as const))(
    'gets its stop although its first write meets: %s',
    async (name, symbol) => {
      verdict.tell(`first write meets: ${name}`, symbol);
      await stopShown(system, symbol, '94');
      expect(await statusOf(system.client, `guard:main:${symbol}`)).toMatchObject({
        state: 'PROTECTED',
        stop: '94',
        stopKind: 'fixed',
      });
      const set = verdict.lives.filter((life) => life.symbol === symbol).flatMap(({ stops }) => stops);
      expect(set.filter(({ price }) => price !== '' && Number(price) !== 94)).toEqual([]);
    },
  );
});

describe('a symbol whose stop always fails among 20 that work', { timeout: 300_000 }, () => {
  const symbols = symbolsOf(21);
  const broken = 'S10USDT';
  let system: System;

  beforeAll(async () => {
    system = await faultSystem({ open: symbols });
  });

  afterAll(async () => {
    await system.close();
  });

  // I7: it is named as unprotected, escalates, and delays nobody; I5: its guard goes on until the venue takes the stop.
  it('is named unprotected, delays none of the others, and is protected once the venue takes it', async () => {
    await system.paper.fault({ path: STOP, symbol: broken, kind: 'drop', times: 'always' });
    const since = Date.now();
    const report = await runSession(system);
    expect(report.status).toBe('FAILED');
    expect(report.protection).toMatchObject({ total: 21, newlyProtected: 20, failures: 1 });
    expect(report.positions.find(({ symbol }) => symbol === broken)).toMatchObject({
      provenAt: null,
      stop: null,
      state: 'UNPROTECTED',
    });
    const works = symbols.filter((symbol) => symbol !== broken);
    await settled(system, works);
    const [worker] = system.programs.workers;
    await until('the alarms', async () => worker?.log.includes('protection.emergency'), PATIENCE_MS);
    await expectSafe(system, '20 positions beside one whose stop always fails', {
      since,
      stillBare: [broken],
    });
    await system.paper.clearFaults();
    await settled(system, [broken]);
    await until('the all-clear', async () => worker?.log.includes('protection.resolved'), PATIENCE_MS);
    await expectSafe(system, 'the position whose stop always failed, until the venue took it', { since });
  });
});
