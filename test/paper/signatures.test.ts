/** Who may call: signatures over the bytes as sent, the asymmetric clock rule, keys that are wrong, expired, bound or read only. */
import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { account, signedHeaders, startMs } from './account-under-test.ts';

const path = '/v5/position/list';
const query = 'category=linear&settleCoin=USDT&limit=200';

describe('the reference vectors', () => {
  const vectors = [
    ['GET', query, '7ce8b68461b8eabca666f2976f78754c7e8e34d15cb9d1e2e18853dfec0644f1'],
    [
      'GET',
      `${query}&cursor=BTCUSDT%2C1700000000000%2C0`,
      '09f7f6b66b18bba7b2ae2da0787099afd675739d81ad286484b5a8590b54c8c4',
    ],
    ['GET', '', '28d6ddb2c69d9155f34d6bc9402bc1a51ad457c1fe1915776222f3143daa892c'],
    [
      'POST',
      '{"category":"linear","symbol":"BTCUSDT","tpslMode":"Full","positionIdx":0,"stopLoss":"58000.1","slTriggerBy":"MarkPrice"}',
      '9b4d0061a9958fb9b0345b6fbd5e70cfe37ac5143375e7d6f7c54079550b96d8',
    ],
  ] as const;
  const scenario = { account: { apiKey: 'STOPKEEPERKEY', apiSecret: 'stopkeeper-secret' } };

  test.each(vectors)('%s %s', (method, payload, signature) => {
    const on = account(scenario);
    on.engine.act(() => on.venue.setAccount({ clockOffsetMs: 1_700_000_000_000 - startMs }));
    const headers = {
      'x-bapi-api-key': 'STOPKEEPERKEY',
      'x-bapi-timestamp': '1700000000000',
      'x-bapi-recv-window': '5000',
      'x-bapi-sign': signature,
    };
    const target = method === 'GET' ? path : '/v5/position/trading-stop';
    // What is asked for may be refused; the signature must not be.
    expect([10003, 10004, 10002]).not.toContain(on.send(method, target, payload, headers).retCode);
    const spoiled = {
      ...headers,
      'x-bapi-sign': signature.replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
    };
    expect(on.send(method, target, payload, spoiled).retCode).toBe(10004);
  });
});

test('what was received is checked, not what it means: spaces and order count', () => {
  const on = account();
  const body =
    '{"symbol": "BTCUSDT", "category": "linear", "positionIdx": 0, "tpslMode": "Full", "stopLoss": "43000"}';
  expect(on.send('POST', '/v5/position/trading-stop', body, signedHeaders(body, startMs)).retCode).toBe(0);
  const other = body.replaceAll(': ', ':');
  expect(on.send('POST', '/v5/position/trading-stop', other, signedHeaders(body, startMs)).retCode).toBe(
    10004,
  );
});

test('a wrong secret is 10004 and, as on the venue, its text holds what was signed', () => {
  const refused = account().send('GET', path, query, signedHeaders(query, startMs, 'wrong'));
  expect(refused).toMatchObject({
    retCode: 10004,
    retMsg: `error sign! origin_string[${startMs}paper-key5000${query}]`,
  });
});

test('missing headers are 10001 with the words of the venue', () => {
  expect(account().send('GET', path, query, {}).retMsg).toContain('openapi sign params error!');
});

describe('the clock: server − window ≤ timestamp < server + 1000', () => {
  test.each([
    ['at the old edge of the window', -5000, 0],
    ['a millisecond older', -5001, 10002],
    ['just under a second ahead', 999, 0],
    ['a second ahead', 1000, 10002],
    ['six seconds behind', -6000, 10002],
  ])('%s', (_, aheadMs, retCode) => {
    expect(account().send('GET', path, query, signedHeaders(query, startMs + aheadMs)).retCode).toBe(retCode);
  });

  test('a wider window forgives slow clocks, never fast ones, and the text names both clocks', () => {
    const signed = (timestamp: number) => ({
      'x-bapi-api-key': 'paper-key',
      'x-bapi-timestamp': String(timestamp),
      'x-bapi-recv-window': '15000',
      'x-bapi-sign': createHmac('sha256', 'paper-secret')
        .update(`${timestamp}paper-key15000${query}`)
        .digest('hex'),
    });
    const on = account();
    expect(on.send('GET', path, query, signed(startMs - 14_000)).retCode).toBe(0);
    const refused = on.send('GET', path, query, signed(startMs + 1006));
    expect(refused.retCode).toBe(10002);
    expect(refused.retMsg).toContain(
      `req_timestamp[${startMs + 1006}],server_timestamp[${startMs}],recv_window[15000]`,
    );
  });

  test('follows the venue clock that control sets', () => {
    const on = account();
    on.engine.act(() => on.venue.setAccount({ clockOffsetMs: 6000 }));
    expect(on.send('GET', path, query, signedHeaders(query, startMs)).retCode).toBe(10002);
    expect(on.send('GET', '/v5/market/time', '', {}).time).toBe(startMs + 6000);
  });
});

describe('keys', () => {
  const call = (key: object) => account({ account: { key } });
  const stop = { stopLoss: '43000' };

  test.each([
    ['expired', { expiresAt: '2026-01-01T00:00:00Z' }, 33004, 'Your api key has expired.'],
    [
      'bound to another address',
      { ips: ['10.0.0.1'] },
      10010,
      "Unmatched IP, please check your API key's bound IP addresses.",
    ],
  ])('%s: refused on every signed call', (_, key, retCode, retMsg) => {
    expect(call(key).get('/v5/user/query-api')).toMatchObject({ retCode, retMsg });
    expect(call(key).stop(stop)).toMatchObject({ retCode });
    expect(call(key).get('/v5/market/time').retCode).toBe(0);
  });

  test.each([
    ['read only', { readOnly: 1 }],
    ['without the permission', { permissions: ['Order'] }],
  ])('%s: reads are answered, writes are 10005 and do nothing', (_, key) => {
    const on = call(key);
    expect(on.get('/v5/user/query-api').retCode).toBe(0);
    expect(on.stop(stop)).toMatchObject({
      retCode: 10005,
      retMsg: 'Permission denied, please check your API key permissions.',
    });
    expect(on.row().stopLoss).toBe('');
  });

  test('unknown: 10003', () => {
    expect(
      account().send('GET', path, query, signedHeaders(query, startMs, 'paper-secret', 'other')).retCode,
    ).toBe(10003);
  });

  test('query-api tells permissions and expiry', () => {
    const on = call({
      expiresAt: '2026-03-05T10:00:00Z',
      permissions: ['Position', 'Withdraw'],
      readOnly: 1,
    });
    expect(on.get('/v5/user/query-api').result).toMatchObject({
      readOnly: 1,
      permissions: { ContractTrade: ['Position'], Wallet: ['Withdraw'], Derivatives: [] },
      deadlineDay: 3,
      expiredAt: '2026-03-05T10:00:00Z',
      uta: 1,
      ips: ['*'],
    });
  });
});

describe('the edge', () => {
  test('an unknown path is 404 with 10017', () => {
    expect(account().get('/v5/position/nope').retCode).toBe(10017);
  });

  test('a body that is not a JSON object is 10001', () => {
    const on = account();
    for (const body of ['', '[1]', 'x', '"text"']) {
      expect(on.send('POST', '/v5/position/trading-stop', body, signedHeaders(body, startMs)).retCode).toBe(
        10001,
      );
    }
  });

  test('a GET with a body is 403 without an envelope', () => {
    const on = account();
    const answer = on.gateway.answer({
      method: 'GET',
      path: '/v5/market/time',
      query: '',
      body: '{}',
      address: '127.0.0.1',
      header: () => '',
    });
    expect(answer).toMatchObject({ status: 403, retCode: null });
  });
});

describe('limits', () => {
  test('a call has so many a rolling second, told in three headers, then 10006', () => {
    const on = account({ limits: {} });
    const codes = Array.from({ length: 11 }, () => on.stop({ stopLoss: '43000' }));
    expect(codes.map((answer) => answer.retCode)).toEqual([
      0,
      ...Array.from({ length: 9 }, () => 34040),
      10006,
    ]);
    expect(codes[0]?.headers).toMatchObject({ 'X-Bapi-Limit': '10', 'X-Bapi-Limit-Status': '9' });
    expect(codes[10]?.headers).toMatchObject({
      'X-Bapi-Limit-Status': '0',
      'X-Bapi-Limit-Reset-Timestamp': String(startMs + 1000),
    });
    on.pass(999);
    expect(on.stop({ stopLoss: '43000' }).retCode).toBe(10006);
    on.pass(1);
    expect(on.stop({ stopLoss: '43000' }).retCode).toBe(34040);
  });

  test('reads have their own, and the scenario can lift them', () => {
    const on = account({ limits: {} });
    for (let count = 0; count < 50; count += 1)
      expect(on.get(path, { category: 'linear', symbol: 'BTCUSDT' }).retCode).toBe(0);
    expect(on.get(path, { category: 'linear', symbol: 'BTCUSDT' }).retCode).toBe(10006);
    expect(on.stop({ stopLoss: '43000' }).retCode).toBe(0);
    const lifted = account({ limits: { perSecond: { [path]: 0 } } });
    for (let count = 0; count < 60; count += 1)
      expect(lifted.get(path, { category: 'linear', symbol: 'BTCUSDT' }).retCode).toBe(0);
  });
});

test('refusals come in the language of the account, their numbers unchanged', () => {
  const on = account({ account: { language: 'pt' } });
  expect(on.stop({ stopLoss: '45000' }).retMsg).toBe(
    'Erro nos parâmetros da requisição: StopLoss:450000000 set for Buy position should lower than base_price:440000000??LastPrice',
  );
  on.stop({ stopLoss: '43000' });
  expect(on.stop({ stopLoss: '43000' })).toMatchObject({ retCode: 34040, retMsg: 'não modificado' });
});
