/** Volatility by account and symbol: few questions for many checks, for candles have the narrowest lane (DESIGN §3). */
import { atrPct } from '../domain/atr.ts';
import type { Policy } from '../domain/policy.ts';
import type { VenuePort } from '../exchange/port.ts';

const CACHE_MS = 900_000;
const CANDLES = 60;
const CANDLE_MS = 3_600_000;

/** Asked for at most every 15 minutes where there is an answer, and once at a time. */
export class VolatilityCache {
  readonly #values = new Map<string, { readonly at: number; readonly atr: string }>();
  /** Reads under way: a check that does not wait for its answer leaves it to the next, and no second one is asked for. */
  readonly #reading = new Map<string, Promise<string | null>>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** ATR(14, 1 h) in % of price from finished candles; `null` when there are too few; throws as the venue does. */
  read(port: VenuePort, symbol: string, triggerBy: Policy['triggerBy']): Promise<string | null> {
    const key = keyOf(port, symbol, triggerBy);
    const held = this.#values.get(key);
    if (held !== undefined && this.#now() - held.at < CACHE_MS) return Promise.resolve(held.atr);
    const underway = this.#reading.get(key);
    if (underway !== undefined) return underway;
    const reading = this.#readAnew(port, symbol, triggerBy).finally(() => this.#reading.delete(key));
    this.#reading.set(key, reading);
    return reading;
  }

  async #readAnew(port: VenuePort, symbol: string, triggerBy: Policy['triggerBy']): Promise<string | null> {
    const source = triggerBy === 'MarkPrice' ? 'mark' : 'last';
    const candles = await port.candles(symbol, '60', source, CANDLES);
    const finished = candles.filter(({ startAt }) => startAt + CANDLE_MS <= this.#now());
    const atr = atrPct(finished.toSorted((a, b) => a.startAt - b.startAt));
    if (atr !== null) this.#values.set(keyOf(port, symbol, triggerBy), { at: this.#now(), atr });
    return atr;
  }
}

function keyOf({ account }: VenuePort, symbol: string, triggerBy: Policy['triggerBy']): string {
  return `${account}:${symbol}:${triggerBy}`;
}
