/** Alerts by kind, what became of their deliveries, and the dead-man's heartbeat. */
import { Counter, Gauge, type Registry } from 'prom-client';
import { ALERT_KINDS, type Alert } from '../domain/alert.ts';

/** `sent`; `over`, its end had been delivered first; `failed`, to be tried again with a later check. */
type DeliveryResult = 'sent' | 'over' | 'failed';

export class AlertMetrics {
  readonly #alerts: Counter<'account' | 'kind' | 'level'>;
  readonly #deliveries: Counter<'channel' | 'kind' | 'outcome'>;
  readonly #pings: Counter<'outcome'>;
  readonly #pingedAt: Gauge;

  /** Everything countable is 0 from the start: the first increase of a series that was not there is seen by nobody. */
  constructor(registry: Registry, accounts: readonly string[], channels: readonly string[]) {
    const registers = [registry];
    this.#alerts = new Counter({
      name: 'stopkeeper_alerts_total',
      help: 'Alerts that this worker was first to be given, by kind and level.',
      labelNames: ['account', 'kind', 'level'],
      registers,
    });
    this.#deliveries = new Counter({
      name: 'stopkeeper_alert_deliveries_total',
      help: 'Deliveries of alerts to a channel, by kind of alert and outcome; a failed one is repeated and counts each time.',
      labelNames: ['channel', 'kind', 'outcome'],
      registers,
    });
    this.#pings = new Counter({
      name: 'stopkeeper_heartbeat_pings_total',
      help: "Pings of the dead-man's heartbeat, by outcome.",
      labelNames: ['outcome'],
      registers,
    });
    this.#pingedAt = new Gauge({
      name: 'stopkeeper_heartbeat_timestamp_seconds',
      help: "When the dead-man's heartbeat was last answered, seconds since 1970; 0 before the first time.",
      registers,
    });
    for (const outcome of ['sent', 'failed']) this.#pings.inc({ outcome }, 0);
    for (const kind of ALERT_KINDS) {
      for (const account of accounts) {
        for (const level of levelsOf(kind)) this.#alerts.inc({ account, kind, level }, 0);
      }
      for (const channel of channels) {
        for (const outcome of ['sent', 'failed', 'over']) this.#deliveries.inc({ channel, kind, outcome }, 0);
      }
    }
  }

  raised({ account, kind, level }: Alert): void {
    this.#alerts.inc({ account, kind, level });
  }

  delivered(alert: Alert, channel: string, outcome: DeliveryResult): void {
    this.#deliveries.inc({ channel, kind: alert.kind, outcome });
  }

  /** `at` in ms. */
  pinged(outcome: 'sent' | 'failed', at: number): void {
    this.#pings.inc({ outcome });
    if (outcome === 'sent') this.#pingedAt.set(at / 1_000);
  }
}

function levelsOf(kind: Alert['kind']): readonly Alert['level'][] {
  switch (kind) {
    case 'resolved':
      return ['RESOLVED'];
    case 'all-clear':
      return ['INFO'];
    case 'not-all-clear':
      return ['WARNING'];
    case 'audit-failed':
      return ['WARNING', 'INFO'];
    default:
      return ['WARNING', 'CRITICAL', 'EMERGENCY'];
  }
}
