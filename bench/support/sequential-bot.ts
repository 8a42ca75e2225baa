/**
 * The naive way, for comparison: a loop that reads each symbol by itself and protects one position after another, reading each stop
 * back before it goes on.
 */
import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { symbolAt, isLong } from './scenario.ts';

export interface BotRun {
  readonly positions: number;
  readonly requests: number;
  readonly seconds: number;
}

export interface BotOptions {
  readonly url: string;
  readonly positions: number;
  /** Wait between a write and its read-back, ms: many such bots sleep before they look. */
  readonly pauseMs: number;
}

/** Protects positions `0 … positions − 1` of a scenario; throws where the venue refuses or a read-back shows no stop. */
export async function runSequentialBot({ url, positions, pauseMs }: BotOptions): Promise<BotRun> {
  let requests = 0;
  const send = async (method: 'GET' | 'POST', path: string, fields: Record<string, string | number>) => {
    requests += 1;
    const query = new URLSearchParams(
      Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)])),
    );
    const payload = method === 'GET' ? query.toString() : JSON.stringify(fields);
    const timestamp = String(Date.now());
    const response = await fetch(`${url}${path}${method === 'GET' ? `?${payload}` : ''}`, {
      method,
      headers: {
        'content-type': 'application/json',
        'x-bapi-api-key': 'paper-key',
        'x-bapi-timestamp': timestamp,
        'x-bapi-recv-window': '5000',
        'x-bapi-sign': createHmac('sha256', 'paper-secret')
          .update(`${timestamp}paper-key5000${payload}`)
          .digest('hex'),
      },
      ...(method === 'POST' && { body: payload }),
    });
    const answer = (await response.json()) as {
      readonly retCode: number;
      readonly retMsg: string;
      readonly result: { readonly list?: readonly Readonly<Record<string, string>>[] };
    };
    if (answer.retCode !== 0) throw new Error(`${path}: ${answer.retCode} ${answer.retMsg}`);
    return answer.result.list?.[0] ?? {};
  };
  const began = performance.now();
  for (let index = 0; index < positions; index += 1) {
    const of = { category: 'linear', symbol: symbolAt(index) };
    await send('GET', '/v5/market/instruments-info', of);
    const ticker = await send('GET', '/v5/market/tickers', of);
    await send('GET', '/v5/position/list', of);
    const price = Number(ticker['markPrice']);
    const stopLoss = (price * (isLong(index) ? 0.94 : 1.06)).toFixed(2);
    const stop = { ...of, positionIdx: 0, tpslMode: 'Full', stopLoss, slTriggerBy: 'MarkPrice' };
    await send('POST', '/v5/position/trading-stop', stop);
    if (pauseMs > 0) await sleep(pauseMs);
    const row = await send('GET', '/v5/position/list', of);
    if (Number(row['stopLoss']) !== Number(stopLoss)) throw new Error(`${of.symbol}: no stop was read back`);
  }
  return { positions, requests, seconds: (performance.now() - began) / 1_000 };
}
