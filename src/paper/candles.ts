/**
 * Candles: recorded from the price path while the exchange runs, and before that a synthetic history (a zigzag of the
 * scenario's hourly range around a slow drift) that ends exactly in the first price.
 */
import type { Candle, PriceRecord } from './records.ts';
import { unitFrom } from './seeded.ts';
import type { Venue } from './venue.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** Single minutes are kept so long; what is older is told from its hour. */
const keptMinutes = 12 * 60;
/** History reaches back so far before the start. */
const historyMs = 730 * dayMs;

export type CandleKind = 'last' | 'mark';
type Ohlc = readonly [open: string, high: string, low: string, close: string];

/** One row as it is sent: its start and its four prices. */
export interface CandleRow {
  readonly startMs: number;
  readonly ohlc: Ohlc;
}

/** Length of the documented intervals; weeks begin on Monday and months on their first, UTC. */
const intervalMinutes: Readonly<Record<string, number>> = {
  '1': 1,
  '3': 3,
  '5': 5,
  '15': 15,
  '30': 30,
  '60': 60,
  '120': 120,
  '240': 240,
  '360': 360,
  '720': 720,
  D: 1440,
};

/** True for an interval that the venue knows. */
export function isInterval(interval: string): boolean {
  return interval in intervalMinutes || interval === 'W' || interval === 'M';
}

/** Start of the candle that holds a time. */
function candleStart(interval: string, timeMs: number): number {
  if (interval === 'M') {
    const date = new Date(timeMs);
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
  }
  // The epoch began on a Thursday.
  if (interval === 'W') return Math.floor((timeMs + 3 * dayMs) / (7 * dayMs)) * 7 * dayMs - 3 * dayMs;
  const lengthMs = (intervalMinutes[interval] ?? 1) * minuteMs;
  return Math.floor(timeMs / lengthMs) * lengthMs;
}

/** Start of the candle after the one that starts there. */
function nextCandleStart(interval: string, startMs: number): number {
  if (interval === 'M') {
    const date = new Date(startMs);
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
  }
  return startMs + (interval === 'W' ? 7 * dayMs : (intervalMinutes[interval] ?? 1) * minuteMs);
}

/** Puts the price that a symbol has now into its minute; `before` is what it was. */
export function recordCandle(venue: Venue, symbol: string, before: PriceRecord): void {
  const price = venue.price(symbol);
  const startMs = Math.floor(venue.timeMs / minuteMs) * minuteMs;
  const key = `${symbol}:${startMs}`;
  const minute = venue.store.minutes.get(key);
  venue.store.minutes.set(key, {
    symbol,
    startMs,
    last: extended(minute?.last, before.last, price.last),
    mark: extended(minute?.mark, before.mark, price.mark),
  });
  if (minute !== undefined) return;
  venue.store.minutes.delete(`${symbol}:${startMs - keptMinutes * minuteMs}`);
  const hourBefore = Math.floor(before.changedAtMs / hourMs) * hourMs;
  if (hourBefore < Math.floor(startMs / hourMs) * hourMs) recordHour(venue, symbol, hourBefore);
}

function extended(candle: Ohlc | undefined, openedAt: string, price: string): Ohlc {
  const [open, high, low] = candle ?? [openedAt, openedAt, openedAt];
  return [
    open,
    Number(price) > Number(high) ? price : high,
    Number(price) < Number(low) ? price : low,
    price,
  ];
}

/** A finished hour outlives its minutes. */
function recordHour(venue: Venue, symbol: string, startMs: number): void {
  const of = (kind: CandleKind): Ohlc => merged(minutesOf(venue, symbol, kind, startMs, startMs + hourMs));
  const candle: Candle = { symbol, startMs, last: of('last'), mark: of('mark') };
  venue.store.hours.set(`${symbol}:${startMs}`, candle);
}

/** Candles whose start lies in `[fromMs, toMs]`, oldest first, the running one included, at most the latest `limit`. */
export function candlesBetween(
  venue: Venue,
  symbol: string,
  kind: CandleKind,
  about: {
    readonly interval: string;
    readonly fromMs: number;
    readonly toMs: number;
    readonly limit: number;
  },
): readonly CandleRow[] {
  const nowMs = venue.timeMs;
  const earliestMs = venue.account.startedMs - historyMs;
  const starts: number[] = [];
  let startMs = candleStart(about.interval, Math.min(about.toMs, nowMs));
  while (startMs >= about.fromMs && startMs >= earliestMs && starts.length < about.limit) {
    starts.push(startMs);
    startMs = candleStart(about.interval, startMs - 1);
  }
  return starts.reverse().map((start) => {
    const endMs = Math.min(nextCandleStart(about.interval, start), nowMs + 1);
    const parts =
      nextCandleStart(about.interval, start) - start < hourMs
        ? minutesOf(venue, symbol, kind, start, endMs)
        : hoursOf(venue, symbol, kind, start, endMs);
    return { startMs: start, ohlc: merged(parts) };
  });
}

function* hoursOf(
  venue: Venue,
  symbol: string,
  kind: CandleKind,
  fromMs: number,
  toMs: number,
): Generator<Ohlc> {
  for (let startMs = fromMs; startMs < toMs; startMs += hourMs) {
    const recorded = venue.store.hours.get(`${symbol}:${startMs}`);
    yield (
      recorded?.[kind] ?? merged(minutesOf(venue, symbol, kind, startMs, Math.min(startMs + hourMs, toMs)))
    );
  }
}

function* minutesOf(
  venue: Venue,
  symbol: string,
  kind: CandleKind,
  fromMs: number,
  toMs: number,
): Generator<Ohlc> {
  const startedMs = venue.account.startedMs;
  let close: string | undefined;
  for (let startMs = fromMs; startMs < toMs; startMs += minuteMs) {
    const recorded = venue.store.minutes.get(`${symbol}:${startMs}`)?.[kind];
    const before =
      startMs < startedMs
        ? historic(venue, symbol, kind, startMs, Math.min(startMs + minuteMs, startedMs))
        : undefined;
    const ohlc = recorded ?? before ?? flat(close ?? closeBefore(venue, symbol, kind, startMs));
    close = ohlc[3];
    yield recorded !== undefined && before !== undefined ? merged([before, recorded]) : ohlc;
  }
}

function flat(price: string): Ohlc {
  return [price, price, price, price];
}

/** The price that stood when a minute without changes began: the close of the latest recorded one before it. */
function closeBefore(venue: Venue, symbol: string, kind: CandleKind, startMs: number): string {
  const price = venue.price(symbol);
  if (price.changedAtMs < startMs) return price[kind];
  const startedMs = venue.account.startedMs;
  for (
    let atMs = startMs - minuteMs;
    atMs > startedMs - minuteMs && atMs > startMs - keptMinutes * minuteMs;
    atMs -= minuteMs
  ) {
    const recorded = venue.store.minutes.get(`${symbol}:${atMs}`);
    if (recorded !== undefined) return recorded[kind][3];
  }
  for (let atMs = Math.floor(startMs / hourMs) * hourMs; atMs >= startedMs - hourMs; atMs -= hourMs) {
    const recorded = venue.store.hours.get(`${symbol}:${atMs}`);
    if (recorded !== undefined) return recorded[kind][3];
  }
  return venue.contract(symbol).price;
}

function merged(parts: Iterable<Ohlc>): Ohlc {
  let total: Ohlc | undefined;
  for (const part of parts) {
    if (total === undefined) {
      total = part;
      continue;
    }
    const high = Number(part[1]) > Number(total[1]) ? part[1] : total[1];
    const low = Number(part[2]) < Number(total[2]) ? part[2] : total[2];
    total = [total[0], high, low, part[3]];
  }
  return total ?? flat('0');
}

/** A minute before the exchange started. */
function historic(venue: Venue, symbol: string, kind: CandleKind, fromMs: number, toMs: number): Ohlc {
  const open = historicPrice(venue, symbol, kind, fromMs);
  const close = historicPrice(venue, symbol, kind, toMs);
  return Number(open) > Number(close) ? [open, open, close, close] : [open, close, open, close];
}

function historicPrice(venue: Venue, symbol: string, kind: CandleKind, atMs: number): string {
  const contract = venue.contract(symbol);
  const path = venue.setup.paths.get(symbol);
  const { startedMs } = venue.account;
  const offsetPct = kind === 'mark' ? Number(path?.markOffsetPct ?? '0') : 0;
  const range = Number(path?.historyRangePct ?? '0.8') / 100;
  const shape = (timeMs: number): number =>
    1 +
    (range / 2) * zigzag(timeMs, venue.setup.scenario.seed, symbol) +
    0.01 * Math.sin(((timeMs - startedMs) / (37 * hourMs)) * 2 * Math.PI);
  const price = (Number(contract.price) * (1 + offsetPct / 100) * shape(atMs)) / shape(startedMs);
  const tick = Number(contract.tickSize);
  return (Math.max(1, Math.round(price / tick)) * tick).toFixed(contract.tickSize.split('.')[1]?.length ?? 0);
}

/** Up, down and back to the middle once an hour; the height of an hour is drawn from the seed, on average 1. */
function zigzag(timeMs: number, seed: number, symbol: string): number {
  const hour = Math.floor(timeMs / hourMs);
  const part = timeMs / hourMs - hour;
  const height = 0.75 + unitFrom(seed, symbol, hour) / 2;
  const wave = part < 0.25 ? part * 4 : part < 0.75 ? 2 - part * 4 : part * 4 - 4;
  return height * wave;
}
