/** Public market calls: time, instruments, tickers, candles, price limits. */
import { instrumentRow, tickerRow } from './account-rows.ts';
import { candlesBetween, isInterval, type CandleKind } from './candles.ts';
import { amount, paddedTo, text, toStep } from './decimals.ts';
import type { Instrument } from './instruments.ts';
import { limitOf, pageOf } from './pages.ts';
import { Refusal } from './records.ts';
import { badParameter, integerOf, oneOf, textOf, type Parameters } from './request.ts';
import type { Row } from './rows.ts';
import { unitFrom } from './seeded.ts';
import type { Venue } from './venue.ts';

const categories = ['linear', 'inverse', 'spot', 'option'] as const;

function categoryOf(parameters: Parameters, standard: (typeof categories)[number] | ''): string {
  const category = oneOf(parameters, 'category', categories) || standard;
  if (category === '') throw badParameter('category invalid');
  return category;
}

/** GET /v5/market/time; nanoseconds are as fine as the host's clock. */
export function marketTime(venue: Venue): Row {
  const ms = venue.timeMs;
  return { timeSecond: String(Math.floor(ms / 1000)), timeNano: `${ms}000000` };
}

/** GET /v5/market/instruments-info; other categories are empty, as is a status that nothing has. */
export function instrumentsInfo(venue: Venue, parameters: Parameters): Row {
  const category = categoryOf(parameters, '');
  const limit = limitOf(parameters, 500, 1000);
  const symbol = textOf(parameters, 'symbol');
  const baseCoin = textOf(parameters, 'baseCoin');
  const status = oneOf(parameters, 'status', ['PreLaunch', 'Trading', 'Delivering', 'Closed']) || 'Trading';
  const all = category === 'linear' ? currentInstruments(venue) : [];
  const found = all.filter(
    (instrument) =>
      instrument.status === status &&
      (symbol === '' || instrument.symbol === symbol) &&
      (baseCoin === '' || instrument.baseCoin === baseCoin),
  );
  const page = pageOf(found, parameters, limit, (instrument) => instrument.symbol);
  return { category, list: page.rows.map(instrumentRow), nextPageCursor: page.nextPageCursor };
}

function currentInstruments(venue: Venue): readonly Instrument[] {
  return [...venue.setup.instruments.keys()].map((symbol) => venue.contract(symbol));
}

/** GET /v5/market/tickers: every symbol in one answer. */
export function tickers(venue: Venue, parameters: Parameters): Row {
  const category = categoryOf(parameters, '');
  const symbol = textOf(parameters, 'symbol');
  if (category === 'linear' && symbol !== '')
    return { category, list: [tickerRow(venue, listedOrRefuse(venue, symbol))] };
  const all =
    category === 'linear' ? currentInstruments(venue).filter(({ status }) => status === 'Trading') : [];
  return { category, list: all.map((instrument) => tickerRow(venue, instrument)) };
}

function listedOrRefuse(venue: Venue, symbol: string): Instrument {
  const instrument = venue.instrument(symbol);
  if (instrument === undefined) throw new Refusal(10001, 'Not supported symbols');
  return instrument;
}

/** GET /v5/market/kline and mark-price-kline: newest first, both bounds on a candle's start, the latest when too many. */
export function kline(venue: Venue, parameters: Parameters, kind: CandleKind): Row {
  const category = categoryOf(parameters, 'linear');
  const instrument = listedOrRefuse(venue, textOf(parameters, 'symbol'));
  const interval = textOf(parameters, 'interval');
  if (!isInterval(interval)) throw badParameter('interval invalid');
  const limit = limitOf(parameters, 200, 1000);
  const fromMs = integerOf(parameters, 'start');
  const toMs = integerOf(parameters, 'end');
  if (fromMs !== undefined && toMs !== undefined && fromMs > toMs) throw badParameter('start is after end');
  const range = { interval, fromMs: fromMs ?? 0, toMs: toMs ?? venue.timeMs, limit };
  const rows = candlesBetween(venue, instrument.symbol, kind, range);
  const list = rows.map(({ startMs, ohlc }) => {
    const prices = ohlc.map((price) => paddedTo(price, instrument.tickSize));
    if (kind === 'mark') return [String(startMs), ...prices];
    const volume = (
      10 + Math.floor(unitFrom(venue.setup.scenario.seed, instrument.symbol, startMs / 60_000) * 90)
    ).toString();
    return [String(startMs), ...prices, volume, text(amount(volume).times(ohlc[3]))];
  });
  return { symbol: instrument.symbol, category, list: list.reverse() };
}

/** GET /v5/market/price-limit. */
export function priceLimit(venue: Venue, parameters: Parameters): Row {
  const { symbol, tickSize } = listedOrRefuse(venue, textOf(parameters, 'symbol'));
  const { mark } = venue.price(symbol);
  const away = (ratio: string, way: 'up' | 'down'): string =>
    paddedTo(text(toStep(amount(mark).times(ratio), tickSize, way)), tickSize);
  return { symbol, buyLmt: away('1.05', 'down'), sellLmt: away('0.95', 'up'), ts: String(venue.timeMs) };
}
