/** The port against the paper exchange as a process: what each says about stops, closes and failures is the same (I2, I3, I4, I6). */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createBybitPort } from '../../src/exchange/bybit-port.ts';
import { VenueError, type VenuePort } from '../../src/exchange/port.ts';
import { scratchFolder, writeText } from '../support/scratch.ts';

const MAIN = fileURLToPath(new URL('../../dist/paper/main.js', import.meta.url));
const STOP = '/v5/position/trading-stop';
const LIST = '/v5/position/list';
const FRESH = { fresh: true } as const;
const DEADLINE_MS = 60_000;

const SCENARIO = {
  instruments: [
    { symbol: 'BTCUSDT', price: '44000' },
    { symbol: 'ETHUSDT', price: '2600', positionMode: 'hedge' },
  ],
  positions: [
    { symbol: 'BTCUSDT', side: 'Buy', size: '0.01', entryPrice: '43462.5' },
    { symbol: 'ETHUSDT', positionIdx: 2, side: 'Sell', size: '0.1', entryPrice: '2590.5' },
  ],
  prices: [
    { symbol: 'BTCUSDT', constant: '44000' },
    { symbol: 'ETHUSDT', constant: '2600' },
  ],
};
const BTC = { symbol: 'BTCUSDT', positionIdx: 0, stopLoss: '41000', triggerBy: 'MarkPrice' } as const;

let paper: ChildProcess;
let url: string;
let port: VenuePort;

beforeEach(async () => {
  const scenario = writeText(join(scratchFolder(), 'scenario.json'), JSON.stringify(SCENARIO));
  paper = spawn(process.execPath, [MAIN, '--port', '0', '--scenario', scenario], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (paper.stdout === null) throw new Error('the paper exchange has no output');
  const [line] = (await once(createInterface(paper.stdout), 'line', {
    signal: AbortSignal.timeout(DEADLINE_MS),
  })) as [string];
  url = (JSON.parse(line) as { listening: string }).listening;
  port = portWith(5_000);
});
afterEach(async () => {
  port.close();
  const gone = once(paper, 'exit');
  paper.kill('SIGTERM');
  await gone;
});

function portWith(deadlineMs: number): VenuePort {
  return createBybitPort({
    account: 'main',
    venue: 'paper',
    baseUrl: url,
    apiKey: 'paper-key',
    apiSecret: 'paper-secret',
    deadlines: { readMs: deadlineMs, writeMs: deadlineMs },
  });
}

async function control(path: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path} was refused: ${await answer.text()}`);
}

async function stopOnVenue(symbol: string): Promise<string | undefined> {
  const state = (await (await fetch(`${url}/paper/state`)).json()) as {
    positions: { symbol: string; size: string; stopLoss: string }[];
  };
  return state.positions.find((row) => row.symbol === symbol && Number(row.size) > 0)?.stopLoss;
}

async function stopAsRead(symbol: string): Promise<string | null | undefined> {
  return (await port.snapshot(FRESH)).positions.find((row) => row.symbol === symbol)?.stopLoss;
}

async function typeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  return error instanceof VenueError ? error.info.type : `no failure but ${String(error)}`;
}

describe('a stop', () => {
  test('that was set is on the venue and in the next fresh read, and the same again is unchanged', async () => {
    expect(await stopAsRead('BTCUSDT')).toBeNull();
    expect(await port.setStop(BTC, 'no-stop')).toEqual({ kind: 'applied' });
    expect(Number(await stopAsRead('BTCUSDT'))).toBe(41_000);
    expect(Number(await stopOnVenue('BTCUSDT'))).toBe(41_000);
    expect(await port.setStop(BTC, 'rewrite')).toMatchObject({ kind: 'unchanged' });
    expect(await port.stopOrders(FRESH)).toMatchObject([
      { symbol: 'BTCUSDT', kind: 'full', triggerBy: 'MarkPrice' },
    ]);
  });

  test.each([
    ['crossed-price', { stopLoss: '45000' }],
    ['mode-mismatch', { positionIdx: 1 }],
    ['no-position', { symbol: 'ETHUSDT', positionIdx: 1, stopLoss: '2000' }],
  ] as const)('is refused for its reason: %s', async (reason, override) => {
    const outcome = await port.setStop({ ...BTC, ...override }, 'no-stop');
    expect(outcome).toMatchObject({ kind: 'refused', failure: { type: 'VenueRefused', reason } });
  });

  test.each([
    ['apply-then-timeout', true],
    ['apply-then-drop', true],
    ['stall', true],
    ['reset-mid-body', true],
    ['not-json', true],
    ['truncate', true],
    ['drop', false],
  ])(
    'after the fault %s is unknown, and the next read shows whether it was set: %s',
    async (kind, applied) => {
      await control('/paper/fault', { path: STOP, kind, times: 1 });
      const impatient = portWith(1_500);
      expect(await impatient.setStop(BTC, 'no-stop')).toMatchObject({
        kind: 'unknown',
        failure: { type: 'VenueUnknown' },
      });
      impatient.close();
      expect((await stopAsRead('BTCUSDT')) === null).toBe(!applied);
    },
  );

  test.each([
    ['ok-without-effect', 'applied'],
    ['unchanged-without-effect', 'unchanged'],
  ])('after the fault %s is claimed to be %s, and only the read tells the truth', async (kind, claim) => {
    await control('/paper/fault', { path: STOP, kind, times: 1 });
    expect(await port.setStop(BTC, 'no-stop')).toMatchObject({ kind: claim });
    expect(await stopAsRead('BTCUSDT')).toBeNull();
  });
});

describe('a read', () => {
  test.each(['drop', 'stall', 'reset-mid-body', 'not-json', 'truncate'])(
    'after the fault %s is unavailable, never empty',
    async (kind) => {
      await control('/paper/fault', { path: LIST, kind, times: 'always' });
      const impatient = portWith(1_500);
      expect(await typeOf(impatient.snapshot(FRESH))).toBe('VenueUnavailable');
      expect(await typeOf(impatient.readSymbol('BTCUSDT'))).toBe('VenueUnavailable');
      impatient.close();
    },
  );

  test('by symbol shows the empty leg of a hedge symbol as flat', async () => {
    const read = await port.readSymbol('ETHUSDT');
    expect(read.positions).toMatchObject([{ positionIdx: 2, side: 'short' }]);
    expect(read.flat).toEqual([{ symbol: 'ETHUSDT', positionIdx: 1 }]);
  });

  test.each([-1_500, -3_000, 1_500, 6_000])(
    'with the venue %i ms off fails once as a clock, then is signed right',
    async (offsetMs) => {
      await port.snapshot(FRESH);
      await control('/paper/clock', { offsetMs });
      const first = await typeOf(port.snapshot(FRESH));
      expect(['VenueClock', 'no failure but null']).toContain(first);
      expect((await port.snapshot(FRESH)).positions).toHaveLength(2);
      const { offsetMs: measured, roundTripMs } = await port.clock();
      expect(Math.abs(measured - offsetMs)).toBeLessThanOrEqual(roundTripMs + 5);
    },
  );

  test('of account, key and wallet is complete', async () => {
    expect(await port.accountInfo()).toMatchObject({ marginMode: 'REGULAR_MARGIN' });
    expect(await port.keyInfo()).toMatchObject({ readOnly: false, expiresAt: null, unified: true });
    expect(await port.wallet()).toMatchObject({ USDT: { total: '1000' } });
    expect(await port.lastPrice('ETHUSDT')).toMatch(/^2600(\.0+)?$/);
    expect(await port.candles('BTCUSDT', '60', 'mark', 15)).toHaveLength(15);
    expect(await port.notCovered()).toEqual([]);
  });
});

describe('a close', () => {
  test('is found by its key, its records and the flat leg; the same key again makes no second order', async () => {
    const since = Date.now() - 60_000;
    const request = {
      symbol: 'ETHUSDT',
      positionIdx: 2,
      positionSide: 'short',
      size: '0.1',
      orderLinkId: 'sk-1',
    } as const;
    expect(await port.closePosition(request)).toEqual({ kind: 'applied' });
    await expect
      .poll(async () => (await port.readSymbol('ETHUSDT')).flat.length, { timeout: DEADLINE_MS })
      .toBe(2);
    expect(await port.closePosition(request)).toEqual({ kind: 'applied' });
    expect((await port.snapshot(FRESH)).positions.map(({ symbol }) => symbol)).toEqual(['BTCUSDT']);
    expect(await port.orderByLinkId('ETHUSDT', 'sk-1')).toMatchObject({ status: 'Filled' });
    expect(await port.executions('ETHUSDT', since)).toMatchObject([{ side: 'Buy', execType: 'Trade' }]);
    expect(await port.closedPnl('ETHUSDT', since)).toMatchObject([{ side: 'Buy' }]);
    expect((await port.snapshot(FRESH)).positions.map(({ symbol }) => symbol)).toEqual(['BTCUSDT']);
  });
});
