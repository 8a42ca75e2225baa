/** A plan is what a session does: a dry run of an account with every kind of position writes nothing, and a session then does just that. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PositionReport, SessionReport } from '../../src/domain/report.ts';
import { runSession } from '../support/fault-world.ts';
import type { PaperRequest } from '../support/paper-control.ts';
import { startSystem, type System } from '../support/system.ts';

const STOP = '/v5/position/trading-stop';

/** Nothing but the session acts while the test looks. */
const POLICY = {
  defaults: { checkEveryMs: 600_000, discoverEveryMs: 600_000, maxPositions: 12, maxAllocationPct: 50 },
};

const SYMBOLS = ['BARE', 'SHORT', 'PROFIT', 'LOOSER', 'TIGHTER', 'WRONG', 'NEARLIQ', 'HEDGED'].map(
  (name) => `${name}USDT`,
);

/** Isolated margin, so that each position has a real liquidation price; at 5x it lies far beyond every stop. */
const ISOLATED = {
  seed: 5,
  account: { wallet: '100000', marginMode: 'ISOLATED_MARGIN' },
  instruments: SYMBOLS.map((symbol) => ({
    symbol,
    price: '100',
    tickSize: '0.01',
    positionMode: symbol === 'HEDGEDUSDT' ? 'hedge' : 'one-way',
  })),
  prices: SYMBOLS.map((symbol) => ({
    symbol,
    constant: symbol === 'PROFITUSDT' ? '103' : symbol === 'WRONGUSDT' ? '90' : '100',
  })),
  positions: [
    long('BAREUSDT'),
    { ...long('SHORTUSDT'), side: 'Sell' },
    long('PROFITUSDT'),
    { ...long('LOOSERUSDT'), stopLoss: '88.5' },
    { ...long('TIGHTERUSDT'), stopLoss: '97.25' },
    long('WRONGUSDT'),
    { ...long('NEARLIQUSDT'), leverage: '25' },
    { ...long('HEDGEDUSDT'), positionIdx: 1 },
    { ...long('HEDGEDUSDT'), positionIdx: 2, side: 'Sell', stopLoss: '120' },
  ],
};

function long(symbol: string): object {
  return { symbol, side: 'Buy', size: '2', entryPrice: '100', leverage: '5' };
}

/** What each rule of DESIGN §3 gives at these prices, computed by hand; the stop before is as the venue writes it. */
const EXPECTED: Readonly<Record<string, readonly [before: string | null, after: string, rule: string]>> = {
  'BAREUSDT:0': [null, '94', 'fixed'],
  'SHORTUSDT:0': [null, '106', 'fixed'],
  // 103 is beyond the trigger 101.0606: 103 × 0.992 = 102.176, rounded toward the price.
  'PROFITUSDT:0': [null, '102.18', 'trailing'],
  'LOOSERUSDT:0': ['88.50', '94', 'fixed'],
  'TIGHTERUSDT:0': ['97.25', '97.25', 'kept'],
  // 94 is above the price: 90 × 0.94.
  'WRONGUSDT:0': [null, '84.6', 'wrong-side'],
  'HEDGEDUSDT:1': [null, '94', 'fixed'],
  'HEDGEDUSDT:2': ['120.00', '106', 'fixed'],
};

const keyOf = ({ symbol, positionIdx }: PositionReport): string => `${symbol}:${positionIdx}`;

/** What a plan promises of a position, and a session must keep. */
function promised(position: PositionReport): object {
  const { side, size, previousStop, stop, stopKind, rule, trigger, bestPrice, liqPrice } = position;
  const { pnlAtStopUsd, pnlAtStopPct, atRiskUsd } = position;
  return {
    leg: keyOf(position),
    side,
    size,
    previousStop,
    stop,
    stopKind,
    rule,
    trigger,
    bestPrice,
    liqPrice,
    pnlAtStopUsd,
    pnlAtStopPct,
    atRiskUsd,
  };
}

const promises = ({ positions }: SessionReport): readonly object[] =>
  positions.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)).map(promised);

describe('a plan', () => {
  let system: System;
  let plan: SessionReport;
  let readByPlan: readonly PaperRequest[];
  let workflows: readonly string[];

  beforeAll(async () => {
    system = await startSystem({ scenario: ISOLATED, policy: POLICY });
    plan = await system.client.workflow.execute('startSession', {
      taskQueue: 'stopkeeper',
      workflowId: 'plan:main',
      args: [{ account: 'main', dryRun: true }],
    });
    readByPlan = await system.paper.requests();
    const found: string[] = [];
    for await (const { workflowId } of system.client.workflow.list()) found.push(workflowId);
    workflows = found;
  });

  afterAll(() => system.close());

  it('writes nothing: the venue saw reads only', () => {
    expect(readByPlan.length).toBeGreaterThan(0);
    expect(readByPlan.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it('starts neither guard nor watcher nor ledger', () => {
    expect(workflows).toEqual(['plan:main']);
    expect(plan.positions.map(({ guard }) => guard)).toEqual(plan.positions.map(() => null));
  });

  it('names for each position the old stop, the new one and the rule', () => {
    const shown = Object.fromEntries(
      plan.positions.map((one) => [keyOf(one), [one.previousStop, one.stop, one.rule]]),
    );
    const { 'NEARLIQUSDT:0': near, ...others } = shown;
    expect(others).toEqual(EXPECTED);
    // At 25x liquidation is nearer than 94: the stop lies half a per cent of the price before it.
    const liquidation = Number(plan.positions.find((one) => keyOf(one) === 'NEARLIQUSDT:0')?.liqPrice);
    expect(near?.[2]).toBe('liquidation');
    expect(Number(near?.[1])).toBeCloseTo(liquidation + 0.5, 2);
  });

  it('tells the money at risk with the new stop, and never calls a planned stop proven', () => {
    const risks = Object.fromEntries(plan.positions.map((one) => [keyOf(one), one.atRiskUsd]));
    // Size 2: 6 away is 12; a trailing stop above the entry risks nothing.
    expect(risks).toMatchObject({
      'BAREUSDT:0': '12.00',
      'PROFITUSDT:0': '0.00',
      'TIGHTERUSDT:0': '5.50',
      'WRONGUSDT:0': '30.80',
    });
    const planned = plan.positions.filter((one) => one.stop !== one.previousStop);
    expect(planned.map(({ provenAt }) => provenAt)).toEqual(planned.map(() => null));
    expect(plan.protection).toMatchObject({ total: 9, newlyProtected: 8, alreadyProtected: 1, failures: 0 });
    expect(plan.summary).toMatchObject({ protected: 3, unprotected: 6, riskLevel: 'CRITICAL' });
    expect(plan.dryRun).toBe(true);
  });

  it("holds the account's own limits, not the default ones", () => {
    expect(plan.limits).toMatchObject({
      maxPositions: 12,
      positions: 9,
      slotsLeft: 3,
      maxAllocation: '50000.00',
    });
  });

  it('is what a session does right after: the same stops by the same rules, written once each and nothing else', async () => {
    const session = await runSession(system, 'session:main');
    expect(session.status).toBe('SUCCESS');
    expect(promises(session)).toEqual(promises(plan));
    // A trail begins with the session that writes it.
    expect(session.protection).toEqual({ ...plan.protection, trailingActive: 1 });
    expect(session.limits).toEqual(plan.limits);

    const writes = (await system.paper.requests())
      .filter(({ method }) => method !== 'GET')
      .map(({ path, code, parameters }) => [
        path,
        code,
        `${String(parameters['symbol'])}:${String(parameters['positionIdx'])}`,
        Number(parameters['stopLoss']),
      ]);
    const asPlanned = plan.positions
      .filter((one) => one.rule !== 'kept')
      .map((one) => [STOP, 0, keyOf(one), Number(one.stop)]);
    const byLeg = (a: readonly unknown[], b: readonly unknown[]): number =>
      String(a[2]) < String(b[2]) ? -1 : 1;
    expect(writes.toSorted(byLeg)).toEqual(asPlanned.toSorted(byLeg));
    for (const { symbol, positionIdx, stop } of plan.positions) {
      const row = await system.paper.row(symbol, positionIdx ?? 0);
      expect(Number(row?.stopLoss), symbol).toBe(Number(stop));
    }
  });

  it('of an account whose session has run has nothing left to do', async () => {
    const before = (await system.paper.requests()).filter(({ method }) => method !== 'GET').length;
    const again = await system.client.workflow.execute<() => Promise<SessionReport>>('startSession', {
      taskQueue: 'stopkeeper',
      workflowId: 'plan:again',
      args: [{ account: 'main', dryRun: true }] as never,
    });
    expect(again.protection).toMatchObject({ total: 9, newlyProtected: 0, alreadyProtected: 9 });
    expect((await system.paper.requests()).filter(({ method }) => method !== 'GET')).toHaveLength(before);
  });
});
