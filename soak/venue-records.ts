/** The venue's record of requests, saved from time to time: the paper exchange keeps it in memory, which a kill takes away. */
import type { PaperRequest } from '../test/support/paper-control.ts';
import type { System } from '../test/support/system.ts';
import type { Outage } from './outages.ts';

/** A request that was under way when it was saved is saved again once it has been answered, ms. */
const OVERLAP_MS = 40_000;
/** Stopkeeper's own deadline for a request, ms: without an answer by then it was over. */
const GIVEN_UP_MS = 5_000;

/** Paths that a stop and its proof need; what others answer only completes a picture. */
const PROTECTING = new Set(['/v5/position/list', '/v5/position/trading-stop']);

/** Between the last save and the kill some requests were lost: nothing is judged by them, ms. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

export class VenueRecords {
  readonly gaps: Gap[] = [];
  readonly #system: System;
  readonly #kept = new Map<string, PaperRequest>();
  /** Ids begin anew with each process of the venue. */
  #life = 0;
  #savedAt = 0;

  constructor(system: System) {
    this.#system = system;
  }

  async save(): Promise<void> {
    const at = Date.now();
    const life = this.#life;
    for (const request of await this.#system.paper.requests(Math.max(0, this.#savedAt - OVERLAP_MS))) {
      this.#kept.set(`${life}:${request.id}`, request);
    }
    this.#savedAt = at;
  }

  /** The venue's process is dead: what it had not told is lost. */
  died(): void {
    this.gaps.push({ from: this.#savedAt, to: Date.now() });
    this.#life += 1;
  }

  /** Oldest first. */
  get requests(): readonly PaperRequest[] {
    return [...this.#kept.values()].toSorted((a, b) => a.time - b.time);
  }

  /**
   * What each fault that was laid did to reads of positions and to each symbol's writes, from the first request that it met to the last:
   * it meets every one that it is laid for, so between them none got through.
   */
  get outages(): readonly Outage[] {
    const hits = new Map<string, PaperRequest[]>();
    for (const [key, request] of this.#kept) {
      if (request.fault === null || !PROTECTING.has(request.path)) continue;
      const laid = `${key.split(':')[0]}:${request.faultId}:${symbolOf(request) ?? ''}`;
      hits.set(laid, [...(hits.get(laid) ?? []), request]);
    }
    return [...hits.values()].flatMap(outageOf);
  }
}

function symbolOf({ parameters: { symbol } }: PaperRequest): string | null {
  return typeof symbol === 'string' ? symbol : null;
}

function outageOf(hits: readonly PaperRequest[]): readonly Outage[] {
  const [first] = hits;
  if (first?.fault == null) return [];
  const ends = hits.map(({ time, answered }) => Math.min(answered ?? Infinity, time + GIVEN_UP_MS));
  return [
    {
      from: Math.min(...hits.map(({ time }) => time)),
      to: Math.max(...ends),
      part: 'venue',
      symbol: symbolOf(first),
      what: `${first.fault}${first.code === null || first.code === 0 ? '' : ` ${first.code}`} at ${first.path.split('/').at(-1) ?? ''}`,
    },
  ];
}
