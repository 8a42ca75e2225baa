/** What the activities need from the process that runs them: venues, policies, Temporal's client, a log, a clock. */
import type { Client } from '@temporalio/client';
import type { Alert } from '../domain/alert.ts';
import type { AuditEntry } from '../domain/audit.ts';
import type { Policy } from '../domain/policy.ts';
import type { Leg } from '../domain/position.ts';
import type { VenuePort } from '../exchange/port.ts';

/** The log's methods that activities use; `event` is one of the names of DESIGN §7. */
export interface EventLog {
  debug(fields: object, event: string): void;
  info(fields: object, event: string): void;
  warn(fields: object, event: string): void;
  error(fields: object, event: string): void;
}

export interface ActivityDeps {
  /** The venue of an account alias; throws `VenueError` of type `InvalidInput` for one that is not configured. */
  readonly port: (account: string) => VenuePort;
  readonly policy: (account: string, symbol: string) => Policy;
  /** DEMO is the paper exchange, LIVE any Bybit environment. */
  readonly mode: (account: string) => 'DEMO' | 'LIVE';
  readonly client: Client;
  /** Legs of `among` whose guard is running; by visibility or, where listing is not to be had, by description. */
  readonly runningGuards: (account: string, among: readonly Leg[]) => Promise<ReadonlySet<string>>;
  /** When this process last heard of a check of the guard with this workflow id, ms; `null` where it has not. */
  readonly checkedAt: (workflowId: string) => number | null;
  readonly searchAttributes: 'on' | 'off';
  readonly log: EventLog;
  /** Hands an alert to every channel within 20 s; throws while one of them has not taken it, and never sends it twice to one that has. */
  readonly deliver: (alert: Alert, signal: AbortSignal) => Promise<void>;
  /** Keeps entries beside Temporal; waits 1 s at most and never throws (docs/audit.md). */
  readonly audit: (entries: readonly AuditEntry[]) => Promise<void>;
  /** When the daily all-clear is due, minutes after midnight UTC; `null`: never. */
  readonly allClearAt: number | null;
  /** A watcher's round has ended: the dead-man's heartbeat hears of it. Returns at once, never throws. */
  readonly roundEnded: (round: {
    readonly account: string;
    readonly complete: boolean;
    readonly everyMs: number;
  }) => void;
  /** ms since the epoch. */
  readonly now: () => number;
}
