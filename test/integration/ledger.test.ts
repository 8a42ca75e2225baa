/** The ledger on a real Temporal server: 200 callers at once, a worker that is killed or away, thousands of operations. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { optionalTsToMs } from '@temporalio/common/lib/time.js';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AllocateAnswer } from '../../src/domain/ledger-answers.ts';
import { byteLength } from '../../src/domain/ledger-memory.ts';
import {
  LedgerAnswerUnknownError,
  LedgerClient,
  LedgerNotRunningError,
  LedgerRefusedError,
} from '../../src/ledger-client.ts';
import { runsOf, startLedgerServer } from '../support/ledger-server.ts';
import type { LedgerServer, WorkerProcess } from '../support/ledger-server.ts';
import { pathFrom } from '../support/replay.ts';

const CLIENTS = 20;
const CALLS = 200;
/** 80 % of 1,000 is room for exactly 50 of these. */
const AMOUNT = '16';

/** As every server that Stopkeeper starts; with the default of ten updates in flight the same answers take far longer. */
const SERVER_SETTINGS = ['--dynamic-config-value', 'history.maxInFlightUpdates=1000'];

let server: LedgerServer;
let worker: WorkerProcess;
const connections: Connection[] = [];
const clients: Client[] = [];

beforeAll(async () => {
  const executable = { type: 'existing-path', path: pathFrom('STOPKEEPER_TEMPORAL_CLI') } as const;
  const env = await TestWorkflowEnvironment.createLocal({
    server: { executable, log: { format: 'pretty', level: 'never' }, extraArgs: SERVER_SETTINGS },
  });
  server = await startLedgerServer(env);
  worker = await server.spawnWorker();
  for (let n = 0; n < CLIENTS; n += 1) {
    const connection = await Connection.connect({ address: server.env.address });
    connections.push(connection);
    clients.push(new Client({ connection }));
  }
});

afterAll(async () => {
  await worker.kill();
  await Promise.all(connections.map((connection) => connection.close()));
  await server.close();
});

const ledgerOf = (account: string, n = 0, deadlineMs = 170_000) => {
  const client = clients[n % CLIENTS];
  if (client === undefined) throw new Error('no client');
  return new LedgerClient({ client, account, deadlineMs });
};

/** 200 calls from 20 clients, all at once; every answer in the order of the calls. */
function allAtOnce(account: string, answered: () => void = () => undefined): Promise<AllocateAnswer[]> {
  return Promise.all(
    Array.from({ length: CALLS }, async (_, n) => {
      const request = { requestId: `call-${n}`, amount: AMOUNT, symbol: 'BTCUSDT' };
      const answer = await ledgerOf(account, n).allocateMargin(request);
      answered();
      return answer;
    }),
  );
}

/** Exactly 50 given, 150 refused with the limit and both figures, and the book agrees. */
async function expectExactlyFifty(account: string, answers: readonly AllocateAnswer[]): Promise<void> {
  const given = answers.flatMap((answer) => (answer.ok ? [answer.allocationId] : []));
  expect(new Set(given).size).toBe(50);
  expect(given).toHaveLength(50);
  const refused = answers.flatMap((answer) => (answer.ok ? [] : [answer]));
  expect(refused).toHaveLength(150);
  for (const { reasons } of refused) {
    const reason = reasons.find(({ limit }) => limit === 'maxAllocation');
    expect(reason).toMatchObject({ asked: AMOUNT, allowed: '0.00' });
    expect(reason?.message).toContain(AMOUNT);
  }
  expect(await ledgerOf(account).summary()).toMatchObject({
    allocatedMargin: '800.00',
    openAllocations: 50,
    overexposurePrevented: 150,
    operations: { total: 50, allocations: 50 },
  });
  const again = await ledgerOf(account, 7).allocateMargin({
    requestId: 'call-0',
    amount: AMOUNT,
    symbol: 'BTCUSDT',
  });
  expect(again).toEqual(answers[0]);
}

describe('200 calls at once with room for exactly 50', () => {
  it('give 50 and refuse 150', async () => {
    await server.start('crowd');
    await expectExactlyFifty('crowd', await allAtOnce('crowd'));
  });

  it('give 50 and refuse 150 when the worker is killed in the middle', async () => {
    await server.start('killed');
    let answered = 0;
    let killed: Promise<void> | undefined;
    const answers = await allAtOnce('killed', () => {
      answered += 1;
      if (answered === 10) {
        killed = worker.kill().then(async () => {
          await sleep(2_000);
          worker = await server.spawnWorker();
        });
      }
    });
    await killed;
    expect(killed).toBeDefined();
    await expectExactlyFifty('killed', answers);
  });

  it('each get their own answer when the worker is away for a minute', async () => {
    await server.start('away');
    await ledgerOf('away').validateNewTrade({ symbol: 'BTCUSDT', notional: '200', leverage: '10' });
    await worker.kill();
    const asked = allAtOnce('away');
    await sleep(60_000);
    worker = await server.spawnWorker();
    await expectExactlyFifty('away', await asked);
  });
});

describe('a ledger that begins with a session', () => {
  it('reads the balance once for it, waits for that without a stir, and reads next in five minutes', async () => {
    const ledger = await server.startWithSession('begun');
    const events = (await ledger.fetchHistory()).events ?? [];
    const reads = events.filter(({ activityTaskScheduledEventAttributes: of }) => of != null);
    expect(reads).toHaveLength(1);
    const waits = events.flatMap(({ timerStartedEventAttributes: of }) =>
      of == null ? [] : [optionalTsToMs(of.startToFireTimeout)],
    );
    expect(waits.length).toBeGreaterThan(0);
    expect(waits.every((ms) => ms !== undefined && ms > 4 * 60_000)).toBe(true);
  });
});

describe('3,000 operations one after another', () => {
  it('cross continue-as-new and lose or double none', async () => {
    await server.start('long');
    const ledger = ledgerOf('long');
    const open: string[] = [];
    for (let n = 0; n < 3_000; n += 1) {
      // Two allocations, then a release of the older one: the book grows and shrinks across the runs.
      const oldest = n % 3 === 2 ? open.shift() : undefined;
      if (oldest !== undefined) {
        const given = await ledger.releaseMargin({ id: oldest });
        if (!given.ok || given.released !== '0.1') throw new Error(`not released: ${JSON.stringify(given)}`);
        continue;
      }
      const answer = await ledger.allocateMargin({ amount: '0.1', symbol: 'ETHUSDT' });
      if (!answer.ok) throw new Error(`refused: ${JSON.stringify(answer)}`);
      open.push(answer.allocationId);
    }
    expect(await ledger.summary()).toMatchObject({
      openAllocations: open.length,
      operations: { total: 3_000, allocations: 2_000, releases: 1_000 },
      allocatedMargin: (open.length / 10).toFixed(2),
    });
    expect(await runsOf(server.env, 'long')).toBeGreaterThanOrEqual(2);
  });

  it('carry less than 400 kB when they are refusals with long ids', async () => {
    await server.start('refused');
    const amount = '999999999999999.123456789012345678';
    for (let n = 0; n < 1_600; n += CLIENTS) {
      await Promise.all(
        Array.from({ length: CLIENTS }, (_, i) => {
          const requestId = `${n + i}-${randomUUID()}`.padEnd(64, 'x');
          return ledgerOf('refused', i).allocateMargin({ requestId, amount, symbol: 'BTCUSDT' });
        }),
      );
    }
    expect(await runsOf(server.env, 'refused')).toBe(2);
    const history = await server.env.client.workflow.getHandle('ledger:refused').fetchHistory();
    const [carried] = history.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
    const bytes = carried?.data?.length ?? 0;
    expect(bytes).toBeGreaterThan(byteLength('{"account":"refused"}'));
    expect(bytes).toBeLessThan(400_000);
  });
});

describe('the client', () => {
  it('tells malformed input with the name of the field', async () => {
    await server.start('input');
    const asked = ledgerOf('input').allocateMargin({ requestId: 'bad', amount: '-5', symbol: 'BTCUSDT' });
    const error: unknown = await asked.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(LedgerRefusedError);
    expect(error).toMatchObject({ requestId: 'bad', type: 'LedgerRefused' });
    expect((error as Error).message).toContain('amount: must not be negative');
  });

  it('tells an account without a ledger', async () => {
    const nobody = ledgerOf('nobody');
    await expect(nobody.allocateMargin({ amount: '5', symbol: 'BTCUSDT' })).rejects.toBeInstanceOf(
      LedgerNotRunningError,
    );
    await expect(nobody.summary()).rejects.toBeInstanceOf(LedgerNotRunningError);
  });

  it('asks for a reservation, its allocation and its release', async () => {
    await server.start('whole');
    const ledger = ledgerOf('whole');
    const reserved = await ledger.reserveMargin({ amount: '50', symbol: 'BTCUSDT', expiresInMs: 600_000 });
    if (!reserved.ok) throw new Error('refused');
    const allocated = await ledger.allocateMargin({
      amount: '40',
      symbol: 'BTCUSDT',
      reservationId: reserved.reservationId,
    });
    if (!allocated.ok) throw new Error('refused');
    expect(await ledger.summary()).toMatchObject({ reservedMargin: '0.00', allocatedMargin: '40.00' });
    await ledger.syncBalance();
    expect(await ledger.releaseMargin({ id: allocated.allocationId })).toMatchObject({ released: '40' });
    expect(await ledger.releaseMargin({ id: allocated.allocationId })).toMatchObject({ ok: false });
  });

  it('says unknown when no worker answers within its deadline, and the same id gets the answer later', async () => {
    await server.start('late');
    await worker.kill();
    const request = { requestId: 'late-1', amount: '5', symbol: 'BTCUSDT' };
    const error: unknown = await ledgerOf('late', 0, 3_000)
      .allocateMargin(request)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(LedgerAnswerUnknownError);
    expect((error as Error).message).toContain('ask again with the same id');
    worker = await server.spawnWorker();
    expect(await ledgerOf('late').allocateMargin(request)).toMatchObject({ ok: true });
    expect(await ledgerOf('late').summary()).toMatchObject({ openAllocations: 1 });
  });
});
