/** What `doctor` says of alert channels: advice where money is at stake, and never an address. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { checkAlerts } from '../../src/operator/alert-check.ts';

const LIVE = { STOPKEEPER_VENUE: 'bybit-demo', BYBIT_API_KEY: 'key-0001', BYBIT_API_SECRET: 'secret-0001' };
const HOOK = { STOPKEEPER_ALERT_WEBHOOK: 'https://hooks.example/token-4711' };

const check = (env: Record<string, string>) => checkAlerts(loadConfig(env, { paperUrlLater: true }));

describe('an account of a real venue', () => {
  it('without channel and heartbeat is warned of both', () => {
    const found = check(LIVE);
    expect(found.map(({ id, level }) => [id, level])).toEqual([
      ['alerts', 'warning'],
      ['heartbeat', 'warning'],
    ]);
    expect(found[0]?.message).toContain('STOPKEEPER_ALERT_WEBHOOK');
  });

  it('with an unsigned webhook is told how to sign it', () => {
    expect(check({ ...LIVE, ...HOOK })[1]).toEqual({
      id: 'alerts',
      level: 'warning',
      message: 'the webhook is not signed; set STOPKEEPER_ALERT_WEBHOOK_SECRET',
    });
  });

  it('with everything set has nothing to hear, and reads no address', () => {
    const found = check({
      ...LIVE,
      ...HOOK,
      STOPKEEPER_ALERT_WEBHOOK_SECRET: 'whsec-4711-0123456789',
      STOPKEEPER_HEARTBEAT_URL: 'https://ping.example/4711',
      TELEGRAM_BOT_TOKEN: '4711:token',
      TELEGRAM_CHAT_ID: '-1',
    });
    expect(found).toEqual([
      { id: 'alerts', level: 'ok', message: 'alerts go to: log, webhook (signed), telegram' },
      { id: 'heartbeat', level: 'ok', message: 'the watcher pings the heartbeat' },
    ]);
  });
});

describe('the paper exchange', () => {
  it('needs no channel', () => {
    expect(check({}).map(({ level }) => level)).toEqual(['ok', 'ok']);
  });
});
