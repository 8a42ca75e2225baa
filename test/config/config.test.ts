/** Configuration: what each variable means, and that every problem is reported at once without a secret. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { resolvePolicy, secretsOf } from '../../src/config.ts';
import { ConfigError, formatProblems } from '../../src/config-error.ts';
import { DEFAULT_POLICY } from '../../src/domain/policy.ts';
import { load, PAPER, problems } from '../support/loaded-config.ts';

const KEYS = { BYBIT_API_KEY: 'live-key-0001', BYBIT_API_SECRET: 'live-secret-0001' };

const policy = (content: unknown): Record<string, string> => ({
  '/app/stopkeeper.json': typeof content === 'string' ? content : JSON.stringify(content),
});

describe('defaults', () => {
  test('an empty environment is the paper exchange with its keys, once npm start gives it an address', () => {
    const config = load({}, {}, { paperUrlLater: true });
    expect(config.accounts).toHaveLength(1);
    expect(config.accounts[0]).toMatchObject({ alias: 'main', venue: 'paper', venueUrl: null });
    expect(config.accounts[0]?.apiKey.reveal()).toBe('paper-key');
    expect(config.accounts[0]?.apiSecret.reveal()).toBe('paper-secret');
    expect(config).toMatchObject({
      dataDir: '/app/.stopkeeper',
      policyPath: null,
      temporalCli: null,
      logLevel: 'info',
      metrics: { host: '127.0.0.1', port: 9464 },
      alerts: { webhookUrl: null, telegram: null },
      heartbeatUrl: null,
      workers: 1,
      banPauseMs: 600_000,
      version: null,
    });
  });

  test('a worker on the paper exchange without an address is told where the address comes from', () => {
    expect(problems({})).toEqual([
      {
        setting: 'STOPKEEPER_VENUE_URL',
        message: 'is missing: the paper exchange has no address of its own',
        hint: expect.stringContaining('npm run paper'),
      },
    ]);
  });

  test('an empty variable is an unset one', () => {
    const config = load({ ...PAPER, STOPKEEPER_METRICS: '', STOPKEEPER_WORKERS: ' ', BYBIT_API_KEY: '' });
    expect(config.workers).toBe(1);
    expect(config.accounts[0]?.apiKey.reveal()).toBe('paper-key');
  });
});

describe('accounts', () => {
  test('each alias has its own keys, venue and address', () => {
    const config = load({
      ...KEYS,
      STOPKEEPER_VENUE: 'bybit-mainnet',
      STOPKEEPER_ACCOUNTS: 'main, desk-2',
      STOPKEEPER_DESK_2_VENUE: 'paper',
      STOPKEEPER_DESK_2_VENUE_URL: 'http://127.0.0.1:9000/',
      BYBIT_DESK_2_API_KEY: 'desk-key',
      BYBIT_DESK_2_API_SECRET: 'desk-secret',
    });
    expect(config.accounts.map(({ alias, venue, venueUrl }) => ({ alias, venue, venueUrl }))).toEqual([
      { alias: 'main', venue: 'bybit-mainnet', venueUrl: null },
      { alias: 'desk-2', venue: 'paper', venueUrl: 'http://127.0.0.1:9000' },
    ]);
    expect(config.accounts[1]?.apiSecret.reveal()).toBe('desk-secret');
  });

  test('an account on another venue does not inherit the address of the first', () => {
    const env = { ...PAPER, STOPKEEPER_ACCOUNTS: 'main,desk', STOPKEEPER_DESK_VENUE: 'bybit-demo' };
    const config = load({ ...env, BYBIT_DESK_API_KEY: 'desk-key', BYBIT_DESK_API_SECRET: 'desk-secret' });
    expect(config.accounts[1]).toMatchObject({ venue: 'bybit-demo', venueUrl: null });
  });

  test('keys are read from files, without the line break at their end', () => {
    const env = {
      STOPKEEPER_VENUE: 'bybit-demo',
      BYBIT_API_KEY_FILE: 'key.txt',
      BYBIT_API_SECRET_FILE: '/run/secrets/s',
    };
    const files = { '/app/key.txt': 'file-key\n', '/run/secrets/s': 'file-secret\n' };
    expect(secretsOf(load(env, files)).map((item) => item.reveal())).toEqual(['file-key', 'file-secret']);
  });

  test('a key file that is missing, empty or given beside the key is named', () => {
    const env = { STOPKEEPER_VENUE: 'bybit-demo' };
    expect(
      problems(
        { ...env, BYBIT_API_KEY_FILE: 'none', BYBIT_API_SECRET_FILE: 'empty' },
        { '/app/empty': '\n' },
      ),
    ).toMatchObject([
      { setting: 'BYBIT_API_KEY_FILE', message: 'cannot read none (ENOENT)' },
      { setting: 'BYBIT_API_SECRET_FILE', message: 'the file empty is empty' },
    ]);
    expect(problems({ ...env, ...KEYS, BYBIT_API_KEY_FILE: 'x' })).toMatchObject([
      { setting: 'BYBIT_API_KEY', message: 'and BYBIT_API_KEY_FILE are both set' },
    ]);
  });

  test('two aliases with the same key on the same venue are refused', () => {
    const env = { ...KEYS, STOPKEEPER_VENUE: 'bybit-demo', STOPKEEPER_ACCOUNTS: 'main,desk' };
    const twin = { BYBIT_DESK_API_KEY: 'live-key-0001', BYBIT_DESK_API_SECRET: 'live-secret-0001' };
    expect(problems({ ...env, ...twin })).toMatchObject([{ setting: 'BYBIT_DESK_API_KEY' }]);
  });

  test('signed requests for a real venue do not leave this machine unencrypted', () => {
    const env = { ...KEYS, STOPKEEPER_VENUE: 'bybit-mainnet' };
    expect(problems({ ...env, STOPKEEPER_VENUE_URL: 'http://proxy.example' })).toMatchObject([
      { setting: 'STOPKEEPER_VENUE_URL', message: expect.stringContaining('unencrypted') },
    ]);
    expect(load({ ...env, STOPKEEPER_VENUE_URL: 'http://127.0.0.1:8900' }).accounts[0]?.venueUrl).toBe(
      'http://127.0.0.1:8900',
    );
  });
});

describe('alert channels', () => {
  const CHANNELS = {
    STOPKEEPER_ALERT_WEBHOOK: 'https://hooks.example/a',
    STOPKEEPER_ALERT_WEBHOOK_SECRET: 'whsec-0123456789',
    TELEGRAM_BOT_TOKEN: '123456:abc',
    TELEGRAM_CHAT_ID: '-100',
    STOPKEEPER_HEARTBEAT_URL: 'https://ping.example/b',
  };

  test('are read from the environment, Telegram at its own address', () => {
    const { alerts, heartbeatUrl } = load({ ...PAPER, ...CHANNELS });
    expect(alerts.webhookUrl?.reveal()).toBe('https://hooks.example/a');
    expect(alerts.webhookSecret?.reveal()).toBe('whsec-0123456789');
    expect(alerts.telegram).toMatchObject({ chatId: '-100', apiUrl: 'https://api.telegram.org' });
    expect(alerts.telegram?.botToken.reveal()).toBe('123456:abc');
    expect(heartbeatUrl?.reveal()).toBe('https://ping.example/b');
  });

  test("a Bot API server of one's own loses the slash at its end", () => {
    const env = { ...PAPER, ...CHANNELS, TELEGRAM_API_URL: 'http://127.0.0.1:8081/' };
    expect(load(env).alerts.telegram?.apiUrl).toBe('http://127.0.0.1:8081');
  });

  test('may stand in files', () => {
    const env = {
      ...PAPER,
      TELEGRAM_CHAT_ID: '-100',
      STOPKEEPER_ALERT_WEBHOOK_FILE: 'hook',
      STOPKEEPER_ALERT_WEBHOOK_SECRET_FILE: 'hook-secret',
      STOPKEEPER_HEARTBEAT_URL_FILE: 'ping',
      TELEGRAM_BOT_TOKEN_FILE: 'token',
    };
    const files = {
      '/app/hook': 'https://hooks.example/f\n',
      '/app/hook-secret': 'whsec-from-a-file\n',
      '/app/ping': 'https://ping.example/f\n',
      '/app/token': '123456:file\n',
    };
    const config = load(env, files);
    const values = secretsOf(config).map((item) => item.reveal());
    expect(values).toEqual(
      expect.arrayContaining([
        'https://hooks.example/f',
        'whsec-from-a-file',
        'https://ping.example/f',
        '123456:file',
      ]),
    );
  });

  test('a file that cannot be read is one problem, named by its variable', () => {
    const env = { ...PAPER, TELEGRAM_CHAT_ID: '-100', TELEGRAM_BOT_TOKEN_FILE: 'none' };
    expect(problems(env)).toMatchObject([
      { setting: 'TELEGRAM_BOT_TOKEN_FILE', message: 'cannot read none (ENOENT)' },
    ]);
  });

  test('a secret that is short, or that signs nothing, is refused', () => {
    const env = { ...PAPER, STOPKEEPER_ALERT_WEBHOOK_SECRET: 'short-77' };
    const found = problems(env);
    expect(found).toMatchObject([
      { setting: 'STOPKEEPER_ALERT_WEBHOOK_SECRET', message: expect.stringContaining('16 to 200') },
      { setting: 'STOPKEEPER_ALERT_WEBHOOK', message: expect.stringContaining('is missing') },
    ]);
    expect(formatProblems('Configuration', found)).not.toContain('short-77');
  });
});

describe('the pause after a ban', () => {
  test('may be shorter than ten minutes on the paper exchange, and longer anywhere', () => {
    expect(load({ ...PAPER, STOPKEEPER_BAN_PAUSE_MS: '4000' }).banPauseMs).toBe(4_000);
    const real = { ...KEYS, STOPKEEPER_VENUE: 'bybit-mainnet' };
    expect(load({ ...real, STOPKEEPER_BAN_PAUSE_MS: '900000' }).banPauseMs).toBe(900_000);
  });

  test('is refused below ten minutes for a real venue, whichever account is on it', () => {
    const desk = { STOPKEEPER_DESK_VENUE: 'bybit-demo', BYBIT_DESK_API_KEY: 'desk-key' };
    const env = { ...PAPER, ...desk, BYBIT_DESK_API_SECRET: 'desk-secret', STOPKEEPER_ACCOUNTS: 'main,desk' };
    expect(problems({ ...env, STOPKEEPER_BAN_PAUSE_MS: '599999' })).toMatchObject([
      {
        setting: 'STOPKEEPER_BAN_PAUSE_MS',
        message: expect.stringContaining('at least 600000 on bybit-demo'),
      },
    ]);
  });

  test.each(['0', '999', '86400001', '99999999', '10m', '-1000', '1e6'])('is not %j', (text) => {
    expect(problems({ ...PAPER, STOPKEEPER_BAN_PAUSE_MS: text })).toMatchObject([
      { setting: 'STOPKEEPER_BAN_PAUSE_MS', message: expect.stringContaining('from 1000 to 86400000') },
    ]);
  });
});

describe('bad configuration', () => {
  test('every problem is reported at once, by name, each with a hint', () => {
    const found = problems(
      {
        STOPKEEPER_VENUE: 'kraken',
        STOPKEEPER_LOG_LEVEL: 'loud',
        STOPKEEPER_WORKERS: '0',
        STOPKEEPER_METRICS: '9464',
        STOPKEEPER_ALERT_WEBHOOK: 'hooks.example',
        STOPKEEPER_HEARTBEAT_URL: 'ftp://example.org',
        TELEGRAM_BOT_TOKEN: '123456:abc',
        STOPKEEPER_CONFIG: 'policy.json',
      },
      { '/app/policy.json': '{"defaults":{"fixedStopPct":60,"nonsense":1}}' },
    );
    expect(found.map((problem) => problem.setting)).toEqual([
      'STOPKEEPER_LOG_LEVEL',
      'STOPKEEPER_WORKERS',
      'STOPKEEPER_METRICS',
      'STOPKEEPER_ALERT_WEBHOOK',
      'STOPKEEPER_HEARTBEAT_URL',
      'TELEGRAM_CHAT_ID',
      'STOPKEEPER_VENUE',
      'policy defaults.fixedStopPct',
      'policy defaults',
    ]);
    for (const problem of found) expect(problem.hint).not.toBe('');
    expect(found[0]?.message).toBe(
      'is "loud", expected one of trace, debug, info, warn, error, fatal, silent',
    );
  });

  test('missing keys are named for each account', () => {
    const env = { STOPKEEPER_VENUE: 'bybit-testnet', STOPKEEPER_ACCOUNTS: 'main,desk' };
    expect(problems(env).map((problem) => problem.setting)).toEqual([
      'BYBIT_API_KEY',
      'BYBIT_API_SECRET',
      'BYBIT_DESK_API_KEY',
      'BYBIT_DESK_API_SECRET',
    ]);
  });

  test('an alias that is malformed or given twice is named', () => {
    expect(problems({ ...PAPER, STOPKEEPER_ACCOUNTS: 'Main' })).toMatchObject([
      { setting: 'STOPKEEPER_ACCOUNTS', message: 'has the alias "Main", expected e.g. main or desk-2' },
    ]);
    expect(problems({ ...PAPER, STOPKEEPER_ACCOUNTS: 'main,main' })).toMatchObject([
      { setting: 'STOPKEEPER_ACCOUNTS', message: 'names "main" twice' },
    ]);
  });

  test('one wrong venue that several accounts inherit is one problem', () => {
    expect(problems({ STOPKEEPER_VENUE: 'x', STOPKEEPER_ACCOUNTS: 'main,desk' })).toHaveLength(1);
  });

  test.each(['not a url', 'ftp://127.0.0.1', 'http://user:pw@127.0.0.1', 'http://127.0.0.1/?a=1'])(
    'the venue address %j is refused',
    (url) => {
      expect(problems({ STOPKEEPER_VENUE_URL: url })).toMatchObject([{ setting: 'STOPKEEPER_VENUE_URL' }]);
    },
  );

  test.each(['off', '127.0.0.1:0', '0.0.0.0:9464', '[::1]:9464'])(
    'the metrics address %j is accepted',
    (address) => {
      expect(load({ ...PAPER, STOPKEEPER_METRICS: address }).metrics === null).toBe(address === 'off');
    },
  );

  test.each(['9464', 'localhost', '127.0.0.1:70000', 'http://127.0.0.1:9464'])(
    'the metrics address %j is refused',
    (address) => {
      expect(problems({ ...PAPER, STOPKEEPER_METRICS: address })).toMatchObject([
        { setting: 'STOPKEEPER_METRICS' },
      ]);
    },
  );
});

describe('worker versioning', () => {
  test('a deployment and a build make a version', () => {
    const env = { STOPKEEPER_DEPLOYMENT: 'stopkeeper', STOPKEEPER_BUILD_ID: '0.1.0+4a56' };
    const version = { deploymentName: 'stopkeeper', buildId: '0.1.0+4a56' };
    expect(load({ ...PAPER, ...env }).version).toEqual(version);
  });

  test.each([
    [{ STOPKEEPER_DEPLOYMENT: 'stopkeeper' }, 'STOPKEEPER_BUILD_ID', 'is missing'],
    [{ STOPKEEPER_BUILD_ID: '1' }, 'STOPKEEPER_DEPLOYMENT', 'is missing'],
    [
      { STOPKEEPER_DEPLOYMENT: 'stop.keeper', STOPKEEPER_BUILD_ID: '1' },
      'STOPKEEPER_DEPLOYMENT',
      'is "stop.keeper", expected 1 to 100 letters, digits, _ or -',
    ],
    [
      { STOPKEEPER_DEPLOYMENT: 'stopkeeper', STOPKEEPER_BUILD_ID: 'a:b' },
      'STOPKEEPER_BUILD_ID',
      'is "a:b", expected 1 to 100 letters, digits or . _ + -',
    ],
  ])('%j is refused', (env, setting, message) => {
    expect(problems({ ...PAPER, ...env })).toMatchObject([{ setting, message }]);
  });
});

describe('what outlives a guard', () => {
  test("the audit log is off unless it is given a path, which is the working folder's", () => {
    expect(load(PAPER).audit).toBeNull();
    expect(load({ ...PAPER, STOPKEEPER_AUDIT: 'off' }).audit).toBeNull();
    const audit = load({ ...PAPER, STOPKEEPER_AUDIT: 'logs/audit.jsonl', STOPKEEPER_AUDIT_FILES: '5' }).audit;
    expect(audit).toEqual({ path: '/app/logs/audit.jsonl', maxBytes: 16_000_000, files: 5 });
  });

  test.each([
    ['08:00', 480],
    ['00:00', 0],
    ['23:59', 1_439],
    ['off', null],
  ])('the all-clear at %s is minute %s of the day', (text, minute) => {
    expect(load({ ...PAPER, STOPKEEPER_ALL_CLEAR: text }).allClearAt).toBe(minute);
    expect(load(PAPER).allClearAt).toBe(480);
  });

  test.each([
    ['STOPKEEPER_ALL_CLEAR', '24:00'],
    ['STOPKEEPER_ALL_CLEAR', '8'],
    ['STOPKEEPER_AUDIT_MAX_MB', '0'],
    ['STOPKEEPER_AUDIT_MAX_MB', '1025'],
    ['STOPKEEPER_AUDIT_FILES', '1'],
  ])('%s=%s is refused', (setting, value) => {
    expect(problems({ ...PAPER, [setting]: value })).toMatchObject([{ setting }]);
  });
});

describe('secrets (I9)', () => {
  const env = {
    STOPKEEPER_VENUE: 'bybit-demo',
    BYBIT_API_KEY: 'bad key with-blank-77',
    BYBIT_API_SECRET: 'hush-hush-"77',
    STOPKEEPER_ALERT_WEBHOOK: 'hooks.example/token-77',
    TELEGRAM_BOT_TOKEN: 'tele-77',
  };

  test('no problem shows a key, a token or a webhook address', () => {
    const found = problems(env);
    expect(found).toHaveLength(5);
    expect(formatProblems('Configuration', found)).not.toContain('77');
    expect(new ConfigError(found).message).not.toContain('77');
  });

  test('a configuration that is printed, serialised or inspected shows none', () => {
    const config = load({ ...KEYS, STOPKEEPER_VENUE: 'bybit-demo' });
    for (const text of [
      JSON.stringify(config),
      inspect(config, { depth: 9, showHidden: true }),
      String(config.accounts[0]?.apiKey),
    ]) {
      expect(text).toContain('[secret]');
      expect(text).not.toContain('0001');
    }
  });
});

describe('a secret that was pasted into another variable too', () => {
  const long = `https://hooks.example/${'t0ken'.repeat(20)}`;

  test.each([
    ['STOPKEEPER_LOG_LEVEL', KEYS.BYBIT_API_SECRET, KEYS],
    ['STOPKEEPER_VENUE', KEYS.BYBIT_API_KEY, KEYS],
    ['STOPKEEPER_ACCOUNTS', 'Live_Secret_0002', { BYBIT_API_SECRET: 'Live_Secret_0002' }],
    ['STOPKEEPER_CONFIG', KEYS.BYBIT_API_SECRET, KEYS],
    ['STOPKEEPER_METRICS', long, { STOPKEEPER_ALERT_WEBHOOK: long }],
  ])('is not shown as the wrong value of %s', (name, secret, env) => {
    const found = problems({ ...PAPER, ...env, [name]: secret });
    const words = formatProblems('Configuration', found);
    expect(words).toContain(name);
    expect(words).toContain('[secret]');
    expect(words).not.toContain(secret.slice(0, 40));
  });
});

describe('the policy file', () => {
  test('a symbol is over its account, the account over the defaults, and objects merge', () => {
    const config = load(
      { ...PAPER },
      policy({
        $schema: './stopkeeper.schema.json',
        defaults: { fixedStopPct: 5, trailing: { distancePct: 0.5 }, maxPositions: 3 },
        accounts: { main: { fixedStopPct: 4, trailing: { triggerPct: 2 } } },
        symbols: { BTCUSDT: { trailing: { mode: 'off' }, escalation: { closeAfterMs: null } } },
      }),
    );
    expect(config.policyPath).toBe('/app/stopkeeper.json');
    expect(resolvePolicy(config, 'main', 'BTCUSDT')).toEqual({
      ...DEFAULT_POLICY,
      fixedStopPct: 4,
      maxPositions: 3,
      trailing: { ...DEFAULT_POLICY.trailing, mode: 'off', triggerPct: 2, distancePct: 0.5 },
    });
    expect(resolvePolicy(config, 'main', 'ETHUSDT').trailing.mode).toBe('fixed');
    expect(resolvePolicy(config, 'other').fixedStopPct).toBe(5);
  });

  test('without a file the policy is the default', () => {
    expect(resolvePolicy(load({ ...PAPER }), 'main', 'BTCUSDT')).toEqual(DEFAULT_POLICY);
  });

  test('a file that was named must exist', () => {
    expect(problems({ ...PAPER, STOPKEEPER_CONFIG: 'other.json' })).toMatchObject([
      { setting: 'STOPKEEPER_CONFIG', message: 'cannot read /app/other.json (ENOENT)' },
    ]);
  });

  test('a syntax error is shown with its line and column', () => {
    expect(problems(PAPER, policy('{\n  "defaults": {,}\n}'))).toMatchObject([
      { setting: '/app/stopkeeper.json', message: 'is not valid JSON (line 2, column 16)' },
    ]);
    expect(problems(PAPER, policy(''))[0]?.message).toContain('the file is empty');
  });

  test('an alias that is no account is refused', () => {
    expect(problems(PAPER, policy({ accounts: { mian: { fixedStopPct: 3 } } }))).toMatchObject([
      { setting: 'policy accounts.mian', message: 'there is no account "mian" (accounts: main)' },
    ]);
  });

  test('a key that belongs to an account is refused for a symbol, with the place where it goes', () => {
    expect(problems(PAPER, policy({ symbols: { BTCUSDT: { maxPositions: 3 } } }))).toMatchObject([
      {
        setting: 'policy symbols.BTCUSDT',
        message: expect.stringContaining('under "defaults" or "accounts"'),
      },
    ]);
  });

  test.each([
    ['fixedStopPct', 0.09, 0.1, 50, 50.1],
    ['feeAllowancePct', -0.01, 0, 1, 1.01],
    ['minMovePct', -0.01, 0, 5, 5.01],
    ['checkEveryMs', 199, 200, 86_400_000, 86_400_001],
    ['discoverEveryMs', 199, 200, 86_400_000, 86_400_001],
    ['priceMaxAgeMs', 999, 1_000, 86_400_000, 86_400_001],
    ['requestsPerMinute', 9, 10, 3_600, 3_601],
    ['maxAllocationPct', 0.9, 1, 100, 100.1],
    ['minNotionalUsd', -1, 0, 1e9, 1e9 + 1],
    ['maxPositions', 0, 1, 10_000, 10_001],
    ['continueAsNewAfterChecks', 4, 5, 500, 501],
    ['trailing.triggerPct', -0.1, 0, 50, 50.1],
    ['trailing.distancePct', 0.04, 0.05, 50, 50.1],
    ['liquidation.bufferPct', -0.1, 0, 10, 10.1],
    ['escalation.emergencyAfterMs', 99, 100, 86_400_000, 86_400_001],
    ['escalation.repeatEveryMs', 999, 1_000, 86_400_000, 86_400_001],
    ['escalation.closeAfterMs', 999, 1_000, 86_400_000, 86_400_001],
    ['escalation.fastCheckMs', 199, 200, 86_400_000, 86_400_001],
  ])('%s is refused at %d, accepted from %d to %d and refused at %d', (key, below, least, most, above) => {
    const file = (value: unknown): Record<string, string> => {
      const [outer, inner] = key.split('.');
      return policy({ defaults: { [outer ?? key]: inner === undefined ? value : { [inner]: value } } });
    };
    for (const value of [least, most]) expect(() => load(PAPER, file(value))).not.toThrow();
    for (const value of [below, above, 'abc', true, null].filter(
      (item) => !(key.endsWith('closeAfterMs') && item === null),
    )) {
      expect(problems(PAPER, file(value))).toMatchObject([{ setting: `policy defaults.${key}` }]);
    }
  });

  test.each([
    [[], 'trailing.bands'],
    [[{ belowAtrPct: 2, triggerPct: 1, distancePct: 1 }], 'trailing.bands'],
    [
      [
        { belowAtrPct: 4, triggerPct: 1, distancePct: 1 },
        { belowAtrPct: 2, triggerPct: 1, distancePct: 1 },
        { belowAtrPct: null, triggerPct: 1, distancePct: 1 },
      ],
      'trailing.bands',
    ],
    [[{ belowAtrPct: null, triggerPct: 1 }], 'trailing.bands.0.distancePct'],
  ])('bands without a last one, out of order or incomplete are refused: %j', (bands, path) => {
    expect(problems(PAPER, policy({ defaults: { trailing: { bands } } }))[0]?.setting).toBe(
      `policy defaults.${path}`,
    );
  });

  test.each([
    [{ triggerBy: 'IndexPrice' }],
    [{ existingStop: 'loosen' }],
    [{ trailing: { mode: 'on' } }],
    [{ liquidation: { cross: 'close' } }],
    [{ ignore: ['btcusdt'] }],
    [{ escalation: { emergencyAfter: 5 } }],
    ['text'],
  ])('%j is refused', (defaults) => {
    expect(problems(PAPER, policy({ defaults })).length).toBe(1);
  });
});
