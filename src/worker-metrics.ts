/** The metrics of a worker put together: one registry for guards, venue, accounts and alerts. */
import { readFileSync } from 'node:fs';
import type { InjectedSinks } from '@temporalio/worker';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { channelsOf } from './alerts/channels.ts';
import { resolvePolicy, type Config } from './config.ts';
import type { Gate } from './exchange/gate.ts';
import { AccountMetrics } from './metrics/account-metrics.ts';
import { AlertMetrics } from './metrics/alert-metrics.ts';
import { GuardMetrics } from './metrics/guard-metrics.ts';
import { VenueMetrics } from './metrics/venue-metrics.ts';
import type { GuardSinks } from './workflows/guard-reporter.ts';

export interface WorkerMetrics {
  readonly guards: GuardMetrics;
  readonly venue: VenueMetrics;
  readonly accounts: AccountMetrics;
  readonly alerts: AlertMetrics;
  readonly registry: Registry;
}

export function createWorkerMetrics(config: Config, gate: Gate): WorkerMetrics {
  const registry = new Registry();
  const aliases = config.accounts.map(({ alias }) => alias);
  const accounts = config.accounts.map(({ alias, venue }) => ({
    account: alias,
    venue,
    mode: venue === 'paper' ? 'DEMO' : 'LIVE',
    discoverEveryMs: resolvePolicy(config, alias, '').discoverEveryMs,
  }));
  const build = new Gauge({
    name: 'stopkeeper_build_info',
    help: 'Always 1: the version of this worker.',
    labelNames: ['version'],
    registers: [registry],
  });
  build.set({ version: ownVersion() }, 1);
  collectDefaultMetrics({ register: registry });
  return {
    guards: new GuardMetrics(registry, aliases, Date.now),
    venue: new VenueMetrics(registry, aliases, gate, Date.now),
    accounts: new AccountMetrics(registry, accounts, Date.now),
    alerts: new AlertMetrics(
      registry,
      aliases,
      channelsOf(config.alerts, Date.now).map(({ name }) => name),
    ),
    registry,
  };
}

function ownVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}

/** What guards report to. A replay tells nothing: what it would say has been said, or another worker has. */
export function guardSinks(guards: GuardMetrics): InjectedSinks<GuardSinks> {
  return {
    guardMetrics: {
      shown: {
        fn: ({ workflowId }, report, check) => {
          guards.shown(workflowId, report);
          if (check !== null) guards.checked(check);
        },
      },
      ended: { fn: ({ workflowId }) => guards.ended(workflowId) },
    },
  };
}
