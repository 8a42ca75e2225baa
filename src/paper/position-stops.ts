/** The resting orders that a position owns: full stops, partial stops and the trailing stop, made, amended and cleared. */
import { amount, text } from './decimals.ts';
import type { Actor, Leg, Order, PositionIdx, Side, StopOrderType, TriggerBy } from './records.ts';
import type { Venue } from './venue.ts';

type FullStop = 'StopLoss' | 'TakeProfit';

const createTypes: Readonly<Record<StopOrderType, string>> = {
  '': 'CreateByUser',
  Stop: 'CreateByStopOrder',
  StopLoss: 'CreateByStopLoss',
  TakeProfit: 'CreateByTakeProfit',
  TrailingStop: 'CreateByTrailingStop',
  PartialStopLoss: 'CreateByPartialStopLoss',
  PartialTakeProfit: 'CreateByPartialTakeProfit',
};

/** The side of an order that closes a position of this side. */
export function closingSide(side: Side | ''): Side {
  return side === 'Buy' ? 'Sell' : 'Buy';
}

/** The order behind a leg's full stop loss or take profit, if there is one. */
export function fullStopOf(venue: Venue, leg: Leg, type: FullStop): Order | undefined {
  const id = type === 'StopLoss' ? leg.stopLossId : leg.takeProfitId;
  return id === '' ? undefined : venue.order(id);
}

/** A new order of a position, not yet stored. */
function stopOrder(
  venue: Venue,
  leg: { readonly symbol: string; readonly positionIdx: PositionIdx; readonly side: Side | '' },
  type: StopOrderType,
  set: {
    readonly triggerPrice: string;
    readonly triggerBy: TriggerBy;
    readonly qty: string;
    readonly by: Actor;
  },
): Order {
  const side = closingSide(leg.side);
  const whenItFalls =
    (side === 'Sell') === (type === 'StopLoss' || type === 'PartialStopLoss' || type === 'TrailingStop');
  return {
    orderId: venue.nextOrderId(),
    orderLinkId: '',
    symbol: leg.symbol,
    positionIdx: leg.positionIdx,
    side,
    orderType: 'Market',
    timeInForce: 'IOC',
    price: '0',
    qty: set.qty,
    cumExecQty: '0',
    cumExecValue: '0',
    cumExecFee: '0',
    status: 'Untriggered',
    cancelType: 'UNKNOWN',
    rejectReason: 'EC_NoError',
    createType: createTypes[type],
    stopOrderType: type,
    tpslMode: type === 'PartialStopLoss' || type === 'PartialTakeProfit' ? 'Partial' : 'Full',
    triggerPrice: set.triggerPrice,
    triggerBy: set.triggerBy,
    triggerDirection: whenItFalls ? 2 : 1,
    reduceOnly: true,
    closeOnTrigger: true,
    trailing: null,
    attached: null,
    lastPriceOnCreated: venue.price(leg.symbol).last,
    fillAtMs: -1,
    partsLeft: venue.setup.scenario.execution.parts,
    by: set.by,
    createdTime: venue.timeMs,
    updatedTime: venue.timeMs,
  };
}

/** Sets or moves a full stop: the order keeps its id when there was one, so there is no gap. */
export function setFullStop(
  venue: Venue,
  leg: Leg,
  type: FullStop,
  set: { readonly price: string; readonly triggerBy: TriggerBy; readonly by: Actor },
): Leg {
  const resting = fullStopOf(venue, leg, type);
  const order: Order =
    resting === undefined
      ? stopOrder(venue, leg, type, {
          triggerPrice: set.price,
          triggerBy: set.triggerBy,
          qty: '',
          by: set.by,
        })
      : {
          ...resting,
          triggerPrice: set.price,
          triggerBy: set.triggerBy,
          by: set.by,
          updatedTime: venue.timeMs,
        };
  venue.setOrder(order);
  venue.recordStop(order, set.price, resting === undefined ? 'set' : 'amended', set.by);
  return touched(
    venue,
    type === 'StopLoss' ? { ...leg, stopLossId: order.orderId } : { ...leg, takeProfitId: order.orderId },
  );
}

/** Adds a stop for a part of the position. */
export function addPartialStop(
  venue: Venue,
  leg: Leg,
  type: 'PartialStopLoss' | 'PartialTakeProfit',
  set: {
    readonly price: string;
    readonly triggerBy: TriggerBy;
    readonly size: string;
    readonly limitPrice: string;
    readonly by: Actor;
  },
): Leg {
  const base = stopOrder(venue, leg, type, {
    triggerPrice: set.price,
    triggerBy: set.triggerBy,
    qty: set.size,
    by: set.by,
  });
  const order: Order =
    set.limitPrice === '' ? base : { ...base, orderType: 'Limit', timeInForce: 'GTC', price: set.limitPrice };
  venue.setOrder(order);
  venue.recordStop(order, set.price, 'set', set.by);
  return touched(venue, { ...leg, partialIds: [...leg.partialIds, order.orderId] });
}

/** Sets or moves the native trailing stop; it is live at once unless it waits for `activePrice`. */
export function setTrailingStop(
  venue: Venue,
  leg: Leg,
  set: { readonly distance: string; readonly activePrice: string; readonly by: Actor },
): Leg {
  const resting = leg.trailingId === '' ? undefined : venue.order(leg.trailingId);
  const last = venue.price(leg.symbol).last;
  const best = set.activePrice === '' ? last : '';
  const triggerPrice = best === '' ? set.activePrice : trailedFrom(leg.side, best, set.distance);
  const base =
    resting === undefined
      ? stopOrder(venue, leg, 'TrailingStop', { triggerPrice, triggerBy: 'LastPrice', qty: '', by: set.by })
      : { ...resting, triggerPrice, by: set.by, updatedTime: venue.timeMs };
  const order: Order = { ...base, trailing: { distance: set.distance, activePrice: set.activePrice, best } };
  venue.setOrder(order);
  venue.recordStop(order, triggerPrice, resting === undefined ? 'set' : 'amended', set.by);
  return touched(venue, { ...leg, trailingId: order.orderId });
}

/** Where a trailing stop triggers for a best price: behind it by the distance. */
export function trailedFrom(side: Side | '', best: string, distance: string): string {
  return text(side === 'Buy' ? amount(best).minus(distance) : amount(best).plus(distance));
}

/** Takes one stop away; the leg forgets it. */
export function cancelStop(venue: Venue, leg: Leg, order: Order, by: Actor): Leg {
  venue.finishOrder({ ...order, status: 'Cancelled', cancelType: 'CancelByUser' });
  venue.recordStop(order, '', 'cancelled', by);
  return touched(venue, without(leg, order.orderId));
}

/** The leg as it is when an order no longer belongs to it. */
export function without(leg: Leg, orderId: string): Leg {
  return {
    ...leg,
    stopLossId: leg.stopLossId === orderId ? '' : leg.stopLossId,
    takeProfitId: leg.takeProfitId === orderId ? '' : leg.takeProfitId,
    trailingId: leg.trailingId === orderId ? '' : leg.trailingId,
    partialIds: leg.partialIds.includes(orderId)
      ? leg.partialIds.filter((id) => id !== orderId)
      : leg.partialIds,
  };
}

/** The position is gone: its stops go too, all but the one that closed it. `leg` is the leg as it was. */
export function clearStops(venue: Venue, leg: Leg, closedBy: string): void {
  for (const id of [leg.stopLossId, leg.takeProfitId, leg.trailingId, ...leg.partialIds]) {
    const order = id === '' || id === closedBy ? undefined : venue.order(id);
    if (order === undefined) continue;
    venue.finishOrder({
      ...order,
      qty: order.qty === '' ? '0' : order.qty,
      status: 'Deactivated',
      cancelType: 'CancelByTpSlTsClear',
    });
    venue.recordStop(order, '', 'cleared', 'venue');
  }
}

function touched(venue: Venue, leg: Leg): Leg {
  const next = { ...leg, updatedTime: venue.timeMs, seq: venue.nextSeq() };
  venue.setLeg(next);
  return next;
}
