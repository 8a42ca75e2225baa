/** The guards whose checks this worker runs, by what they tell after each step: states, proofs, unprotected time, checks (I12). */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { ProtectionState } from '../domain/board.ts';
import type { CheckReport, GuardReport } from '../domain/guard-report.ts';

/** A check is due every 30 s; 10 s late is a disturbance, minutes are an outage. */
const LAG_BUCKETS_S = [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];
const SHOWN_STATES: readonly ProtectionState[] = [
  'PROTECTED',
  'UNPROTECTED',
  'UNCERTAIN',
  'BLIND',
  'CONFIRMING',
];

interface Known extends GuardReport {
  readonly id: string;
}

/** Seconds since `at` (ms); never negative, since two machines' clocks are in play. */
function secondsSince(at: number, now: number): number {
  return Math.max(0, (now - at) / 1_000);
}

/** A check that runs reads as it goes on, and is not late for what it does. */
function dueAt({ nextCheckAt, checkedAt }: Known): number {
  return Math.max(nextCheckAt, checkedAt);
}

export class GuardMetrics {
  readonly #now: () => number;
  readonly #accounts: readonly string[];
  readonly #guards = new Map<string, Known>();
  readonly #unprotected: Counter<'account'>;
  readonly #checks: Counter<'account' | 'result'>;
  readonly #lag: Histogram<'account'>;

  /** `now` in ms; series of `accounts` are there from the start, so that nothing is told from their absence. */
  constructor(registry: Registry, accounts: readonly string[], now: () => number) {
    this.#now = now;
    this.#accounts = accounts;
    const registers = [registry];
    this.#unprotected = new Counter({
      name: 'stopkeeper_unprotected_seconds_total',
      help: 'Seconds that positions were open without a stop, from the first read without one to the proof.',
      labelNames: ['account'],
      registers,
    });
    this.#checks = new Counter({
      name: 'stopkeeper_checks_total',
      help: 'Checks of guards, by what the read showed: open, flat, unreadable.',
      labelNames: ['account', 'result'],
      registers,
    });
    this.#lag = new Histogram({
      name: 'stopkeeper_check_lag_seconds',
      help: 'How long after it was due a routine check began.',
      labelNames: ['account'],
      buckets: LAG_BUCKETS_S,
      registers,
    });
    for (const account of accounts) {
      this.#unprotected.inc({ account }, 0);
      this.#lag.zero({ account });
      for (const result of ['open', 'flat', 'unreadable']) this.#checks.inc({ account, result }, 0);
    }
    this.#gauges(registers);
  }

  #gauges(registers: Registry[]): void {
    const states = new Gauge({
      name: 'stopkeeper_positions',
      help: 'Positions whose guard this worker runs, by ProtectionState.',
      labelNames: ['account', 'state'],
      registers,
      collect: () => {
        states.reset();
        for (const account of this.#accounts) {
          const guards = this.#of(account);
          for (const state of SHOWN_STATES) {
            states.set({ account, state }, guards.filter((guard) => guard.state === state).length);
          }
        }
      },
    });
    this.#longest(
      registers,
      'stopkeeper_unprotected_max_seconds',
      'Longest time that a position of this worker is without a stop right now; 0 while none is.',
      ({ unprotectedSince }) => unprotectedSince,
    );
    this.#longest(
      registers,
      'stopkeeper_proof_age_max_seconds',
      'Age of the oldest proof: time since a read last showed the stop, of the position for which that is longest.',
      ({ provenAt }) => provenAt,
    );
    this.#longest(
      registers,
      'stopkeeper_check_overdue_max_seconds',
      'How long the most overdue check of this worker has been due and has not begun; 0 while none is.',
      (guard) => (guard.checkedAt === 0 ? null : dueAt(guard)),
    );
  }

  /** The longest time since what `since` (ms) answers, over the guards of each account; 0 where none has one. */
  #longest(registers: Registry[], name: string, help: string, since: (guard: Known) => number | null): void {
    const gauge = new Gauge({
      name,
      help,
      labelNames: ['account'],
      registers,
      collect: () => {
        const now = this.#now();
        for (const account of this.#accounts) {
          const ages = this.#of(account).map((guard) => secondsSince(since(guard) ?? now, now));
          gauge.set({ account }, Math.max(0, ...ages));
        }
      },
    });
  }

  #of(account: string): readonly Known[] {
    return [...this.#guards.values()].filter((guard) => guard.account === account);
  }

  shown(id: string, report: GuardReport): void {
    this.#guards.set(id, { ...report, id });
    this.#unprotected.inc({ account: report.account }, report.newUnprotectedMs / 1_000);
  }

  checked({ account, seen, lagMs }: CheckReport): void {
    this.#checks.inc({ account, result: seen });
    if (lagMs !== null) this.#lag.observe({ account }, lagMs / 1_000);
  }

  ended(id: string): void {
    this.#guards.delete(id);
  }

  /** Drops a guard that this worker checks no more; one that it has checked since `checkedAt` (ms) stays. */
  forget(id: string, checkedAt: number): void {
    if (this.#guards.get(id)?.checkedAt === checkedAt) this.#guards.delete(id);
  }

  /** When this worker last heard of a check of that guard, ms; `null`: never, or it runs elsewhere. */
  checkedAt(id: string): number | null {
    return this.#guards.get(id)?.checkedAt ?? null;
  }

  /** Guards whose check is overdue by more than `ms`, the longest overdue first: late, or no longer this worker's. */
  overdue(ms: number): readonly { readonly id: string; readonly checkedAt: number }[] {
    const now = this.#now();
    return [...this.#guards.values()]
      .filter((guard) => guard.checkedAt > 0 && now - dueAt(guard) > ms)
      .toSorted((a, b) => dueAt(a) - dueAt(b));
  }
}
