/** The ledger workflow on the time-skipping server: syncs, failures, sessions, refused input, continue-as-new. */
import { WorkflowUpdateFailedError } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FailureDetail } from '../../src/activities/failures.ts';
import type { AllocateAnswer } from '../../src/domain/ledger-answers.ts';
import type { LedgerSummary, SessionOpening } from '../../src/domain/ledger-view.ts';
import * as ledgerWorkflow from '../../src/workflows/keep-ledger.ts';
import { margin, reading } from '../support/ledger-book.ts';
import { runsOf, startLedgerServer } from '../support/ledger-server.ts';
import type { LedgerServer } from '../support/ledger-server.ts';
import { startTimeSkipping } from '../support/time-skipping.ts';

let server: LedgerServer;
let worker: { stop: () => Promise<void> };
let accounts = 0;
let account = '';

beforeAll(async () => {
  server = await startLedgerServer(await startTimeSkipping());
  worker = await server.startWorker();
});

afterAll(async () => {
  await worker.stop();
  await server.close();
});

beforeEach(() => {
  accounts += 1;
  account = `acc${accounts}`;
  server.venue.answer = reading();
});

const allocate = (ledger: WorkflowHandle, requestId: string, amount: string) =>
  ledger.executeUpdate<AllocateAnswer, [object]>('allocateMargin', {
    args: [{ requestId, amount, symbol: 'BTCUSDT' }],
  });
const summary = (ledger: WorkflowHandle) => ledger.query<LedgerSummary>('summary');
const newSession = (ledger: WorkflowHandle, requestId: string) =>
  ledger.executeUpdate<SessionOpening, [object]>('newSession', { args: [{ requestId }] });

describe('a ledger that has just been started', () => {
  it('reads the balance first and then answers', async () => {
    const ledger = await server.start(account);
    expect(await allocate(ledger, 'r1', '120')).toMatchObject({ ok: true, amount: '120' });
    expect(await summary(ledger)).toMatchObject({
      mode: 'DEMO',
      totalBalance: '1000.00',
      allocatedMargin: '120.00',
      availableBalance: '880.00',
    });
    await ledger.terminate();
  });

  it('without any input keeps the account main', async () => {
    const ledger = await server.env.client.workflow.start('keepLedger', {
      workflowId: 'ledger:bare',
      taskQueue: 'stopkeeper',
      args: [],
    });
    await newSession(ledger, 's1');
    expect(await summary(ledger)).toMatchObject({ account: 'main', totalBalance: '1000.00' });
    await ledger.terminate();
  });

  it('with an unknown field ends with that field named', async () => {
    const ledger = await server.env.client.workflow.start('keepLedger', {
      workflowId: 'ledger:wrong',
      taskQueue: 'stopkeeper',
      args: [{ acount: 'main' }],
    });
    const failed: unknown = await ledger.result().catch((error: unknown) => error);
    expect(failed).toMatchObject({ cause: { type: 'InvalidInput' } });
    expect(String((failed as Error).cause)).toContain('acount: unknown field');
  });
});

describe('malformed input', () => {
  it.each([
    [
      'allocateMargin',
      { requestId: 'r1', amount: 120, symbol: 'BTCUSDT' },
      'amount: must be a decimal string',
    ],
    ['allocateMargin', { requestId: 'r1', amount: '-5', symbol: 'BTCUSDT' }, 'amount: must not be negative'],
    ['allocateMargin', { amount: '5', symbol: 'BTCUSDT' }, 'requestId: is missing'],
    ['allocateMargin', { requestId: 'r1', amount: '5', symbol: 'BTCUSDT', foo: 1 }, 'foo: unknown field'],
    ['reserveMargin', { requestId: 'r1', amount: '5', symbol: 'BTCUSDT', expiresInMs: -1 }, 'expiresInMs:'],
    ['releaseMargin', { requestId: 'r1' }, 'id: is missing'],
    ['validateNewTrade', { symbol: 'BTCUSDT', notional: '100' }, 'leverage: is missing'],
    ['newSession', {}, 'requestId: is missing'],
    ['allocateMargin', undefined, 'input: must be one object'],
  ])('%s refuses %j by the name of the field, and the ledger lives on', async (name, input, words) => {
    const ledger = await server.start(account);
    const refused: unknown = await ledger
      .executeUpdate(name, { args: [input] })
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(WorkflowUpdateFailedError);
    expect(String((refused as Error).cause)).toContain(words);
    expect(await allocate(ledger, 'r2', '1')).toMatchObject({ ok: true });
    await ledger.terminate();
  });

  it('an id that another operation used is refused', async () => {
    const ledger = await server.start(account);
    await allocate(ledger, 'r1', '1');
    const reuse = ledger.executeUpdate('releaseMargin', { args: [{ requestId: 'r1', id: 'a-1' }] });
    await expect(reuse).rejects.toMatchObject({ cause: { type: 'InvalidInput' } });
    await ledger.terminate();
  });
});

describe('the sync', () => {
  it('comes every five minutes, and keeps the watcher alive, but not with the very first', async () => {
    const ledger = await server.start(account);
    await allocate(ledger, 'r1', '1');
    const { reads, watcherKept } = server.venue;
    server.venue.answer = reading({ total: '1200' });
    await server.env.sleep('16 minutes');
    expect(server.venue.reads - reads).toBe(3);
    await until(() => server.venue.watcherKept - watcherKept === 3);
    expect(await summary(ledger)).toMatchObject({ totalBalance: '1200.00', sessionPnl: '200.00' });
    await ledger.terminate();
  });

  it('comes at once on the signal', async () => {
    const ledger = await server.start(account);
    await allocate(ledger, 'r1', '1');
    server.venue.answer = reading({ total: '777' });
    await ledger.signal('syncBalance');
    await until(async () => (await summary(ledger)).totalBalance === '777.00');
    await ledger.terminate();
  });

  it('that fails three times keeps the balance; after 15 minutes new margin is refused for its age', async () => {
    const ledger = await server.start(account);
    await allocate(ledger, 'r1', '100');
    server.venue.answer = venueFailure('VenueUnavailable', 'the venue does not answer');
    const before = server.venue.reads;
    await server.env.sleep('6 minutes');
    expect(server.venue.reads - before).toBe(3);
    expect(await summary(ledger)).toMatchObject({ totalBalance: '1000.00' });
    expect((await summary(ledger)).notes.join()).toContain('the venue does not answer');
    await server.env.sleep('10 minutes');
    expect(await allocate(ledger, 'r2', '1')).toMatchObject({
      ok: false,
      reasons: [{ limit: 'balanceAge' }],
    });
    server.venue.answer = reading();
    await newSession(ledger, 's1');
    expect(await allocate(ledger, 'r3', '1')).toMatchObject({ ok: true });
    await ledger.terminate();
  });

  it('with a key that was rejected is not tried again until the next one is due', async () => {
    server.venue.answer = venueFailure('VenueAuth', 'API key has expired', true);
    const ledger = await server.start(account);
    const before = server.venue.reads;
    const opening = await newSession(ledger, 's1');
    expect(server.venue.reads - before).toBeLessThanOrEqual(2);
    expect(opening).toMatchObject({
      synced: false,
      problem: null,
      balance: { error: { type: 'VenueAuth', message: 'API key has expired', hint: 'make a new key' } },
    });
    expect(await allocate(ledger, 'r1', '1')).toMatchObject({ ok: false, reasons: [{ limit: 'balance' }] });
    await ledger.terminate();
  });
});

describe('a new session', () => {
  it('syncs, resets the baseline, keeps allocations, and is begun once for each id', async () => {
    const ledger = await server.start(account);
    server.venue.answer = reading({ positions: [margin('BTCUSDT', '10')] });
    expect(await newSession(ledger, 's1')).toMatchObject({
      synced: true,
      cleared: { open: 0, closed: 0 },
      balance: { total: '1000', source: 'info.result.list[0].totalWalletBalance' },
      limits: { positions: 1, slotsLeft: 19 },
    });
    await allocate(ledger, 'r1', '50');
    server.venue.answer = reading({ total: '1100', positions: [] });
    const second = await newSession(ledger, 's2');
    expect(second).toMatchObject({
      cleared: { open: 0, closed: 1 },
      dashboard: { sessionPnl: '0.00', allocatedMargin: '50.00', operations: { total: 0 } },
      balance: { total: '1100', previousTotal: '1000' },
    });
    await allocate(ledger, 'r2', '5');
    const repeated = await newSession(ledger, 's2');
    expect(repeated.cleared).toEqual(second.cleared);
    expect(repeated.dashboard.operations.allocations).toBe(1);
    // Closed since the session began: what its report says of a step that was asked again.
    server.venue.answer = reading({ positions: [margin('BTCUSDT', '10')] });
    expect((await newSession(ledger, 's2')).closedPositions).toBe(0);
    server.venue.answer = reading({ positions: [] });
    expect((await newSession(ledger, 's2')).closedPositions).toBe(1);
    await ledger.terminate();
  });
});

describe('continue-as-new', () => {
  it('after 1,500 updates loses and doubles nothing, and answers ids given before', async () => {
    const ledger = await server.start(account);
    const first = await allocate(ledger, 'first', '7');
    for (let from = 0; from < 1_560; from += 8) {
      await Promise.all(
        Array.from({ length: 8 }, (_, i) => retried(() => allocate(ledger, `n${from + i}`, '0.01'))),
      );
    }
    await until(async () => (await runsOf(server.env, account)) === 2);
    expect(await summary(ledger)).toMatchObject({ allocatedMargin: '22.60', openAllocations: 1_561 });
    expect(await allocate(ledger, 'first', '7')).toEqual(first);
    expect(await summary(ledger)).toMatchObject({ openAllocations: 1_561 });
  });
});

it('every message constant is named after its wire name and its kind', () => {
  const kinds = { update: 'Update', signal: 'Signal', query: 'Query' } as const;
  const definitions = Object.entries(ledgerWorkflow).flatMap(([constant, value]) =>
    typeof value === 'object' ? [{ constant, value }] : [],
  );
  expect(definitions).toHaveLength(7);
  for (const { constant, value } of definitions) expect(constant).toBe(`${value.name}${kinds[value.type]}`);
});

function venueFailure(type: string, message: string, nonRetryable = false): ApplicationFailure {
  const failure = { type, code: null, message, hint: 'make a new key' } as FailureDetail['failure'];
  const detail: FailureDetail = { failure, written: [] };
  return ApplicationFailure.create({ type, message, nonRetryable, details: [detail] });
}

/** Waits for a condition with a deadline of a minute of real time. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('the condition did not come true within 60 s');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The same id again where the server turned the update away. */
async function retried<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (error instanceof WorkflowUpdateFailedError || attempt === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
