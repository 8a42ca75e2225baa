/** The worker's HTTP endpoint by itself: readiness with its reasons, a scrape without the SDK's half, an address that is taken. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Counter, Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startEndpoint, type Endpoint } from '../../src/metrics/endpoint.ts';
import { NotReady, readinessOf, type Probe } from '../../src/metrics/readiness.ts';

const ADDRESS = { host: '127.0.0.1', port: 0 };

let registry: Registry;
let sdk: Server;
let probes: Probe[];
let endpoint: Endpoint;

beforeEach(async () => {
  registry = new Registry();
  new Counter({ name: 'stopkeeper_things_total', help: 'Things.', registers: [registry] }).inc(3);
  sdk = createServer((_, response) => response.end('temporal_request 7\n')).listen(0, '127.0.0.1');
  await once(sdk, 'listening');
  probes = [{ name: 'temporal', look: () => Promise.resolve('answers') }];
  const sdkUrl = `http://127.0.0.1:${(sdk.address() as AddressInfo).port}/metrics`;
  endpoint = await startEndpoint({
    address: ADDRESS,
    registry,
    sdkUrl,
    readiness: () => readinessOf(probes),
  });
});
afterEach(async () => {
  await endpoint.close();
  sdk.close();
});

const get = (path: string): Promise<Response> => fetch(`${endpoint.url}${path}`);

describe('/metrics', () => {
  it("holds our own and the SDK's", async () => {
    const answer = await get('/metrics');
    expect(answer.status).toBe(200);
    const text = await answer.text();
    expect(text).toContain('stopkeeper_things_total 3\n');
    expect(text).toContain('\ntemporal_request 7\n');
  });

  it("goes on without the SDK's, and says so in a comment", async () => {
    sdk.closeAllConnections();
    sdk.close();
    await once(sdk, 'close');
    const text = await (await get('/metrics')).text();
    expect(text).toContain('stopkeeper_things_total 3\n');
    expect(text).toMatch(/^# the Temporal SDK's metrics are missing: \w+$/m);
  });
});

describe('/readyz', () => {
  it('is 200 while every part works', async () => {
    const answer = await get('/readyz');
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { ready: true, checks: [{ name: 'temporal', ok: true, detail: 'answers' }] },
    ]);
  });

  it('is 503 with the reason of each part that does not, while /healthz is 200', async () => {
    probes.push({ name: 'venue main', look: () => Promise.reject(new NotReady('has not answered')) });
    probes.push({ name: 'venue desk', look: () => new Promise(() => undefined) });
    const answer = await get('/readyz');
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({
      ready: false,
      checks: [
        { name: 'temporal', ok: true, detail: 'answers' },
        { name: 'venue main', ok: false, detail: 'has not answered' },
        { name: 'venue desk', ok: false, detail: 'no answer within 4 s' },
      ],
    });
    expect((await get('/healthz')).status).toBe(200);
  });

  it('is not ready where nothing was looked at', async () => {
    probes.length = 0;
    expect((await get('/readyz')).status).toBe(503);
  });
});

describe('an address that is taken', () => {
  it('is an error of the start', async () => {
    const address = { host: '127.0.0.1', port: Number(new URL(endpoint.url).port) };
    const readiness = () => readinessOf(probes);
    await expect(startEndpoint({ address, registry, sdkUrl: '', readiness })).rejects.toThrow('EADDRINUSE');
  });
});
