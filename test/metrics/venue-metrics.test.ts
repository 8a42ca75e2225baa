/** What a port's traffic looks like in a scrape: results, latency, stop writes, what is left of the limits, the ban. */
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createGate, type Gate } from '../../src/exchange/gate.ts';
import type { VenuePort } from '../../src/exchange/port.ts';
import { VenueMetrics } from '../../src/metrics/venue-metrics.ts';
import { envelope, refusal } from '../exchange/fake-venue.ts';
import { IMPATIENT, LIST, startWorld, STOP_PATH, type World } from '../exchange/port-world.ts';
import { valueIn } from '../support/scrape.ts';

const STOP = { symbol: 'BTCUSDT', positionIdx: 0, stopLoss: '58000.1', triggerBy: 'MarkPrice' } as const;
const WALLET = '/v5/account/wallet-balance';

let world: World;
let registry: Registry;
let metrics: VenueMetrics;
let gate: Gate;
let port: VenuePort;

beforeEach(async () => {
  world = await startWorld();
  registry = new Registry();
  gate = createGate({ breakerMs: 60_000 });
  metrics = new VenueMetrics(registry, ['main'], gate, Date.now);
  port = world.portOf({ ...IMPATIENT, metrics: metrics.of('main'), gate });
});
afterEach(() => world.close());

const shown = async (name: string, labels: Readonly<Record<string, string>> = {}) =>
  valueIn(await registry.metrics(), name, labels);
const writes = (urgency: string, outcome: string) =>
  shown('stopkeeper_stop_writes_total', { account: 'main', urgency, outcome });

describe('stop writes', () => {
  it('count by urgency and outcome, and those never seen are 0', async () => {
    await port.setStop(STOP, 'no-stop');
    world.venue.on(STOP_PATH, () => refusal(34_040, 'not modified'));
    await port.setStop(STOP, 'rewrite');
    world.venue.on(STOP_PATH, () => refusal(110_017, 'orderQty will be truncated to zero'));
    await port.setStop(STOP, 'no-stop');
    world.venue.on(STOP_PATH, () => ({ kind: 'reset' }));
    await port.setStop(STOP, 'tighten');
    world.venue.on(STOP_PATH, () => refusal(10_003, 'API key is invalid.'));
    await expect(port.setStop(STOP, 'loosened')).rejects.toThrow('key');
    expect([await writes('no-stop', 'applied'), await writes('no-stop', 'refused')]).toEqual([1, 1]);
    expect([await writes('rewrite', 'unchanged'), await writes('tighten', 'unknown')]).toEqual([1, 1]);
    expect([await writes('loosened', 'not-sent'), await writes('loosened', 'applied')]).toEqual([1, 0]);
  });
});

describe('requests', () => {
  it('count by path and by how the answer was judged, with their latency', async () => {
    world.venue.on(WALLET, () => refusal(10_006, 'Too many visits'));
    await expect(port.wallet()).rejects.toThrow('10006');
    const labels = { account: 'main', endpoint: WALLET };
    expect(await shown('stopkeeper_venue_requests_total', { ...labels, result: 'rate' })).toBe(1);
    expect(await shown('stopkeeper_venue_request_duration_seconds_count', labels)).toBe(1);
    expect(await shown('stopkeeper_venue_wait_seconds_count', { account: 'main', lane: 'account' })).toBe(1);
  });

  it('that are answered well say when, and failures do not', async () => {
    world.venue.on(LIST, () => ({ kind: 'answer', status: 502, body: '<html>' }));
    expect(metrics.answeredAt('main')).toBeNull();
    await expect(port.readSymbol('BTCUSDT')).rejects.toThrow('502');
    await port.clock();
    const answered = metrics.answeredAt('main') ?? 0;
    expect(Date.now() - answered).toBeLessThan(60_000);
    const requests = await registry.metrics();
    expect(valueIn(requests, 'stopkeeper_venue_last_answer_timestamp_seconds')).toBe(answered / 1_000);
  });
});

describe('headroom', () => {
  it("is the lowest of the answers' headers", async () => {
    const left = ['40', '3', '20'];
    world.venue.on(WALLET, () =>
      envelope(
        { list: [{}] },
        { headers: { 'X-Bapi-Limit': '50', 'X-Bapi-Limit-Status': left.shift() ?? '' } },
      ),
    );
    for (let call = 0; call < 3; call += 1) await port.wallet();
    const labels = { account: 'main', endpoint: WALLET };
    expect(await shown('stopkeeper_venue_rate_limit', labels)).toBe(50);
    expect(await shown('stopkeeper_venue_rate_limit_remaining', labels)).toBe(3);
  });

  it('of the address is what its own budget has left, and a ban shows', async () => {
    expect(await shown('stopkeeper_venue_address_headroom_ratio')).toBe(1);
    await port.clock();
    expect(await shown('stopkeeper_venue_address_headroom_ratio')).toBeLessThan(1);
    expect(await shown('stopkeeper_venue_banned')).toBe(0);
    world.venue.on(WALLET, () => ({ kind: 'answer', status: 403, body: 'access too frequent' }));
    await expect(port.wallet()).rejects.toThrow('403');
    expect(await shown('stopkeeper_venue_banned')).toBe(1);
  });
});
