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
  /** Counts from 0 in each life of the exchange's process. */
  readonly id: number;
  /** Received, ms. */
  readonly time: number;
  /** Answered, ms. */
  readonly answered: number | null;
  readonly method: string;
  readonly path: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly code: number | null;
  /** The fault that it met. */
  readonly fault: string | null;
  /** Id under which it was laid, counted from 1 in each life of the exchange's process. */
  readonly faultId: number | null;
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

  /** Those that came after `sinceMs`, oldest first. */
  async requests(sinceMs = 0): Promise<readonly PaperRequest[]> {
    const { requests } = await this.#call<{ requests: readonly PaperRequest[] }>(
      'GET',
      `/paper/requests?since=${sinceMs}`,
    );
    return requests;
  }

  /** Mark price of a symbol, as anybody may ask for it. */
  async mark(symbol: string): Promise<string> {
    const { result } = await this.#call<{ result: { list: readonly { markPrice: string }[] } }>(
      'GET',
      `/v5/market/tickers?category=linear&symbol=${symbol}`,
    );
    const [ticker] = result.list;
    if (ticker === undefined) throw new Error(`no ticker of ${symbol}`);
    return ticker.markPrice;
  }

  /** Whether the mark price was at or beyond a level in a minute that overlaps the stretch, by the venue's candles. */
  async markReached(symbol: string, level: string, from: number, to: number): Promise<boolean> {
    const start = Math.floor(from / 60_000) * 60_000;
    const { result } = await this.#call<{ result: { list: readonly (readonly string[])[] } }>(
      'GET',
      `/v5/market/mark-price-kline?category=linear&symbol=${symbol}&interval=1&start=${start}&end=${to}&limit=10`,
    );
    return result.list.some(
      ([, , high, low]) => Number(low) <= Number(level) && Number(level) <= Number(high),
    );
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
