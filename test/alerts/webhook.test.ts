/** The webhook: what a receiver gets, how it knows that it is ours, and what becomes of every kind of failure. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ChannelFailure } from '../../src/alerts/channel.ts';
import { signature } from '../../src/alerts/signature.ts';
import { webhookChannel } from '../../src/alerts/webhook.ts';
import type { Alert } from '../../src/domain/alert.ts';
import { Secret } from '../../src/secret.ts';
import { anAlert } from '../support/alert-data.ts';
import { AlertReceiver, type Reaction } from '../support/alert-receiver.ts';

const SECRET = 'whsec-0123456789abcdef';
const NOW = Date.parse('2025-11-22T19:14:24.500Z');

let receiver: AlertReceiver;

beforeEach(async () => {
  receiver = await AlertReceiver.start();
});

afterEach(async () => {
  await receiver.close();
});

interface SendSettings {
  readonly url?: string;
  readonly secret?: string | null;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

function send(alert: Alert, settings: SendSettings = {}): Promise<void> {
  const { url = `${receiver.url}/hook/token-4711`, secret = SECRET, timeoutMs = 5_000 } = settings;
  const channel = webhookChannel({
    url: new Secret(url),
    secret: secret === null ? null : new Secret(secret),
    now: () => NOW,
  });
  return channel.send(alert, { timeoutMs, signal: settings.signal ?? new AbortController().signal });
}

async function failure(settings: SendSettings = {}): Promise<ChannelFailure> {
  const error: unknown = await send(anAlert(), settings).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ChannelFailure) return error;
  throw new Error(`no ChannelFailure: ${String(error)}`);
}

describe('an alert that arrives', () => {
  it('carries position, level, reason, seconds, what to do and the command that does it', async () => {
    await send(anAlert());
    expect(receiver.received).toHaveLength(1);
    const [request] = receiver.received;
    expect(request).toMatchObject({ method: 'POST', path: '/hook/token-4711' });
    expect(request?.headers['content-type']).toBe('application/json');
    expect(JSON.parse(request?.body ?? '')).toEqual({
      version: 1,
      id: 'guard:main:BTCUSDT/1763838000000/0',
      level: 'CRITICAL',
      kind: 'unprotected',
      account: 'main',
      position: { symbol: 'BTCUSDT', positionIdx: 0, leg: 'one-way' },
      message: 'no stop for 3.2 s: the venue refused the stop',
      unprotectedSeconds: '3.2',
      todo: 'set a stop by hand',
      command: 'temporal workflow update execute -w guard:main:BTCUSDT --name reprotectNow',
      at: '2025-11-22T19:14:24.000Z',
    });
  });

  it('names the leg of a hedged position, and no position where the whole account is meant', async () => {
    await send(anAlert({ leg: { symbol: 'BTCUSDT', positionIdx: 2 } }));
    await send(anAlert({ leg: null }));
    const positions = receiver.received.map(
      ({ body }) => (JSON.parse(body) as { position: unknown }).position,
    );
    expect(positions).toEqual([{ symbol: 'BTCUSDT', positionIdx: 2, leg: 'short' }, null]);
  });

  it('is signed over timestamp and body, so that a receiver can check both', async () => {
    await send(anAlert({ message: 'Stopp für ETH-Kontrakt €' }));
    const [request] = receiver.received;
    if (request === undefined) throw new Error('nothing arrived');
    const { headers, body } = request;
    const timestamp = String(headers['stopkeeper-timestamp']);
    expect(Number(timestamp)).toBe(Math.floor(NOW / 1_000));
    // As docs/alerts.md tells receivers to do it, without our code.
    const expected = createHmac('sha256', SECRET).update(`${timestamp}.${body}`).digest();
    const given = Buffer.from(String(headers['stopkeeper-signature']).replace('v1=', ''), 'hex');
    expect(timingSafeEqual(expected, given)).toBe(true);
    const forged = createHmac('sha256', SECRET).update(`${timestamp}.${body} `).digest();
    expect(timingSafeEqual(forged, given)).toBe(false);
  });

  it('has its id as idempotency key, the same at each try, in characters that a header takes', async () => {
    await send(anAlert());
    await send(anAlert());
    await send(anAlert({ id: 'guard:main:BTC USDT€/1/0' }));
    expect(receiver.received.map(({ headers }) => headers['idempotency-key'])).toEqual([
      'guard:main:BTCUSDT/1763838000000/0',
      'guard:main:BTCUSDT/1763838000000/0',
      'guard:main:BTC%20USDT%20ac/1/0',
    ]);
  });

  it('goes out without a signature where no secret is set', async () => {
    await send(anAlert(), { secret: null });
    expect(receiver.received[0]?.headers['stopkeeper-signature']).toBeUndefined();
  });

  it('takes user and password of the address as basic authorization', async () => {
    await send(anAlert(), { url: receiver.url.replace('://', '://us%40er:pass%3A1@') });
    expect(receiver.received[0]?.headers.authorization).toBe(
      `Basic ${Buffer.from('us@er:pass:1').toString('base64')}`,
    );
  });
});

describe('the worked example of docs/alerts.md', () => {
  const page = readFileSync(new URL('../../docs/alerts.md', import.meta.url), 'utf8');

  it('shows the signature that the code makes', () => {
    const [, secret = ''] = /^secret: +(\S+)$/m.exec(page) ?? [];
    const [, timestamp = ''] = /^Stopkeeper-Timestamp: (\d+)$/m.exec(page) ?? [];
    const [, shown = ''] = /^Stopkeeper-Signature: v1=([0-9a-f]{64})$/m.exec(page) ?? [];
    const [body = ''] = /^\{"version":1.*\}$/m.exec(page) ?? [];
    expect(body).not.toBe('');
    expect(signature(secret, Number(timestamp), body)).toBe(shown);
  });

  it('shows a body that the code makes', async () => {
    const [body = ''] = /^\{"version":1.*\}$/m.exec(page) ?? [];
    await send(anAlert());
    expect(receiver.received[0]?.body).toBe(body);
  });
});

describe('a receiver that does not take the alert', () => {
  const passing: readonly (readonly [string, Reaction, RegExp])[] = [
    ['500', { kind: 'answer', status: 500 }, /^answered HTTP 500$/],
    ['503', { kind: 'answer', status: 503 }, /^answered HTTP 503$/],
    ['429', { kind: 'answer', status: 429 }, /^answered HTTP 429$/],
    ['408', { kind: 'answer', status: 408 }, /^answered HTTP 408$/],
    ['a reset', { kind: 'reset' }, /^the connection failed \([A-Z_]+\)$/],
    ['silence', { kind: 'hang' }, /^no whole answer within 0\.2 s$/],
    ['half an answer', { kind: 'stall' }, /^no whole answer within 0\.2 s$/],
  ];
  it.each(passing)('is worth another try after %s', async (_name, reaction, message) => {
    receiver.react = () => reaction;
    const error = await failure({ timeoutMs: 200 });
    expect(error).toMatchObject({ passing: true, message: expect.stringMatching(message) });
  });

  it.each([400, 401, 403, 404, 410, 422])('is not asked again at once after %d', async (status) => {
    receiver.react = () => ({ kind: 'answer', status });
    expect(await failure()).toMatchObject({ passing: false, message: `answered HTTP ${status}` });
  });

  it('may redirect, and the alert does not follow', async () => {
    const elsewhere = `${receiver.url}/elsewhere`;
    receiver.react = () => ({ kind: 'answer', status: 307, headers: { location: elsewhere } });
    expect(await failure()).toMatchObject({
      passing: false,
      message: 'answered HTTP 307, redirects are not followed',
    });
    expect(receiver.received).toHaveLength(1);
  });

  it('may say when it wants to be asked again', async () => {
    receiver.react = () => ({ kind: 'answer', status: 429, headers: { 'retry-after': '7' } });
    expect((await failure()).retryAfterMs).toBe(7_000);
  });

  it('may not be there at all', async () => {
    await receiver.close();
    expect(await failure()).toMatchObject({ passing: true, message: 'the connection failed (ECONNREFUSED)' });
    receiver = await AlertReceiver.start();
  });

  it('is left when the worker stops', async () => {
    const stopping = new AbortController();
    receiver.react = () => {
      stopping.abort();
      return { kind: 'hang' };
    };
    expect((await failure({ signal: stopping.signal })).message).toBe('stopped before an answer came');
  });

  it('answers without end, and only the beginning is read', async () => {
    receiver.react = () => ({ kind: 'answer', status: 500, body: 'x'.repeat(1_000_000) });
    expect((await failure()).message).toBe('answered HTTP 500');
  });
});

describe('secrets (I9)', () => {
  it.each<readonly [string, Reaction]>([
    ['a refusal', { kind: 'answer', status: 403, body: `${SECRET} token-4711` }],
    ['a reset', { kind: 'reset' }],
    ['silence', { kind: 'hang' }],
  ])('neither the address nor the secret is in the error after %s', async (_name, reaction) => {
    receiver.react = () => reaction;
    const url = `${receiver.url.replace('://', '://user:pass-4711@')}/hook/token-4711`;
    const error = await failure({ url, timeoutMs: 200 });
    const text = `${error.message} ${error.stack ?? ''} ${JSON.stringify(error)} ${String(error.cause)}`;
    expect(text).not.toContain('4711');
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain(receiver.url);
  });
});
