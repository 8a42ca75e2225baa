/** Malformed messages of every kind to live workflows: each is refused or ignored, and every workflow goes on (I5, I9). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Payload } from '@temporalio/common';
import type { LedgerSummary } from '../../src/domain/ledger-view.ts';
import type { Board } from '../../src/domain/board.ts';
import {
  account,
  cancelStop,
  FAST_POLICY,
  runSession,
  settled,
  stopShown,
  symbolsOf,
} from '../support/fault-world.ts';
import { startSystem, type System } from '../support/system.ts';
import { expectSafe } from '../support/verdict.ts';

const GUARD = 'guard:main:S00USDT';
const WATCH = 'watch:main';
const LEDGER = 'ledger:main';

/** Inputs that no message takes. */
const GARBAGE: readonly unknown[] = [
  'text',
  '',
  0,
  -1,
  1e308,
  true,
  [],
  [[[]]],
  [{ reason: 'x' }],
  { unknown: 1 },
  { reason: 7, rewrite: 'yes' },
  { reason: '' },
  { reason: 'x'.repeat(100_000) },
  { policy: 'tight' },
  { policy: { fixedStopPct: -5, checkEveryMs: 0 }, allowLooser: 'yes' },
  { policy: { noSuchKey: true } },
  { symbol: 'not a symbol', positionIdx: 9 },
  { symbol: '../../etc/passwd' },
  { requestId: null, amount: '-1', symbol: 5 },
  { requestId: 'r', amount: '1e999', symbol: 'BTCUSDT' },
  { requestId: 'r', amount: 'NaN', symbol: 'BTCUSDT' },
  { confirm: 'ETHUSDT', reason: 'wrong symbol' },
  { reason: 'x', resumeAfterMs: -1, untilAdopted: 'never' },
  { __proto__: null, constructor: 'x', prototype: {} },
  { reason: '\u0000\ud800\u202e', more: '🧨' },
];

const SIGNALS: readonly (readonly [workflowId: string, name: string])[] = [
  [GUARD, 'reprotect'],
  [GUARD, 'release'],
  [GUARD, 'noSuchSignal'],
  [WATCH, 'reprotect'],
  [WATCH, 'legReleased'],
  [WATCH, 'alertsLeft'],
  [LEDGER, 'syncBalance'],
  [LEDGER, 'noSuchSignal'],
];

const UPDATES: readonly (readonly [workflowId: string, name: string])[] = [
  [GUARD, 'reprotectNow'],
  [GUARD, 'setPolicy'],
  [GUARD, 'closeNow'],
  [GUARD, 'noSuchUpdate'],
  [WATCH, 'adopt'],
  [LEDGER, 'allocateMargin'],
  [LEDGER, 'reserveMargin'],
  [LEDGER, 'releaseMargin'],
  [LEDGER, 'validateNewTrade'],
  [LEDGER, 'newSession'],
];

const QUERIES: readonly (readonly [workflowId: string, name: string])[] = [
  [GUARD, 'status'],
  [GUARD, 'decisions'],
  [GUARD, 'policy'],
  [WATCH, 'board'],
  [WATCH, 'released'],
  [LEDGER, 'summary'],
];

describe('500 malformed messages to live workflows', { timeout: 300_000 }, () => {
  const symbols = symbolsOf(2);
  let system: System;

  beforeAll(async () => {
    system = await startSystem({ scenario: account({ open: symbols }), policy: FAST_POLICY });
    expect((await runSession(system)).protection).toMatchObject({ failures: 0 });
    await settled(system);
  });

  afterAll(async () => {
    await system.close();
  });

  const handle = (workflowId: string) => system.client.workflow.getHandle(workflowId);

  /** I5: both guards, the watcher and the ledger answer, check and write as before. */
  async function expectAllWell(): Promise<void> {
    await settled(system);
    await cancelStop(system, 'S00USDT');
    await stopShown(system, 'S00USDT', '94');
    expect((await handle(WATCH).query<Board>('board')).legs).toHaveLength(2);
    expect((await handle(LEDGER).query<LedgerSummary>('summary')).openAllocations).toBe(0);
    const answer = await handle(GUARD).executeUpdate('reprotectNow', { args: [{ reason: 'still there?' }] });
    expect(answer).toMatchObject({ state: 'PROTECTED', stop: '94' });
  }

  it('as signals are ignored', async () => {
    const since = Date.now();
    for (const [workflowId, name] of SIGNALS) {
      for (const garbage of GARBAGE) await handle(workflowId).signal(name, garbage);
    }
    await expectAllWell();
    await expectSafe(system, `${SIGNALS.length * GARBAGE.length} malformed signals`, { since });
  });

  it('as updates are refused with their problems named', async () => {
    const since = Date.now();
    let refused = 0;
    for (const [workflowId, name] of UPDATES) {
      const answers = await Promise.allSettled(
        GARBAGE.map((garbage) => handle(workflowId).executeUpdate(name, { args: [garbage] })),
      );
      refused += answers.filter(({ status }) => status === 'rejected').length;
    }
    expect(refused).toBe(UPDATES.length * GARBAGE.length);
    await expectAllWell();
    await expectSafe(system, `${refused} malformed updates`, { since });
  });

  it('as queries answer as if nothing had been given', async () => {
    const since = Date.now();
    for (const [workflowId, name] of QUERIES) {
      for (const garbage of GARBAGE.slice(0, 12)) {
        const answer = await handle(workflowId).query(name, garbage);
        expect(answer, name).toEqual(expect.anything());
      }
    }
    await expectAllWell();
    await expectSafe(system, `${QUERIES.length * 12} queries with malformed arguments`, { since });
  });

  it('as the start of a session end that session alone', async () => {
    const since = Date.now();
    const ends = await Promise.allSettled(
      GARBAGE.map((garbage, at) =>
        system.client.workflow.execute('startSession', {
          taskQueue: 'stopkeeper',
          workflowId: `session:garbage-${at}`,
          args: [garbage],
        }),
      ),
    );
    expect(ends.filter(({ status }) => status === 'fulfilled')).toEqual([]);
    await expectAllWell();
    await expectSafe(system, `${GARBAGE.length} sessions with malformed input`, { since });
  });

  it('as bytes that are no JSON at all are survived', async () => {
    const since = Date.now();
    const bytes = (encoding: string, text: string): Payload => ({
      metadata: { encoding: Buffer.from(encoding) },
      data: Buffer.from(text),
    });
    const payloads = [
      bytes('json/plain', '{"reason":'),
      bytes('no/such-encoding', 'x'),
      bytes('binary/plain', '\u0000'),
    ];
    for (const [workflowId, signalName] of SIGNALS) {
      for (const payload of payloads) {
        await system.client.workflowService.signalWorkflowExecution({
          namespace: 'default',
          workflowExecution: { workflowId },
          signalName,
          input: { payloads: [payload] },
        });
      }
    }
    await expectAllWell();
    await expectSafe(system, 'signals of bytes that are no JSON', { since });
  });
});
