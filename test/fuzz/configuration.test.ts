/** Broken environments, policy files and scenario files: a configuration that can run, or one error that names every problem and no secret (I9). */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig, resolvePolicy, type Config } from '../../src/config.ts';
import { ConfigError, formatProblems } from '../../src/config-error.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/domain/policy.ts';
import { ManualClock } from '../../src/paper/clock.ts';
import { openFresh } from '../../src/paper/opening.ts';
import { ScenarioError, setUp } from '../../src/paper/setup.ts';
import { Views } from '../../src/paper/views.ts';
import { asText, broken, brokenOneOf, casesOf, parsedOrNothing, SEED } from '../support/fuzz.ts';

/** Long enough to be found wherever they leak to. */
const SECRETS = {
  BYBIT_API_KEY: 'K3Y-of-main-0000001',
  BYBIT_API_SECRET: 'S3CRET-of-main-0000001',
  BYBIT_DESK_API_SECRET: 'S3CRET-of-desk-0000002',
  STOPKEEPER_ALERT_WEBHOOK: 'https://hooks.example/T0KEN-0000003',
  STOPKEEPER_ALERT_WEBHOOK_SECRET: 'S1GNING-0000000000004',
  TELEGRAM_BOT_TOKEN: '123456:B0T-0000005',
  STOPKEEPER_HEARTBEAT_URL: 'https://ping.example/P1NG-0000006',
};
const ENVIRONMENT = {
  ...SECRETS,
  STOPKEEPER_VENUE: 'bybit-testnet',
  STOPKEEPER_ACCOUNTS: 'main,desk',
  BYBIT_DESK_API_KEY: 'desk-key-0001',
  STOPKEEPER_DESK_VENUE: 'paper',
  STOPKEEPER_DESK_VENUE_URL: 'http://127.0.0.1:9000',
  STOPKEEPER_DATA: 'data',
  STOPKEEPER_LOG_LEVEL: 'debug',
  STOPKEEPER_WORKERS: '2',
  STOPKEEPER_METRICS: '127.0.0.1:9464',
  TELEGRAM_CHAT_ID: '-100123',
  TELEGRAM_API_URL: 'https://api.telegram.org',
};
const POLICY_FILE = {
  defaults: DEFAULT_POLICY,
  accounts: { desk: { maxPositions: 5, ignore: ['DOGEUSDT'], trailing: { mode: 'bands' } } },
  symbols: {
    BTCUSDT: { fixedStopPct: 4, escalation: { closeAfterMs: 60_000 } },
    'BTC-26DEC25': { existingStop: 'respect' },
  },
};

function load(env: Readonly<Record<string, string>>, file: string): Config | ConfigError {
  try {
    return loadConfig(env, {
      cwd: '/app',
      paperUrlLater: true,
      readFile: (path) => {
        if (path === '/app/stopkeeper.json') return file;
        throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
      },
    });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.problems.length).toBeGreaterThan(0);
    for (const { setting, message, hint } of error.problems)
      for (const text of [setting, message, hint]) expect(text.trim()).not.toBe('');
    return error;
  }
}

/** Ranges of DESIGN §3, written down once more. */
function expectSoundPolicy(policy: Policy): void {
  const { trailing, liquidation, escalation } = policy;
  const within: readonly (readonly [number, number, number])[] = [
    [policy.fixedStopPct, 0.1, 50],
    [policy.feeAllowancePct, 0, 1],
    [trailing.triggerPct, 0, 50],
    [trailing.distancePct, 0.05, 50],
    [policy.minMovePct, 0, 5],
    [liquidation.bufferPct, 0, 10],
    [policy.checkEveryMs, 200, 86_400_000],
    [policy.discoverEveryMs, 200, 86_400_000],
    [policy.priceMaxAgeMs, 1_000, 86_400_000],
    [policy.requestsPerMinute, 10, 3_600],
    [escalation.fastCheckMs, 200, 86_400_000],
    [policy.maxAllocationPct, 1, 100],
    [policy.maxPositions, 1, 10_000],
    [policy.continueAsNewAfterChecks, 5, 500],
  ];
  for (const [value, low, high] of within) expect(value >= low && value <= high, String(value)).toBe(true);
  expect(['MarkPrice', 'LastPrice']).toContain(policy.triggerBy);
  expect(trailing.bands.at(-1)?.belowAtrPct).toBeNull();
}

describe(`over broken configurations (seed ${SEED})`, () => {
  const environments = casesOf(5_000);
  it(`an environment runs or is refused by name, without a secret (${environments} cases)`, () => {
    const seen = { refused: 0, accepted: 0 };
    const values = broken(ENVIRONMENT, { least: 0, most: 4 }).map((document) =>
      Object.fromEntries(
        Object.entries(typeof document === 'object' && document !== null ? document : {}).map(
          ([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)],
        ),
      ),
    );
    fc.assert(
      fc.property(values, (env) => {
        const config = load(env, '{}');
        if (!(config instanceof ConfigError)) {
          seen.accepted += 1;
          expect(config.accounts.length).toBeGreaterThan(0);
          expect(config.workers >= 1 && config.workers <= 64).toBe(true);
          return;
        }
        seen.refused += 1;
        const words = `${formatProblems('x', config.problems)} ${config.message} ${String(config.stack)}`;
        for (const [name, secret] of Object.entries(SECRETS)) {
          if (env[name] === secret) expect(words, name).not.toContain(secret);
        }
      }),
      { numRuns: environments, seed: SEED },
    );
    if (environments >= 1_000)
      expect(Math.min(seen.refused, seen.accepted)).toBeGreaterThan(environments / 100);
  });

  const policies = casesOf(5_000);
  it(`a policy file gives policies in range or is refused by name (${policies} cases)`, () => {
    const seen = { refused: 0, accepted: 0 };
    fc.assert(
      fc.property(asText(broken(POLICY_FILE, { least: 0, most: 4 })), (file) => {
        const config = load({ ...ENVIRONMENT }, file);
        if (config instanceof ConfigError) {
          seen.refused += 1;
          return;
        }
        seen.accepted += 1;
        for (const [account, symbol] of [
          ['main', ''],
          ['main', 'BTCUSDT'],
          ['desk', 'BTC-26DEC25'],
        ] as const)
          expectSoundPolicy(resolvePolicy(config, account, symbol));
      }),
      { numRuns: policies, seed: SEED },
    );
    if (policies >= 1_000) expect(Math.min(seen.refused, seen.accepted)).toBeGreaterThan(policies / 100);
  });
});

describe(`over broken scenario files (seed ${SEED})`, () => {
  const folder = new URL('../../scenarios/', import.meta.url);
  const shipped = readdirSync(folder)
    .filter((name) => name.endsWith('.json') && !name.includes('200'))
    .map((name): unknown => JSON.parse(readFileSync(new URL(name, folder), 'utf8')));
  const full = {
    seed: 7,
    latencyMs: 5,
    account: {
      wallet: { USDT: '1000', USDC: '50' },
      positionMode: 'hedge',
      marginMode: 'ISOLATED_MARGIN',
      walletFields: { totalEquity: null },
    },
    instruments: [{ symbol: 'AAAUSDT', tickSize: '0.01', qtyStep: '0.1', price: '100', maxLeverage: '50' }],
    positions: [
      {
        symbol: 'AAAUSDT',
        positionIdx: 2,
        side: 'Sell',
        size: '1',
        entryPrice: '101',
        stopLoss: '110',
        trailingStop: '2',
      },
      { symbol: 'BTCUSDT', positionIdx: 1, size: '0.01', partialStops: [{ price: '30000', size: '0.005' }] },
    ],
    prices: [
      {
        symbol: 'AAAUSDT',
        script: [
          { atMs: 0, price: '100' },
          { atMs: 500, last: '112', mark: '111' },
        ],
      },
      { symbol: 'BTCUSDT', walk: { stepPct: '0.5', everyMs: 100 } },
    ],
    faults: [{ path: '/v5/position/list', kind: 'delay', ms: 10, times: 2, skip: 1 }],
    execution: { fillDelayMs: 10, parts: 2, slippagePct: '0.1' },
    quirks: { noStop: '0.00' },
  };

  const scenarios = casesOf(5_000);
  it(`a scenario runs or is refused by name (${scenarios} cases)`, { timeout: 120_000 }, () => {
    const seen = { refused: 0, accepted: 0 };
    const files = asText(brokenOneOf([...shipped, full, full, full], { least: 0, most: 4 }));
    fc.assert(
      fc.property(files, (file) => {
        const clock = new ManualClock(1_700_000_000_000);
        try {
          const engine = openFresh(setUp(parsedOrNothing(file)), clock);
          for (let second = 0; second < 3; second += 1) {
            clock.advance(1_000);
            engine.advance();
          }
          const views = new Views(engine.venue);
          for (const { symbol, positionIdx } of engine.venue.held())
            expect(views.positionRow(engine.venue.leg(symbol, positionIdx))).toMatchObject({ symbol });
          seen.accepted += 1;
        } catch (error) {
          if (!(error instanceof ScenarioError)) throw error;
          seen.refused += 1;
          expect(error.problems.length).toBeGreaterThan(0);
          for (const problem of error.problems) expect(problem.trim()).not.toBe('');
        }
      }),
      { numRuns: scenarios, seed: SEED },
    );
    if (scenarios >= 1_000) expect(Math.min(seen.refused, seen.accepted)).toBeGreaterThan(scenarios / 100);
  });
});
