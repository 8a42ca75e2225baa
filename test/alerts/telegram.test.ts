/** Telegram: what a phone shows, and how the answers of the Bot API are read. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ChannelFailure } from '../../src/alerts/channel.ts';
import { alertText, telegramChannel } from '../../src/alerts/telegram.ts';
import { Secret } from '../../src/secret.ts';
import { anAlert } from '../support/alert-data.ts';
import { AlertReceiver, type Reaction } from '../support/alert-receiver.ts';

const TOKEN = '123456:telegram-token-4711';

let receiver: AlertReceiver;

beforeEach(async () => {
  receiver = await AlertReceiver.start();
});

afterEach(async () => {
  await receiver.close();
});

function send(): Promise<void> {
  const channel = telegramChannel({ botToken: new Secret(TOKEN), chatId: '-100123', apiUrl: receiver.url });
  return channel.send(anAlert(), { timeoutMs: 5_000, signal: new AbortController().signal });
}

async function failure(reaction: Reaction): Promise<ChannelFailure> {
  receiver.react = () => reaction;
  const error: unknown = await send().catch((thrown: unknown) => thrown);
  if (error instanceof ChannelFailure) return error;
  throw new Error(`no ChannelFailure: ${String(error)}`);
}

const refusal = (status: number, description: string, parameters?: object): Reaction => ({
  kind: 'answer',
  status,
  body: JSON.stringify({ ok: false, error_code: status, description, parameters }),
});

describe('a message', () => {
  it('goes to the chat by sendMessage, as plain text', async () => {
    await send();
    const [request] = receiver.received;
    expect(request).toMatchObject({ method: 'POST', path: `/bot${TOKEN}/sendMessage` });
    expect(JSON.parse(request?.body ?? '')).toEqual({
      chat_id: '-100123',
      text: alertText(anAlert()),
      link_preview_options: { is_disabled: true },
    });
  });

  it('begins with level, account and position, and says seconds, what to do and the command', () => {
    expect(alertText(anAlert({ leg: { symbol: 'ETHUSDT', positionIdx: 1 } })).split('\n')).toEqual([
      'CRITICAL main ETHUSDT long',
      'no stop for 3.2 s: the venue refused the stop',
      'Unprotected: 3.2 s',
      'Do: set a stop by hand',
      'Command: temporal workflow update execute -w guard:main:ETHUSDT:long --name reprotectNow',
      '2025-11-22T19:14:24.000Z guard:main:BTCUSDT/1763838000000/0',
    ]);
  });

  it('asks for nothing when it is over', () => {
    const text = alertText(anAlert({ level: 'RESOLVED', kind: 'resolved', todo: 'nothing' }));
    expect(text).not.toContain('Do:');
    expect(text).toContain('Unprotected: 3.2 s');
  });

  it('is cut to what Telegram takes', () => {
    expect(alertText(anAlert({ message: 'x'.repeat(5_000) }))).toHaveLength(4_096);
  });
});

describe('an answer that is not "ok"', () => {
  it('a wrong token or chat is refused, in the words of the Bot API', async () => {
    expect(await failure(refusal(401, 'Unauthorized'))).toMatchObject({
      passing: false,
      message: 'answered HTTP 401: Unauthorized',
    });
    expect(await failure(refusal(400, 'Bad Request: chat not found'))).toMatchObject({
      passing: false,
      message: 'answered HTTP 400: Bad Request: chat not found',
    });
  });

  it('a flood limit says how long to wait', async () => {
    expect(await failure(refusal(429, 'Too Many Requests', { retry_after: 31 }))).toMatchObject({
      passing: true,
      retryAfterMs: 31_000,
    });
  });

  it.each<readonly [string, Reaction]>([
    ['an error of the server', { kind: 'answer', status: 502, body: '<html>' }],
    ['a page that is not Telegram', { kind: 'answer', status: 200, body: '<html>log in</html>' }],
    ['an empty success', { kind: 'answer', status: 200, body: 'null' }],
  ])('%s is worth another try', async (_name, reaction) => {
    expect((await failure(reaction)).passing).toBe(true);
  });

  it('an answer that quotes the token does not bring it into the error (I9)', async () => {
    const error = await failure(refusal(404, `no bot${TOKEN}/sendMessage here`));
    expect(error.message).toBe('answered HTTP 404: no bot[secret]/sendMessage here');
  });
});
