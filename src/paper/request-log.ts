/** Every request with its times and answer, in a ring of fixed size; counts go on when the oldest are dropped. */

/** A request as control shows it; times in host ms with fractions. */
export interface LoggedRequest {
  readonly id: number;
  /** When it had begun to arrive: its head was there. */
  readonly time: number;
  /** When its answer was handed to the network; `null` while, or because, there is none. */
  readonly answered: number | null;
  readonly method: string;
  readonly path: string;
  readonly parameters: unknown;
  /** retCode of the answer as sent; `null` where there was no answer or no envelope. */
  readonly code: number | null;
  readonly status: number | null;
  readonly fault: string | null;
  /** Id under which control laid that fault. */
  readonly faultId: number | null;
}

interface Entry {
  id: number;
  timeMs: number;
  answeredMs: number;
  method: string;
  path: string;
  payload: string;
  code: number | null;
  status: number;
  fault: string | null;
  faultId: number | null;
}

const keptRequests = 100_000;
/** Paths that nobody serves must not fill the memory either. */
const mostNames = 500;

export class RequestLog {
  readonly #ring: Entry[] = [];
  readonly #keep: number;
  readonly #counts = new Map<string, number>();
  #total = 0;

  constructor(keep = keptRequests) {
    this.#keep = keep;
  }

  /** Writes down that a request came; the id is for `answered`. */
  received(timeMs: number, method: string, path: string, payload: string): number {
    const id = this.#total;
    this.#total += 1;
    const asked = `${method} ${path}`;
    const name = this.#counts.has(asked) || this.#counts.size < mostNames ? asked : 'other';
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    const entry: Entry = {
      id,
      timeMs,
      answeredMs: -1,
      method,
      path,
      payload,
      code: null,
      status: 0,
      fault: null,
      faultId: null,
    };
    this.#ring[id % this.#keep] = entry;
    return id;
  }

  /** Writes down how it ended. */
  answered(id: number, timeMs: number, status: number, code: number | null): void {
    const entry = this.#entry(id);
    if (entry === undefined) return;
    entry.answeredMs = timeMs;
    entry.status = status;
    entry.code = code;
  }

  /** Writes down what hit it. */
  hit(id: number, fault: string, faultId: number | undefined): void {
    const entry = this.#entry(id);
    if (entry === undefined) return;
    entry.fault = fault;
    entry.faultId = faultId ?? null;
  }

  get total(): number {
    return this.#total;
  }

  /** Requests by `METHOD path` since the start. */
  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  /** Requests after `sinceMs`, oldest first, at most the latest `limit`. */
  list(filter: {
    readonly sinceMs: number;
    readonly path: string;
    readonly limit: number;
  }): readonly LoggedRequest[] {
    const found: LoggedRequest[] = [];
    const oldest = Math.max(0, this.#total - this.#keep);
    for (let id = this.#total - 1; id >= oldest && found.length < filter.limit; id -= 1) {
      const entry = this.#ring[id % this.#keep];
      if (entry === undefined || entry.timeMs <= filter.sinceMs) continue;
      if (filter.path !== '' && entry.path !== filter.path) continue;
      found.push(shown(entry));
    }
    return found.reverse();
  }

  #entry(id: number): Entry | undefined {
    const entry = this.#ring[id % this.#keep];
    return entry?.id === id ? entry : undefined;
  }
}

function shown(entry: Entry): LoggedRequest {
  return {
    id: entry.id,
    time: entry.timeMs,
    answered: entry.answeredMs < 0 ? null : entry.answeredMs,
    method: entry.method,
    path: entry.path,
    parameters: parametersOf(entry),
    code: entry.code,
    status: entry.status === 0 ? null : entry.status,
    fault: entry.fault,
    faultId: entry.faultId,
  };
}

function parametersOf(entry: Entry): unknown {
  if (entry.method === 'GET') return Object.fromEntries(new URLSearchParams(entry.payload));
  try {
    return entry.payload === '' ? {} : (JSON.parse(entry.payload) as unknown);
  } catch {
    return entry.payload;
  }
}
