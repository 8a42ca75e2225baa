/** Stops and closes over HTTP: the port says only what is known, and touches nothing else (I3, I6, I9, I10). */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TurnPassed, type VenuePort } from '../../src/exchange/port.ts';
import { envelope, isSigned, KEY, refusal, SECRET, type FakeVenue } from './fake-venue.ts';
import { type Row, instrumentRow } from './fixtures.ts';
import {
  failureOf,
  FRESH,
  IMPATIENT,
  list,
  LIST,
  startWorld,
  STOP_PATH,
  symbols,
  type World,
} from './port-world.ts';

let world: World;
let venue: FakeVenue;
let port: VenuePort;

beforeEach(async () => {
  world = await startWorld();
  ({ venue, port } = world);
});
afterEach(async () => {
  await world.close();
});

describe('setting a stop', () => {
  const request = { symbol: 'BTCUSDT', positionIdx: 1, stopLoss: '58000.1', triggerBy: 'MarkPrice' } as const;

  test('sends the six fields of a full stop and nothing else', async () => {
    expect(await port.setStop(request, 'no-stop')).toEqual({ kind: 'applied' });
    expect(venue.seenAt(STOP_PATH).map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      {
        category: 'linear',
        symbol: 'BTCUSDT',
        tpslMode: 'Full',
        positionIdx: 1,
        stopLoss: '58000.1',
        slTriggerBy: 'MarkPrice',
      },
    ]);
    expect(venue.seenAt(STOP_PATH).every(isSigned)).toBe(true);
  });

  test.each(['', '0', '0.00', '-1', 'NaN', 'Infinity', 'undefined', ' 1', '1e400'])(
    'at %j is refused before any request: it could remove the stop that rests',
    async (stopLoss) => {
      expect(await port.setStop({ ...request, stopLoss }, 'no-stop')).toMatchObject({
        kind: 'refused',
        failure: { type: 'VenueRefused', reason: 'other' },
      });
      expect(venue.seen).toEqual([]);
    },
  );

  test("outside the instrument's bounds is refused before any request", async () => {
    venue.on('/v5/market/instruments-info', () => list([instrumentRow()]));
    await port.instrument('BTCUSDT');
    for (const stopLoss of ['0.05', '2000000'])
      expect(await port.setStop({ ...request, stopLoss }, 'no-stop')).toMatchObject({ kind: 'refused' });
    expect(venue.seenAt(STOP_PATH)).toEqual([]);
  });

  test.each([
    ['unchanged', '34040', refusal(34040, 'not modified')],
    ['refused', '10001', refusal(10001, 'can not set tp/sl/ts for zero position')],
    ['unknown', '10016', refusal(10016, 'Internal System Error.')],
    ['unknown', '10000', refusal(10000, 'Server Timeout')],
    ['unknown', 'silence', { kind: 'silence' }],
    ['unknown', 'a reset', { kind: 'reset' }],
    ['unknown', 'half a body', { kind: 'reset-mid-body' }],
    ['unknown', 'a stalled body', { kind: 'stalled-body' }],
    ['unknown', 'HTML', { kind: 'answer', body: '<html>' }],
    ['unknown', 'an empty body', { kind: 'answer', body: '' }],
    ['unknown', 'a 502 that claims success', { kind: 'answer', status: 502, body: '{"retCode":0}' }],
  ] as const)('is %s after %s', async (kind, _what, misbehaviour) => {
    venue.on(STOP_PATH, () => misbehaviour);
    expect((await world.portFor(misbehaviour).setStop(request, 'no-stop')).kind).toBe(kind);
    expect(venue.seenAt(STOP_PATH)).toHaveLength(1);
  });

  test('is certainly not executed where nobody listens', async () => {
    await venue.close();
    expect(await failureOf(port.setStop(request, 'no-stop'))).toMatchObject({ type: 'VenueUnavailable' });
  });

  test('that the venue limits says when to come back', async () => {
    venue.on(STOP_PATH, () =>
      refusal(10006, 'Too many visits!', {
        'X-Bapi-Limit-Status': '0',
        'X-Bapi-Limit-Reset-Timestamp': String(Date.now() + 900),
      }),
    );
    const info = await failureOf(port.setStop(request, 'no-stop'));
    expect(info).toMatchObject({ type: 'VenueRateLimited', code: '10006' });
    expect(info.retryAfterMs).toBeGreaterThan(0);
  });

  test('with a wrong clock fails as such, and the next one is signed with a fresh offset', async () => {
    await port.setStop(request, 'no-stop');
    venue.skewMs = -3_000;
    venue.on(STOP_PATH, ({ headers, at }) =>
      Number(headers['x-bapi-timestamp']) < at + venue.skewMs + 1_000
        ? envelope({})
        : refusal(10002, 'invalid request, please check your server timestamp'),
    );
    expect(await failureOf(port.setStop(request, 'no-stop'))).toMatchObject({
      type: 'VenueClock',
      code: '10002',
    });
    expect(await port.setStop(request, 'no-stop')).toEqual({ kind: 'applied' });
  });

  test.each([
    [10003, 'API key is invalid'],
    [33004, 'API key has expired'],
    [10005, "API key lacks the 'Position' permission"],
  ])('with key problem %i says %j and shows no secret', async (code, words) => {
    venue.on(STOP_PATH, () => refusal(code, `origin_string[${KEY}${SECRET}]`));
    const info = await failureOf(port.setStop(request, 'no-stop'));
    expect(info).toMatchObject({
      type: 'VenueAuth',
      code: String(code),
      message: expect.stringContaining(words),
    });
    expect(JSON.stringify(info)).not.toMatch(new RegExp(`${KEY}|${SECRET}`));
  });

  test('after a ban is not even sent, by this port or another of the process', async () => {
    venue.on(STOP_PATH, () => ({ kind: 'answer', status: 403, body: 'access too frequent' }));
    const info = await failureOf(port.setStop(request, 'no-stop'));
    expect(info).toMatchObject({ type: 'VenueRateLimited', code: 'HTTP 403' });
    expect(info.retryAfterMs).toBeGreaterThan(590_000);
    const seen = venue.seen.length;
    expect(await failureOf(port.snapshot(FRESH))).toMatchObject({ type: 'VenueRateLimited' });
    expect(await failureOf(port.setStop(request, 'no-stop'))).toMatchObject({ type: 'VenueRateLimited' });
    expect(venue.seen).toHaveLength(seen);
  });
});

describe('many stops at once', () => {
  const FULL = { positionIdx: 0, stopLoss: '1', triggerBy: 'MarkPrice' } as const;

  test('are proven by reads that began after each write ended, shared among them', async () => {
    venue.on(LIST, ({ query }) => list(query.get('settleCoin') === 'USDT' ? symbols(20) : []));
    const legs = Array.from({ length: 20 }, (_, i) => `S${i}USDT`);
    const proofs = await Promise.all(
      legs.map(async (symbol) => {
        await port.setStop({ ...FULL, symbol }, 'no-stop');
        const writtenAt = Date.now();
        return { writtenAt, snapshot: await port.snapshot(FRESH) };
      }),
    );
    for (const { writtenAt, snapshot } of proofs)
      expect(snapshot.startedAt).toBeGreaterThanOrEqual(writtenAt);
    const snapshots = new Set(proofs.map(({ snapshot }) => snapshot.seq)).size;
    expect(port.requestCounts()[LIST]).toBe(2 * snapshots);
    expect(snapshots).toBeLessThan(legs.length);
  });

  test('are not sent by an old read: those whose turn comes too late say so', async () => {
    const stops = Array.from({ length: 30 }, (_, i) => ({ ...FULL, symbol: `S${i}USDT` }));
    const answers = await Promise.allSettled(stops.map((stop) => port.setStop(stop, 'no-stop')));
    const passed = answers.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
    expect(passed.length).toBeGreaterThan(0);
    expect(passed.every((error) => error instanceof TurnPassed)).toBe(true);
    expect(venue.seenAt(STOP_PATH)).toHaveLength(stops.length - passed.length);
  });
});

describe('an emergency close', () => {
  const request = {
    symbol: 'BTCUSDT',
    positionIdx: 2,
    positionSide: 'short',
    size: '0.5',
    orderLinkId: 'sk-0123',
  } as const;

  test('is a reduce-only market order against the side that the venue shows', async () => {
    venue.on('/v5/order/create', () => envelope({ orderId: 'x', orderLinkId: 'sk-0123' }));
    await port.closePosition(request);
    await port.closePosition({ ...request, positionIdx: 0, positionSide: 'long' });
    const sent = venue.seenAt('/v5/order/create').map(({ body }) => JSON.parse(body) as Row);
    const common = {
      category: 'linear',
      symbol: 'BTCUSDT',
      orderType: 'Market',
      qty: '0.5',
      orderLinkId: 'sk-0123',
      reduceOnly: true,
      closeOnTrigger: true,
    };
    expect(sent).toEqual([
      { ...common, side: 'Buy', positionIdx: 2 },
      { ...common, side: 'Sell', positionIdx: 0 },
    ]);
  });

  test.each([
    ['Filled', 'applied'],
    ['PartiallyFilled', 'applied'],
    ['Rejected', 'refused'],
    ['PartiallyFilledCanceled', 'refused'],
    [null, 'unknown'],
  ])('that an earlier attempt sent is looked up by its key: %s is %s', async (orderStatus, kind) => {
    const order = { orderId: 'o1', orderLinkId: 'sk-0123', symbol: 'BTCUSDT', positionIdx: 2, orderStatus };
    const rows = [{ ...order, qty: '0.5', cumExecQty: '0.2', avgPrice: '44000.1' }];
    venue.on('/v5/order/create', () => refusal(110072, 'OrderLinkedID is duplicate'));
    venue.on('/v5/order/realtime', () => list([]));
    venue.on('/v5/order/history', () => list(orderStatus === null ? [] : rows));
    expect((await port.closePosition(request)).kind).toBe(kind);
    expect(venue.seenAt('/v5/order/history').map(({ query }) => query.get('orderLinkId'))).toEqual([
      'sk-0123',
    ]);
  });

  test('that an earlier attempt sent, and that cannot be looked up, stays unknown', async () => {
    venue.on('/v5/order/create', () => refusal(110072, 'OrderLinkedID is duplicate'));
    venue.on('/v5/order/realtime', () => refusal(10016, 'Internal server error'));
    expect((await port.closePosition(request)).kind).toBe('unknown');
  });

  test.each([
    [110017, 'refused'],
    [10000, 'unknown'],
  ])('answered with %i is %s', async (code, kind) => {
    venue.on('/v5/order/create', () => refusal(code, 'current position is zero'));
    expect((await port.closePosition(request)).kind).toBe(kind);
  });

  test.each([
    { size: '0' },
    { size: '' },
    { orderLinkId: '' },
    { orderLinkId: 'x'.repeat(37) },
    { orderLinkId: 'a b' },
  ])('with %j is refused before any request', async (override) => {
    expect((await port.closePosition({ ...request, ...override })).kind).toBe('refused');
    expect(venue.seen).toEqual([]);
  });

  test('is found by its key, among open orders or in the history, or nowhere', async () => {
    const order = {
      orderId: 'o1',
      orderLinkId: 'sk-0123',
      symbol: 'BTCUSDT',
      positionIdx: 0,
      orderStatus: 'Filled',
      qty: '0.5',
      cumExecQty: '0.5',
      avgPrice: '44000.1',
    };
    venue.on('/v5/order/realtime', () => list([]));
    venue.on('/v5/order/history', () => list([order]));
    expect(await port.orderByLinkId('BTCUSDT', 'sk-0123')).toEqual({
      orderId: 'o1',
      orderLinkId: 'sk-0123',
      status: 'Filled',
      cumExecQty: '0.5',
      avgPrice: '44000.1',
    });
    expect(await port.orderByLinkId('BTCUSDT', 'sk-other')).toBeNull();
    venue.on('/v5/order/history', () => refusal(110001, 'Order does not exist'));
    expect(await port.orderByLinkId('BTCUSDT', 'sk-0123')).toBeNull();
    venue.on('/v5/order/realtime', () =>
      list([{ ...order, orderStatus: 'New', cumExecQty: '', avgPrice: '' }]),
    );
    expect(await port.orderByLinkId('BTCUSDT', 'sk-0123')).toMatchObject({
      status: 'New',
      cumExecQty: '0',
      avgPrice: null,
    });
  });

  test('that cannot be looked up is not "nowhere"', async () => {
    venue.on('/v5/order/realtime', () => list([]));
    venue.on('/v5/order/history', () => ({ kind: 'silence' }));
    expect(await failureOf(world.portOf(IMPATIENT).orderByLinkId('BTCUSDT', 'sk-0123'))).toMatchObject({
      type: 'VenueUnavailable',
    });
  });
});

describe('what was touched', () => {
  test('by everything the port can do is only what the product may touch', async () => {
    const only = new Set(['GET /v5/', `POST ${STOP_PATH}`, 'POST /v5/order/create']);
    await port.setStop(
      { symbol: 'BTCUSDT', positionIdx: 0, stopLoss: '1', triggerBy: 'LastPrice' },
      'rewrite',
    );
    await Promise.allSettled([
      port.snapshot(),
      port.wallet(),
      port.keyInfo(),
      port.clock(),
      port.closedPnl('BTCUSDT', Date.now()),
      port.notCovered(),
    ]);
    for (const { method, path } of venue.seen)
      expect(only).toContain(method === 'GET' ? `GET ${path.slice(0, 4)}` : `${method} ${path}`);
    for (const { body } of venue.seen)
      expect(body).not.toMatch(/takeProfit|leverage|tradeMode|trailingStop|"mode"/i);
  });
});
