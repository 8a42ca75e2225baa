/** What a new price sets off: trailing stops ratchet, stops trigger, limit orders fill. */
import { compare, text, amount } from './decimals.ts';
import { fillDue, fillResting, isMarketable, protectionPrice } from './orders.ts';
import { trailedFrom } from './position-stops.ts';
import type { Order, PriceRecord, TriggerBy } from './records.ts';
import type { Venue } from './venue.ts';

/** The price that a trigger type looks at. */
export function priceBy(price: PriceRecord, triggerBy: TriggerBy): string {
  switch (triggerBy) {
    case 'LastPrice':
      return price.last;
    case 'MarkPrice':
      return price.mark;
    case 'IndexPrice':
      return price.index;
  }
}

/** Goes through the resting orders of a symbol after its price changed, oldest first. */
export function runTriggers(venue: Venue, symbol: string): void {
  const price = venue.price(symbol);
  for (const { orderId } of venue.store.orders.group(symbol)) {
    // An order further up may have closed the position and with it this order.
    const order = venue.order(orderId);
    if (order === undefined) continue;
    if (order.status === 'Untriggered') {
      const current = order.trailing === null ? order : ratcheted(venue, order, price);
      if (isTriggered(current, price)) trigger(venue, current);
    } else if (order.orderType === 'Limit' && order.fillAtMs < 0 && isMarketable(venue, order)) {
      fillResting(venue, order);
    }
  }
}

/** A trailing stop becomes active at its activation price and from then on follows the best price, never back. */
function ratcheted(venue: Venue, order: Order, price: PriceRecord): Order {
  const { trailing } = order;
  if (trailing === null) return order;
  const long = order.side === 'Sell';
  const waits = trailing.best === '';
  if (waits && compare(price.last, trailing.activePrice) === (long ? -1 : 1)) return order;
  const better = waits || compare(price.last, trailing.best) === (long ? 1 : -1);
  if (!better) return order;
  const triggerPrice = trailedFrom(long ? 'Buy' : 'Sell', price.last, trailing.distance);
  const next: Order = {
    ...order,
    triggerPrice: amount(triggerPrice).gt(0)
      ? triggerPrice
      : text(amount(venue.contract(order.symbol).tickSize)),
    trailing: { ...trailing, best: price.last },
    updatedTime: venue.timeMs,
  };
  venue.setOrder(next);
  venue.recordStop(next, next.triggerPrice, 'ratcheted', 'venue');
  return next;
}

/** True when the order's price has been reached; a trailing stop that still waits cannot trigger. */
function isTriggered(order: Order, price: PriceRecord): boolean {
  if (order.trailing?.best === '' || order.triggerBy === '') return false;
  const reached = compare(priceBy(price, order.triggerBy), order.triggerPrice);
  return order.triggerDirection === 2 ? reached <= 0 : reached >= 0;
}

/** The order goes to market; with the scenario's delay it is `Triggered` and still shown until it fills. */
function trigger(venue: Venue, order: Order): void {
  const { triggerDelayMs } = venue.setup.scenario.execution;
  venue.recordStop(order, order.triggerPrice, 'triggered', 'venue');
  const market = order.orderType === 'Market';
  venue.setOrder({
    ...order,
    status: market ? 'Triggered' : 'New',
    price: market ? protectionPrice(venue, order.symbol, order.side) : order.price,
    fillAtMs: market ? venue.elapsedMs + triggerDelayMs : -1,
    updatedTime: venue.timeMs,
  });
  if (triggerDelayMs === 0 && market) fillDue(venue, order.orderId);
  const resting = venue.order(order.orderId);
  if (!market && resting !== undefined && isMarketable(venue, resting)) fillResting(venue, resting);
}
