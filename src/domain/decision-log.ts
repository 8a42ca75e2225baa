/** The guard's own log of its last decisions: equal ones become a count, so that a carried state stays small (docs/temporal.md §1). */

/** One decision as people and exports read it; times are ms, prices decimal strings. */
export interface LogEntry {
  readonly at: number;
  /** How many equal decisions in a row this entry stands for. */
  readonly count: number;
  readonly state: string;
  readonly rule: string | null;
  /** Price that the decision was made at (of the last one counted). */
  readonly price: string | null;
  /** Resting stop that the read showed. */
  readonly resting: string | null;
  /** Stop that was asked of the venue; `null` when nothing was written. */
  readonly request: string | null;
  /** The venue's answer to it. */
  readonly answer: string | null;
  readonly provenAt: number | null;
  readonly reason: string;
}

export const MAX_DECISIONS = 50;

function equal(a: LogEntry, b: LogEntry): boolean {
  return (
    a.request === b.request &&
    a.answer === null &&
    b.answer === null &&
    a.state === b.state &&
    a.rule === b.rule &&
    a.resting === b.resting &&
    a.reason === b.reason
  );
}

/** Adds a decision; an equal one only counts. */
export function logged(log: readonly LogEntry[], entry: LogEntry): readonly LogEntry[] {
  const last = log.at(-1);
  if (last !== undefined && equal(last, entry)) {
    return [...log.slice(0, -1), { ...entry, count: last.count + 1 }];
  }
  return [...log, entry].slice(-MAX_DECISIONS);
}

/** Puts the venue's answer to the last entry where that asked for this very stop; a new entry otherwise. */
export function answered(log: readonly LogEntry[], entry: Omit<LogEntry, 'count'>): readonly LogEntry[] {
  const last = log.at(-1);
  if (last !== undefined && last.request === entry.request && last.answer === null) {
    return [...log.slice(0, -1), { ...last, answer: entry.answer }];
  }
  return [...log, { ...entry, count: 1 }].slice(-MAX_DECISIONS);
}

/** The newest entries whose JSON fits in `bytes` (ASCII in practice); older ones are in the workflow's history. */
export function fitting(log: readonly LogEntry[], bytes: number): readonly LogEntry[] {
  let size = 2;
  const kept: LogEntry[] = [];
  for (const entry of log.toReversed()) {
    size += JSON.stringify(entry).length + 1;
    if (size > bytes) break;
    kept.push(entry);
  }
  return kept.reverse();
}
