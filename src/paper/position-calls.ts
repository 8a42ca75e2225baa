/** Signed calls about positions: the list, closing records, and the settings that a guard must never touch. */
import { compare } from './decimals.ts';
import { limitOf, pageOf } from './pages.ts';
import { Refusal, type Leg } from './records.ts';
import { badParameter, decimalOf, integerOf, requireLinear, textOf, type Parameters } from './request.ts';
import { closedPnlRow, type Row } from './rows.ts';
import { unitFrom } from './seeded.ts';
import { canHedge } from './setup.ts';
import type { Venue } from './venue.ts';
import type { Views } from './views.ts';

const sevenDaysMs = 7 * 86_400_000;

/** GET /v5/position/list. */
export function positionList(venue: Venue, views: Views, parameters: Parameters): Row {
  requireLinear(parameters);
  const symbol = textOf(parameters, 'symbol');
  const settleCoin = textOf(parameters, 'settleCoin');
  const limit = limitOf(parameters, 20, 200);
  if (symbol === '' && settleCoin === '') throw badParameter('symbol or settleCoin is required');
  const legs = symbol === '' ? heldIn(venue, views, settleCoin) : legsBySymbol(venue, symbol);
  const page = pageOf(legs, parameters, limit, (leg) => `${leg.symbol},${leg.positionIdx}`);
  return {
    list: page.rows.map((leg) => views.positionRow(leg)),
    nextPageCursor: page.nextPageCursor,
    category: 'linear',
  };
}

function heldIn(venue: Venue, views: Views, settleCoin: string): readonly Leg[] {
  return views.held().filter((leg) => venue.contract(leg.symbol).settleCoin === settleCoin);
}

/** Both legs of a hedged symbol, in an order that must not be relied on, held or not. */
function legsBySymbol(venue: Venue, symbol: string): readonly Leg[] {
  if (venue.instrument(symbol) === undefined) throw new Refusal(10001, 'Not supported symbols');
  const legs = venue.legsOf(symbol);
  const swapped = unitFrom(venue.setup.scenario.seed, symbol, legs[0]?.seq ?? 0) < 0.5;
  return swapped ? legs.toReversed() : legs;
}

/** The window of a history call: both bounds, or seven days from or to the one given, or the last seven days. */
export function windowOf(
  venue: Venue,
  parameters: Parameters,
): { readonly fromMs: number; readonly toMs: number } {
  const start = integerOf(parameters, 'startTime');
  const end = integerOf(parameters, 'endTime');
  if (start !== undefined && end !== undefined) {
    if (end < start || end - start > sevenDaysMs)
      throw badParameter('The time range between startTime and endTime must be within 7 days');
    return { fromMs: start, toMs: end };
  }
  if (start !== undefined) return { fromMs: start, toMs: start + sevenDaysMs };
  const toMs = end ?? venue.timeMs;
  return { fromMs: toMs - sevenDaysMs, toMs };
}

/** GET /v5/position/closed-pnl: one row for each closing order, newest first. */
export function closedPnl(venue: Venue, parameters: Parameters): Row {
  requireLinear(parameters);
  const symbol = textOf(parameters, 'symbol');
  const limit = limitOf(parameters, 50, 100);
  const { fromMs, toMs } = windowOf(venue, parameters);
  const found = [...venue.store.closedPnls.values()]
    .filter(
      (row) =>
        (symbol === '' || row.symbol === symbol) && row.updatedTime >= fromMs && row.updatedTime <= toMs,
    )
    .reverse();
  const page = pageOf(found, parameters, limit, (row) => row.orderId);
  return {
    list: page.rows.map((row) => closedPnlRow(venue, row)),
    nextPageCursor: page.nextPageCursor,
    category: 'linear',
  };
}

/** POST /v5/position/switch-mode. */
export function switchMode(venue: Venue, parameters: Parameters): Row {
  requireLinear(parameters);
  const mode = integerOf(parameters, 'mode');
  if (mode !== 0 && mode !== 3) throw badParameter('position_mode invalid');
  const wanted = mode === 3 ? 'hedge' : 'one-way';
  const symbol = textOf(parameters, 'symbol');
  const coin = textOf(parameters, 'coin');
  if (symbol !== '') {
    switchSymbol(venue, symbol, wanted);
    return {};
  }
  if (coin === '') throw badParameter('symbol or coin is required');
  for (const instrument of venue.setup.instruments.values()) {
    // By coin, what cannot switch is skipped without a word.
    if (instrument.settleCoin !== coin || busyWith(venue, instrument.symbol) !== undefined) continue;
    if (wanted === 'hedge' && !canHedge(instrument)) continue;
    venue.store.symbols.set(instrument.symbol, { ...venue.settings(instrument.symbol), mode: wanted });
  }
  return {};
}

/** Switches one symbol; throws `Refusal`. */
export function switchSymbol(venue: Venue, symbol: string, wanted: 'one-way' | 'hedge'): void {
  const instrument = venue.instrument(symbol);
  if (instrument === undefined) throw new Refusal(10001, 'Not supported symbols');
  const settings = venue.settings(symbol);
  if (settings.mode === wanted) throw new Refusal(110025, 'Position mode is not modified');
  if (wanted === 'hedge' && !canHedge(instrument))
    throw new Refusal(110029, 'This symbol does not support hedge mode');
  const busy = busyWith(venue, symbol);
  if (busy !== undefined) throw busy;
  venue.store.symbols.set(symbol, { ...settings, mode: wanted });
}

function busyWith(venue: Venue, symbol: string): Refusal | undefined {
  if (venue.legsOf(symbol).some((leg) => leg.side !== '')) {
    return new Refusal(110024, 'You have an existing position, so the position mode cannot be switched');
  }
  if (venue.store.orders.group(symbol).length > 0) {
    return new Refusal(110028, 'There are open orders, so you cannot switch position mode');
  }
  return undefined;
}

/** POST /v5/position/set-leverage. */
export function setLeverage(venue: Venue, parameters: Parameters): Row {
  requireLinear(parameters);
  const symbol = textOf(parameters, 'symbol');
  const instrument = venue.instrument(symbol);
  if (instrument === undefined) throw new Refusal(10001, 'Not supported symbols');
  const buy = decimalOf(parameters, 'buyLeverage');
  const sell = decimalOf(parameters, 'sellLeverage');
  if (buy === '' || sell === '') throw badParameter('buyLeverage and sellLeverage are required');
  const hedge = venue.settings(symbol).mode === 'hedge';
  if (!hedge && compare(buy, sell) !== 0)
    throw badParameter('buy and sell leverage must be equal in one-way mode');
  for (const leverage of [buy, sell]) {
    if (compare(leverage, '1') < 0 || compare(leverage, instrument.maxLeverage) > 0) {
      throw new Refusal(110013, 'Cannot set leverage due to risk limit level');
    }
  }
  const wanted = venue.legsOf(symbol).map((leg) => ({ leg, leverage: leg.positionIdx === 2 ? sell : buy }));
  if (wanted.every(({ leg, leverage }) => compare(leg.leverage, leverage) === 0)) {
    throw new Refusal(110043, 'Set leverage not modified');
  }
  for (const { leg, leverage } of wanted) {
    venue.setLeg({ ...leg, leverage, updatedTime: venue.timeMs, seq: venue.nextSeq() });
  }
  return {};
}
