/** The metrics endpoint of real workers: what it tells of a bare position, of restarts, of a venue and a server that are gone (I12). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Board, GuardStatus } from '../../src/domain/board.ts';
import { AlertReceiver, OK } from '../support/alert-receiver.ts';
import { quietly } from '../support/fault-world.ts';
import { alertRules, dashboardQueries } from '../support/monitoring-files.ts';
import type { Program } from '../support/program.ts';
import { askedBy } from '../support/promql.ts';
import { seriesOf, valueIn, type Series } from '../support/scrape.ts';
import { startSystem, until, type System } from '../support/system.ts';

const PATIENCE_MS = 90_000;
const DAY_MS = 86_400_000;
/** What Prometheus makes by itself. */
const PROMETHEUS_OWN = ['up', 'ALERTS'];
const MAIN = { account: 'main' };

const REFUSAL = {
  path: '/v5/position/trading-stop',
  kind: 'ret-code',
  code: 110017,
  message: 'orderQty will be truncated to zero',
  times: 'always',
};

const SCENARIO = {
  seed: 1,
  account: {
    wallet: '2000',
    key: {
      permissions: ['Position'],
      ips: ['*'],
      expiresAt: new Date(Date.now() + 10.5 * DAY_MS).toISOString(),
    },
  },
  instruments: [{ symbol: 'ETHUSDT', tickSize: '0.01', price: '2600' }],
  positions: [{ symbol: 'ETHUSDT', side: 'Buy', size: '0.1', entryPrice: '2600', leverage: '5' }],
  faults: [REFUSAL],
};

const POLICY = {
  defaults: {
    checkEveryMs: 2_000,
    discoverEveryMs: 2_000,
    escalation: { emergencyAfterMs: 3_000, fastCheckMs: 1_000 },
  },
};

/** Where a worker listens: port 0 is a free one, and the log says which; the last life's line counts. */
function urlOf(worker: Program | undefined): string {
  const lines = (worker?.log ?? '').split('\n').filter((line) => line.includes('metrics.listening'));
  return (JSON.parse(lines.at(-1) ?? '{}') as { readonly url?: string }).url ?? 'http://127.0.0.1:1';
}

async function scraped(worker: Program | undefined): Promise<string> {
  const answer = await fetch(`${urlOf(worker)}/metrics`);
  expect(answer.headers.get('content-type')).toContain('text/plain; version=0.0.4');
  return answer.text();
}

interface Ready {
  readonly status: number;
  readonly ready: boolean;
  readonly failing: readonly string[];
  readonly text: string;
}

async function readyz(worker: Program | undefined): Promise<Ready> {
  const answer = await fetch(`${urlOf(worker)}/readyz`);
  const text = await answer.text();
  const body = JSON.parse(text) as {
    ready: boolean;
    checks: { name: string; ok: boolean; detail: string }[];
  };
  for (const { detail } of body.checks) expect(detail.length).toBeGreaterThan(3);
  const failing = body.checks.filter(({ ok }) => !ok).map(({ name }) => name);
  return { status: answer.status, ready: body.ready, failing, text };
}

async function startSession(system: System): Promise<void> {
  const session = '-w session:main -i {"account":"main"}';
  await system.temporal(
    ...`workflow start --type startSession --task-queue stopkeeper ${session}`.split(' '),
  );
}

describe('a worker with a position that the venue refuses a stop', () => {
  let hook: AlertReceiver;
  let phone: AlertReceiver;
  let monitor: AlertReceiver;
  let system: System;

  const worker = () => system.programs.workers[0];
  const value = async (name: string, labels: Readonly<Record<string, string>> = MAIN) =>
    valueIn(await scraped(worker()), name, labels);
  const eventually = (
    name: string,
    labels: Readonly<Record<string, string>>,
    wanted: (value: number) => boolean,
  ) =>
    until(
      `${name} ${JSON.stringify(labels)}`,
      async () => {
        const found = await value(name, labels);
        return found !== undefined && wanted(found);
      },
      PATIENCE_MS,
    );
  const isReady = (ready: boolean) =>
    until(`ready: ${ready}`, async () => (await readyz(worker())).ready === ready, PATIENCE_MS);

  beforeAll(async () => {
    [hook, phone, monitor] = await Promise.all([
      AlertReceiver.start(),
      AlertReceiver.start(),
      AlertReceiver.start(),
    ]);
    phone.react = () => ({ kind: 'answer', status: 401, body: '{"ok":false,"description":"Unauthorized"}' });
    system = await startSystem({
      scenario: SCENARIO,
      policy: POLICY,
      env: {
        STOPKEEPER_METRICS: '127.0.0.1:0',
        STOPKEEPER_ALERT_WEBHOOK: `${hook.url}/hook`,
        TELEGRAM_BOT_TOKEN: '4711:token',
        TELEGRAM_CHAT_ID: '-100',
        TELEGRAM_API_URL: phone.url,
        STOPKEEPER_HEARTBEAT_URL: `${monitor.url}/ping`,
      },
    });
    await startSession(system);
  });

  afterAll(async () => {
    await system.close();
    await Promise.all([hook, phone, monitor].map((receiver) => receiver.close()));
  });

  it('is alive and ready', async () => {
    expect(await (await fetch(`${urlOf(worker())}/healthz`)).json()).toMatchObject({ alive: true });
    await isReady(true);
    expect(await readyz(worker())).toMatchObject({ status: 200, failing: [] });
  });

  it('tells that it is bare, for how long, and whom it told', async () => {
    await eventually('stopkeeper_positions', { ...MAIN, state: 'UNPROTECTED' }, (count) => count === 1);
    await eventually(
      'stopkeeper_account_positions',
      { ...MAIN, state: 'UNPROTECTED' },
      (count) => count === 1,
    );
    await eventually('stopkeeper_unprotected_max_seconds', MAIN, (seconds) => seconds > 3);
    await eventually('stopkeeper_account_unprotected_max_seconds', MAIN, (seconds) => seconds > 3);
    await eventually(
      'stopkeeper_alerts_total',
      { ...MAIN, kind: 'unprotected', level: 'CRITICAL' },
      (count) => count === 1,
    );
    await eventually(
      'stopkeeper_alert_deliveries_total',
      { channel: 'telegram', kind: 'unprotected', outcome: 'failed' },
      (count) => count > 0,
    );
    await eventually(
      'stopkeeper_alert_deliveries_total',
      { channel: 'webhook', kind: 'unprotected', outcome: 'sent' },
      (count) => count > 0,
    );
    await eventually('stopkeeper_heartbeat_pings_total', { outcome: 'sent' }, (count) => count > 0);
    await eventually(
      'stopkeeper_stop_writes_total',
      { ...MAIN, urgency: 'no-stop', outcome: 'refused' },
      (count) => count > 2,
    );
    await eventually(
      'stopkeeper_balance_read_timestamp_seconds',
      MAIN,
      (at) => Math.abs(Date.now() / 1_000 - at) < 600,
    );
    const days = await value('stopkeeper_api_key_expiry_days');
    expect(days).toBeGreaterThan(10);
    expect(days).toBeLessThan(11);
  });

  it('has every metric of the dashboard and the rules, with the labels and values that they ask for', async () => {
    const rules = alertRules().map(({ alert, expr }) => ({ where: `rule ${alert}`, expr }));
    const asked = [...dashboardQueries(), ...rules].flatMap(({ where, expr }) =>
      askedBy(expr).map((one) => ({ where, ...one })),
    );
    expect(asked.length).toBeGreaterThan(50);
    const series = seriesOf(await scraped(worker()));
    const missing = asked.flatMap(({ where, metric, labels, values }) => {
      if (PROMETHEUS_OWN.includes(metric)) return [];
      const found = series.filter(({ name }) => name === metric);
      if (found.length === 0) return [`${where}: no metric ${metric}`];
      const lacks = labels.filter((label) => found.some((one) => one.labels[label] === undefined));
      const unheard = values.filter(({ label, value: one }) =>
        found.every(({ labels: own }) => own[label] !== one),
      );
      return [
        ...lacks.map((label) => `${where}: ${metric} has no label ${label}`),
        ...unheard.map(({ label, value: one }) => `${where}: ${metric} never has ${label}="${one}"`),
      ];
    });
    expect(missing).toEqual([]);
  });

  it('names each metric once, with help and type, and no key', async () => {
    const text = await scraped(worker());
    const types = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name);
    expect(new Set(types).size).toBe(types.length);
    const own = types.filter((name) => name.startsWith('stopkeeper_'));
    for (const name of own) expect(text).toMatch(new RegExp(`^# HELP ${name} .{20,}`, 'm'));
    const series = seriesOf(text).map(({ name, labels }) => `${name}${JSON.stringify(labels)}`);
    expect(new Set(series).size).toBe(series.length);
    for (const secret of ['paper-key', 'paper-secret', '4711:token', hook.url, monitor.url])
      expect(text).not.toContain(secret);
  });

  it('counts exactly the seconds that the guard itself counts, once the stop is proven', async () => {
    await system.paper.clearFaults();
    await eventually('stopkeeper_positions', { ...MAIN, state: 'PROTECTED' }, (count) => count === 1);
    const status = await system.client.workflow.getHandle('guard:main:ETHUSDT').query<GuardStatus>('status');
    const counted = await value('stopkeeper_unprotected_seconds_total');
    console.log(`unprotected: ${status.unprotectedSeconds} s by the guard, ${counted} s by the counter`);
    expect(Math.abs((counted ?? 0) - Number(status.unprotectedSeconds))).toBeLessThan(0.06);
    expect(await value('stopkeeper_unprotected_max_seconds')).toBe(0);
  });

  it('shows what is so again after it was killed, and counts nothing a second time', async () => {
    await worker()?.kill();
    await worker()?.start();
    await eventually('stopkeeper_positions', { ...MAIN, state: 'PROTECTED' }, (count) => count === 1);
    await eventually('stopkeeper_account_positions', { ...MAIN, state: 'PROTECTED' }, (count) => count === 1);
    await eventually('stopkeeper_balance_read_timestamp_seconds', MAIN, (at) => at > 0);
    expect(await value('stopkeeper_unprotected_seconds_total')).toBe(0);
    expect(await value('stopkeeper_proof_age_max_seconds')).toBeLessThan(60);
  });

  it('says that the venue is gone, and the heartbeat falls silent, until it is back', async () => {
    phone.react = () => OK;
    await system.programs.paper.kill();
    await isReady(false);
    const found = await readyz(worker());
    expect(found).toMatchObject({ status: 503, failing: ['venue main'] });
    const board = () => system.client.workflow.getHandle('watch:main').query<Board>('board');
    const failed = (await board()).failedRounds;
    await until('a failed round', async () => (await board()).failedRounds > failed, PATIENCE_MS);
    const pings = monitor.received.length;
    await until('more failed rounds', async () => (await board()).failedRounds >= failed + 5, PATIENCE_MS);
    expect(monitor.received.length).toBe(pings);
    expect(await value('stopkeeper_positions', { ...MAIN, state: 'BLIND' })).toBe(1);
    expect(await value('stopkeeper_proof_age_max_seconds')).toBeGreaterThan(5);
    await system.programs.paper.start();
    await isReady(true);
    await until('a ping', async () => monitor.received.length > pings, PATIENCE_MS);
  });

  it('says that Temporal is gone, stays alive, and goes on telling how old the proofs are', async () => {
    await eventually('stopkeeper_positions', { ...MAIN, state: 'PROTECTED' }, (count) => count === 1);
    await system.programs.temporal.kill();
    await isReady(false);
    const found = await readyz(worker());
    expect(found.status).toBe(503);
    expect(found.failing).toEqual(expect.arrayContaining(['temporal', 'worker']));
    expect((await fetch(`${urlOf(worker())}/healthz`)).status).toBe(200);
    await eventually('stopkeeper_check_overdue_max_seconds', MAIN, (seconds) => seconds > 4);
    await eventually('stopkeeper_proof_age_max_seconds', MAIN, (seconds) => seconds > 5);
    await system.programs.temporal.start();
    await isReady(true);
    await eventually('stopkeeper_check_overdue_max_seconds', MAIN, (seconds) => seconds < 2);
  });
});

describe('two workers', () => {
  const SYMBOLS = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'XRPUSDT', 'DOGEUSDT', 'ADAUSDT'];
  let system: System;

  const positions = async (at: number): Promise<number> => {
    const text = await scraped(system.programs.workers[at]);
    return seriesOf(text)
      .filter(({ name }: Series) => name === 'stopkeeper_positions')
      .reduce((sum, series) => sum + series.value, 0);
  };
  const share = async (): Promise<readonly number[]> => [await positions(0), await positions(1)];

  beforeAll(async () => {
    system = await startSystem({
      scenario: {
        seed: 1,
        account: { wallet: '9000' },
        instruments: SYMBOLS.map((symbol) => ({ symbol, tickSize: '0.01', price: '100' })),
        positions: SYMBOLS.map((symbol) => ({
          symbol,
          side: 'Buy',
          size: '1',
          entryPrice: '100',
          leverage: '5',
        })),
      },
      policy: POLICY,
      workers: 2,
      env: { STOPKEEPER_METRICS: '127.0.0.1:0' },
    });
    await startSession(system);
  });
  afterAll(() => system.close());

  const together = (what: string) =>
    until(
      what,
      // A worker that hung answers the requests of before, or drops them, when it wakes up.
      () =>
        quietly(async () => {
          const [first = 0, second = 0] = await share();
          return first + second === SYMBOLS.length ? [first, second] : null;
        }),
      PATIENCE_MS,
    );

  it('show each guard once between them', async () => {
    const shown = await together('all guards, each once');
    console.log('guards by worker:', shown);
    expect(shown).toHaveLength(2);
  });

  it('go on doing so when one hangs, its guards move to the other, and it wakes up again', async () => {
    const [first] = system.programs.workers;
    first?.signal('SIGSTOP');
    await until(
      'all guards at the second worker',
      () => quietly(async () => (await positions(1)) === SYMBOLS.length),
      PATIENCE_MS,
    );
    first?.signal('SIGCONT');
    console.log('guards by worker, after the first one woke up:', await together('each once again'));
  });
});
