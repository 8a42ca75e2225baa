/**
 * Books one fill: execution, position, closing record and wallet move together, exactly. Nothing is lost to rounding: what a
 * proportional share cannot express stays with the part that is still open.
 */
import { amount, compare, isZero, minus, plus, rounded, text, times, type Amount } from './decimals.ts';
import type { ClosedPnl, Execution, Leg, Order } from './records.ts';
import { clearStops } from './position-stops.ts';
import type { Venue } from './venue.ts';

/** Digits to which a share of cost or fees is cut; the rest stays open. */
const shareDecimals = 16;

/** A fill of an order, or the venue's own taking of a position. */
export interface Fill {
  readonly qty: string;
  readonly price: string;
  readonly execType: 'Trade' | 'BustTrade' | 'AdlTrade';
  readonly isMaker: boolean;
}

/** Books a fill and returns the order with what it has now executed. */
export function bookFill(venue: Venue, order: Order, fill: Fill): Order {
  const leg = venue.leg(order.symbol, order.positionIdx);
  const { account } = venue.setup.scenario;
  const feeRate = fill.isMaker ? account.makerFeeRate : account.takerFeeRate;
  const closing = leg.side === '' || leg.side === order.side ? amount('0') : smaller(fill.qty, leg.size);
  const opening = amount(fill.qty).minus(closing);
  const seq = venue.nextSeq();
  let next: Leg = { ...leg, seq, updatedTime: venue.timeMs };
  if (closing.gt(0)) next = closePart(venue, next, order, fill, closing, feeRate);
  if (opening.gt(0)) next = openPart(venue, next, order, fill, opening, feeRate);
  venue.setLeg(next);
  const value = times(fill.qty, fill.price);
  const filled: Order = {
    ...order,
    cumExecQty: plus(order.cumExecQty, fill.qty),
    cumExecValue: plus(order.cumExecValue, value),
    cumExecFee: plus(order.cumExecFee, times(value, feeRate)),
    updatedTime: venue.timeMs,
  };
  recordExecution(venue, filled, fill, { feeRate, closedSize: text(closing), seq });
  // An order that passes through zero ends one position and begins another: the stops went with the first.
  if (closing.gt(0) && closing.eq(leg.size)) clearStops(venue, leg, order.orderId);
  return filled;
}

function smaller(a: string, b: string): Amount {
  return compare(a, b) < 0 ? amount(a) : amount(b);
}

function closePart(venue: Venue, leg: Leg, order: Order, fill: Fill, closing: Amount, feeRate: string): Leg {
  const whole = closing.eq(leg.size);
  const share = (value: string): string =>
    whole ? value : text(amount(value).times(closing).div(leg.size).round(shareDecimals, 0));
  const entry = share(leg.entryValue);
  const openFee = share(leg.openFee);
  const exit = text(closing.times(fill.price));
  const closeFee = times(exit, feeRate);
  const gross = leg.side === 'Buy' ? minus(exit, entry) : minus(entry, exit);
  const earned = minus(gross, closeFee);
  pay(venue, leg.symbol, earned);
  recordClosing(venue, leg, order, fill, { qty: text(closing), entry, exit, openFee, closeFee, gross });
  const realised = {
    curRealisedPnl: plus(leg.curRealisedPnl, earned),
    cumRealisedPnl: plus(leg.cumRealisedPnl, earned),
  };
  if (!whole) {
    return {
      ...leg,
      ...realised,
      size: text(amount(leg.size).minus(closing)),
      entryValue: minus(leg.entryValue, entry),
      openFee: minus(leg.openFee, openFee),
    };
  }
  return {
    ...leg,
    ...realised,
    side: '',
    size: '0',
    entryValue: '0',
    openFee: '0',
    status: 'Normal',
    endsAtMs: 0,
    adlSize: '',
    stopLossId: '',
    takeProfitId: '',
    trailingId: '',
    partialIds: [],
    openTime: 0,
  };
}

function openPart(venue: Venue, leg: Leg, order: Order, fill: Fill, opening: Amount, feeRate: string): Leg {
  const value = text(opening.times(fill.price));
  const fee = times(value, feeRate);
  pay(venue, leg.symbol, minus('0', fee));
  const fresh = leg.side === '';
  return {
    ...leg,
    side: order.side,
    size: text(amount(leg.size).plus(opening)),
    entryValue: plus(leg.entryValue, value),
    openFee: plus(leg.openFee, fee),
    curRealisedPnl: minus(fresh ? '0' : leg.curRealisedPnl, fee),
    cumRealisedPnl: minus(leg.cumRealisedPnl, fee),
    openTime: fresh ? venue.timeMs : leg.openTime,
    createdTime: leg.createdTime === 0 ? venue.timeMs : leg.createdTime,
  };
}

/** Moves money in or out of the wallet of the coin in which a symbol settles. */
export function pay(venue: Venue, symbol: string, earned: string): void {
  const wallet = venue.wallet(venue.contract(symbol).settleCoin);
  venue.store.wallets.set(wallet.coin, {
    ...wallet,
    balance: plus(wallet.balance, earned),
    cumRealisedPnl: plus(wallet.cumRealisedPnl, earned),
  });
}

interface Closing {
  readonly qty: string;
  readonly entry: string;
  readonly exit: string;
  readonly openFee: string;
  readonly closeFee: string;
  readonly gross: string;
}

function recordClosing(venue: Venue, leg: Leg, order: Order, fill: Fill, closing: Closing): void {
  const before = venue.store.closedPnls.get(order.orderId);
  const net = minus(minus(closing.gross, closing.openFee), closing.closeFee);
  const record: ClosedPnl = {
    orderId: order.orderId,
    symbol: order.symbol,
    side: order.side,
    qty: order.qty,
    orderPrice: order.price,
    orderType: order.orderType,
    execType: fill.execType,
    closedSize: plus(before?.closedSize ?? '0', closing.qty),
    cumEntryValue: plus(before?.cumEntryValue ?? '0', closing.entry),
    cumExitValue: plus(before?.cumExitValue ?? '0', closing.exit),
    closedPnl: plus(before?.closedPnl ?? '0', net),
    openFee: plus(before?.openFee ?? '0', closing.openFee),
    closeFee: plus(before?.closeFee ?? '0', closing.closeFee),
    fillCount: (before?.fillCount ?? 0) + 1,
    leverage: leg.leverage,
    createdTime: before?.createdTime ?? venue.timeMs,
    updatedTime: venue.timeMs,
  };
  venue.store.closedPnls.set(order.orderId, record);
}

function recordExecution(
  venue: Venue,
  order: Order,
  fill: Fill,
  about: { readonly feeRate: string; readonly closedSize: string; readonly seq: number },
): void {
  const price = venue.price(order.symbol);
  const execId = venue.nextExecId();
  const value = times(fill.qty, fill.price);
  const execution: Execution = {
    execId,
    orderId: order.orderId,
    orderLinkId: order.orderLinkId,
    symbol: order.symbol,
    positionIdx: order.positionIdx,
    side: order.side,
    execPrice: fill.price,
    execQty: fill.qty,
    execValue: value,
    execFee: times(value, about.feeRate),
    feeRate: about.feeRate,
    feeCurrency: '',
    execType: fill.execType,
    execTime: venue.timeMs,
    isMaker: fill.isMaker,
    orderPrice: order.price,
    orderQty: order.qty,
    leavesQty: isZero(minus(order.qty, order.cumExecQty)) ? '0' : minus(order.qty, order.cumExecQty),
    orderType: order.orderType,
    stopOrderType: order.stopOrderType,
    createType: order.createType,
    closedSize: about.closedSize,
    markPrice: price.mark,
    indexPrice: price.index,
    seq: about.seq,
  };
  venue.store.executions.set(execId, execution);
}

/** Average entry price of a position as rows show it: eight decimals. */
export function entryPriceOf(leg: Leg): string {
  return leg.side === '' ? '0' : rounded(amount(leg.entryValue).div(leg.size), 8);
}
