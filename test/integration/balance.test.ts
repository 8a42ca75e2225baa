/** The balance and the ledger of a whole system: what operators type, every kind of wallet, a wallet that cannot be read, a fresh session. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GuardStatus } from '../../src/domain/board.ts';
import type { LedgerSummary } from '../../src/domain/ledger-view.ts';
import type { BalanceFailure, BalanceReading, SessionReport } from '../../src/domain/report.ts';
import { readGuardHistory } from '../../src/operator/guard-history.ts';
import { runSession } from '../support/fault-world.ts';
import { startSystem, until, type System } from '../support/system.ts';

const HISTORY = fileURLToPath(new URL('../../dist/operator/history.js', import.meta.url));
const WALLET = '/v5/account/wallet-balance';

/** Checks and rounds so far apart that only a session's own doing is seen. */
const SLOW = { defaults: { checkEveryMs: 600_000, discoverEveryMs: 600_000 } };

/** Three longs of 1 at 100 with 10x, each with about 10 USDT of margin. */
function scenario(account: object = { wallet: '1000' }): object {
  const symbols = ['AUSDT', 'BUSDT', 'CUSDT'];
  return {
    seed: 3,
    account,
    instruments: symbols.map((symbol) => ({ symbol, price: '100', tickSize: '0.01' })),
    prices: symbols.map((symbol) => ({ symbol, constant: '100' })),
    positions: symbols.map((symbol) => ({ symbol, side: 'Buy', size: '1', entryPrice: '100' })),
  };
}

async function withSystem(account: object, look: (system: System) => Promise<void>): Promise<void> {
  const system = await startSystem({ scenario: scenario(account), policy: SLOW });
  try {
    await look(system);
  } finally {
    await system.close();
  }
}

function readingOf({ balance }: SessionReport): BalanceReading {
  if ('error' in balance) throw new Error(balance.error.message);
  return balance;
}

function errorOf({ balance }: SessionReport): BalanceFailure['error'] {
  if (!('error' in balance)) throw new Error(`a balance of ${balance.total}`);
  return balance.error;
}

const idsOf = (report: SessionReport, level: string): readonly string[] =>
  report.criteria.filter((one) => one.level === level).map(({ id }) => id);

const summaryOf = (system: System): Promise<LedgerSummary> =>
  system.client.workflow.getHandle('ledger:main').query<LedgerSummary>('summary');

describe('the ledger, by the commands of the README', () => {
  let system: System;

  beforeAll(async () => {
    system = await startSystem({ scenario: scenario(), policy: SLOW });
    await runSession(system);
  });

  afterAll(() => system.close());

  /** `temporal workflow update execute -w ledger:main --name <name> -i <input>`; what it prints. */
  const typed = (name: string, input: string, ...more: string[]): Promise<string> =>
    system.temporal(
      'workflow',
      'update',
      'execute',
      '-w',
      'ledger:main',
      '--name',
      name,
      '-i',
      input,
      ...more,
    );

  /** What the CLI prints on standard error when the update is refused. */
  const refused = async (name: string, input: string): Promise<string> => {
    const failure: unknown = await typed(name, input).then(
      (answer) => new Error(`it was accepted: ${answer}`),
      (error: unknown) => error,
    );
    return String((failure as { stderr?: string }).stderr ?? failure);
  };

  it('answers readable JSON', async () => {
    const input = '{"requestId":"r1","amount":"120","symbol":"BTCUSDT"}';
    const { result } = JSON.parse(await typed('allocateMargin', input, '-o', 'json')) as { result: object };
    expect(result).toEqual({
      ok: true,
      allocationId: expect.stringMatching(/^a-\w+-1$/),
      amount: '120',
      symbol: 'BTCUSDT',
    });
    // The same id again, without `-o json`: the same allocation, not a second one, in the CLI's own notation.
    const { allocationId } = result as { allocationId: string };
    expect(await typed('allocateMargin', input)).toContain(`allocationId:${allocationId} amount:120 ok:true`);
    expect((await summaryOf(system)).allocatedMargin).toBe('120.00');
  });

  it('answers a refusal by a limit with the limit and both figures', async () => {
    const answer = JSON.parse(
      await typed('allocateMargin', '{"requestId":"r2","amount":"700","symbol":"BTCUSDT"}', '-o', 'json'),
    ) as { result: { ok: boolean; reasons: readonly { limit: string; asked: string; allowed: string }[] } };
    expect(answer.result.ok).toBe(false);
    // 80 % of 1000 less 120 allocated and the margin of three positions.
    expect(answer.result.reasons).toMatchObject([{ limit: 'maxAllocation', asked: '700' }]);
    expect(Number(answer.result.reasons[0]?.allowed)).toBeGreaterThan(600);
    expect(Number(answer.result.reasons[0]?.allowed)).toBeLessThan(680);
  });

  it.each([
    ['a wrong type', 'allocateMargin', '{"requestId":"x","amount":120,"symbol":"BTCUSDT"}', 'amount:'],
    ['a negative amount', 'allocateMargin', '{"requestId":"x","amount":"-1","symbol":"BTCUSDT"}', 'amount:'],
    ['a missing id', 'reserveMargin', '{"amount":"5","symbol":"BTCUSDT"}', 'requestId: is missing'],
    [
      'an unknown field',
      'releaseMargin',
      '{"requestId":"x","id":"a-1","reazon":"no"}',
      'reazon: unknown field',
    ],
    ['text in place of an object', 'validateNewTrade', '"BTCUSDT"', 'input: must be one object'],
    ['everything at once', 'allocateMargin', '{"amount":"0","symbol":"btc","when":1}', 'when: unknown field'],
  ])('%s is refused by the validator with the name of the field', async (_what, name, input, words) => {
    const before = await summaryOf(system);
    expect(await refused(name, input)).toContain(words);
    const { allocatedMargin, reservedMargin, operations } = await summaryOf(system);
    expect({ allocatedMargin, reservedMargin, operations }).toEqual({
      allocatedMargin: before.allocatedMargin,
      reservedMargin: before.reservedMargin,
      operations: before.operations,
    });
  });

  it('lives on after all of that', async () => {
    const { status } = await system.client.workflow.getHandle('ledger:main').describe();
    expect(status.name).toBe('RUNNING');
    const trade = JSON.parse(
      await typed('validateNewTrade', '{"symbol":"BTCUSDT","notional":"150","leverage":10}', '-o', 'json'),
    ) as { result: object };
    expect(trade.result).toMatchObject({ ok: true, adjustedNotional: '200', margin: '20.00', slotsLeft: 17 });
  });
});

describe('a fresh session', () => {
  it('starts baseline and counters afresh, keeps allocations, ends guards of closed legs, and doubles none', async () => {
    await withSystem({ wallet: '1000' }, async (system) => {
      const first = await runSession(system, 'session:first');
      expect(first.cleared).toEqual({ open: 0, closed: 0 });
      for (const symbol of ['AUSDT', 'BUSDT', 'CUSDT']) {
        await until(`a check of ${symbol}`, async () => (await statusOf(system, symbol)).checks > 0);
      }
      const ledger = system.client.workflow.getHandle('ledger:main');
      await ledger.executeUpdate('allocateMargin', {
        args: [{ requestId: 'r1', amount: '50', symbol: 'BUSDT' }],
      });
      const refusal = { requestId: 'r2', amount: '900', symbol: 'BUSDT' };
      await ledger.executeUpdate('allocateMargin', { args: [refusal] });
      const runs = await Promise.all(['AUSDT', 'BUSDT'].map((symbol) => runOf(system, symbol)));
      await system.paper.position({ symbol: 'CUSDT', action: 'close', price: '101' });
      await ledger.signal('syncBalance');
      const before = await until('a sync that shows the closed position', async () => {
        const summary = await summaryOf(system);
        return summary.closedPositions === 1 ? summary : null;
      });
      expect(before.operations).toEqual({ total: 1, allocations: 1, releases: 0 });
      expect(before.overexposurePrevented).toBe(1);
      expect(Number(before.sessionPnl)).toBeGreaterThan(0);

      const second = await runSession(system, 'session:second');
      expect(second.status).toBe('SUCCESS');
      expect(second.cleared).toEqual({ open: 2, closed: 1 });
      expect(second.dashboard).toMatchObject({
        sessionPnl: '0.00',
        sessionPnlPct: '0',
        operations: { total: 0, allocations: 0, releases: 0 },
        overexposurePrevented: 0,
        allocatedMargin: '50.00',
      });
      // 1 earned, less the fee of 0.055 % of 101.
      expect(readingOf(second)).toMatchObject({ previousTotal: '1000.94445', total: '1000.94445' });
      expect(second.protection).toMatchObject({ total: 2, newlyProtected: 0, alreadyProtected: 2 });

      // Its next own check lies ten minutes ahead: the session woke it, and it ended by its own reads.
      const ended = await system.client.workflow.getHandle('guard:main:CUSDT').result();
      expect(ended).toMatchObject({ ended: 'closed', report: { reason: 'manual', exitPrice: '101' } });
      expect(await Promise.all(['AUSDT', 'BUSDT'].map((symbol) => runOf(system, symbol)))).toEqual(runs);
      const running = 'WorkflowType="guardPosition" AND ExecutionStatus="Running"';
      await until('two running guards', async () => (await countOf(system, running)) === 2);

      const history = await readGuardHistory(system.client, 'main', 20);
      expect(history).toMatchObject({ known: 1, ended: 0 });
      expect(history.episodes).toMatchObject([
        { symbol: 'CUSDT', reason: 'manual', side: 'long', entryPrice: '100', exitPrice: '101' },
      ]);
      expect(Number(history.episodes[0]?.pnl)).toBeGreaterThan(0);
      // The paper exchange says that its positions were opened an hour ago.
      expect(history.episodes[0]?.durationMs).toBeGreaterThan(3_599_000);
      expect(JSON.parse(await historyOf(system, '--json', '--limit', '5'))).toEqual(history);
      expect(await historyOf(system)).toMatch(/CUSDT long\s+1\.00\s+manual\s+100\s+101\s+\+0\.88/);
      await expect(historyOf(system, '--limit', '0')).rejects.toMatchObject({ code: 2 });
    });
  });
});

/** `npm run history`, as it runs once everything is built. */
async function historyOf(system: System, ...args: readonly string[]): Promise<string> {
  const env = { ...process.env, TEMPORAL_ADDRESS: system.address, STOPKEEPER_DATA: system.folder };
  const { stdout } = await promisify(execFile)(process.execPath, [HISTORY, ...args], { env });
  return stdout;
}

function statusOf(system: System, symbol: string): Promise<GuardStatus> {
  return system.client.workflow.getHandle(`guard:main:${symbol}`).query<GuardStatus>('status');
}

async function runOf(system: System, symbol: string): Promise<string> {
  const { runId } = await system.client.workflow.getHandle(`guard:main:${symbol}`).describe();
  return runId;
}

async function countOf(system: System, query: string): Promise<number> {
  return (await system.client.workflow.count(query)).count;
}

describe('a wallet', () => {
  it('of an isolated-margin account with empty fields is read from the first source all the same', async () => {
    const account = { wallet: '1000', marginMode: 'ISOLATED_MARGIN', walletFields: { accountLTV: '' } };
    await withSystem(account, async (system) => {
      const report = await runSession(system);
      expect(report.status).toBe('SUCCESS');
      expect(readingOf(report)).toMatchObject({
        total: '1000',
        source: 'info.result.list[0].totalWalletBalance',
        fallback: false,
        marginMode: 'ISOLATED_MARGIN',
      });
      expect(Number(report.dashboard.externalMargin)).toBeGreaterThan(30);
    });
  });

  it('whose totals are empty is read from the coin, with a warning that names every source', async () => {
    const walletFields = { totalWalletBalance: '', totalEquity: '' };
    await withSystem({ wallet: '1000', walletFields }, async (system) => {
      const report = await runSession(system);
      expect(report.status).toBe('WARNING');
      expect(idsOf(report, 'warning')).toEqual(['balance-fallback']);
      expect(readingOf(report)).toMatchObject({ total: '1000', source: 'USDT.total', fallback: true });
      expect(readingOf(report).tried).toEqual([
        { path: 'info.result.list[0].totalWalletBalance', outcome: 'empty' },
        { path: 'info.result.list[0].totalEquity', outcome: 'empty' },
        { path: 'totalWalletBalance', outcome: 'missing' },
        { path: 'totalEquity', outcome: 'missing' },
        { path: 'USDT.total', outcome: 'used' },
      ]);
      expect(report.protection).toMatchObject({ total: 3, newlyProtected: 3, failures: 0 });
    });
  });

  it('that is empty is a reading of 0 with a warning, and takes nothing', async () => {
    await withSystem({ wallet: '1000', walletFields: { totalWalletBalance: '0' } }, async (system) => {
      const report = await runSession(system);
      expect(report.status).toBe('WARNING');
      expect(idsOf(report, 'warning')).toEqual(['balance-zero']);
      expect(readingOf(report)).toMatchObject({ total: '0', fallback: false });
      expect(report.dashboard).toMatchObject({
        totalBalance: '0.00',
        allocationPct: '0',
        sessionPnlPct: '0',
      });
      expect(report.protection).toMatchObject({ total: 3, newlyProtected: 3, failures: 0 });
      const answer = await system.client.workflow
        .getHandle('ledger:main')
        .executeUpdate('allocateMargin', { args: [{ requestId: 'r', amount: '1', symbol: 'AUSDT' }] });
      expect(answer).toMatchObject({
        ok: false,
        reasons: [{ limit: 'available', asked: '1', allowed: '0.00' }, {}],
      });
    });
  });

  it('in portfolio margin gives PnL % without leverage and the margin of the whole account, and says both', async () => {
    await withSystem({ wallet: '1000', marginMode: 'PORTFOLIO_MARGIN' }, async (system) => {
      const report = await runSession(system);
      expect(report.status).toBe('SUCCESS');
      expect(readingOf(report).marginMode).toBe('PORTFOLIO_MARGIN');
      expect(Number(report.dashboard.externalMargin)).toBeGreaterThan(30);
      for (const position of report.positions) {
        expect(position).toMatchObject({ leverage: null, pnlAtStopPct: '-6', stop: '94' });
        expect(position.warnings).toContain('portfolio margin: PnL % is of price, without leverage');
      }
      expect((await summaryOf(system)).notes.join()).toContain("the account's total initial margin");
    });
  });
});

describe('a wallet that cannot be read', () => {
  it('delays no stop: every position is protected, and the report fails for that one reason', async () => {
    await withSystem({ wallet: '1000' }, async (system) => {
      await system.paper.fault({ path: WALLET, kind: 'status', code: 502, times: 'always' });
      const report = await runSession(system);
      expect(report.status).toBe('FAILED');
      expect(idsOf(report, 'failure')).toEqual(['balance-read']);
      expect(errorOf(report)).toMatchObject({ type: 'VenueUnavailable' });
      expect(errorOf(report).hint).not.toBe('');
      expect(report.protection).toMatchObject({ total: 3, newlyProtected: 3, failures: 0 });
      for (const { symbol, provenAt } of report.positions) {
        expect(provenAt, symbol).not.toBeNull();
        expect(Number((await system.paper.row(symbol))?.stopLoss)).toBe(94);
      }
      expect(report.summary.riskLevel).toBe('SECURE');
      expect(report.system).toMatchObject({ positionsProtected: true, monitorActive: true });
      const answer = await system.client.workflow
        .getHandle('ledger:main')
        .executeUpdate('allocateMargin', { args: [{ requestId: 'r', amount: '1', symbol: 'AUSDT' }] });
      expect(answer).toMatchObject({ ok: false, reasons: [{ limit: 'balance' }] });
    });
  });

  it('because of the key says so in its own words, each kind with its hint', async () => {
    await withSystem({ wallet: '1000' }, async (system) => {
      const kinds = [
        ['33004', 'API key has expired', 'Renew the key'],
        ['10003', 'API key is invalid', 'belongs to this venue'],
        ['10005', "API key lacks the 'Read' permission", 'Give the key this permission'],
      ] as const;
      for (const [code, message, hint] of kinds) {
        await system.paper.clearFaults();
        await system.paper.fault({
          path: WALLET,
          kind: 'ret-code',
          code: Number(code),
          message: 'whatever the venue says',
          times: 'always',
        });
        const report = await runSession(system, `session:${code}`);
        expect(report.status).toBe('FAILED');
        expect(idsOf(report, 'failure')).toEqual(['balance-read']);
        const error = errorOf(report);
        expect(error).toMatchObject({ type: 'VenueAuth', code });
        expect(error.message).toContain(message);
        expect(error.hint).toContain(hint);
        expect(report.protection).toMatchObject({ total: 3, failures: 0 });
      }
    });
  });
});
