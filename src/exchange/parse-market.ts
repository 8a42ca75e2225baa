/** Instruments, tickers and candles from the venue's rows. Pure. */
import type { Candle, Instrument } from './port.ts';
import { isRecord } from './reply.ts';
import { candleRow, instrumentRow, problemsOf, tickerRow } from './schemas.ts';
import { unavailable } from './verdict.ts';

export interface InstrumentRows {
  readonly bySymbol: ReadonlyMap<string, Instrument>;
  /** Symbols whose row cannot be used, each with the reason. */
  readonly unreadable: ReadonlyMap<string, string>;
}

/** One bad row must not hide the others: it is named when its symbol is asked for. */
export function parseInstruments(rows: readonly unknown[]): InstrumentRows {
  const bySymbol = new Map<string, Instrument>();
  const unreadable = new Map<string, string>();
  for (const raw of rows) {
    const row = instrumentRow.safeParse(raw);
    if (row.success) {
      const { priceFilter, lotSizeFilter, ...rest } = row.data;
      bySymbol.set(row.data.symbol, {
        ...rest,
        ...priceFilter,
        qtyStep: lotSizeFilter.qtyStep,
        minOrderQty: lotSizeFilter.minOrderQty,
        maxMktOrderQty:
          lotSizeFilter.maxMktOrderQty ?? lotSizeFilter.maxOrderQty ?? lotSizeFilter.minOrderQty,
      });
    } else if (isRecord(raw) && typeof raw['symbol'] === 'string') {
      unreadable.set(raw['symbol'], problemsOf(row.error));
    }
  }
  return { bySymbol, unreadable };
}

/** Last traded prices by symbol; symbols without one (pre-market) are left out. */
export function parseLastPrices(rows: readonly unknown[]): ReadonlyMap<string, string> {
  const prices = new Map<string, string>();
  for (const raw of rows) {
    const row = tickerRow.safeParse(raw);
    if (row.success) prices.set(row.data.symbol, row.data.lastPrice);
  }
  return prices;
}

/** Oldest first; throws `VenueUnavailable` at the first row that is no candle. */
export function parseCandles(rows: readonly unknown[]): readonly Candle[] {
  const candles = rows.map((raw, index) => {
    const row = candleRow.safeParse(raw);
    if (!row.success) throw unavailable(`candle ${index} cannot be read: ${problemsOf(row.error)}`);
    const [startAt, open, high, low, close] = row.data;
    return { startAt, open, high, low, close };
  });
  return candles.toSorted((a, b) => a.startAt - b.startAt);
}
