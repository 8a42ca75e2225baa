/** Signed calls that make and take back orders: what the venue accepts, and in which words it refuses. */
import { amount, compare, isMultiple, isUnset, isZero, text, toStep } from './decimals.ts';
import type { Instrument } from './instruments.ts';
import { accountMargin } from './margin.ts';
import { isMarketable, protectionPrice, submit } from './orders.ts';
import { cancelStop } from './position-stops.ts';
import { Refusal, type AttachedStops, type Leg, type Order, type Side } from './records.ts';
import {
  badParameter,
  decimalOf,
  flagOf,
  integerOf,
  oneOf,
  positionIdxOf,
  requireLinear,
  textOf,
  triggerByOf,
  type Parameters,
} from './request.ts';
import type { Row } from './rows.ts';
import { legInMode, refuseCrossed, scaled } from './trading-stop.ts';
import { priceBy } from './triggers.ts';
import type { Venue } from './venue.ts';

const mostConditional = 10;
/** How far a limit order may be from mark. */
const priceBand = '0.05';

/** POST /v5/order/create: accepted, not filled; fills come later. */
export function createOrder(venue: Venue, parameters: Parameters): Row {
  requireLinear(parameters);
  const symbol = textOf(parameters, 'symbol');
  const contract = venue.instrument(symbol);
  if (contract === undefined) throw new Refusal(10001, 'Not supported symbols');
  const side = oneOf(parameters, 'side', ['Buy', 'Sell']);
  if (side === '') throw badParameter('side invalid');
  const orderLinkId = linkIdOf(venue, parameters);
  const order = orderOf(venue, parameters, contract, side, orderLinkId);
  if (order.reduceOnly) requireReducible(venue, order);
  else requireOpenable(venue, order, contract);
  submit(venue, order);
  if (orderLinkId !== '') venue.store.linkIds.set(orderLinkId, order.orderId);
  return { orderId: order.orderId, orderLinkId };
}

function linkIdOf(venue: Venue, parameters: Parameters): string {
  const orderLinkId = textOf(parameters, 'orderLinkId');
  if (orderLinkId === '') return '';
  if (!/^[A-Za-z0-9_-]{1,36}$/.test(orderLinkId)) throw badParameter('orderLinkId invalid');
  if (venue.store.linkIds.get(orderLinkId) !== undefined)
    throw new Refusal(110072, 'OrderLinkedID is duplicate');
  return orderLinkId;
}

function orderOf(
  venue: Venue,
  parameters: Parameters,
  contract: Instrument,
  side: Side,
  orderLinkId: string,
): Order {
  const orderType = oneOf(parameters, 'orderType', ['Market', 'Limit']);
  if (orderType === '') throw badParameter('orderType invalid');
  const leg = legInMode(venue, contract.symbol, positionIdxOf(parameters) ?? 0);
  const closesLeg = leg.positionIdx !== 0 && (leg.positionIdx === 1) === (side === 'Sell');
  const reduceOnly = flagOf(parameters, 'reduceOnly') || flagOf(parameters, 'closeOnTrigger') || closesLeg;
  const closeOnTrigger = flagOf(parameters, 'closeOnTrigger');
  const qty = qtyOf(parameters, contract, orderType, reduceOnly && closeOnTrigger, reduceOnly);
  const price =
    orderType === 'Limit'
      ? limitPriceOf(venue, parameters, contract)
      : protectionPrice(venue, contract.symbol, side);
  const attached = attachedOf(venue, parameters, contract, side);
  if (attached !== null && reduceOnly)
    throw new Refusal(10001, 'params error: takeProfit and stopLoss are not allowed with reduceOnly');
  const condition = conditionOf(venue, parameters, contract);
  return {
    orderId: venue.nextOrderId(),
    orderLinkId,
    symbol: contract.symbol,
    positionIdx: leg.positionIdx,
    side,
    orderType,
    timeInForce:
      orderType === 'Market'
        ? 'IOC'
        : oneOf(parameters, 'timeInForce', ['GTC', 'IOC', 'FOK', 'PostOnly']) || 'GTC',
    price,
    qty,
    cumExecQty: '0',
    cumExecValue: '0',
    cumExecFee: '0',
    status: condition === null ? 'New' : 'Untriggered',
    cancelType: 'UNKNOWN',
    rejectReason: 'EC_NoError',
    createType: 'CreateByUser',
    stopOrderType: condition === null ? '' : 'Stop',
    tpslMode: '',
    triggerPrice: condition?.triggerPrice ?? '',
    triggerBy: condition?.triggerBy ?? '',
    triggerDirection: condition?.direction ?? 0,
    reduceOnly,
    closeOnTrigger,
    trailing: null,
    attached,
    lastPriceOnCreated: venue.price(contract.symbol).last,
    fillAtMs: -1,
    partsLeft: venue.setup.scenario.execution.parts,
    by: 'api',
    createdTime: venue.timeMs,
    updatedTime: venue.timeMs,
  };
}

/** `"0"` with reduceOnly and closeOnTrigger closes all that is there: the order then follows the position's size. */
function qtyOf(
  parameters: Parameters,
  contract: Instrument,
  orderType: string,
  mayBeZero: boolean,
  reduceOnly: boolean,
): string {
  const qty = decimalOf(parameters, 'qty');
  if (qty === '') throw badParameter('qty invalid');
  if (isZero(qty) && mayBeZero) return '';
  if (!isMultiple(qty, contract.qtyStep)) throw new Refusal(10001, 'Qty invalid');
  if (compare(qty, contract.minOrderQty) < 0)
    throw new Refusal(10001, 'The number of contracts exceeds minimum limit allowed');
  const most = orderType === 'Market' ? contract.maxMktOrderQty : contract.maxOrderQty;
  // What reduces is split by the venue when it is too large for one order.
  if (!reduceOnly && compare(qty, most) > 0)
    throw new Refusal(10001, 'The number of contracts exceeds maximum limit allowed');
  return text(amount(qty));
}

function limitPriceOf(venue: Venue, parameters: Parameters, contract: Instrument): string {
  const price = decimalOf(parameters, 'price');
  if (isUnset(price) || !isMultiple(price, contract.tickSize)) throw badParameter('price invalid');
  const { mark } = venue.price(contract.symbol);
  const side = parameters['side'];
  const bound = toStep(
    amount(mark).times(side === 'Buy' ? amount('1').plus(priceBand) : amount('1').minus(priceBand)),
    contract.tickSize,
    'nearest',
  );
  if (side === 'Buy' ? bound.lt(price) : bound.gt(price))
    throw new Refusal(110003, 'Order price is out of permissible range');
  return price;
}

function attachedOf(
  venue: Venue,
  parameters: Parameters,
  contract: Instrument,
  side: Side,
): AttachedStops | null {
  const stopLoss = decimalOf(parameters, 'stopLoss');
  const takeProfit = decimalOf(parameters, 'takeProfit');
  if (isUnset(stopLoss) && isUnset(takeProfit)) return null;
  const slTriggerBy = triggerByOf(parameters, 'slTriggerBy') || 'LastPrice';
  const tpTriggerBy = triggerByOf(parameters, 'tpTriggerBy') || 'LastPrice';
  const price = venue.price(contract.symbol);
  for (const [name, wanted, by] of [
    ['sl', stopLoss, slTriggerBy],
    ['tp', takeProfit, tpTriggerBy],
  ] as const) {
    if (isUnset(wanted)) continue;
    if (!isMultiple(wanted, contract.tickSize)) throw badParameter('price is not a multiple of tick size');
    refuseCrossed(name, { side }, wanted, priceBy(price, by), by, contract);
  }
  return {
    stopLoss: isUnset(stopLoss) ? '' : stopLoss,
    takeProfit: isUnset(takeProfit) ? '' : takeProfit,
    slTriggerBy,
    tpTriggerBy,
  };
}

function conditionOf(venue: Venue, parameters: Parameters, contract: Instrument) {
  const triggerPrice = decimalOf(parameters, 'triggerPrice');
  if (isUnset(triggerPrice)) return null;
  const direction = integerOf(parameters, 'triggerDirection');
  if (direction !== 1 && direction !== 2) throw badParameter('triggerDirection invalid');
  const triggerBy = triggerByOf(parameters, 'triggerBy') || 'LastPrice';
  const current = priceBy(venue.price(contract.symbol), triggerBy);
  const order = compare(triggerPrice, current);
  if (direction === 1 && order <= 0) {
    throw new Refusal(
      110092,
      `expect Rising, but trigger_price[${scaled(triggerPrice, contract)}] <= current[${scaled(current, contract)}]??${triggerBy}`,
    );
  }
  if (direction === 2 && order >= 0) {
    throw new Refusal(
      110093,
      `expect Falling, but trigger_price[${scaled(triggerPrice, contract)}] >= current[${scaled(current, contract)}]??${triggerBy}`,
    );
  }
  const resting = venue.store.orders.group(contract.symbol).filter((entry) => entry.stopOrderType === 'Stop');
  if (resting.length >= mostConditional)
    throw new Refusal(110009, 'The number of stop orders exceeds the maximum allowable limit');
  return { triggerPrice, triggerBy, direction } as const;
}

function requireReducible(venue: Venue, order: Order): void {
  const leg = venue.leg(order.symbol, order.positionIdx);
  if (leg.side === '')
    throw new Refusal(110017, 'current position is zero, cannot fix reduce-only order qty');
  if (leg.side === order.side)
    throw new Refusal(110017, 'reduce-only order has same side with current position');
  if (leg.status === 'Liq') throw new Refusal(110005, 'position status error');
}

function requireOpenable(venue: Venue, order: Order, contract: Instrument): void {
  if (contract.status === 'Delivering') throw new Refusal(30228, 'No new positions during delisting');
  if (contract.status !== 'Trading') throw new Refusal(110074, 'This contract is not live');
  const leg = venue.leg(order.symbol, order.positionIdx);
  const adds = addedQty(leg, order);
  const price = order.orderType === 'Limit' ? order.price : venue.price(order.symbol).last;
  const value = adds.times(price);
  if (amount(order.qty).times(price).lt(contract.minNotionalValue))
    throw new Refusal(110094, 'Order does not meet minimum order value');
  const margin = accountMargin(venue);
  const free = margin.wallet.plus(margin.unrealised).minus(margin.initial).minus(margin.orderInitial);
  const fee = value.times(venue.setup.scenario.account.takerFeeRate);
  if (value.div(leg.leverage).plus(fee).gt(free)) throw new Refusal(110007, 'ab not enough for new order');
  const badPost = order.timeInForce === 'PostOnly' && isMarketable(venue, order);
  if (badPost) throw badParameter('PostOnly order would take liquidity');
}

/** What an order adds to the exposure: nothing of what it closes first. */
function addedQty(leg: Leg, order: Order) {
  if (leg.side === '' || leg.side === order.side) return amount(order.qty);
  const beyond = amount(order.qty).minus(leg.size);
  return beyond.gt(0) ? beyond : amount('0');
}

/** POST /v5/order/cancel. */
export function cancelOrder(venue: Venue, parameters: Parameters): Row {
  requireLinear(parameters);
  const symbol = textOf(parameters, 'symbol');
  const id = textOf(parameters, 'orderId');
  const linkId = textOf(parameters, 'orderLinkId');
  if (id === '' && linkId === '') throw badParameter('OrderId or orderLinkId is required');
  const order = venue.order(id === '' ? (venue.store.linkIds.get(linkId) ?? '') : id);
  if (order === undefined || order.symbol !== symbol || order.status === 'Triggered') {
    throw new Refusal(110001, 'Order does not exist');
  }
  if (order.closeOnTrigger && order.stopOrderType !== 'Stop' && order.stopOrderType !== '') {
    cancelStop(venue, venue.leg(order.symbol, order.positionIdx), order, 'api');
  } else {
    venue.finishOrder({ ...order, status: 'Cancelled', cancelType: 'CancelByUser' });
  }
  return { orderId: order.orderId, orderLinkId: order.orderLinkId };
}
