/** What the port reports of its traffic with the venue, for whoever counts; nothing here is waited for. */
import type { WriteOutcome } from '../domain/failure.ts';
import type { LaneName } from './endpoints.ts';
import type { WriteUrgency } from './port.ts';
import type { CodeClass } from './return-codes.ts';

/** One request that was sent, and what came of it. */
export interface RequestReport {
  /** Path of the endpoint, as in the venue's documentation. */
  readonly endpoint: string;
  readonly lane: LaneName;
  readonly result: 'ok' | CodeClass;
  /** In our own queue, before it was sent. */
  readonly waitedSeconds: number;
  /** From sending to the judged answer. */
  readonly tookSeconds: number;
  /** What the answer's headers say of the endpoint's limit, requests a second; `null` where there were none. */
  readonly limit: number | null;
  readonly remaining: number | null;
}

export interface PortMetrics {
  requested(report: RequestReport): void;
  /** One stop write; `not-sent` where it certainly was not executed, `postponed` where it waited too long and is decided anew. */
  stopWritten(urgency: WriteUrgency, outcome: WriteOutcome['kind'] | 'not-sent' | 'postponed'): void;
}

export const UNCOUNTED: PortMetrics = { requested: () => undefined, stopWritten: () => undefined };
