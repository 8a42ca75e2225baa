/** One HTTP request through ccxt: what a venue that misbehaves in every way looks like from this side (I3, I9). */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createBybitClient,
  lightCcxtUrl,
  loadCcxt,
  type BybitClient,
} from '../../src/exchange/bybit-client.ts';
import { createRedactor } from '../../src/exchange/redaction.ts';
import { freePort } from '../../src/operator/ports.ts';
import {
  envelope,
  isSigned,
  KEY,
  refusal,
  SECRET,
  startFakeVenue,
  type FakeVenue,
  type Misbehaviour,
} from './fake-venue.ts';

const STOP = {
  category: 'linear',
  symbol: 'BTCUSDT',
  tpslMode: 'Full',
  positionIdx: 0,
  stopLoss: '58000.1',
  slTriggerBy: 'MarkPrice',
};
const PATH = '/v5/position/trading-stop';

let venue: FakeVenue;
let client: BybitClient;

function clientOf(baseUrl: string, deadlineMs = 5_000): BybitClient {
  return createBybitClient({
    venue: 'paper',
    baseUrl,
    apiKey: KEY,
    apiSecret: SECRET,
    deadlines: { readMs: deadlineMs, writeMs: deadlineMs },
    signingTime: () => 1_700_000_000_000,
    redact: createRedactor([KEY, SECRET]),
  });
}

beforeEach(async () => {
  venue = await startFakeVenue();
  client = clientOf(venue.url);
});
afterEach(async () => {
  await venue.close();
});

function answer(status: number, body: string): Misbehaviour {
  return { kind: 'answer', status, body };
}

describe('a request', () => {
  test('is signed over its raw query, in the order given, without a body', async () => {
    await client.call('positions', {
      category: 'linear',
      settleCoin: 'USDT',
      limit: 200,
      cursor: 'BTCUSDT%2C1700000000000%2C0',
    });
    const [request] = venue.seen;
    expect(request?.rawQuery).toBe(
      'category=linear&settleCoin=USDT&limit=200&cursor=BTCUSDT%2C1700000000000%2C0',
    );
    expect(request?.body).toBe('');
    expect(request?.headers['x-bapi-timestamp']).toBe('1700000000000');
    expect(request && isSigned(request)).toBe(true);
  });

  test('of a symbol outside ASCII is signed as it is sent', async () => {
    await client.call('positions', { category: 'linear', symbol: '币USDT' });
    expect(venue.seen[0]?.query.get('symbol')).toBe('币USDT');
    expect(venue.seen.every(isSigned)).toBe(true);
  });

  test('that writes sends exactly the fields given, signed over the raw body', async () => {
    await client.call('setStop', STOP);
    const [request] = venue.seen;
    expect(request?.method).toBe('POST');
    expect(request?.body).toBe(JSON.stringify(STOP));
    expect(request && isSigned(request)).toBe(true);
  });

  test('that is public carries no key', async () => {
    await client.call('time', {});
    expect(Object.keys(venue.seen[0]?.headers ?? {}).filter((name) => name.startsWith('x-bapi'))).toEqual([]);
  });

  test('issues no other request: no markets, no currencies, no retries', async () => {
    venue.on('/v5/position/list', () => answer(502, ''));
    await client.call('positions', {});
    expect(venue.seen).toHaveLength(1);
  });
});

describe('an answer', () => {
  test('is given with its code, time and rate headers', async () => {
    venue.on(PATH, () =>
      envelope(
        { a: 1 },
        {
          time: 5,
          headers: { 'X-Bapi-Limit': '10', 'X-Bapi-Limit-Status': '7', 'X-Bapi-Limit-Reset-Timestamp': '99' },
        },
      ),
    );
    expect(await client.call('setStop', STOP)).toEqual({
      kind: 'envelope',
      httpStatus: 200,
      retCode: 0,
      retMsg: 'OK',
      result: { a: 1 },
      time: 5,
      rate: { limit: 10, remaining: 7, resetAt: 99 },
    });
  });

  test.each([[34040], [10016], [10006], [110017], [10003], [-1], [30084], [999999]])(
    'with code %i keeps its code, text and headers',
    async (code) => {
      venue.on(PATH, () => refusal(code, 'as recorded', { 'x-bapi-limit': '10' }));
      expect(await client.call('setStop', STOP)).toMatchObject({
        kind: 'envelope',
        httpStatus: 200,
        retCode: code,
        retMsg: 'as recorded',
        rate: { limit: 10, remaining: null },
      });
    },
  );

  test('belongs to its own request, however many run at once', async () => {
    venue.on(PATH, async (request) => {
      const { symbol } = JSON.parse(request.body) as { symbol: string };
      await new Promise((resolve) => setTimeout(resolve, Number(symbol) % 7));
      return refusal(100_000 + Number(symbol), `for ${symbol}`, { 'x-bapi-limit-status': symbol });
    });
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, i) => client.call('setStop', { ...STOP, symbol: String(i) })),
    );
    for (const [i, reply] of replies.entries())
      expect(reply).toMatchObject({ retCode: 100_000 + i, retMsg: `for ${i}`, rate: { remaining: i } });
  });

  test('with an integer beyond 2^53 has a code and time all the same', async () => {
    venue.on(PATH, () =>
      answer(200, '{"retCode":0,"retMsg":"OK","result":{"seq":9223372036854775807},"time":1700000000001}'),
    );
    expect(await client.call('setStop', STOP)).toMatchObject({
      kind: 'envelope',
      retCode: 0,
      time: 1_700_000_000_001,
    });
  });

  test('with an HTTP error and an envelope keeps both', async () => {
    venue.on(PATH, () => answer(401, '{"retCode":10003,"retMsg":"API key is invalid."}'));
    expect(await client.call('setStop', STOP)).toMatchObject({
      kind: 'envelope',
      httpStatus: 401,
      retCode: 10003,
      time: null,
    });
    venue.on(PATH, () => answer(502, '{"retCode":0,"retMsg":"OK","result":{}}'));
    expect(await client.call('setStop', STOP)).toMatchObject({
      kind: 'envelope',
      httpStatus: 502,
      retCode: 0,
    });
  });

  test.each([
    ['HTML', 200, '<html><body>maintenance</body></html>'],
    ['nothing', 200, ''],
    ['truncated JSON', 200, '{"retCode":0,"retMsg":"OK","resu'],
    ['a list', 200, '[]'],
    ['a text', 200, '"ok"'],
    ['null', 200, 'null'],
    ['JSON without a code', 200, '{"message":"hello"}'],
    ['a code that is no number', 200, '{"retCode":"zero"}'],
    ['HTML', 403, '<html>access too frequent</html>'],
    ['nothing', 403, ''],
    ['JSON without a code', 502, '{"message":"bad gateway"}'],
    ...[302, 400, 404, 429, 451, 499, 500, 502, 503, 504, 520, 523, 524, 530].map(
      (status) => ['HTML', status, '<html></html>'] as const,
    ),
  ] as const)('of %s with HTTP %i is foreign, never a success', async (_what, status, body) => {
    venue.on(PATH, () => answer(status, body));
    expect(await client.call('setStop', STOP)).toMatchObject({ kind: 'foreign', httpStatus: status });
  });

  test('that redirects is not followed', async () => {
    venue.on(PATH, () => ({
      kind: 'answer',
      status: 307,
      headers: { location: `${venue.url}/elsewhere` },
      body: '',
    }));
    expect(await client.call('setStop', STOP)).toMatchObject({ kind: 'foreign', httpStatus: 307 });
    expect(venue.seenAt('/elsewhere')).toEqual([]);
  });
});

describe('no complete answer', () => {
  test.each(['silence', 'stalled-body', 'reset', 'reset-mid-body'] as const)(
    '(%s) is lost, and the request was sent',
    async (kind) => {
      venue.on(PATH, () => ({ kind }));
      expect(await clientOf(venue.url, 400).call('setStop', STOP)).toMatchObject({
        kind: 'lost',
        sent: true,
      });
      expect(venue.seen).toHaveLength(1);
    },
  );

  test('a stalled body ends at the deadline and frees its socket for the next request', async () => {
    venue.on(PATH, () => ({ kind: 'stalled-body' }));
    const reply = await clientOf(venue.url, 400).call('setStop', STOP);
    expect(reply).toMatchObject({ kind: 'lost', detail: 'no complete answer within 400 ms' });
    venue.on(PATH, () => envelope({}));
    expect(await client.call('setStop', STOP)).toMatchObject({ retCode: 0 });
  });

  test('an answer just slow is waited for', async () => {
    venue.on(PATH, async () => {
      await new Promise((resolve) => setTimeout(resolve, 150));
      return envelope({});
    });
    expect(await client.call('setStop', STOP)).toMatchObject({ retCode: 0 });
  });

  test('a refused connection was not sent', async () => {
    const port = await freePort(null);
    expect(await clientOf(`http://127.0.0.1:${port}`).call('setStop', STOP)).toMatchObject({
      kind: 'lost',
      sent: false,
      detail: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('a name that does not resolve was not sent', async () => {
    const reply = await clientOf('http://venue.invalid').call('setStop', STOP);
    expect(reply).toMatchObject({ kind: 'lost', sent: false });
  });

  test('a failed TLS handshake was not sent', async () => {
    const reply = await clientOf(venue.url.replace('http:', 'https:')).call('setStop', STOP);
    expect(reply).toMatchObject({ kind: 'lost', sent: false });
  });
});

describe('secrets', () => {
  test('that the venue echoes are gone from the reply', async () => {
    const sign = 'a'.repeat(64);
    venue.on(PATH, () => refusal(10004, `error sign! origin_string[1700000000000${KEY}5000] ${sign}`));
    const told = JSON.stringify(await client.call('setStop', STOP));
    expect(told).not.toContain(KEY);
    expect(told).not.toContain(sign);
    venue.on(PATH, () => answer(500, `<html>${KEY} ${SECRET}</html>`));
    const html = JSON.stringify(await client.call('setStop', STOP));
    expect(html).not.toContain(KEY);
    expect(html).not.toContain(SECRET);
  });
});

describe('the URL of the venue', () => {
  test.each(['', 'not a url', 'ftp://host', 'http://user:pass@host', 'http://host/?a=1'])(
    '%j is refused',
    (url) => {
      expect(() => clientOf(url)).toThrow(/venue URL/);
    },
  );

  test('is needed for the paper venue', () => {
    const { baseUrl: _none, ...rest } = { baseUrl: undefined };
    expect(() =>
      createBybitClient({
        ...rest,
        venue: 'paper',
        apiKey: KEY,
        apiSecret: SECRET,
        deadlines: { readMs: 1, writeMs: 1 },
        signingTime: () => 0,
        redact: (text) => text,
      }),
    ).toThrow(/needs a base URL/);
  });

  test('may end in a slash or carry a path', async () => {
    venue.on('/proxy/v5/market/time', () => envelope({}));
    expect(await clientOf(`${venue.url}/proxy/`).call('time', {})).toMatchObject({ retCode: 0 });
  });
});

describe('ccxt', () => {
  test('has the file of the Bybit class where the light import expects it', async () => {
    const loaded = await loadCcxt();
    expect(loaded.light).toBe(true);
    expect(lightCcxtUrl()).toMatch(/\/ccxt\/js\/src\/bybit\.js$/);
  });

  test('is loaded from its main entry where that file is missing or holds something else', async () => {
    const light = await loadCcxt();
    for (const url of [null, 'file:///nowhere/bybit.js', new URL('./fixtures.ts', import.meta.url).href]) {
      const loaded = await loadCcxt(url);
      expect(loaded.light).toBe(false);
      expect(loaded.Bybit).toBe(light.Bybit);
    }
  });
});
