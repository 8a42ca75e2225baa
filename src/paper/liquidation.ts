/** Positions that the venue takes: liquidation when margin is gone, auto-deleveraging when told to. */
import { amount, compare, text } from './decimals.ts';
import { accountMargin, bankruptcyPrice, legMargin, liquidationPrice, signOf } from './margin.ts';
import { clearStops } from './position-stops.ts';
import type { Leg, Order } from './records.ts';
import { bookFill } from './trades.ts';
import type { Venue } from './venue.ts';

/** Starts liquidations that the prices call for; returns whether any began. */
export function startLiquidations(venue: Venue): void {
  const delayMs = venue.setup.scenario.execution.liquidationDelayMs;
  for (let leg = nextToLiquidate(venue); leg !== undefined; leg = nextToLiquidate(venue)) {
    begin(venue, leg, 'Liq', '', delayMs);
    if (delayMs === 0) takeOver(venue, venue.leg(leg.symbol, leg.positionIdx));
  }
}

/** Isolated: any position past its own price. Cross and portfolio: the largest loss, while the account's margin is gone. */
export function nextToLiquidate(venue: Venue): Leg | undefined {
  const held = venue.held().filter((leg) => leg.status === 'Normal');
  if (held.length === 0) return undefined;
  if (venue.account.marginMode === 'ISOLATED_MARGIN') {
    const account = accountMargin(venue);
    return held.find((leg) => {
      const price = liquidationPrice(venue, leg, account);
      return price !== '' && compare(venue.price(leg.symbol).mark, price) * signOf(leg) <= 0;
    });
  }
  const account = accountMargin(venue);
  if (account.wallet.plus(account.unrealised).gt(account.maintenance)) return undefined;
  // What is already being taken frees its margin only later: one at a time.
  if (venue.held().some((leg) => leg.status === 'Liq')) return undefined;
  const losses = held.map((leg) => ({ leg, unrealised: legMargin(venue, leg).unrealised }));
  losses.sort((a, b) => a.unrealised.cmp(b.unrealised));
  return losses[0]?.leg;
}

/** The venue takes hold of a position: its orders go, its status shows it, and later it is gone. */
function begin(venue: Venue, leg: Leg, status: 'Liq' | 'Adl', adlSize: string, delayMs: number): void {
  if (status === 'Liq') {
    clearStops(venue, leg, '');
    for (const order of venue.store.orders.group(leg.symbol)) {
      if (order.positionIdx !== leg.positionIdx) continue;
      venue.finishOrder({ ...order, status: 'Cancelled', cancelType: 'CancelAllBeforeLiq' });
    }
  }
  const stops = status === 'Liq' ? { stopLossId: '', takeProfitId: '', trailingId: '', partialIds: [] } : {};
  venue.setLeg({
    ...leg,
    ...stops,
    status,
    adlSize,
    endsAtMs: venue.elapsedMs + delayMs,
    updatedTime: venue.timeMs,
    seq: venue.nextSeq(),
  });
}

/** Deleverages a position by `size` after the delay. */
export function startDeleveraging(venue: Venue, leg: Leg, size: string, delayMs: number): void {
  begin(venue, leg, 'Adl', size, delayMs);
  if (delayMs === 0) takeOver(venue, venue.leg(leg.symbol, leg.positionIdx));
}

/** Takes a position whose time has come. */
export function takeOver(venue: Venue, leg: Leg): void {
  if (leg.side === '' || leg.status === 'Normal') return;
  const adl = leg.status === 'Adl';
  const isolated = venue.account.marginMode === 'ISOLATED_MARGIN';
  const price = !adl && isolated ? bankruptcyPrice(venue, leg) : venue.price(leg.symbol).mark;
  const qty = adl && amount(leg.adlSize).lt(leg.size) ? leg.adlSize : leg.size;
  const order = takeOverOrder(venue, leg, qty, price, adl);
  const filled = bookFill(venue, order, {
    qty,
    price,
    execType: adl ? 'AdlTrade' : 'BustTrade',
    isMaker: false,
  });
  venue.store.closedOrders.set(order.orderId, { ...filled, status: 'Filled' });
  const after = venue.leg(leg.symbol, leg.positionIdx);
  if (after.side !== '') venue.setLeg({ ...after, status: 'Normal', endsAtMs: 0, adlSize: '' });
}

function takeOverOrder(venue: Venue, leg: Leg, qty: string, price: string, adl: boolean): Order {
  return {
    orderId: venue.nextOrderId(),
    orderLinkId: '',
    symbol: leg.symbol,
    positionIdx: leg.positionIdx,
    side: leg.side === 'Buy' ? 'Sell' : 'Buy',
    orderType: 'Limit',
    timeInForce: 'IOC',
    price: text(amount(price)),
    qty,
    cumExecQty: '0',
    cumExecValue: '0',
    cumExecFee: '0',
    status: 'New',
    cancelType: 'UNKNOWN',
    rejectReason: 'EC_NoError',
    createType: adl ? 'CreateByAdl_PassThrough' : 'CreateByTakeOver_PassThrough',
    stopOrderType: '',
    tpslMode: '',
    triggerPrice: '',
    triggerBy: '',
    triggerDirection: 0,
    reduceOnly: true,
    closeOnTrigger: false,
    trailing: null,
    attached: null,
    lastPriceOnCreated: venue.price(leg.symbol).last,
    fillAtMs: -1,
    partsLeft: 0,
    by: 'venue',
    createdTime: venue.timeMs,
    updatedTime: venue.timeMs,
  };
}
