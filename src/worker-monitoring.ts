/** The endpoint of a worker and what feeds it: opened first, so that `/healthz` answers while the rest starts. */
import type { Client } from '@temporalio/client';
import { AccountFacts } from './account-facts.ts';
import type { Config } from './config.ts';
import type { Ports } from './exchange/ports.ts';
import type { Logger } from './logging.ts';
import { startEndpoint, type Endpoint } from './metrics/endpoint.ts';
import { readinessOf } from './metrics/readiness.ts';
import type { WorkerMetrics } from './worker-metrics.ts';
import { probesOf, type ProbedWorker } from './worker-probes.ts';

export interface Monitoring {
  /** From now on the worker polls, and what workflows know is asked of them. */
  polls(worker: ProbedWorker & { readonly client: Client }): void;
  stopsPolling(): void;
}

export interface MonitoringOptions {
  readonly config: Config;
  readonly metrics: WorkerMetrics;
  readonly ports: Ports;
  /** Loopback port of the SDK's exporter; `null` where there is none, and no endpoint. */
  readonly sdkPort: number | null;
  readonly log: Logger;
}

/** Opens the endpoint, which closes with the process. Where its address is not to be had the worker goes on without: protection does not wait for monitoring. */
export async function startMonitoring(options: MonitoringOptions): Promise<Monitoring> {
  const { ports, metrics, log } = options;
  let polling: ProbedWorker | null = null;
  let facts: AccountFacts | null = null;
  const venues = { ports, venue: metrics.venue, now: Date.now };
  const endpoint = await opened(options, () => readinessOf(probesOf(polling, venues)));
  return {
    polls: (worker) => {
      polling = worker;
      if (endpoint === null) return;
      const port = (account: string) => ports.get(account);
      facts = new AccountFacts({
        client: worker.client,
        accounts: ports.aliases,
        port,
        metrics,
        log,
        now: Date.now,
      });
      facts.start();
    },
    stopsPolling: () => facts?.stop(),
  };
}

async function opened(
  { config, metrics, sdkPort, log }: MonitoringOptions,
  readiness: () => ReturnType<typeof readinessOf>,
): Promise<Endpoint | null> {
  const address = config.metrics;
  if (address === null || sdkPort === null) return null;
  const sdkUrl = `http://127.0.0.1:${sdkPort}/metrics`;
  try {
    const endpoint = await startEndpoint({ address, registry: metrics.registry, sdkUrl, readiness });
    log.info({ url: endpoint.url }, 'metrics.listening');
    return endpoint;
  } catch (error) {
    const message = `STOPKEEPER_METRICS: ${address.host}:${address.port} cannot be listened on (${(error as Error).message})`;
    const hint = 'Give another address, or "off"; monitors see nothing of this worker.';
    log.error({ message, hint }, 'metrics.off');
    return null;
  }
}
