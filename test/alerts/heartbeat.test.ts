/** The dead-man's heartbeat: when it pings, when it is silent, and that nothing of it reaches a round. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHeartbeat } from '../../src/alerts/heartbeat.ts';
import { Secret } from '../../src/secret.ts';
import { keptLog } from '../support/alert-data.ts';
import { AlertReceiver } from '../support/alert-receiver.ts';

const EVERY_MS = 10_000;

let monitor: AlertReceiver;
let log: ReturnType<typeof keptLog>;
let now: number;
let roundEnded: ReturnType<typeof createHeartbeat>;

beforeEach(async () => {
  monitor = await AlertReceiver.start();
  log = keptLog();
  now = 1_000_000;
  roundEnded = createHeartbeat({ url: new Secret(`${monitor.url}/ping/id-4711`), log, now: () => now });
});

afterEach(async () => {
  await monitor.close();
});

const complete = (account = 'main', everyMs = EVERY_MS): void =>
  roundEnded({ account, complete: true, everyMs });
const failed = (account = 'main'): void => roundEnded({ account, complete: false, everyMs: EVERY_MS });
async function expectPings(count: number): Promise<void> {
  await expect.poll(() => monitor.received.length).toBe(count);
}
const events = (): string[] => log.lines.map(({ event }) => event);

describe('a complete round', () => {
  it('pings the address with a GET', async () => {
    complete();
    await expectPings(1);
    expect(monitor.received[0]).toMatchObject({ method: 'GET', path: '/ping/id-4711', body: '' });
  });

  it('pings again after 10 s and not before', async () => {
    complete();
    now += 9_999;
    complete();
    now += 1;
    complete();
    await expectPings(2);
  });

  it('pings nothing where no address is set', () => {
    const quiet = createHeartbeat({ url: null, log, now: () => now });
    quiet({ account: 'main', complete: true, everyMs: EVERY_MS });
    expect(log.lines).toEqual([]);
  });
});

describe('silence', () => {
  it('follows a round that failed, until one is complete again', async () => {
    complete();
    now += EVERY_MS;
    failed();
    now += EVERY_MS;
    complete();
    await expectPings(2);
  });

  it('follows the failed round of any account of the worker', async () => {
    complete('main');
    failed('desk');
    now += EVERY_MS;
    complete('main');
    now += EVERY_MS;
    complete('desk');
    now += EVERY_MS;
    complete('main');
    await expectPings(3);
  });

  it('follows an account whose rounds stopped coming', async () => {
    complete('desk');
    await expectPings(1);
    now += 300_000;
    complete('main');
    await expectPings(2);
    now += EVERY_MS;
    complete('main');
    now += EVERY_MS;
    complete('desk');
    await expectPings(3);
  });

  it('does not follow from an interval that is long by policy', async () => {
    complete('desk', 3_600_000);
    now += 3 * 3_600_000;
    complete('main');
    await expectPings(2);
  });
});

describe('a monitor that cannot be reached', () => {
  it('is told in the log, and its return too', async () => {
    monitor.script({ kind: 'reset' });
    complete();
    await expect.poll(events).toEqual(['heartbeat.failed']);
    now += EVERY_MS;
    complete();
    await expect.poll(events).toEqual(['heartbeat.failed', 'heartbeat.recovered']);
    expect(log.lines[1]?.fields).toEqual({ failures: 1 });
  });

  it('has its address in no line of the log (I9)', async () => {
    monitor.react = () => ({ kind: 'answer', status: 404, body: 'id-4711' });
    complete();
    await expect.poll(events).toEqual(['heartbeat.failed']);
    expect(log.lines[0]?.fields).toEqual({ reason: 'answered HTTP 404' });
  });

  it('that hangs is left after 3 s', async () => {
    monitor.react = () => ({ kind: 'hang' });
    complete();
    await expect.poll(events, { timeout: 30_000 }).toEqual(['heartbeat.failed']);
    expect(log.lines[0]?.fields).toEqual({ reason: 'no whole answer within 3 s' });
  });
});
