/** How orders fill: at the touch, with the scenario's slippage, parts and liquidity; limit orders when the price comes to them. */
import { amount, compare, isZero, minus, text, toStep } from './decimals.ts';
import type { Instrument } from './instruments.ts';
import { fullStopOf, setFullStop, without } from './position-stops.ts';
import type { Order, Side } from './records.ts';
import { bookFill } from './trades.ts';
import type { Venue } from './venue.ts';

/** A market order is an IOC limit at a protected price: 5 % of last away. */
const protectionRatio = '0.05';

/** Best price on the other side of the book: buyers pay one tick above last, sellers get last. */
export function touchPrice(venue: Venue, symbol: string, side: Side): string {
  const { last } = venue.price(symbol);
  return side === 'Sell' ? last : text(amount(last).plus(venue.contract(symbol).tickSize));
}

/** The price that a market order shows once it is on its way. */
export function protectionPrice(venue: Venue, symbol: string, side: Side): string {
  const { last } = venue.price(symbol);
  const { tickSize } = venue.contract(symbol);
  const away = amount(last).times(
    side === 'Buy' ? amount('1').plus(protectionRatio) : amount('1').minus(protectionRatio),
  );
  return text(toStep(away, tickSize, side === 'Buy' ? 'down' : 'up'));
}

/** Puts an accepted order on its way: market orders fill after the scenario's delay, others rest. */
export function submit(venue: Venue, order: Order): void {
  const { fillDelayMs } = venue.setup.scenario.execution;
  const goes = order.triggerDirection === 0 && (order.orderType === 'Market' || isMarketable(venue, order));
  venue.setOrder(goes ? { ...order, fillAtMs: venue.elapsedMs + fillDelayMs } : order);
}

/** True when a limit order can trade at once. */
export function isMarketable(venue: Venue, order: Order): boolean {
  const touch = touchPrice(venue, order.symbol, order.side);
  return order.side === 'Buy' ? compare(touch, order.price) <= 0 : compare(touch, order.price) >= 0;
}

/** Fills what is due of an order now. */
export function fillDue(venue: Venue, orderId: string): void {
  const found = venue.order(orderId);
  if (found === undefined) return;
  const instrument = venue.contract(found.symbol);
  const order = sized(venue, found);
  const open = openQty(venue, order);
  if (open.lte(0)) {
    cancelUnfilled(venue, order);
    return;
  }
  const part = nextPart(venue, order, instrument);
  const qty = part.gt(open) ? open : part;
  if (qty.lte(0)) {
    endOfLiquidity(venue, order);
    return;
  }
  const price =
    order.orderType === 'Limit' ? limitFillPrice(venue, order) : marketFillPrice(venue, order, instrument);
  const filled = bookFill(venue, order, { qty: text(qty), price, execType: 'Trade', isMaker: false });
  if (order.attached !== null) attachStops(venue, filled);
  goOn(venue, filled, instrument);
}

/** A Full stop, and a close of `"0"`, take the size that the position has when they fill. */
function sized(venue: Venue, order: Order): Order {
  if (order.qty !== '') return order;
  const leg = venue.leg(order.symbol, order.positionIdx);
  return { ...order, qty: leg.side === '' || leg.side === order.side ? '0' : leg.size };
}

/** What may still trade of an order: a reduce-only one never more than the position. */
function openQty(venue: Venue, order: Order) {
  const left = amount(order.qty).minus(order.cumExecQty);
  if (!order.reduceOnly) return left;
  const leg = venue.leg(order.symbol, order.positionIdx);
  if (leg.side === '' || leg.side === order.side) return amount('0');
  return left.gt(leg.size) ? amount(leg.size) : left;
}

/** Quantity of the next execution: an even part of what the book can take, in steps; the last takes the rest. */
function nextPart(venue: Venue, order: Order, instrument: Instrument) {
  const { parts, fillRatio } = venue.setup.scenario.execution;
  const liquid =
    compare(fillRatio, '1') === 0
      ? amount(order.qty)
      : toStep(amount(order.qty).times(fillRatio), instrument.qtyStep, 'down');
  const left = liquid.minus(order.cumExecQty);
  if (order.partsLeft <= 1) return left;
  const even = toStep(liquid.div(parts), instrument.qtyStep, 'down');
  return even.lte(0) || even.gt(left) ? left : even;
}

function marketFillPrice(venue: Venue, order: Order, instrument: Instrument): string {
  const { slippagePct, parts } = venue.setup.scenario.execution;
  const worse = order.side === 'Buy' ? 1 : -1;
  const slipped = amount(touchPrice(venue, order.symbol, order.side)).times(
    amount('1').plus(amount(slippagePct).div('100').times(worse)),
  );
  const onTick = toStep(slipped, instrument.tickSize, order.side === 'Buy' ? 'up' : 'down');
  const price = onTick.plus(amount(instrument.tickSize).times(worse * (parts - order.partsLeft)));
  return text(price.lt(instrument.tickSize) ? amount(instrument.tickSize) : price);
}

function limitFillPrice(venue: Venue, order: Order): string {
  const touch = touchPrice(venue, order.symbol, order.side);
  const better = order.side === 'Buy' ? compare(touch, order.price) < 0 : compare(touch, order.price) > 0;
  return better ? touch : order.price;
}

/** After a fill: done, waiting for the next part, or out of liquidity. */
function goOn(venue: Venue, order: Order, instrument: Instrument): void {
  const left = minus(order.qty, order.cumExecQty);
  if (isZero(left)) {
    finish(venue, { ...order, status: 'Filled' });
    return;
  }
  const next: Order = { ...order, status: 'PartiallyFilled', partsLeft: order.partsLeft - 1 };
  const more = next.partsLeft > 0 && nextPart(venue, next, instrument).gt(0);
  if (!more) {
    endOfLiquidity(venue, next);
    return;
  }
  const { partDelayMs } = venue.setup.scenario.execution;
  venue.setOrder({ ...next, fillAtMs: venue.elapsedMs + partDelayMs });
}

function endOfLiquidity(venue: Venue, order: Order): void {
  if (order.timeInForce === 'GTC' || order.timeInForce === 'PostOnly') {
    venue.setOrder({ ...order, fillAtMs: -1 });
    return;
  }
  finish(venue, {
    ...order,
    status: 'Cancelled',
    cancelType: 'UNKNOWN',
    rejectReason: 'EC_NoImmediateQtyToFill',
  });
}

function cancelUnfilled(venue: Venue, order: Order): void {
  finish(venue, { ...order, status: 'Cancelled', cancelType: 'CancelByReduceOnly' });
}

/** Ends an order; the position that it belonged to, if still open, no longer names it. */
function finish(venue: Venue, order: Order): void {
  venue.finishOrder(order);
  const leg = venue.store.legs.get(`${order.symbol}:${order.positionIdx}`);
  if (leg !== undefined) venue.setLeg(without(leg, order.orderId));
}

/** A limit order that the price came to fills as maker, at its own price. */
export function fillResting(venue: Venue, order: Order): void {
  const open = openQty(venue, order);
  if (open.lte(0)) {
    cancelUnfilled(venue, order);
    return;
  }
  const filled = bookFill(venue, order, {
    qty: text(open),
    price: order.price,
    execType: 'Trade',
    isMaker: true,
  });
  if (order.attached !== null) attachStops(venue, filled);
  const complete = isZero(minus(filled.qty, filled.cumExecQty));
  finish(
    venue,
    complete
      ? { ...filled, status: 'Filled' }
      : { ...filled, status: 'Cancelled', cancelType: 'CancelByReduceOnly' },
  );
}

/** An opening order's own stops become the position's, as far as they are still on the right side. */
function attachStops(venue: Venue, order: Order): void {
  const { attached } = order;
  if (attached === null) return;
  let leg = venue.leg(order.symbol, order.positionIdx);
  if (leg.side !== order.side) return;
  if (attached.stopLoss !== '' && fullStopOf(venue, leg, 'StopLoss') === undefined) {
    leg = setFullStop(venue, leg, 'StopLoss', {
      price: attached.stopLoss,
      triggerBy: attached.slTriggerBy,
      by: order.by,
    });
  }
  if (attached.takeProfit !== '' && fullStopOf(venue, leg, 'TakeProfit') === undefined) {
    setFullStop(venue, leg, 'TakeProfit', {
      price: attached.takeProfit,
      triggerBy: attached.tpTriggerBy,
      by: order.by,
    });
  }
}
