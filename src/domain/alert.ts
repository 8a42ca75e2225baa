/** Alerts: what a human must hear, with a stable id so that it is delivered once (DESIGN §4 "Escalation", docs/temporal.md §2). */
import type { Leg } from './position.ts';

/** `INFO` asks nothing of anybody: the daily all-clear. */
export type AlertLevel = 'INFO' | 'WARNING' | 'CRITICAL' | 'EMERGENCY' | 'RESOLVED';

/** Conditions that a guard, the watcher or the worker reports; one alert for each spell, some repeated. */
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
  'all-clear',
  'not-all-clear',
  'audit-failed',
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
  readonly level: Exclude<AlertLevel, 'INFO' | 'RESOLVED'>;
  readonly message: string;
  readonly todo: string;
  /** Repeated that often while it holds, ms; `null` once for each spell. */
  readonly repeatEveryMs: number | null;
  /** What makes it another trouble of the same kind; without figures that grow by themselves. */
  readonly cause?: string;
}

/** An operator's word that what was told is being looked after: reminders rest until a condition changes or ends. */
export interface Acknowledged {
  readonly by: string;
  readonly reason: string | null;
  /** ms */
  readonly at: number;
  /** What it covers, with level and cause; `null` until the first check after it names them. */
  readonly causes: Readonly<Partial<Record<AlertKind, string | null>>>;
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
  /** What of the conditions that hold stays acknowledged, with its cause. */
  readonly resting: Acknowledged['causes'];
}

/**
 * Compares the conditions that hold with what was told before: what to say now, and what has ended. What an operator has
 * acknowledged is not repeated. Pure.
 */
export function tell(
  told: Told,
  conditions: readonly Condition[],
  now: number,
  acknowledged: Acknowledged['causes'] = {},
): Telling {
  const next: Partial<Record<AlertKind, number>> = {};
  const resting: Partial<Record<AlertKind, string>> = {};
  const emit: Condition[] = [];
  for (const condition of conditions) {
    const { kind, repeatEveryMs } = condition;
    const last = told[kind];
    const cause = `${condition.level} ${condition.cause ?? ''}`;
    const given = acknowledged[kind];
    // Another cause, or another level, is news.
    const rests = last !== undefined && (given === null || given === cause);
    if (rests) resting[kind] = cause;
    const again = !rests && repeatEveryMs !== null;
    const due = last === undefined || (again && now - last >= repeatEveryMs);
    if (due) emit.push(condition);
    next[kind] = due ? now : last;
  }
  const ended = RESOLVABLE.filter((kind) => told[kind] !== undefined && next[kind] === undefined);
  return { told: next, emit, ended, resting };
}

/** An operator's word for everything that has been told and is not over. */
export function acknowledgedBy(told: Told, word: Omit<Acknowledged, 'causes'>): Acknowledged {
  return { ...word, causes: Object.fromEntries(Object.keys(told).map((kind) => [kind, null])) };
}

/**
 * What is left of it after a check: what the check judged, and what is told still although the check says nothing of it;
 * `null` when nothing is left.
 */
export function stillAcknowledged(
  before: Acknowledged,
  told: Told,
  judged: ReadonlySet<AlertKind>,
  resting: Acknowledged['causes'],
): Acknowledged | null {
  const silent = Object.entries(before.causes).filter(([key]) => {
    // The keys of `causes` are alert kinds.
    const kind = key as AlertKind;
    return told[kind] !== undefined && !judged.has(kind);
  });
  const causes = { ...Object.fromEntries(silent), ...resting };
  return Object.keys(causes).length === 0 ? null : { ...before, causes };
}
