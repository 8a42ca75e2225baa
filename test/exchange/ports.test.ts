/** Ports by account alias behind one door, each venue at its own address. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createBybitPort } from '../../src/exchange/bybit-port.ts';
import { lanesOf, LANE_LIMITS } from '../../src/exchange/endpoints.ts';
import { createPorts } from '../../src/exchange/ports.ts';
import { KEY, SECRET, startFakeVenue } from './fake-venue.ts';

const options = { venue: 'paper', baseUrl: 'http://127.0.0.1:9', apiKey: KEY, apiSecret: SECRET } as const;

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('ports', () => {
  test('are found by alias, and an unknown alias names those that exist', () => {
    const ports = createPorts([
      { ...options, account: 'main' },
      { ...options, account: 'desk' },
    ]);
    expect(ports.aliases).toEqual(['main', 'desk']);
    expect(ports.get('desk').account).toBe('desk');
    expect(() => ports.get('other')).toThrow('configured: main, desk');
    ports.close();
  });

  test('that cannot work are all named at once, without their secrets', () => {
    const { baseUrl: _url, ...noUrl } = options;
    const build = (): unknown =>
      createPorts([
        { ...noUrl, account: 'main' },
        { ...options, account: 'desk', apiSecret: '' },
        { ...options, account: 'twin' },
        { ...options, account: 'twin' },
      ]);
    expect(build).toThrow(/"main".*base URL[^]*"desk".*empty[^]*"twin".*twice/);
    expect(build).not.toThrow(new RegExp(SECRET));
  });

  test('share the ban of the IP address', async () => {
    const venue = await startFakeVenue();
    const ports = createPorts([
      { ...options, baseUrl: venue.url, account: 'main' },
      { ...options, baseUrl: venue.url, account: 'desk' },
    ]);
    venue.on('/v5/account/wallet-balance', () => ({
      kind: 'answer',
      status: 403,
      body: 'access too frequent',
    }));
    await expect(ports.get('main').wallet()).rejects.toMatchObject({ info: { type: 'VenueRateLimited' } });
    const seen = venue.seen.length;
    await expect(ports.get('desk').snapshot({ fresh: true })).rejects.toMatchObject({
      info: { type: 'VenueRateLimited' },
    });
    expect(venue.seen).toHaveLength(seen);
    ports.close();
    await venue.close();
  });
});

describe('a venue', () => {
  test.each([
    ['bybit-mainnet', 'https://api.bybit.com'],
    ['bybit-testnet', 'https://api-testnet.bybit.com'],
    ['bybit-demo', 'https://api-demo.bybit.com'],
  ] as const)('%s is asked at %s, for signed and public requests alike', async (venue, host) => {
    const asked: string[] = [];
    vi.stubGlobal('fetch', (url: string) => {
      asked.push(url);
      return Promise.resolve(new Response('{"retCode":0,"retMsg":"OK","result":{"list":[]},"time":1}'));
    });
    const port = createBybitPort({ account: 'main', venue, apiKey: KEY, apiSecret: SECRET });
    await port.clock();
    await port.wallet();
    expect(asked.map((url) => new URL(url).pathname)).toContain('/v5/account/wallet-balance');
    expect(asked.every((url) => url.startsWith(`${host}/v5/`))).toBe(true);
    port.close();
  });
});

describe('the limits of an account', () => {
  test('are divided among the processes that share it, and never below one a second', () => {
    expect(lanesOf(LANE_LIMITS, 1)).toEqual(LANE_LIMITS);
    expect(lanesOf(LANE_LIMITS, 2)).toMatchObject({ stops: 4, positions: 20, candles: 2 });
    expect(lanesOf(LANE_LIMITS, 20)).toMatchObject({ stops: 1, candles: 1 });
  });
});
