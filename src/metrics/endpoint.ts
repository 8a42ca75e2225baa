/** The worker's HTTP endpoint for monitors: `/metrics` (ours and the SDK's), `/healthz`, `/readyz`. It only ever reads. */
import Fastify from 'fastify';
import type { Registry } from 'prom-client';
import type { ListenAddress } from '../config-environment.ts';
import type { Readiness } from './readiness.ts';

/** The SDK's exporter is on this machine's loopback; a scrape goes on without it. */
const SDK_LIMIT_MS = 2_000;

export interface EndpointOptions {
  readonly address: ListenAddress;
  readonly registry: Registry;
  /** Where the Temporal SDK exports its own metrics. */
  readonly sdkUrl: string;
  readonly readiness: () => Promise<Readiness>;
}

export interface Endpoint {
  /** `http://host:port` as it really listens. */
  readonly url: string;
  close(): Promise<void>;
}

/** Listens until closed; rejects where the address cannot be listened on. */
export async function startEndpoint({
  address,
  registry,
  sdkUrl,
  readiness,
}: EndpointOptions): Promise<Endpoint> {
  const server = Fastify({ forceCloseConnections: true });
  server.get('/metrics', async (_, reply) => {
    const [own, sdk] = await Promise.all([registry.metrics(), sdkMetrics(sdkUrl)]);
    return reply.type(registry.contentType).send(`${own}\n${sdk}`);
  });
  // That this is answered at all is what it says: the event loop runs.
  server.get('/healthz', (_, reply) =>
    reply.send({ alive: true, uptimeSeconds: Math.round(process.uptime()) }),
  );
  server.get('/readyz', async (_, reply) => {
    const found = await readiness();
    return reply.code(found.ready ? 200 : 503).send(found);
  });
  const url = await server.listen({ host: address.host, port: address.port });
  return { url, close: () => server.close() };
}

/** The SDK's metrics as text, or a comment that says why they are not there. */
async function sdkMetrics(url: string): Promise<string> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(SDK_LIMIT_MS) });
    if (answer.ok) return await answer.text();
    return `# the Temporal SDK's metrics are missing: HTTP ${answer.status}\n`;
  } catch (error) {
    return `# the Temporal SDK's metrics are missing: ${(error as Error).name}\n`;
  }
}
