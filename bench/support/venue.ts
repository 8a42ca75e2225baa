/** The paper exchange's own records and a human's hand on it, as the benchmarks use them. */
import { symbolAt } from './scenario.ts';

export interface VenueRequest {
  /** Received and answered, host ms with fractions; `answered` is `null` while there is no answer. */
  readonly time: number;
  readonly answered: number | null;
  readonly method: string;
  readonly path: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly code: number | null;
}

export interface StopRecord {
  readonly timeMs: number;
  readonly symbol: string;
  /** `""`: from this time on there is none. */
  readonly price: string;
  readonly by: string;
}

interface VenueState {
  readonly positions: readonly {
    readonly symbol: string;
    readonly size: string;
    readonly stopLoss: string;
  }[];
  readonly stops: readonly StopRecord[];
}

export class Venue {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  async #call(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  }

  // The control answers are the paper exchange's documented shapes; it is ours and runs beside this program.
  async state(): Promise<VenueState> {
    return (await this.#call('GET', '/paper/state')) as VenueState;
  }

  async requestsSince(ms: number): Promise<readonly VenueRequest[]> {
    const answer = (await this.#call('GET', `/paper/requests?since=${ms}`)) as {
      readonly requests: readonly VenueRequest[];
    };
    return answer.requests;
  }

  /** Requests by `METHOD path` since the exchange began. */
  async counts(): Promise<Readonly<Record<string, number>>> {
    const answer = (await this.#call('GET', '/paper/requests?limit=1')) as {
      readonly counts: Readonly<Record<string, number>>;
    };
    return answer.counts;
  }

  /** A human cancels the stop of a position. */
  async cancelStop(index: number): Promise<void> {
    await this.#call('POST', '/paper/position', { symbol: symbolAt(index), action: 'stop', stopLoss: '' });
  }

  /** A human opens a bare position. */
  async open(index: number): Promise<void> {
    await this.#call('POST', '/paper/position', {
      symbol: symbolAt(index),
      action: 'open',
      side: 'Buy',
      size: '1',
    });
  }

  /** Symbols of open positions that show no stop. */
  async bare(): Promise<readonly string[]> {
    const { positions } = await this.state();
    return positions
      .filter(({ size, stopLoss }) => Number(size) > 0 && stopLoss === '')
      .map(({ symbol }) => symbol);
  }
}

/** Counts by path, largest first. */
export function byPath(requests: readonly VenueRequest[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const { path } of requests) counts.set(path, (counts.get(path) ?? 0) + 1);
  return Object.fromEntries([...counts].toSorted((a, b) => b[1] - a[1]));
}

/** A snapshot is one list of each settle coin, each with its pages: the first page of the first coin counts it. */
export function isSnapshot({ path, parameters }: VenueRequest): boolean {
  return path === '/v5/position/list' && parameters['settleCoin'] === 'USDT' && !('cursor' in parameters);
}
