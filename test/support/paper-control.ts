/** The paper exchange's control endpoints as tests use them: a human's hand, prices, faults, the clock, and what the venue recorded. */
import {
  withClock,
  type ClockChange,
  type LoggedExecution,
  type LoggedStop,
  type VenueLog,
} from './venue-log.ts';

/** A position row as the paper exchange shows it. */
export interface PaperRow {
  readonly symbol: string;
  readonly positionIdx: number;
  readonly side: string;
  readonly size: string;
  readonly stopLoss: string;
  readonly avgPrice: string;
  readonly markPrice: string;
}

export interface PaperState {
  readonly time: number;
  readonly account: { readonly startedMs: number };
  readonly positions: readonly PaperRow[];
  readonly stops: readonly LoggedStop[];
}

export interface PaperRequest {
  /** Received, ms. */
  readonly time: number;
  /** Answered, ms. */
  readonly answered: number | null;
  readonly method: string;
  readonly path: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly code: number | null;
}

export class Paper {
  readonly url: string;
  readonly #clockChanges: ClockChange[] = [];

  constructor(url: string) {
    this.url = url;
  }

  async #call<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }

  state(): Promise<PaperState> {
    return this.#call('GET', '/paper/state');
  }

  /** What the venue recorded of positions and stops, in host times. */
  async log(): Promise<VenueLog> {
    const { executions } = await this.#call<{ executions: readonly LoggedExecution[] }>(
      'GET',
      '/paper/executions',
    );
    const { time, account, positions, stops } = await this.state();
    const log = { startedAt: account.startedMs, readAt: time, positions, executions, stops };
    return withClock(log, this.#clockChanges);
  }

  async requests(): Promise<readonly PaperRequest[]> {
    const { requests } = await this.#call<{ requests: readonly PaperRequest[] }>('GET', '/paper/requests');
    return requests;
  }

  async row(symbol: string, positionIdx = 0): Promise<PaperRow | undefined> {
    const { positions } = await this.state();
    return positions.find(
      (one) => one.symbol === symbol && one.positionIdx === positionIdx && Number(one.size) > 0,
    );
  }

  /** A human's hand. */
  position(body: object): Promise<unknown> {
    return this.#call('POST', '/paper/position', body);
  }

  price(body: object): Promise<unknown> {
    return this.#call('POST', '/paper/price', body);
  }

  fault(body: object): Promise<unknown> {
    return this.#call('POST', '/paper/fault', body);
  }

  clearFaults(): Promise<unknown> {
    return this.#call('DELETE', '/paper/fault');
  }

  async clock(offsetMs: number): Promise<void> {
    await this.#call('POST', '/paper/clock', { offsetMs });
    this.#clockChanges.push({ at: Date.now(), offsetMs });
  }
}
