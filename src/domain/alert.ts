/** Alerts: what a human must hear, with a stable id so that it is delivered once (DESIGN §4 "Escalation", docs/temporal.md §2). */
import type { Leg } from './position.ts';

export type AlertLevel = 'WARNING' | 'CRITICAL' | 'EMERGENCY' | 'RESOLVED';

/** Conditions that a guard or the watcher reports; one alert for each spell, some repeated. */
export const ALERT_KINDS = [
  'unprotected',
  'unprotected-emergency',
  'key-rejected',
  'blind',
  'stop-vanished',
  'stop-passed',
  'floor-passed',
  'wrong-side',
  'another-writer',
  'liquidating',
  'liquidation-near',
  'liquidation-cross',
  'not-tightened',
  'no-legal-stop',
  'emergency-close',
  'memory-lost',
  'resolved',
] as const;

export type AlertKind = (typeof ALERT_KINDS)[number];

export interface Alert {
  /** Unique for ever: workflow id, number within it. */
  readonly id: string;
  readonly level: AlertLevel;
  readonly kind: AlertKind;
  readonly account: string;
  readonly leg: Leg | null;
  readonly message: string;
  /** What to do, in words. */
  readonly todo: string;
  /** Unprotected seconds so far, one decimal; `null` where it does not apply. */
  readonly unprotectedSeconds: string | null;
  /** ms */
  readonly at: number;
}

/** A condition that holds now; `evolve` turns its first sight, and each repetition due, into an alert. */
export interface Condition {
  readonly kind: AlertKind;
  readonly level: Exclude<AlertLevel, 'RESOLVED'>;
  readonly message: string;
  readonly todo: string;
  /** Repeated that often while it holds, ms; `null` once for each spell. */
  readonly repeatEveryMs: number | null;
}

/** Conditions whose end is worth a RESOLVED. */
export const RESOLVABLE: readonly AlertKind[] = [
  'unprotected',
  'unprotected-emergency',
  'key-rejected',
  'blind',
];

/** When each condition that holds was last told, ms. */
export type Told = Readonly<Partial<Record<AlertKind, number>>>;

export interface Telling {
  readonly told: Told;
  readonly emit: readonly Condition[];
  /** Kinds that were told and hold no more, of those whose end is news. */
  readonly ended: readonly AlertKind[];
}

/** Compares the conditions that hold with what was told before: what to say now, and what has ended. Pure. */
export function tell(told: Told, conditions: readonly Condition[], now: number): Telling {
  const next: Partial<Record<AlertKind, number>> = {};
  const emit: Condition[] = [];
  for (const condition of conditions) {
    const last = told[condition.kind];
    const due =
      last === undefined || (condition.repeatEveryMs !== null && now - last >= condition.repeatEveryMs);
    if (due) emit.push(condition);
    next[condition.kind] = due ? now : last;
  }
  const ended = RESOLVABLE.filter((kind) => told[kind] !== undefined && next[kind] === undefined);
  return { told: next, emit, ended };
}
