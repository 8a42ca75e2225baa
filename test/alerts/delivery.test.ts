/** Delivery over several channels: the log first and once, each channel by itself, no secret in any word of it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { channelNames, channelsOf } from '../../src/alerts/channels.ts';
import { LANE_TIMES, type LaneTimes } from '../../src/alerts/channel-lane.ts';
import { AlertUndelivered, createDelivery, type Deliver } from '../../src/alerts/delivery.ts';
import { Secret } from '../../src/secret.ts';
import { anAlert, keptLog } from '../support/alert-data.ts';
import { AlertReceiver } from '../support/alert-receiver.ts';

const TIMES: LaneTimes = { ...LANE_TIMES, attemptMs: 300, backOffMs: [5, 10], secondLookMs: 5 };
const NEVER = new AbortController().signal;
const SECRETS = ['hook-token-4711', 'whsec-4711-0123456789', '123456:bot-4711'];

let hook: AlertReceiver;
let phone: AlertReceiver;
let log: ReturnType<typeof keptLog>;
let deliver: Deliver;

beforeEach(async () => {
  [hook, phone] = await Promise.all([AlertReceiver.start(), AlertReceiver.start()]);
  log = keptLog();
  const [path = '', secret = '', token = ''] = SECRETS;
  const targets = {
    webhookUrl: new Secret(`${hook.url}/${path}`),
    webhookSecret: new Secret(secret),
    telegram: { botToken: new Secret(token), chatId: '1', apiUrl: phone.url },
  };
  deliver = createDelivery({ channels: channelsOf(targets, Date.now), log, now: Date.now, times: TIMES });
});

afterEach(async () => {
  await Promise.all([hook.close(), phone.close()]);
});

const events = (event: string) => log.lines.filter((line) => line.event === event);

async function undelivered(): Promise<AlertUndelivered> {
  const error: unknown = await deliver(anAlert(), NEVER).catch((thrown: unknown) => thrown);
  if (error instanceof AlertUndelivered) return error;
  throw new Error(`no AlertUndelivered: ${String(error)}`);
}

describe('an alert', () => {
  it('is in the log before any channel hears of it, and reaches every channel', async () => {
    const logged: boolean[] = [];
    const react = hook.react;
    hook.react = (request) => {
      logged.push(events('protection.critical').length === 1);
      return react(request);
    };
    await deliver(anAlert(), NEVER);
    expect(logged).toEqual([true]);
    expect(hook.received).toHaveLength(1);
    expect(phone.received).toHaveLength(1);
    expect(events('alert.delivered').map(({ fields }) => fields['channel'])).toEqual(
      expect.arrayContaining(['webhook', 'telegram']),
    );
  });

  it('has an event of the log for each level, and one of its own when a stop vanished', async () => {
    const levels = ['WARNING', 'CRITICAL', 'EMERGENCY', 'RESOLVED'] as const;
    for (const level of levels) await deliver(anAlert({ id: level, level }), NEVER);
    await deliver(anAlert({ id: 'v', level: 'WARNING', kind: 'stop-vanished' }), NEVER);
    const lines = log.lines.filter(({ event }) => event.startsWith('protection.'));
    expect(lines.map(({ level, event }) => [level, event])).toEqual([
      ['warn', 'protection.warning'],
      ['error', 'protection.critical'],
      ['error', 'protection.emergency'],
      ['info', 'protection.resolved'],
      ['error', 'protection.missing'],
    ]);
  });

  it('needs no channel but the log', async () => {
    await createDelivery({ channels: [], log, now: Date.now })(anAlert(), NEVER);
    expect(events('protection.critical')).toHaveLength(1);
  });
});

describe('one channel down', () => {
  it('the other has the alert, once, however often it comes again', async () => {
    hook.react = () => ({ kind: 'answer', status: 500 });
    expect((await undelivered()).message).toBe('not delivered: webhook answered HTTP 500, 3 tries');
    await undelivered();
    hook.script({ kind: 'reset' });
    await undelivered();
    await deliver(anAlert(), NEVER);
    expect(phone.received).toHaveLength(1);
    const keys = new Set(hook.received.map(({ headers }) => headers['idempotency-key']));
    expect([...keys]).toEqual([anAlert().id]);
    expect(events('protection.critical')).toHaveLength(1);
  });

  it('a webhook that hangs does not delay the message to the phone', async () => {
    hook.react = () => ({ kind: 'hang' });
    const delivery = undelivered();
    await expect.poll(() => phone.received.length).toBe(1);
    expect((await delivery).message).toContain('no whole answer within 0.3 s');
  });

  it('both down are both named', async () => {
    hook.react = () => ({ kind: 'answer', status: 404 });
    phone.react = () => ({ kind: 'answer', status: 401, body: '{"ok":false,"description":"Unauthorized"}' });
    expect((await undelivered()).message).toBe(
      'not delivered: webhook answered HTTP 404; telegram answered HTTP 401: Unauthorized',
    );
  });
});

describe('secrets (I9)', () => {
  it('no address, secret or token is in errors or in the log, whatever the receivers answer', async () => {
    const echo = SECRETS.join(' ');
    hook.script({ kind: 'answer', status: 500, body: echo }, { kind: 'reset' }, { kind: 'hang' });
    phone.react = ({ path }) => ({
      kind: 'answer',
      status: 404,
      body: JSON.stringify({ ok: false, description: path }),
    });
    const error = await undelivered();
    const text = `${error.stack ?? ''} ${JSON.stringify(error)} ${JSON.stringify(log.lines)}`;
    for (const secret of SECRETS) expect(text).not.toContain(secret);
    expect(text).toContain('answered HTTP 404');
  });

  it('channels are named without them', () => {
    const [path = '', secret = '', token = ''] = SECRETS;
    const names = channelNames({
      webhookUrl: new Secret(path),
      webhookSecret: new Secret(secret),
      telegram: { botToken: new Secret(token), chatId: '1', apiUrl: phone.url },
    });
    expect(names).toEqual(['log', 'webhook (signed)', 'telegram']);
    expect(channelNames({ webhookUrl: new Secret('http://x'), webhookSecret: null, telegram: null })).toEqual(
      ['log', 'webhook (unsigned)'],
    );
  });
});

describe('what is counted', () => {
  it('is each alert once, and each delivery with its outcome', async () => {
    const counted: string[] = [];
    const metrics = {
      raised: ({ kind }: { readonly kind: string }) => counted.push(`raised ${kind}`),
      delivered: (_: unknown, channel: string, outcome: string) => counted.push(`${channel} ${outcome}`),
    };
    const targets = { webhookUrl: new Secret(hook.url), webhookSecret: null, telegram: null };
    const channels = channelsOf(targets, Date.now);
    const counting = createDelivery({ channels, log, now: Date.now, times: TIMES, metrics });
    hook.react = () => ({ kind: 'answer', status: 400 });
    await expect(counting(anAlert(), NEVER)).rejects.toThrow('not delivered');
    hook.react = () => ({ kind: 'answer', status: 200 });
    await counting(anAlert(), NEVER);
    await counting(anAlert(), NEVER);
    expect(counted).toEqual(['raised unprotected', 'webhook failed', 'webhook sent']);
  });
});
