/** Alerts on the way to a person, with real processes: a stop refused for good, an end to it, and a heartbeat all along. */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GuardStatus } from '../../src/domain/board.ts';
import type { Alert } from '../../src/domain/alert.ts';
import { AlertReceiver, OK, type Received } from '../support/alert-receiver.ts';
import { textOf } from '../support/histories.ts';
import { startSystem, until, type System } from '../support/system.ts';

const SECRET = 'whsec-integration-0123456789';
const HOOK_PATH = '/hooks/token-47110815';
const BOT_TOKEN = '47110815:telegram-bot-token';
const PATIENCE_MS = 90_000;

const SCENARIO = {
  seed: 1,
  account: { wallet: '2000' },
  instruments: [{ symbol: 'ETHUSDT', tickSize: '0.01', price: '2600' }],
  positions: [{ symbol: 'ETHUSDT', side: 'Buy', size: '0.1', entryPrice: '2600', leverage: '5' }],
  faults: [
    {
      path: '/v5/position/trading-stop',
      kind: 'ret-code',
      code: 110017,
      message: 'orderQty will be truncated to zero',
      times: 'always',
    },
  ],
};

const POLICY = {
  defaults: {
    checkEveryMs: 2_000,
    discoverEveryMs: 2_000,
    escalation: { emergencyAfterMs: 3_000, fastCheckMs: 1_000 },
  },
};

interface Body extends Pick<Alert, 'id' | 'level' | 'kind' | 'message' | 'todo' | 'unprotectedSeconds'> {
  readonly position: { readonly symbol: string };
  readonly command: string;
  readonly acknowledge?: string;
}

describe('a stop that the venue refuses for good', () => {
  let hook: AlertReceiver;
  let phone: AlertReceiver;
  let monitor: AlertReceiver;
  let system: System;

  const bodies = (): readonly Body[] => hook.received.map(({ body }) => JSON.parse(body) as Body);
  const first = (level: Alert['level']) =>
    until(`${level} at the webhook`, async () => bodies().find((body) => body.level === level), PATIENCE_MS);

  beforeAll(async () => {
    [hook, phone, monitor] = await Promise.all([
      AlertReceiver.start(),
      AlertReceiver.start(),
      AlertReceiver.start(),
    ]);
    // The chat is never to be had before the venue accepts again: what the webhook hears must not depend on it.
    phone.react = () => ({ kind: 'answer', status: 401, body: '{"ok":false,"description":"Unauthorized"}' });
    // A webhook that fails, then hangs, then hangs up, then works.
    hook.script({ kind: 'answer', status: 500 }, { kind: 'hang' }, { kind: 'reset' });
    system = await startSystem({
      scenario: SCENARIO,
      policy: POLICY,
      env: {
        STOPKEEPER_ALERT_WEBHOOK: `${hook.url}${HOOK_PATH}`,
        STOPKEEPER_ALERT_WEBHOOK_SECRET: SECRET,
        TELEGRAM_BOT_TOKEN: BOT_TOKEN,
        TELEGRAM_CHAT_ID: '-100',
        TELEGRAM_API_URL: phone.url,
        STOPKEEPER_HEARTBEAT_URL: `${monitor.url}/ping/id-47110815`,
      },
    });
    const session = '-w session:main -i {"account":"main"}';
    await system.temporal(
      ...`workflow start --type startSession --task-queue stopkeeper ${session}`.split(' '),
    );
  });

  afterAll(async () => {
    await system.close();
    await Promise.all([hook, phone, monitor].map((receiver) => receiver.close()));
  });

  it('reaches the webhook as CRITICAL, signed, although its first requests failed', async () => {
    const alert = await first('CRITICAL');
    expect(alert).toMatchObject({ kind: 'unprotected', position: { symbol: 'ETHUSDT' } });
    expect(alert.todo).toContain('set a stop by hand');
    expect(Number(alert.unprotectedSeconds)).toBeGreaterThan(0);
    const tries = hook.received.filter(({ headers }) => headers['idempotency-key'] === alert.id);
    expect(new Set(tries.map(({ body }) => body)).size).toBe(1);
    for (const request of tries) expectSigned(request);
  });

  it('reaches it as EMERGENCY too, while the chat takes none of the alerts before it', async () => {
    const alert = await first('EMERGENCY');
    expect(alert).toMatchObject({
      kind: 'unprotected-emergency',
      position: { symbol: 'ETHUSDT' },
      message: expect.stringContaining('manual intervention required: no stop for'),
      todo: expect.stringContaining('close the position'),
      command: expect.stringContaining('reprotectNow'),
    });
    expect(Number(alert.unprotectedSeconds)).toBeGreaterThan(0);
    const refused = phone.received.map(({ body }) => (JSON.parse(body) as { text: string }).text);
    expect(refused.some((text) => text.startsWith('CRITICAL main ETHUSDT'))).toBe(true);
  });

  it('is acknowledged with the command that EMERGENCY carries', async () => {
    const { acknowledge = '' } = await first('EMERGENCY');
    expect(acknowledge).toContain(`'{"by":"YOUR NAME"`);
    const words = acknowledge.replace('YOUR NAME', 'Ann').replaceAll("'", '').split(' ');
    await system.temporal(...words.slice(1));
    const status = await until('the acknowledgement in the status', async () => {
      const seen = await system.client.workflow.getHandle('guard:main:ETHUSDT').query<GuardStatus>('status');
      return seen.acknowledged;
    });
    expect(status.by).toBe('Ann');
    // The watcher tells of the same leg by itself: the guard has told it.
    await until('the word at the watcher', async () => {
      const history = await system.temporal('workflow', 'show', '-w', 'watch:main', '-o', 'json');
      return history.includes('"signalName": "acknowledge"');
    });
  });

  it('is over with RESOLVED and its seconds once the venue accepts and the command of the alert was run', async () => {
    const { command } = await first('CRITICAL');
    await system.paper.clearFaults();
    phone.react = () => OK;
    const [program, ...args] = command.split(' ');
    expect(program).toBe('temporal');
    await system.temporal(...args);
    const end = await first('RESOLVED');
    expect(end).toMatchObject({
      position: { symbol: 'ETHUSDT' },
      message: expect.stringContaining('resolved (unprotected'),
      todo: 'nothing',
      command: expect.stringMatching(/^temporal workflow query -w guard:main:ETHUSDT/),
    });
    expect(Number(end.unprotectedSeconds)).toBeGreaterThan(0);
    expect(end.message).toContain(`unprotected for ${end.unprotectedSeconds} s`);
    expect(Number((await system.paper.row('ETHUSDT'))?.stopLoss)).toBe(2444);
  });

  it('reaches the chat when that is back, and the webhook has each alert once', async () => {
    await until(
      'the end in the chat',
      async () =>
        phone.received.some(({ body }) => (JSON.parse(body) as { text: string }).text.startsWith('RESOLVED')),
      PATIENCE_MS,
    );
    const taken = bodies().slice(3);
    expect(new Set(taken.map(({ id }) => id)).size).toBe(taken.length);
  });

  it('pings the heartbeat all along', async () => {
    await until('a second ping', async () => monitor.received.length >= 2, PATIENCE_MS);
    for (const { method, path } of monitor.received)
      expect([method, path]).toEqual(['GET', '/ping/id-47110815']);
  });

  it('leaves no address, secret or token in log and histories', async () => {
    const [worker] = system.programs.workers;
    const log = worker?.log ?? '';
    expect(log).toContain('"channels":["log","webhook (signed)","telegram"],"heartbeat":"on"');
    expect(log).toContain('alert.undelivered');
    const guard = system.client.workflow.getHandle('guard:main:ETHUSDT');
    const histories = textOf(await guard.fetchHistory());
    expect(histories).toContain('not delivered: ');
    // The alerts themselves are in it too, as payloads.
    expect(histories).toContain('"todo":');
    for (const text of [log, histories]) {
      expect(text).not.toContain('47110815');
      expect(text).not.toContain(SECRET);
    }
  });
});

function expectSigned({ headers, body }: Received): void {
  const seconds = String(headers['stopkeeper-timestamp']);
  const expected = createHmac('sha256', SECRET).update(`${seconds}.${body}`).digest('hex');
  expect(headers['stopkeeper-signature']).toBe(`v1=${expected}`);
}
