/** Sessions on the time-skipping server: what they protect, what they report, and what they leave alone (I3, I7; DESIGN §7). */
import { describe, expect, it } from 'vitest';
import type { SessionReport } from '../../src/domain/report.ts';
import { balanceOf } from '../support/fake-port.ts';
import { KEY_REJECTED, REFUSED, UNAVAILABLE } from '../support/fake-venue-records.ts';
import { failureOf } from '../support/histories.ts';
import { until } from '../support/waiting.ts';
import { workflowWorld } from '../support/workflow-world.ts';

const world = workflowWorld();

function criterion(report: SessionReport, id: string) {
  return report.criteria.find((one) => one.id === id);
}

const failures = (report: SessionReport): readonly string[] =>
  report.criteria.filter(({ level }) => level === 'failure').map(({ id }) => id);

describe('an account without positions', () => {
  it('is a SUCCESS: starting fresh, zeros everywhere, and the watcher runs', async () => {
    const stage = world.stage();
    const report = await stage.session();
    expect(report).toMatchObject({
      status: 'SUCCESS',
      protection: { total: 0, newlyProtected: 0, alreadyProtected: 0, failures: 0 },
      summary: { protected: 0, protectedPct: '0', unprotectedPct: '0', riskLevel: 'SECURE' },
      positions: [],
      balance: { total: '1000', fallback: false },
      system: { monitorActive: true, positionsProtected: true, readyForTrading: true },
    });
    expect(criterion(report, 'positions-protected')?.message).toBe('no open positions, starting fresh');
    expect(JSON.stringify(report)).not.toMatch(/NaN|Infinity/);
    expect(await stage.isRunning(stage.watcher)).toBe(true);
    expect(stage.venue.asked('setStop')).toEqual([]);
  });
});

describe('an account with positions', () => {
  it('gets a proven stop on each and a guard for each', async () => {
    const stage = world.stage();
    const profit = stage.venue.open({ symbol: 'BTCUSDT', markPrice: '102' });
    const plain = stage.venue.open({ symbol: 'ETHUSDT', side: 'short' });
    const human = stage.venue.open({ symbol: 'XRPUSDT', stopLoss: '97' });
    const report = await stage.session();
    expect(report).toMatchObject({
      status: 'SUCCESS',
      protection: { total: 3, newlyProtected: 2, alreadyProtected: 1, trailingActive: 1, failures: 0 },
      summary: { protected: 3, trailing: 1, fixed: 1, human: 1, riskLevel: 'SECURE' },
    });
    for (const { provenAt, guard } of report.positions) {
      expect(Date.parse(provenAt ?? '')).toBeGreaterThan(0);
      expect(await stage.isRunning(world.client().workflow.getHandle(guard ?? ''))).toBe(true);
    }
    expect([profit, plain, human].map((leg) => stage.venue.stopOf(leg))).toEqual(['101.19', '106', '97']);
    await until('the attribute', async () => {
      const session = world.client().workflow.getHandle(`session:${stage.account}`);
      return (await session.describe()).searchAttributes['SessionStatus']?.[0] === 'SUCCESS';
    });
  });

  it('that is healthy is not written by a second session', async () => {
    const stage = world.stage();
    stage.venue.open({ symbol: 'BTCUSDT', markPrice: '102' });
    stage.venue.open({ symbol: 'ETHUSDT' });
    await stage.session();
    const written = stage.venue.asked('setStop').length;
    const second = await stage.session({}, `session:${stage.account}:2`);
    expect(second).toMatchObject({
      status: 'SUCCESS',
      protection: { total: 2, newlyProtected: 0, alreadyProtected: 2, failures: 0 },
    });
    expect(second.positions.every(({ state }) => state === 'PROTECTED')).toBe(true);
    expect(stage.venue.asked('setStop')).toHaveLength(written);
  });

  it('gives its running guards a changed policy, and lists what a guard refuses', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    await stage.session();
    stage.policy = { ...stage.policy, fixedStopPct: 3 };
    const report = await stage.session({}, `session:${stage.account}:2`);
    expect(report.positions[0]).toMatchObject({ stop: '97', state: 'PROTECTED' });
    expect(stage.venue.stopOf(leg)).toBe('97');
    stage.policy = { ...stage.policy, fixedStopPct: 99 };
    const refused = await stage.session({}, `session:${stage.account}:3`);
    expect(refused.status).toBe('WARNING');
    expect(criterion(refused, 'policy-refused')?.message).toMatch(/BTCUSDT.*fixedStopPct/);
  });
});

describe('trouble with the balance', () => {
  it('all session long leaves the positions protected, and is the only reason for FAILED', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    stage.venue.fault({ call: 'wallet', kind: 'fail', failure: UNAVAILABLE, times: 'always' });
    const report = await stage.session();
    expect(report).toMatchObject({
      status: 'FAILED',
      balance: { error: { type: 'VenueUnavailable', message: UNAVAILABLE.message } },
      protection: { total: 1, newlyProtected: 1, failures: 0 },
    });
    expect(failures(report)).toEqual(['balance-read']);
    expect(stage.venue.stopOf(leg)).toBe('94');
    await stage.proven(leg, '94');
    expect(stage.venue.asked('wallet').length).toBeGreaterThanOrEqual(3);
  });

  it('that only the second source can help is a WARNING', async () => {
    const stage = world.stage();
    stage.venue.wallet = { result: { list: [{ totalWalletBalance: '', totalEquity: '900' }] } };
    const report = await stage.session();
    expect(report).toMatchObject({ status: 'WARNING', balance: { total: '900', fallback: true } });
  });

  it('that is a true zero is a WARNING', async () => {
    const stage = world.stage();
    stage.venue.wallet = balanceOf('0');
    expect(await stage.session()).toMatchObject({ status: 'WARNING', balance: { total: '0' } });
  });
});

describe('a leg that cannot be protected', () => {
  it('is named, and neither delays the others nor goes without a guard', async () => {
    const stage = world.stage();
    const good = ['ETHUSDT', 'XRPUSDT', 'SOLUSDT'].map((symbol) => stage.venue.open({ symbol }));
    const bad = stage.venue.open({ symbol: 'BTCUSDT' });
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    stage.venue.fault({ call: 'setStop', symbol: 'BTCUSDT', kind: 'wait', until: held });
    stage.venue.fault({
      call: 'setStop',
      symbol: 'BTCUSDT',
      kind: 'refuse',
      failure: REFUSED,
      times: 'always',
    });
    const session = stage.session();
    for (const leg of good) {
      await until('the others', () => stage.venue.stopOf(leg) === '94');
      await until('their guards', () => world.runs.startsOf(stage.guard(leg).workflowId) === 1);
    }
    letGo();
    const report = await session;
    expect(report).toMatchObject({
      status: 'FAILED',
      protection: { total: 4, newlyProtected: 3, failures: 1 },
      summary: { unprotected: 1, riskLevel: 'CRITICAL' },
      system: { positionsProtected: false, readyForTrading: false },
    });
    expect(failures(report)).toEqual(['positions-protected']);
    expect(criterion(report, 'positions-protected')?.message).toMatch(/BTCUSDT.*refuses this stop/);
    expect(await stage.isRunning(stage.guard(bad))).toBe(true);
    stage.venue.mend();
    await world.pass('1 minute');
    await stage.proven(bad, '94');
  });

  it('because its row cannot be read is named with the reason, and the rest is protected', async () => {
    const stage = world.stage();
    const good = stage.venue.open({ symbol: 'ETHUSDT' });
    const broken = stage.venue.open({ symbol: 'BTCUSDT' });
    stage.venue.breakRow(broken, 'markPrice: expected a positive price, got "0"');
    const report = await stage.session();
    expect(report).toMatchObject({
      status: 'FAILED',
      protection: { total: 2, newlyProtected: 1, failures: 1 },
    });
    expect(criterion(report, 'positions-protected')?.message).toMatch(/BTCUSDT.*markPrice/);
    expect(stage.venue.stopOf(good)).toBe('94');
    expect(stage.venue.asked('setStop', 'BTCUSDT')).toEqual([]);
    stage.venue.breakRow(broken, null);
    await world.pass('1 minute');
    await stage.proven(broken, '94');
  });

  it('because 34040 was not true is a failure, and a WARNING where the stop is there', async () => {
    const stage = world.stage();
    stage.venue.open();
    stage.venue.fault({ call: 'setStop', kind: 'unchanged-without-effect', times: 3 });
    const report = await stage.session();
    expect(report.status).toBe('FAILED');
    expect(criterion(report, 'positions-protected')?.message).toContain('not modified');
  });

  it('because the whole list cannot be read is a FAILED session whose watcher protects later', async () => {
    const stage = world.stage();
    const leg = stage.venue.open();
    stage.venue.fault({ call: 'snapshot', kind: 'fail', failure: KEY_REJECTED, times: 'always' });
    const report = await stage.session();
    expect(failures(report)).toContain('positions-read');
    expect(await stage.isRunning(stage.watcher)).toBe(true);
    stage.venue.mend();
    await world.pass('1 minute');
    await stage.proven(leg, '94');
  });

  it('because the answer was lost although the stop was set is no failure at all', async () => {
    const stage = world.stage();
    stage.venue.open();
    stage.venue.fault({ call: 'setStop', kind: 'apply-then-timeout' });
    const report = await stage.session();
    expect(report).toMatchObject({ status: 'SUCCESS', protection: { newlyProtected: 1, failures: 0 } });
    expect(stage.venue.asked('setStop')).toHaveLength(1);
  });
});

describe('a dry run', () => {
  it('writes nothing, starts nothing, and the session after it does exactly what the plan said', async () => {
    const stage = world.stage();
    stage.venue.open({ symbol: 'BTCUSDT', markPrice: '102' });
    stage.venue.open({ symbol: 'ETHUSDT', side: 'short', stopLoss: '112' });
    stage.venue.open({ symbol: 'XRPUSDT', stopLoss: '97' });
    const plan = await stage.session({ dryRun: true }, `plan:${stage.account}`);
    expect(plan).toMatchObject({
      dryRun: true,
      protection: { total: 3, newlyProtected: 2, alreadyProtected: 1 },
    });
    expect(stage.venue.asked('setStop')).toEqual([]);
    expect(world.runs.workflowIds).toEqual([`plan:${stage.account}`]);
    const report = await stage.session();
    const said = plan.positions.map(({ symbol, previousStop, stop, rule, stopKind }) => ({
      symbol,
      previousStop,
      stop,
      rule,
      stopKind,
    }));
    expect(report.positions).toMatchObject(said);
    expect(
      Object.fromEntries(stage.venue.asked('setStop').map(({ symbol, stopLoss }) => [symbol, stopLoss])),
    ).toEqual({ BTCUSDT: '101.19', ETHUSDT: '106' });
  });
});

describe('input that is wrong', () => {
  it('fails the workflow with every problem by name', async () => {
    const stage = world.stage();
    const failed = await failureOf(stage.session({ dryRun: 'yes', acount: 'x' } as never));
    expect(failed.type).toBe('InvalidInput');
    expect(failed.message).toMatch(/acount: unknown field[^]*dryRun: expected true or false/);
  });

  it.each([['text'], [5], [[]]])('also where it is no object at all: %j', async (input) => {
    const client = world.client().workflow;
    const failed = await failureOf(
      client.execute('startSession', { workflowId: 'session:wrong', taskQueue: 'stopkeeper', args: [input] }),
    );
    expect(failed.message).toContain('input: expected one JSON object');
  });
});
