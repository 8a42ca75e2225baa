/** A session on a real server, against the paper exchange, with a real worker process: what the venue shows, not what we say. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GuardStatus } from '../../src/domain/board.ts';
import type { SessionReport } from '../../src/domain/report.ts';
import { startSystem, until, type System } from '../support/system.ts';

const TRADING_STOP = '/v5/position/trading-stop';
const FORBIDDEN = [
  '/v5/position/set-leverage',
  '/v5/account/set-margin-mode',
  '/v5/position/switch-mode',
  '/v5/order/create',
];

const SCENARIO = {
  seed: 1,
  account: { wallet: '2000' },
  instruments: [
    { symbol: 'BTCUSDT', tickSize: '0.10', price: '44400' },
    { symbol: 'ETHUSDT', tickSize: '0.01', price: '2600' },
    { symbol: 'SOLUSDT', tickSize: '0.010', price: '149' },
    { symbol: 'XRPUSDT', tickSize: '0.0001', price: '0.6' },
  ],
  positions: [
    { symbol: 'BTCUSDT', side: 'Buy', size: '0.01', entryPrice: '43462.5', leverage: '10' },
    { symbol: 'ETHUSDT', side: 'Sell', size: '0.10', entryPrice: '2590.5', leverage: '5' },
    { symbol: 'SOLUSDT', side: 'Buy', size: '2', entryPrice: '149.5', leverage: '10', stopLoss: '144' },
  ],
};

/** Checks come fast, so that a test waits seconds where an operator's system takes half a minute. */
const POLICY = { defaults: { checkEveryMs: 2_000, discoverEveryMs: 2_000 } };

describe('a session on an account with open positions', () => {
  let system: System;
  let report: SessionReport;

  beforeAll(async () => {
    system = await startSystem({ scenario: SCENARIO, policy: POLICY });
    report = await runSession(system, 'session:main');
  });

  afterAll(async () => {
    await system.close();
  });

  it('succeeds, with a proof time for every position', () => {
    expect(report.criteria.filter(({ level }) => level !== 'ok')).toEqual([]);
    expect(report.status).toBe('SUCCESS');
    expect(report.protection).toMatchObject({
      total: 3,
      newlyProtected: 2,
      alreadyProtected: 1,
      failures: 0,
    });
    for (const { provenAt, symbol } of report.positions)
      expect(Date.parse(provenAt ?? ''), symbol).not.toBeNaN();
  });

  it('sets the stops of the rules: trailing in profit, fixed otherwise, a tighter human one kept', async () => {
    const shown = Object.fromEntries(report.positions.map((one) => [one.symbol, [one.stop, one.stopKind]]));
    // 44400 × 0.992 = 44044.8; 2590.5 × 1.06 = 2745.93; the human's 144 is tighter than 149.5 × 0.94.
    expect(shown).toEqual({
      BTCUSDT: ['44044.8', 'trailing'],
      ETHUSDT: ['2745.93', 'fixed'],
      SOLUSDT: ['144', 'human'],
    });
    for (const position of report.positions) {
      const row = await system.paper.row(position.symbol);
      expect(Number(row?.stopLoss)).toBe(Number(position.stop));
    }
  });

  it('claims no proof that a list of positions begun after the write did not give', async () => {
    const requests = await system.paper.requests();
    const writes = requests.filter(({ path, code }) => path === TRADING_STOP && code === 0);
    expect(writes).toHaveLength(2);
    for (const write of writes) {
      const { symbol } = write.parameters as { symbol: string };
      const provenAt = Date.parse(report.positions.find((one) => one.symbol === symbol)?.provenAt ?? '');
      const proof = requests.find(
        ({ path, time }) => path === '/v5/position/list' && time >= (write.answered ?? Infinity),
      );
      expect(proof?.time, symbol).toBeLessThanOrEqual(provenAt + 1);
    }
  });

  it('changes nothing else on the account', async () => {
    const requests = await system.paper.requests();
    expect(requests.filter(({ path }) => FORBIDDEN.includes(path))).toEqual([]);
    for (const { parameters } of requests.filter(({ path }) => path === TRADING_STOP)) {
      expect(Object.keys(parameters).toSorted()).toEqual(
        ['category', 'positionIdx', 'slTriggerBy', 'stopLoss', 'symbol', 'tpslMode'].toSorted(),
      );
    }
  });

  it('leaves one running guard for each leg, with its search attributes', async () => {
    const query =
      'WorkflowType="guardPosition" AND ExecutionStatus="Running" AND ProtectionState="PROTECTED"';
    const ids = await until('three protected guards', async () => {
      const found = [];
      for await (const { workflowId } of system.client.workflow.list({ query })) found.push(workflowId);
      return found.length === 3 ? found : null;
    });
    expect(ids.toSorted()).toEqual(['guard:main:BTCUSDT', 'guard:main:ETHUSDT', 'guard:main:SOLUSDT']);
    const { typedSearchAttributes } = await system.client.workflow.getHandle('guard:main:ETHUSDT').describe();
    const attributes = Object.fromEntries(
      typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]),
    );
    expect(attributes).toMatchObject({
      StopkeeperAccount: 'main',
      PositionSymbol: 'ETHUSDT',
      PositionSide: 'short',
    });
  });

  it('answers the documented commands of the Temporal CLI', async () => {
    await system.temporal('workflow', 'signal', '-w', 'guard:main:BTCUSDT', '--name', 'reprotect');
    const answer = await system.temporal(
      'workflow',
      'update',
      'execute',
      '-w',
      'guard:main:BTCUSDT',
      '--name',
      'reprotectNow',
      '-o',
      'json',
    );
    expect(JSON.parse(answer)).toMatchObject({ result: { state: 'PROTECTED', stop: '44044.8' } });
  });

  it('writes nothing in a second session on the healthy account', async () => {
    const before = (await system.paper.requests()).filter(({ path }) => path === TRADING_STOP).length;
    const second = await runSession(system, 'session:second');
    expect(second.status).toBe('SUCCESS');
    expect(second.protection).toMatchObject({ newlyProtected: 0, alreadyProtected: 3, failures: 0 });
    const after = (await system.paper.requests()).filter(({ path }) => path === TRADING_STOP).length;
    expect(after).toBe(before);
  });

  it('puts back a stop that a human cancelled, at its level', async () => {
    await system.paper.position({ symbol: 'ETHUSDT', positionIdx: 0, action: 'stop', stopLoss: '' });
    const began = Date.now();
    await until(
      'the stop of ETHUSDT',
      async () => Number((await system.paper.row('ETHUSDT'))?.stopLoss) === 2745.93,
    );
    console.log(`stop cancelled → back: ${((Date.now() - began) / 1_000).toFixed(1)} s`);
  });

  it('guards a position that a human opened', async () => {
    await system.paper.position({
      symbol: 'XRPUSDT',
      positionIdx: 0,
      action: 'open',
      side: 'Sell',
      size: '100',
      price: '0.6',
      leverage: '5',
    });
    const began = Date.now();
    await until(
      'a stop on XRPUSDT',
      async () => Number((await system.paper.row('XRPUSDT'))?.stopLoss) === 0.636,
    );
    console.log(`position opened → stop: ${((Date.now() - began) / 1_000).toFixed(1)} s`);
    const status = await until('its guard', async () => {
      const answer = await system.client.workflow
        .getHandle('guard:main:XRPUSDT')
        .query<GuardStatus>('status');
      return answer.state === 'PROTECTED' ? answer : null;
    });
    expect(status).toMatchObject({ side: 'short', stop: '0.636', stopKind: 'fixed' });
  });

  it('trails a position that goes into profit, and only ever tightens', async () => {
    for (const price of ['0.59', '0.58', '0.583', '0.57']) {
      await system.paper.price({ symbol: 'XRPUSDT', price });
      await system.temporal(
        'workflow',
        'update',
        'execute',
        '-w',
        'guard:main:XRPUSDT',
        '--name',
        'reprotectNow',
      );
    }
    // 0.57 × 1.008 = 0.57456, rounded down toward the price.
    expect(Number((await system.paper.row('XRPUSDT'))?.stopLoss)).toBe(0.5745);
    const { stops } = await system.paper.state();
    const moves = stops
      .filter(({ symbol, by }) => symbol === 'XRPUSDT' && by === 'api')
      .map(({ price }) => Number(price));
    expect(moves.length).toBeGreaterThanOrEqual(3);
    expect(moves).toEqual(moves.toSorted((a, b) => b - a));
  });

  it('tightens again a stop that a human loosened', async () => {
    const before = Number((await system.paper.row('ETHUSDT'))?.stopLoss);
    await system.paper.position({ symbol: 'ETHUSDT', positionIdx: 0, action: 'stop', stopLoss: '2900' });
    const began = Date.now();
    await until(
      'the stop of ETHUSDT',
      async () => Number((await system.paper.row('ETHUSDT'))?.stopLoss) === before,
    );
    console.log(`stop loosened → back: ${((Date.now() - began) / 1_000).toFixed(1)} s`);
  });

  it('begins a new episode with a best price of its own when a position flips', async () => {
    const guard = system.client.workflow.getHandle('guard:main:XRPUSDT');
    const before = await guard.query<GuardStatus>('status');
    expect(before).toMatchObject({ side: 'short', bestPrice: '0.57' });
    // Bought twice over: 100 short become 100 long, at 0.57; trailing in profit is over.
    await system.paper.position({ symbol: 'XRPUSDT', positionIdx: 0, action: 'flip' });
    const began = Date.now();
    const after = await until('the long', async () => {
      const status = await guard.query<GuardStatus>('status');
      return status.side === 'long' && status.state === 'PROTECTED' ? status : null;
    });
    console.log(`position flipped → new stop: ${((Date.now() - began) / 1_000).toFixed(1)} s`);
    expect(after.episode).not.toBe(before.episode);
    expect(after).toMatchObject({ bestPrice: null, stopKind: 'fixed' });
    expect(Number((await system.paper.row('XRPUSDT'))?.stopLoss)).toBe(Number(after.stop));
  });

  it("ends the guard of a closed position after two reads, with the venue's reason", async () => {
    await system.paper.position({ symbol: 'XRPUSDT', positionIdx: 0, action: 'close' });
    const result = await system.client.workflow.getHandle('guard:main:XRPUSDT').result();
    expect(result).toMatchObject({ ended: 'closed', report: { reason: 'manual', side: 'long' } });
    // Opened and closed at the same price: only the fees are lost.
    expect(Number((result as { report: { pnl: string } }).report.pnl)).toBeLessThan(0);
  });
});

describe('a session on an account without positions', () => {
  it('succeeds and says so, without dividing by zero', async () => {
    const system = await startSystem({ scenario: 'scenarios/empty.json', policy: POLICY });
    try {
      const report = await runSession(system, 'session:main');
      expect(report.status).toBe('SUCCESS');
      expect(report.criteria).toContainEqual({
        id: 'positions-protected',
        level: 'ok',
        message: 'no open positions, starting fresh',
      });
      expect(report.summary).toEqual({
        protected: 0,
        protectedPct: '0',
        trailing: 0,
        trailingPct: '0',
        fixed: 0,
        fixedPct: '0',
        human: 0,
        humanPct: '0',
        unprotected: 0,
        unprotectedPct: '0',
        riskLevel: 'SECURE',
      });
      expect(report.system.monitorActive).toBe(true);
    } finally {
      await system.close();
    }
  });

  it('fails as a workflow on malformed input, naming every problem', async () => {
    const system = await startSystem({ scenario: 'scenarios/empty.json', policy: POLICY });
    try {
      const run = system.client.workflow.execute('startSession', {
        taskQueue: 'stopkeeper',
        workflowId: 'session:bad',
        args: [{ account: 'NOT AN ALIAS', dryRun: 'yes', acount: 'main' }],
      });
      const failure: unknown = await run.then(
        () => null,
        (error: unknown) => error,
      );
      const { message, type } = (failure as { cause: { message: string; type: string } }).cause;
      expect(type).toBe('InvalidInput');
      expect(message).toContain('account: expected an account alias');
      expect(message).toContain('dryRun: expected true or false');
      expect(message).toContain('acount: unknown field');
    } finally {
      await system.close();
    }
  });
});

async function runSession(system: System, workflowId: string): Promise<SessionReport> {
  return system.client.workflow.execute('startSession', {
    taskQueue: 'stopkeeper',
    workflowId,
    args: [{ account: 'main' }],
  });
}
