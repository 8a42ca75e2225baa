/** Malformed messages of every kind to live workflows: each is refused or ignored, and every workflow goes on (I5, I9). */
import { WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  allocateMarginProblems,
  newSessionProblems,
  releaseMarginProblems,
  reserveMarginProblems,
  validateNewTradeProblems,
} from '../../src/domain/ledger-input.ts';
import { inputProblems } from '../../src/domain/messages.ts';
import { policyProblems } from '../../src/domain/policy-change.ts';
import { pooled } from '../../src/domain/pool.ts';
import { alertsAmong, isReleased } from '../../src/workflows/handed-over.ts';
import * as ledgerMessages from '../../src/workflows/keep-ledger.ts';
import * as messages from '../../src/workflows/messages.ts';
import { brokenOneOf, SEED } from '../support/fuzz.ts';
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

type Problems = (input: unknown) => readonly unknown[];

/** A kind of message on one workflow: what is sound, to be broken, and what the product says of an input. */
interface Kind {
  readonly workflowId: string;
  readonly name: string;
  readonly sound: readonly unknown[];
  /** Empty where the input is sound after all: that is not sent. */
  readonly problems: Problems;
}

const anything: Problems = () => ['whatever it is'];
const reprotect = [{ reason: 'looked odd', rewrite: true }];
const released = {
  symbol: 'S01USDT',
  positionIdx: 0,
  reason: 'x',
  since: 1,
  until: null,
  untilAdopted: false,
  episode: null,
};
const alert = {
  id: 'guard:main:S01USDT/1/1',
  level: 'WARNING',
  kind: 'blind',
  account: 'main',
  leg: { symbol: 'S01USDT', positionIdx: 0 },
  message: 'x',
  todo: 'y',
  unprotectedSeconds: null,
  at: 1,
};
const margin = { requestId: 'a-1', amount: '10', symbol: 'S00USDT', description: 'bot' };

const SIGNALS: readonly Kind[] = [
  {
    workflowId: GUARD,
    name: 'reprotect',
    sound: reprotect,
    problems: (input) => inputProblems('reprotect', input),
  },
  {
    workflowId: GUARD,
    name: 'release',
    sound: [{ reason: 'x', resumeAfterMs: 60_000, untilAdopted: true }],
    problems: (input) => inputProblems('release', input),
  },
  {
    workflowId: WATCH,
    name: 'reprotect',
    sound: reprotect,
    problems: (input) => inputProblems('reprotect', input),
  },
  {
    workflowId: GUARD,
    name: 'acknowledge',
    sound: [{ by: 'Ann', reason: 'x' }],
    problems: (input) => inputProblems('acknowledge', input),
  },
  {
    workflowId: WATCH,
    name: 'acknowledge',
    sound: [{ by: 'Ann', symbol: 'S01USDT', positionIdx: 0 }],
    problems: (input) => inputProblems('acknowledgeLeg', input),
  },
  {
    workflowId: WATCH,
    name: 'legReleased',
    sound: [released],
    problems: (input) => (isReleased(input) ? [] : ['not one']),
  },
  {
    workflowId: WATCH,
    name: 'alertsLeft',
    sound: [[alert], [alert, alert]],
    problems: (input) => (alertsAmong(input).length > 0 ? [] : ['none']),
  },
  { workflowId: LEDGER, name: 'syncBalance', sound: [{}], problems: anything },
  ...[GUARD, WATCH, LEDGER].map((workflowId) => ({
    workflowId,
    name: 'noSuchSignal',
    sound: [{}],
    problems: anything,
  })),
];

const UPDATES: readonly Kind[] = [
  {
    workflowId: GUARD,
    name: 'reprotectNow',
    sound: reprotect,
    problems: (input) => inputProblems('reprotect', input),
  },
  {
    workflowId: GUARD,
    name: 'setPolicy',
    sound: [{ policy: { fixedStopPct: 4, trailing: { distancePct: 2 } }, allowLooser: true }],
    problems: (input) => [
      ...inputProblems('setPolicy', input),
      ...policyProblems((input as { readonly policy?: unknown } | null)?.policy),
    ],
  },
  {
    workflowId: GUARD,
    name: 'closeNow',
    sound: [{ reason: 'x', confirm: 'S01USDT' }],
    problems: (input) =>
      (input as { readonly confirm?: unknown } | null)?.confirm === 'S00USDT'
        ? inputProblems('closeNow', input)
        : ['confirm'],
  },
  {
    workflowId: WATCH,
    name: 'adopt',
    sound: [{ symbol: 'S00USDT', positionIdx: 0 }],
    problems: (input) => inputProblems('adopt', input),
  },
  { workflowId: LEDGER, name: 'allocateMargin', sound: [margin], problems: allocateMarginProblems },
  {
    workflowId: LEDGER,
    name: 'reserveMargin',
    sound: [{ ...margin, expiresInMs: 5_000 }],
    problems: reserveMarginProblems,
  },
  {
    workflowId: LEDGER,
    name: 'releaseMargin',
    sound: [{ requestId: 'x', id: 'y' }],
    problems: releaseMarginProblems,
  },
  {
    workflowId: LEDGER,
    name: 'validateNewTrade',
    sound: [{ symbol: 'S00USDT', notional: '500', leverage: '5' }],
    problems: validateNewTradeProblems,
  },
  { workflowId: LEDGER, name: 'newSession', sound: [{ requestId: 's' }], problems: newSessionProblems },
  ...[GUARD, WATCH, LEDGER].map((workflowId) => ({
    workflowId,
    name: 'noSuchUpdate',
    sound: [{}],
    problems: anything,
  })),
];

const QUERIES: readonly Kind[] = [
  ...['status', 'decisions', 'policy', 'episodes'].map((name) => ({ workflowId: GUARD, name })),
  ...['board', 'released'].map((name) => ({ workflowId: WATCH, name })),
  { workflowId: LEDGER, name: 'summary' },
].map((query) => ({ ...query, sound: [{}], problems: anything }));

const TIMES = 500;
const AT_ONCE = 25;

/** What a JSON payload makes of a value. */
function asSent(value: unknown): unknown {
  // What an edit dropped has no JSON, whatever the declaration says.
  const text = JSON.stringify(value) as string | undefined;
  return JSON.parse(text ?? 'null');
}

/** 500 inputs that this kind of message does not take: those above, and sound ones broken. */
function malformed({ sound, problems }: Kind): readonly unknown[] {
  const made = fc.sample(brokenOneOf(sound).map(asSent), { numRuns: TIMES * 4, seed: SEED });
  return [...GARBAGE, ...made].filter((input) => problems(input).length > 0).slice(0, TIMES);
}

it('every message that the workflows define is among them', () => {
  const defined = [...Object.values(messages), ...Object.values(ledgerMessages)]
    .filter((one) => typeof one === 'object')
    .map(({ name, type }) => `${type} ${name}`);
  const sent = [
    ...SIGNALS.map(({ name }) => `signal ${name}`),
    ...UPDATES.map(({ name }) => `update ${name}`),
    ...QUERIES.map(({ name }) => `query ${name}`),
  ];
  expect(defined.length).toBeGreaterThan(18);
  expect(defined.filter((one) => !sent.includes(one))).toEqual([]);
  for (const kind of [...SIGNALS, ...UPDATES, ...QUERIES])
    expect(malformed(kind), kind.name).toHaveLength(TIMES);
});

describe(
  `500 malformed messages of every kind to live workflows (seed ${SEED})`,
  { timeout: 600_000 },
  () => {
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
      const answer = await handle(GUARD).executeUpdate('reprotectNow', {
        args: [{ reason: 'still there?' }],
      });
      expect(answer).toMatchObject({ state: 'PROTECTED', stop: '94' });
    }

    const sendAll = (kind: Kind, send: (input: unknown) => Promise<unknown>): Promise<unknown> =>
      pooled(malformed(kind), AT_ONCE, send);

    it('as signals are ignored', async () => {
      const since = Date.now();
      for (const kind of SIGNALS)
        await sendAll(kind, (input) => handle(kind.workflowId).signal(kind.name, input));
      await expectAllWell();
      await expectSafe(system, `${SIGNALS.length * TIMES} malformed signals`, { since });
    });

    it('as updates are refused with their problems named', async () => {
      const since = Date.now();
      for (const kind of UPDATES) {
        await sendAll(kind, async (input) => {
          const answer: unknown = await handle(kind.workflowId)
            .executeUpdate(kind.name, { args: [input] })
            .catch((error: unknown) => error);
          expect(answer, `${kind.name} ${JSON.stringify(input).slice(0, 200)}`).toBeInstanceOf(
            WorkflowUpdateFailedError,
          );
        });
      }
      await expectAllWell();
      await expectSafe(system, `${UPDATES.length * TIMES} malformed updates`, { since });
    });

    it('as queries answer as if nothing had been given', async () => {
      const since = Date.now();
      for (const kind of QUERIES) {
        await sendAll(kind, async (input) => {
          const answer = await handle(kind.workflowId).query(kind.name, input);
          expect(answer, kind.name).toEqual(expect.anything());
        });
      }
      await expectAllWell();
      await expectSafe(system, `${QUERIES.length * TIMES} queries with malformed arguments`, { since });
    });

    it('as the start of a workflow end that one alone', async () => {
      const since = Date.now();
      const start = (type: string, input: unknown, at: number): Promise<unknown> =>
        system.client.workflow
          .execute(type, { taskQueue: 'stopkeeper', workflowId: `garbage:${type}:${at}`, args: [input] })
          .catch((error: unknown) => error);
      const session = {
        sound: [{ account: 'main', dryRun: true }],
        problems: (input: unknown) => inputProblems('startSession', input),
      };
      const starts = malformed({ ...session, workflowId: '', name: '' }).map(
        (input) => ['startSession', input] as const,
      );
      const others = ['guardPosition', 'watchAccount', 'keepLedger'].flatMap((type) =>
        GARBAGE.map((input) => [type, input] as const),
      );
      const all = [...starts, ...others].map(([type, input], at) => ({ type, input, at }));
      await pooled(all, AT_ONCE, async ({ type, input, at }) => {
        const end = await start(type, input, at);
        expect(end, `${type} ${JSON.stringify(input).slice(0, 200)}`).toBeInstanceOf(WorkflowFailedError);
      });
      await expectAllWell();
      await expectSafe(system, `${all.length} workflows with malformed input`, { since });
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
      for (const { workflowId, name: signalName } of SIGNALS) {
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
  },
);
