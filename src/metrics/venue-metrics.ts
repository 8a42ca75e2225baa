/** Traffic with the venue: requests by endpoint and result, their latency, stop writes, and what is left of the limits. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { PortMetrics, RequestReport } from '../exchange/port-metrics.ts';
import { RecentLowest } from './recent-lowest.ts';

const LATENCY_BUCKETS_S = [0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
const WAIT_BUCKETS_S = [0.005, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** What the metrics ask of the door to the venue. */
export interface Door {
  /** Requests that were sent in the running window, and how many it holds. */
  budget(): { readonly used: number; readonly size: number };
  /** Not `null` while nothing may be sent. */
  refusal(): object | null;
}

interface Limits {
  limit: number;
  readonly remaining: RecentLowest;
}

export class VenueMetrics {
  readonly #now: () => number;
  readonly #door: Door;
  readonly #requests: Counter<'account' | 'endpoint' | 'result'>;
  readonly #latency: Histogram<'account' | 'endpoint'>;
  readonly #waits: Histogram<'account' | 'lane'>;
  readonly #writes: Counter<'account' | 'urgency' | 'outcome'>;
  readonly #headroom: RecentLowest;
  /** By account, then by endpoint. */
  readonly #limits = new Map<string, Map<string, Limits>>();
  /** When the venue last answered each account well, ms. */
  readonly #answeredAt = new Map<string, number>();

  /** `now` in ms. */
  constructor(registry: Registry, accounts: readonly string[], door: Door, now: () => number) {
    this.#now = now;
    this.#door = door;
    this.#headroom = new RecentLowest(now);
    const registers = [registry];
    this.#requests = new Counter({
      name: 'stopkeeper_venue_requests_total',
      help: 'Requests sent to the venue, by endpoint and by how the answer was judged; ok, or the class of the failure.',
      labelNames: ['account', 'endpoint', 'result'],
      registers,
    });
    this.#latency = new Histogram({
      name: 'stopkeeper_venue_request_duration_seconds',
      help: 'Time from sending a request to its judged answer.',
      labelNames: ['account', 'endpoint'],
      buckets: LATENCY_BUCKETS_S,
      registers,
    });
    this.#waits = new Histogram({
      name: 'stopkeeper_venue_wait_seconds',
      help: 'Time that a request waited in our own limiter before it was sent.',
      labelNames: ['account', 'lane'],
      buckets: WAIT_BUCKETS_S,
      registers,
    });
    this.#writes = new Counter({
      name: 'stopkeeper_stop_writes_total',
      help: 'Stops sent to the venue, by why they were sent and what became of them; not-sent: certainly not executed; postponed: read and decided anew.',
      labelNames: ['account', 'urgency', 'outcome'],
      registers,
    });
    for (const account of accounts) this.#zero(account);
    this.#gauges(registers);
  }

  /** Outcomes that nobody has seen yet are 0, or their first increase would not be seen as one. */
  #zero(account: string): void {
    for (const urgency of ['no-stop', 'loosened', 'tighten', 'rewrite']) {
      for (const outcome of ['applied', 'unchanged', 'refused', 'unknown', 'not-sent', 'postponed']) {
        this.#writes.inc({ account, urgency, outcome }, 0);
      }
    }
  }

  #gauges(registers: Registry[]): void {
    const labelNames: ('account' | 'endpoint')[] = ['account', 'endpoint'];
    const limit: Gauge<'account' | 'endpoint'> = new Gauge({
      name: 'stopkeeper_venue_rate_limit',
      help: "Requests a second that the venue allows on an endpoint, by its answer's X-Bapi-Limit header.",
      labelNames,
      registers,
      collect: () => this.#each(limit, ({ limit: allowed }) => allowed),
    });
    const remaining: Gauge<'account' | 'endpoint'> = new Gauge({
      name: 'stopkeeper_venue_rate_limit_remaining',
      help: 'Lowest X-Bapi-Limit-Status of the last minute: requests that the venue would still have taken; absent where none was sent.',
      labelNames,
      registers,
      collect: () => this.#each(remaining, (limits) => limits.remaining.lowest()),
    });
    const headroom: Gauge = new Gauge({
      name: 'stopkeeper_venue_address_headroom_ratio',
      help: "Lowest share of this process's own request budget (300 in 5 s) that was free in the last minute; 1 is all of it.",
      registers,
      collect: () => headroom.set(this.#headroom.lowest() ?? 1),
    });
    const banned: Gauge = new Gauge({
      name: 'stopkeeper_venue_banned',
      help: '1 while the venue has shut this IP address out and nothing is sent, 0 otherwise.',
      registers,
      collect: () => banned.set(this.#door.refusal() === null ? 0 : 1),
    });
    const answered = new Gauge({
      name: 'stopkeeper_venue_last_answer_timestamp_seconds',
      help: 'When the venue last answered a request of this account without a failure, seconds since 1970.',
      labelNames: ['account'],
      registers,
      collect: () => {
        for (const [account, at] of this.#answeredAt) answered.set({ account }, at / 1_000);
      },
    });
  }

  #each(gauge: Gauge<'account' | 'endpoint'>, value: (limits: Limits) => number | null): void {
    gauge.reset();
    for (const [account, endpoints] of this.#limits) {
      for (const [endpoint, limits] of endpoints) {
        const shown = value(limits);
        if (shown !== null) gauge.set({ account, endpoint }, shown);
      }
    }
  }

  /** What an account's port reports to. */
  of(account: string): PortMetrics {
    return {
      requested: (report) => this.#requested(account, report),
      stopWritten: (urgency, outcome) => this.#writes.inc({ account, urgency, outcome }),
    };
  }

  /** When the venue last answered without a failure, ms; `null` before the first time. */
  answeredAt(account: string): number | null {
    return this.#answeredAt.get(account) ?? null;
  }

  #requested(account: string, report: RequestReport): void {
    const { endpoint, lane, result, limit, remaining } = report;
    this.#requests.inc({ account, endpoint, result });
    this.#latency.observe({ account, endpoint }, report.tookSeconds);
    this.#waits.observe({ account, lane }, report.waitedSeconds);
    if (result === 'ok') this.#answeredAt.set(account, this.#now());
    const { used, size } = this.#door.budget();
    this.#headroom.add(Math.max(0, size - used) / size);
    if (limit !== null && remaining !== null)
      this.#limitsOf(account, endpoint, limit).remaining.add(remaining);
  }

  #limitsOf(account: string, endpoint: string, limit: number): Limits {
    const endpoints = this.#limits.get(account) ?? new Map<string, Limits>();
    this.#limits.set(account, endpoints);
    const limits = endpoints.get(endpoint) ?? { limit, remaining: new RecentLowest(this.#now) };
    limits.limit = limit;
    endpoints.set(endpoint, limits);
    return limits;
  }
}
