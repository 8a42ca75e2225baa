/** On the wire: every fault kind, the control calls and their refusals, the request log, the ban of an address. */
import { request as httpRequest } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { hostClock } from '../../src/paper/clock.ts';
import { openFresh } from '../../src/paper/opening.ts';
import { serve, type PaperServer } from '../../src/paper/server.ts';
import { setUp } from '../../src/paper/setup.ts';
import { signedHeaders, type Payload } from './account-under-test.ts';

let running: PaperServer | undefined;

afterEach(async () => {
  await running?.stop();
  running = undefined;
});

const longer = { positions: [{ symbol: 'BTCUSDT', size: '0.01', entryPrice: '44000' }] };
const stopPath = '/v5/position/trading-stop';
const listPath = '/v5/position/list';

async function started(scenario: object = {}) {
  running = await serve(openFresh(setUp({ ...longer, ...scenario }), hostClock), 0);
  const { url } = running;
  const signed = async (method: string, path: string, payload: string, signal: AbortSignal | null = null) => {
    const target = method === 'GET' && payload !== '' ? `${url}${path}?${payload}` : `${url}${path}`;
    return fetch(target, {
      method,
      headers: { ...signedHeaders(payload, Date.now()), 'content-type': 'application/json' },
      signal,
      ...(method === 'POST' ? { body: payload } : {}),
    });
  };
  const json = async (response: Promise<Response>): Promise<Payload> => (await response).json();
  const control = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${url}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Payload };
  };
  const stopBody = (stopLoss: string) =>
    JSON.stringify({ category: 'linear', symbol: 'BTCUSDT', positionIdx: 0, tpslMode: 'Full', stopLoss });
  return {
    url,
    signed,
    control,
    stop: (stopLoss: string, signal: AbortSignal | null = null) =>
      signed('POST', stopPath, stopBody(stopLoss), signal),
    list: () => json(signed('GET', listPath, 'category=linear&symbol=BTCUSDT')),
    stopShown: async () =>
      (await json(signed('GET', listPath, 'category=linear&symbol=BTCUSDT'))).result.list[0].stopLoss,
    fault: (fault: object) => control('POST', '/paper/fault', { path: stopPath, ...fault }),
    state: async () => (await control('GET', '/paper/state')).body,
  };
}

const soon = (): AbortSignal => AbortSignal.timeout(300);

describe('faults of a write', () => {
  test('drop: reset before anything was done', async () => {
    const on = await started();
    await on.fault({ kind: 'drop' });
    await expect(on.stop('43000')).rejects.toThrow('fetch failed');
    expect(await on.stopShown()).toBe('');
    expect((await on.state()).unheard).toEqual([]);
    expect((await on.stop('43000')).status).toBe(200);
  });

  test.each(['apply-then-timeout', 'apply-then-drop', 'stall', 'reset-mid-body'])(
    '%s: done, and written down that the client never heard',
    async (kind) => {
      const on = await started();
      await on.fault({ kind });
      await expect(on.stop('43000', soon()).then((answer) => answer.text())).rejects.toThrow(
        /abort|fetch failed|terminated/,
      );
      expect(await on.stopShown()).toBe('43000.00');
      expect((await on.state()).unheard).toMatchObject([
        { method: 'POST', path: stopPath, fault: kind, retCode: 0, parameters: { stopLoss: '43000' } },
      ]);
    },
  );

  test.each([
    ['not-json', /^<html>/],
    ['truncate', /^\{"retCode":0,"retMsg":"OK".*[^}]\}?$/],
  ] as const)('%s: done, answered 200 with what cannot be read', async (kind, shape) => {
    const on = await started();
    await on.fault({ kind });
    const answer = await on.stop('43000');
    expect(answer.status).toBe(200);
    const body = await answer.text();
    expect(body).toMatch(shape);
    expect(() => JSON.parse(body) as unknown).toThrow(SyntaxError);
    expect(await on.stopShown()).toBe('43000.00');
    expect((await on.state()).unheard).toHaveLength(1);
  });

  test('status: not done unless it says so', async () => {
    const on = await started();
    await on.fault({ kind: 'status', code: 502, body: '{"message":"bad gateway"}' });
    const refused = await on.stop('43000');
    expect([refused.status, await refused.text()]).toEqual([502, '{"message":"bad gateway"}']);
    expect(await on.stopShown()).toBe('');
    await on.fault({ kind: 'status', code: 504, applied: true });
    expect((await on.stop('43000')).status).toBe(504);
    expect(await on.stopShown()).toBe('43000.00');
  });

  test('ret-code: its code, message and headers, and nothing done', async () => {
    const on = await started();
    await on.fault({
      kind: 'ret-code',
      code: 10006,
      message: 'Too many visits!',
      headers: { 'X-Bapi-Limit-Status': '0' },
    });
    const answer = await on.stop('43000');
    expect(answer.headers.get('x-bapi-limit-status')).toBe('0');
    expect(await answer.json()).toMatchObject({ retCode: 10006, retMsg: 'Too many visits!', result: {} });
    expect(await on.stopShown()).toBe('');
  });

  test.each([
    ['ok-without-effect', 0],
    ['unchanged-without-effect', 34040],
  ])('%s: says %d and sets nothing', async (kind, retCode) => {
    const on = await started();
    await on.fault({ kind });
    expect(await (await on.stop('43000')).json()).toMatchObject({ retCode });
    expect(await on.stopShown()).toBe('');
    expect((await on.state()).stops).toEqual([]);
  });

  test('delay: done after the time, answered', async () => {
    const on = await started();
    await on.fault({ kind: 'delay', ms: 120 });
    const before = performance.now();
    expect((await on.stop('43000')).status).toBe(200);
    expect(performance.now() - before).toBeGreaterThanOrEqual(115);
  });
});

describe('faults of a read', () => {
  test('empty-list: a valid answer without rows', async () => {
    const on = await started();
    await on.control('POST', '/paper/fault', { path: listPath, kind: 'empty-list' });
    expect(await on.list()).toMatchObject({ retCode: 0, result: { list: [], nextPageCursor: '' } });
    expect((await on.list()).result.list).toHaveLength(1);
  });

  test('stale: the row as it was before the last change', async () => {
    const on = await started();
    await on.stop('43000');
    await on.stop('43100');
    await on.control('POST', '/paper/fault', { path: listPath, kind: 'stale' });
    expect(await on.stopShown()).toBe('43000.00');
    expect(await on.stopShown()).toBe('43100.00');
  });
});

describe('when a fault hits', () => {
  test('skip, times and symbol are counted, spent faults stay listed, DELETE clears', async () => {
    const on = await started();
    await on.fault({ kind: 'ret-code', code: 10016, symbol: 'BTCUSDT', skip: 1, times: 2 });
    await on.fault({ kind: 'drop', symbol: 'ETHUSDT', times: 'always' });
    const codes: number[] = [];
    for (let count = 0; count < 4; count += 1)
      codes.push(((await (await on.stop('43000')).json()) as Payload).retCode);
    expect(codes).toEqual([0, 10016, 10016, 34040]);
    const { body } = await on.control('GET', '/paper/fault');
    expect(body.faults).toMatchObject([
      { hits: 2, skipped: 1, spent: true },
      { hits: 0, spent: false },
    ]);
    await on.control('DELETE', '/paper/fault');
    expect((await on.control('GET', '/paper/fault')).body.faults).toEqual([]);
  });

  test('forMs ends it by time', async () => {
    const on = await started();
    await on.fault({ kind: 'ret-code', code: 10016, times: 'always', forMs: 150 });
    expect(await (await on.stop('43000')).json()).toMatchObject({ retCode: 10016 });
    await expect
      .poll(async () => ((await (await on.stop('43000')).json()) as Payload).retCode, { timeout: 20_000 })
      .not.toBe(10016);
  });

  test('a scenario lays them from the start', async () => {
    const on = await started({ faults: [{ path: listPath, kind: 'status', code: 503 }] });
    expect((await on.signed('GET', listPath, 'category=linear&symbol=BTCUSDT')).status).toBe(503);
  });
});

test('an address that sends too much is banned for every call, and comes back', async () => {
  const on = await started({ limits: { ipRequests: 20, banMs: 400 } });
  const time = () => fetch(`${on.url}/v5/market/time`);
  for (let count = 0; count < 20; count += 1) expect((await time()).status).toBe(200);
  const refused = await time();
  expect([refused.status, await refused.text()]).toEqual([403, 'access too frequent']);
  expect((await on.stop('43000')).status).toBe(403);
  await expect.poll(async () => (await time()).status, { timeout: 20_000 }).toBe(200);
});

test('a GET with an empty JSON body is 403', async () => {
  const on = await started();
  const status = await new Promise((resolve, reject) => {
    const call = httpRequest(
      `${on.url}/v5/market/time`,
      { method: 'GET', headers: { 'content-length': '2' } },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      },
    );
    call.on('error', reject);
    call.end('{}');
  });
  expect(status).toBe(403);
});

test('latency is half before and half after', async () => {
  const on = await started({ latencyMs: 100 });
  const before = performance.now();
  await fetch(`${on.url}/v5/market/time`);
  expect(performance.now() - before).toBeGreaterThanOrEqual(95);
});

describe('control', () => {
  test('a price sets off what it reaches before it is answered', async () => {
    const on = await started();
    await on.stop('43000');
    expect((await on.control('POST', '/paper/price', { symbol: 'BTCUSDT', price: '42900' })).body).toEqual({
      ok: true,
    });
    expect((await on.state()).positions).toEqual([]);
  });

  test('the state shows positions as rows, the wallet, prices, and every stop with its author', async () => {
    const on = await started();
    await on.stop('43000');
    await on.control('POST', '/paper/position', {
      action: 'stop',
      symbol: 'BTCUSDT',
      stopLoss: '43500',
      triggerBy: 'MarkPrice',
    });
    const state = await on.state();
    expect(state.positions).toMatchObject([{ symbol: 'BTCUSDT', stopLoss: '43500.00' }]);
    expect(state.wallet).toMatchObject({ totalWalletBalance: '1000' });
    expect(state.prices.BTCUSDT).toEqual({ last: '44000', mark: '44000', index: '44000' });
    expect(state.stops).toMatchObject([
      { symbol: 'BTCUSDT', price: '43000', by: 'api', triggerBy: 'LastPrice' },
      { symbol: 'BTCUSDT', price: '43500', by: 'human', triggerBy: 'MarkPrice' },
    ]);
    expect(state.stops[1].timeMs).toBeGreaterThanOrEqual(state.stops[0].timeMs);
  });

  test('the clock goes fast or slow', async () => {
    const on = await started();
    await on.control('POST', '/paper/clock', { offsetMs: 6000 });
    expect(await (await on.stop('43000')).json()).toMatchObject({ retCode: 10002 });
  });

  test('requests are listed with the time they came, the time they were answered, parameters and code', async () => {
    const on = await started();
    await on.stop('43000');
    await on.stop('43000');
    const { body } = await on.control('GET', `/paper/requests?path=${stopPath}`);
    expect(body.counts).toEqual({ [`POST ${stopPath}`]: 2 });
    expect(body.requests).toMatchObject([
      { method: 'POST', path: stopPath, code: 0, parameters: { symbol: 'BTCUSDT', stopLoss: '43000' } },
      { code: 34040 },
    ]);
    const [first, second] = body.requests;
    expect(first.answered).toBeGreaterThanOrEqual(first.time);
    expect(second.time).toBeGreaterThanOrEqual(first.answered);
    const later = await on.control('GET', `/paper/requests?since=${first.time}&limit=5`);
    expect(later.body.requests).toHaveLength(1);
  });

  test('a human opens, adds, reduces, flips and closes', async () => {
    const on = await started({ positions: [] });
    const hand = (body: object) => on.control('POST', '/paper/position', { symbol: 'BTCUSDT', ...body });
    await hand({ action: 'open', side: 'Buy', size: '0.01', leverage: '5', stopLoss: '43000' });
    await hand({ action: 'add', size: '0.01', price: '43900' });
    expect((await on.list()).result.list[0]).toMatchObject({
      size: '0.020',
      leverage: '5',
      stopLoss: '43000.00',
    });
    await hand({ action: 'reduce', size: '0.005' });
    await hand({ action: 'flip' });
    expect((await on.list()).result.list[0]).toMatchObject({ side: 'Sell', size: '0.015', stopLoss: '' });
    await hand({ action: 'close' });
    await hand({ action: 'mode', mode: 'hedge' });
    expect((await on.list()).result.list).toHaveLength(2);
  });

  test('a contract leaves Trading, and with it the default list', async () => {
    const on = await started();
    await on.control('POST', '/paper/instrument', { symbol: 'BTCUSDT', status: 'Delivering' });
    const symbols = async (query: string) =>
      (
        (await (
          await fetch(`${on.url}/v5/market/instruments-info?category=linear&symbol=BTCUSDT${query}`)
        ).json()) as Payload
      ).result.list;
    expect(await symbols('')).toEqual([]);
    expect(await symbols('&status=Delivering')).toMatchObject([{ symbol: 'BTCUSDT' }]);
  });

  const refusals: readonly (readonly [string, string, unknown, string])[] = [
    [
      '/paper/price',
      'a price that is a number',
      { symbol: 'BTCUSDT', price: 44000 },
      'price: expected a decimal string such as "0.10"',
    ],
    ['/paper/price', 'a negative price', { symbol: 'BTCUSDT', price: '-1' }, 'price: must be above 0'],
    [
      '/paper/price',
      'an unknown symbol',
      { symbol: 'NOPEUSDT', price: '1' },
      'symbol: unknown symbol NOPEUSDT',
    ],
    [
      '/paper/price',
      'a price off the tick',
      { symbol: 'BTCUSDT', price: '1.05' },
      'price: 1.05 is not a multiple of tickSize 0.10',
    ],
    ['/paper/price', 'an unknown field', { symbol: 'BTCUSDT', price: '1', foo: 1 }, 'foo: unknown field'],
    ['/paper/price', 'no price at all', { symbol: 'BTCUSDT' }, 'give price, or mark, last or index'],
    [
      '/paper/position',
      'an unknown action',
      { action: 'buy', symbol: 'BTCUSDT' },
      'action: expected one of open, add, reduce, close, flip, stop, mode',
    ],
    [
      '/paper/position',
      'a negative size',
      { action: 'add', symbol: 'BTCUSDT', size: '-0.01' },
      'size: must be above 0',
    ],
    [
      '/paper/position',
      'a size off the step',
      { action: 'add', symbol: 'BTCUSDT', size: '0.0001' },
      'size: 0.0001 is not a multiple of qtyStep 0.001',
    ],
    [
      '/paper/position',
      'a field that the action has no use for',
      { action: 'close', symbol: 'BTCUSDT', leverage: '5' },
      'leverage: unknown field',
    ],
    [
      '/paper/position',
      'a crossing stop',
      { action: 'stop', symbol: 'BTCUSDT', stopLoss: '45000' },
      'stopLoss: 45000 is on the wrong side of the LastPrice 44000 (by 1000)',
    ],
    [
      '/paper/position',
      'a stop that is not there',
      { action: 'stop', symbol: 'BTCUSDT', stopLoss: '' },
      'stopLoss: BTCUSDT has no stop to cancel',
    ],
    [
      '/paper/position',
      'a leg of another mode',
      { action: 'close', symbol: 'BTCUSDT', positionIdx: 2 },
      'positionIdx: BTCUSDT is in one-way mode, where 2 is not a leg',
    ],
    [
      '/paper/position',
      'a flat leg',
      { action: 'close', symbol: 'ETHUSDT' },
      'ETHUSDT: no position on leg 0',
    ],
    [
      '/paper/position',
      'a second position on a leg',
      { action: 'open', symbol: 'BTCUSDT', side: 'Buy', size: '0.01' },
      'action: BTCUSDT already has a position on leg 0; use "add"',
    ],
    [
      '/paper/position',
      'reducing by everything',
      { action: 'reduce', symbol: 'BTCUSDT', size: '0.01' },
      'size: 0.01 is not below the position\'s size 0.01; use "close"',
    ],
    [
      '/paper/position',
      'a mode with a position',
      { action: 'mode', symbol: 'BTCUSDT', mode: 'hedge' },
      'mode: You have an existing position, so the position mode cannot be switched',
    ],
    ['/paper/fault', 'an unknown kind', { kind: 'nope' }, 'kind: expected a fault kind such as "drop"'],
    [
      '/paper/fault',
      'a fault without its number',
      { kind: 'delay' },
      'ms: Invalid input: expected number, received undefined',
    ],
    [
      '/paper/clock',
      'a text for a number',
      { offsetMs: 'x' },
      'offsetMs: Invalid input: expected number, received string',
    ],
  ];
  test.each(refusals)('%s refuses %s by name and changes nothing', async (path, _, body, problem) => {
    const on = await started();
    const known = async () => {
      const { positions, wallet, prices, stops, faults } = await on.state();
      return { positions, wallet, prices, stops, faults };
    };
    const before = await known();
    const answer = await on.control('POST', path, body);
    expect(answer.status).toBe(400);
    expect(answer.body.problems).toEqual([problem]);
    expect(await known()).toEqual(before);
  });

  test('what is not JSON, and a call that does not exist', async () => {
    const on = await started();
    const bad = await fetch(`${on.url}/paper/price`, { method: 'POST', body: '{' });
    expect([bad.status, await bad.json()]).toEqual([
      400,
      { error: 'the body is not JSON', problems: ['the body is not JSON'] },
    ]);
    expect((await on.control('GET', '/paper/nope')).status).toBe(404);
  });
});
