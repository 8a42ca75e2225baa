/** One builder for paper exchanges in memory: a scenario with overrides, a clock that the test moves, signed calls. */
import { createHmac } from 'node:crypto';
import { ManualClock } from '../../src/paper/clock.ts';
import { Gateway } from '../../src/paper/gateway.ts';
import { lendHand, type HandAction } from '../../src/paper/hand.ts';
import { openFresh } from '../../src/paper/opening.ts';
import { setUp } from '../../src/paper/setup.ts';

/** 2026-03-02 10:00:00 UTC, a Monday, two hours into a funding interval. */
export const startMs = Date.UTC(2026, 2, 2, 10);

type Fields = Readonly<Record<string, unknown>>;

/** An answer's payload as JSON.parse gives it: tests assert it field by field, which is what checks it. */
// oxlint-disable-next-line typescript/no-explicit-any -- a declared type would claim what the tests are there to find out
export type Payload = any;

export interface Reply {
  readonly retCode: number;
  readonly retMsg: string;
  readonly result: Payload;
  readonly time: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** A BTC long of 0.01 at 44000 unless the test says otherwise; no limits, fills at once when told to wait nothing. */
export function account(scenario: Fields = {}) {
  const clock = new ManualClock(startMs);
  const engine = openFresh(
    setUp({
      limits: { ipRequests: 0, perSecond: { '*': 0 } },
      positions: [{ symbol: 'BTCUSDT', size: '0.01', entryPrice: '44000' }],
      ...scenario,
    }),
    clock,
  );
  const gateway = new Gateway(engine);
  const send = (
    method: string,
    path: string,
    payload: string,
    headers: Readonly<Record<string, string>>,
  ): Reply => {
    const answer = gateway.answer({
      method,
      path,
      query: method === 'GET' ? payload : '',
      body: method === 'GET' ? '' : payload,
      address: '127.0.0.1',
      header: (name) => headers[name] ?? '',
    });
    return { ...JSON.parse(answer.body), headers: answer.headers };
  };
  const signed = (method: string, path: string, payload: string): Reply =>
    send(method, path, payload, signedHeaders(payload, clock.nowMs()));
  return {
    clock,
    engine,
    gateway,
    venue: engine.venue,
    send,
    get: (path: string, parameters: Readonly<Record<string, string>> = {}) =>
      signed('GET', path, new URLSearchParams(parameters).toString()),
    post: (path: string, body: Fields) => signed('POST', path, JSON.stringify(body)),
    stop: (fields: Fields) =>
      signed(
        'POST',
        '/v5/position/trading-stop',
        JSON.stringify({
          category: 'linear',
          symbol: 'BTCUSDT',
          positionIdx: 0,
          tpslMode: 'Full',
          ...fields,
        }),
      ),
    row: (symbol = 'BTCUSDT', positionIdx = 0) =>
      signed('GET', '/v5/position/list', `category=linear&symbol=${symbol}`).result.list.find(
        (row: Fields) => row['positionIdx'] === positionIdx,
      ),
    price: (symbol: string, last: string, mark = last, index = mark) =>
      engine.act(() => engine.setPrices(new Map([[symbol, { last, mark, index }]]))),
    hand: (action: HandAction) => lendHand(engine, action),
    /** Moves time and lets happen what is due. */
    pass: (ms: number) => {
      clock.advance(ms);
      engine.advance();
    },
  };
}

export function signedHeaders(
  payload: string,
  timestamp: number,
  secret = 'paper-secret',
  key = 'paper-key',
): Readonly<Record<string, string>> {
  const time = String(Math.floor(timestamp));
  return {
    'x-bapi-api-key': key,
    'x-bapi-timestamp': time,
    'x-bapi-recv-window': '5000',
    'x-bapi-sign': createHmac('sha256', secret).update(`${time}${key}5000${payload}`).digest('hex'),
  };
}
