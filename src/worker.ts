/** The worker process: configuration, venues, activities and both task queues put together; stops in order (DESIGN §10). */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { channelNames, channelsOf } from './alerts/channels.ts';
import { createDelivery } from './alerts/delivery.ts';
import { createHeartbeat } from './alerts/heartbeat.ts';
import type { AuditLog } from './audit/audit-log.ts';
import type { ActivityDeps } from './activities/deps.ts';
import { startWatcherOf } from './activities/guards.ts';
import { loadConfig, resolvePolicy, type Config } from './config.ts';
import { ConfigError, formatProblems, type Problem } from './config-error.ts';
import { watchId } from './domain/names.ts';
import { createGate, type Gate } from './exchange/gate.ts';
import { createPorts, type Ports } from './exchange/ports.ts';
import { VenueError } from './exchange/port.ts';
import { loggerFor, type Logger } from './logging.ts';
import { freePort } from './operator/ports.ts';
import { createRunningGuards } from './running-guards.ts';
import { registerSearchAttributes } from './search-attributes.ts';
import { createClient } from './temporal-client.ts';
import {
  connectClient,
  connectWorker,
  TemporalConnectionError,
  temporalSettings,
  type TemporalSettings,
} from './temporal-connection.ts';
import { createWorkers, FINISH_MS, FORCE_MS } from './task-workers.ts';
import { createWorkerAudit } from './worker-audit.ts';
import { createWorkerMetrics, type WorkerMetrics } from './worker-metrics.ts';
import { startMonitoring, type Monitoring } from './worker-monitoring.ts';

/** The SDK's and the workflows' log lines, in the product's log; the SDK's metrics on a loopback port that our endpoint reads, `null` for none. */
function installRuntime(log: Logger, sdkPort: number | null): void {
  const { logger } = Runtime.install({
    shutdownSignals: [],
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      const fields = { ...meta };
      delete fields['sdkComponent'];
      if (level === 'ERROR') log.error(fields, message);
      else if (level === 'WARN') log.warn(fields, message);
      else log.info(fields, message);
    }),
    telemetryOptions: {
      logging: { filter: 'WARN', forward: {} },
      ...(sdkPort === null ? {} : { metrics: { prometheus: { bindAddress: `127.0.0.1:${sdkPort}` } } }),
    },
  });
  // Nine such lines a check: the SDK would keep and sort each for 0.1 s before the logger above drops it (docs/performance.md).
  logger.trace = () => {};
  logger.debug = () => {};
}

function portsOf(config: Config, log: Logger, gate: Gate, metrics: WorkerMetrics): Ports {
  return createPorts(
    config.accounts.map((account) => ({
      account: account.alias,
      venue: account.venue,
      apiKey: account.apiKey.reveal(),
      apiSecret: account.apiSecret.reveal(),
      ...(account.venueUrl === null ? {} : { baseUrl: account.venueUrl }),
      limits: {
        workers: config.workers,
        requestsPerMinute: resolvePolicy(config, account.alias, '').requestsPerMinute,
      },
      logger: log,
      metrics: metrics.venue.of(account.alias),
      readAhead: true,
    })),
    gate,
  );
}

function depsOf(
  config: Config,
  ports: Ports,
  client: Client,
  log: Logger,
  { alerts, guards }: WorkerMetrics,
): { readonly deps: Omit<ActivityDeps, 'searchAttributes'>; readonly audit: AuditLog } {
  const venues = new Map(config.accounts.map(({ alias, venue }) => [alias, venue]));
  const deliver = createDelivery({
    channels: channelsOf(config.alerts, Date.now),
    log,
    now: Date.now,
    metrics: alerts,
  });
  const audit = createWorkerAudit(config, deliver, log);
  const deps: Omit<ActivityDeps, 'searchAttributes'> = {
    port: (account) => {
      if (venues.has(account)) return ports.get(account);
      throw new VenueError({
        type: 'InvalidInput',
        code: null,
        message: `account: "${account}" is not configured in this worker; configured: ${ports.aliases.join(', ')}`,
        hint: 'use one of them, or add the alias to STOPKEEPER_ACCOUNTS',
      });
    },
    policy: (account, symbol) => resolvePolicy(config, account, symbol),
    mode: (account) => (venues.get(account) === 'paper' ? 'DEMO' : 'LIVE'),
    client,
    runningGuards: createRunningGuards(client),
    checkedAt: (workflowId) => guards.checkedAt(workflowId),
    log,
    deliver,
    audit: audit.record,
    allClearAt: config.allClearAt,
    roundEnded: createHeartbeat({
      url: config.heartbeatUrl,
      log,
      now: Date.now,
      pinged: (outcome, at) => alerts.pinged(outcome, at),
    }),
    now: Date.now,
  };
  return { deps, audit };
}

/** A watcher that ever ran runs again; an account that never had a session is left alone until it has one. */
async function keepWatchers(deps: ActivityDeps, accounts: readonly string[]): Promise<void> {
  for (const account of accounts) {
    try {
      await deps.client.workflow.getHandle(watchId(account)).describe();
      await startWatcherOf(deps, account);
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) {
        deps.log.warn({ account, message: (error as Error).message }, 'watcher.not-started');
      }
    }
  }
}

async function main(): Promise<void> {
  const config = loadConfig(process.env);
  const settings = temporalSettings(process.env);
  const log = loggerFor(config);
  const gate = createGate({ breakerMs: config.banPauseMs });
  const metrics = createWorkerMetrics(config, gate);
  const sdkPort = config.metrics === null ? null : await freePort(null);
  installRuntime(log, sdkPort);
  const ports = portsOf(config, log, gate, metrics);
  const monitoring = await startMonitoring({ config, metrics, ports, sdkPort, log });
  await work(config, settings, { log, metrics, ports, monitoring });
}

interface Parts {
  readonly log: Logger;
  readonly metrics: WorkerMetrics;
  readonly ports: Ports;
  readonly monitoring: Monitoring;
}

/** Connects, polls and works until a signal ends it. */
async function work(
  config: Config,
  settings: TemporalSettings,
  { log, metrics, ports, monitoring }: Parts,
): Promise<void> {
  const connection = await connectClient(settings);
  const native = await connectWorker(settings);
  const { namespace, address } = settings;
  const client = createClient(connection, namespace, config.payloadKeys);
  const attributes = await registerSearchAttributes(connection, namespace);
  if (attributes.kind === 'off') log.warn({ reason: attributes.reason }, 'search-attributes.off');
  const made = depsOf(config, ports, client, log, metrics);
  const deps: ActivityDeps = { ...made.deps, searchAttributes: attributes.kind };
  const workers = await createWorkers(
    native,
    namespace,
    config.payloadKeys,
    deps,
    log,
    metrics,
    config.version,
  );
  const stopping = new AbortController();
  const stop = (signal: NodeJS.Signals): void => {
    stopping.abort();
    log.info({ signal }, 'worker.stopping');
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    // From then on another worker may do the same work: nothing that still waits for its turn is sent beside it (I1).
    setTimeout(() => ports.close(), FINISH_MS).unref();
    setTimeout(() => leave(log), FORCE_MS + 500).unref();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  const running = Promise.all(workers.map((worker) => worker.run()));
  await keepWatchers(deps, ports.aliases);
  monitoring.polls({ workers, connection, client, namespace });
  log.info(
    { channels: channelNames(config.alerts), heartbeat: config.heartbeatUrl === null ? 'off' : 'on' },
    'alerts.channels',
  );
  log.info({ file: config.audit?.path ?? 'off' }, 'audit.file');
  const { version } = config;
  const encryption = config.payloadKeys?.map(({ id }) => id) ?? 'off';
  log.info({ address, namespace, accounts: ports.aliases, version, encryption }, 'worker.ready');
  process.stdout.write(`${JSON.stringify({ ready: true, pid: process.pid, address, namespace })}\n`);
  try {
    await running;
  } catch (error) {
    // A worker that cannot hand over in time fails, in one of several ways.
    if (stopping.signal.aborted) leave(log);
    throw error;
  } finally {
    monitoring.stopsPolling();
    ports.close();
    await made.audit.close();
  }
  await native.close();
  await connection.close();
  log.info({ inFlight: 'finished' }, 'worker.stopped');
}

/** A server that does not answer takes nothing back: its time-outs hand the work to the next worker. The SDK would go on trying. */
function leave(log: Logger): never {
  log.warn({ inFlight: 'left to the time-outs of the server' }, 'worker.stopped');
  process.exit(0);
}

function problemsOf(error: ConfigError | TemporalConnectionError): readonly Problem[] {
  return error instanceof ConfigError ? error.problems : [error.problem];
}

try {
  await main();
} catch (error) {
  const expected = error instanceof ConfigError || error instanceof TemporalConnectionError;
  process.stderr.write(
    `${expected ? formatProblems('the worker cannot start', problemsOf(error)) : ((error as Error).stack ?? String(error))}\n`,
  );
  process.exitCode = expected ? 2 : 1;
}
// What nobody waits for any more would keep the process: requests until their deadlines, a worker that failed for ever.
process.exit();
