/** What a soak leaves behind to be judged: the venue's log, requests, outages, histories, answers. */
import type { ReprotectAnswer } from '../src/domain/messages.ts';
import type { Life, VenueLog } from '../test/support/venue-log.ts';
import type { PaperRequest } from '../test/support/paper-control.ts';
import type { MemorySample } from './memory.ts';
import type { Answered, EndedByHand } from './operators.ts';
import type { Outage } from './outages.ts';
import type { SoakEvent } from './plan.ts';
import type { Restart } from './processes.ts';
import type { Run } from './run-facts.ts';
import type { Settled } from './settling.ts';
import type { Gap } from './venue-records.ts';

export interface Evidence {
  readonly seed: number;
  readonly positions: number;
  /** Faults from `began` to `faultsEnded`, then settling until `ended`, ms. */
  readonly began: number;
  readonly faultsEnded: number;
  readonly ended: number;
  readonly log: VenueLog;
  readonly lives: readonly Life[];
  readonly requests: readonly PaperRequest[];
  readonly gaps: readonly Gap[];
  /** Of our processes, and of single requests at the venue. */
  readonly processOutages: readonly Outage[];
  readonly venueOutages: readonly Outage[];
  readonly restarts: readonly Restart[];
  readonly endedByHand: readonly EndedByHand[];
  readonly reprotected: readonly Answered<ReprotectAnswer>[];
  readonly runs: readonly Run[];
  readonly replayed: number;
  readonly settled: Settled;
  readonly memory: readonly MemorySample[];
  readonly databaseBytes: readonly [before: number, after: number];
  readonly reached: (symbol: string, level: string, from: number, to: number) => Promise<boolean>;
  /** Found while the system still ran: claims of reports and guards, endings, replay, exit codes, leaks. */
  readonly found: readonly Problem[];
  /** What was done, when it was begun, ms. */
  readonly timeline: readonly { readonly at: number; readonly event: SoakEvent }[];
  /** How often, by name. */
  readonly done: {
    readonly kills: Readonly<Record<string, number>>;
    readonly venueFaults: Readonly<Record<string, number>>;
    readonly hands: Readonly<Record<string, number>>;
    readonly operators: Readonly<Record<string, number>>;
  };
}

/** A promise that was broken. */
export interface Problem {
  /** `I1` … `I12`, or what else was promised. */
  readonly promise: string;
  readonly what: string;
}

export function problemsOf(promise: string, whats: readonly string[]): readonly Problem[] {
  return whats.map((what) => ({ promise, what }));
}
