/** Keys and secrets of the account and of its venue's answers stay in the worker: not one history, log line or report holds them (I9). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SessionReport } from '../../src/domain/report.ts';
import { PATIENCE_MS, runSession } from '../support/fault-world.ts';
import { textOf } from '../support/histories.ts';
import { startSystem, until, type System } from '../support/system.ts';

/** Found wherever they leak to: nothing else looks like them. */
const API_KEY = 'K3Yof5ecretsTest0001';
const API_SECRET = 'S3cretOfSecretsTest00000000000000002';
const STOP = '/v5/position/trading-stop';

const SCENARIO = {
  seed: 3,
  account: { apiKey: API_KEY, apiSecret: API_SECRET, wallet: '2000' },
  instruments: [
    { symbol: 'ETHUSDT', tickSize: '0.01', price: '2600' },
    { symbol: 'BTCUSDT', tickSize: '0.1', price: '44000' },
  ],
  positions: [
    { symbol: 'ETHUSDT', side: 'Buy', size: '0.1', entryPrice: '2600', leverage: '5' },
    { symbol: 'BTCUSDT', side: 'Sell', size: '0.01', entryPrice: '44000', leverage: '5' },
  ],
  // As the venue answers a wrong signature: with the text that was signed, key included.
  faults: [
    {
      path: STOP,
      symbol: 'BTCUSDT',
      kind: 'ret-code',
      code: 10004,
      message: `error sign! origin_string[1700000000000${API_KEY}5000{"symbol":"BTCUSDT"}]`,
      times: 'always',
    },
    {
      path: STOP,
      symbol: 'ETHUSDT',
      kind: 'ret-code',
      code: 10016,
      message: `busy with ${API_KEY}`,
      times: 1,
    },
  ],
};

describe('a session of which some writes fail with the key in the answer', () => {
  let system: System;
  let report: SessionReport;

  beforeAll(async () => {
    system = await startSystem({
      scenario: SCENARIO,
      policy: { defaults: { checkEveryMs: 1_000, discoverEveryMs: 1_000 } },
      env: { BYBIT_API_KEY: API_KEY, BYBIT_API_SECRET: API_SECRET, STOPKEEPER_LOG_LEVEL: 'trace' },
    });
    report = await runSession(system);
  });

  afterAll(async () => {
    await system.close();
  });

  function expectNone(what: string, text: string): void {
    for (const secret of [API_KEY, API_SECRET])
      expect(text.includes(secret), `${what} holds ${secret}`).toBe(false);
  }

  it('leaves none in the report', () => {
    expect(report.status).toBe('FAILED');
    expect(JSON.stringify(report)).toContain('10004');
    expectNone('the report', JSON.stringify(report));
  });

  it('leaves none in the history of any workflow', async () => {
    const { workflow } = system.client;
    const guard = workflow.getHandle('guard:main:BTCUSDT');
    await until(
      'a failed write in the history of the guard',
      async () => textOf(await guard.fetchHistory()).includes('10004'),
      PATIENCE_MS,
    );
    const texts = new Map<string, string>();
    for await (const { workflowId, runId } of workflow.list()) {
      const text = textOf(await workflow.getHandle(workflowId, runId).fetchHistory());
      texts.set(workflowId, `${texts.get(workflowId) ?? ''}${text}`);
    }
    for (const [workflowId, text] of texts) expectNone(workflowId, text);
    // What activities answer is part of the text: a search in anything less would find nothing for ever.
    expect(texts.get('session:main')).toContain('"permissions":');
    for (const workflowId of ['watch:main', 'ledger:main', 'guard:main:ETHUSDT', 'guard:main:BTCUSDT'])
      expect(texts.has(workflowId), workflowId).toBe(true);
  });

  it('leaves none in the log, however much is logged', () => {
    const log = system.programs.workers[0]?.log ?? '';
    expect(log).toContain('protection.');
    expectNone('the log', log);
  });
});
