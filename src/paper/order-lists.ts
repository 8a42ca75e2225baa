/** Signed calls that list orders and executions: open, closed, filled. */
import { isZero } from './decimals.ts';
import { limitOf, pageOf } from './pages.ts';
import { windowOf } from './position-calls.ts';
import type { Order } from './records.ts';
import { badParameter, integerOf, oneOf, requireLinear, textOf, type Parameters } from './request.ts';
import { executionRow, orderRow, type Row } from './rows.ts';
import type { Venue } from './venue.ts';

const openStatuses: ReadonlySet<Order['status']> = new Set([
  'New',
  'PartiallyFilled',
  'Untriggered',
  'Triggered',
]);
/** Orders that never filled are shown as history for a day. */
const unfilledKeptMs = 86_400_000;

/** GET /v5/order/realtime: open orders, or the latest closed ones. */
export function openOrders(venue: Venue, parameters: Parameters): Row {
  requireLinear(parameters);
  const byId = idFilter(venue, parameters);
  const closedToo = integerOf(parameters, 'openOnly') === 1;
  if (
    byId === undefined &&
    !['symbol', 'baseCoin', 'settleCoin'].some((name) => textOf(parameters, name) !== '')
  ) {
    throw badParameter('symbol, baseCoin or settleCoin is required');
  }
  const open = [...venue.store.orders.values()].filter((order) => openStatuses.has(order.status));
  const closed = byId !== undefined || closedToo ? [...venue.store.closedOrders.values()].slice(-500) : [];
  const orders = byId !== undefined ? [...closed, ...open] : closedToo ? closed : open;
  return orderPage(venue, parameters, orders.filter(byId ?? matching(venue, parameters)));
}

/** GET /v5/order/history: closed orders; what never filled is shown for a day only. */
export function orderHistory(venue: Venue, parameters: Parameters): Row {
  requireLinear(parameters);
  const byId = idFilter(venue, parameters);
  const { fromMs, toMs } = windowOf(venue, parameters);
  const found = [...venue.store.closedOrders.values()].filter(
    (order) =>
      (byId ?? matching(venue, parameters))(order) &&
      (byId !== undefined || (order.createdTime >= fromMs && order.createdTime <= toMs)) &&
      (!isZero(order.cumExecQty) || order.updatedTime > venue.timeMs - unfilledKeptMs),
  );
  return orderPage(venue, parameters, found);
}

function idFilter(venue: Venue, parameters: Parameters): ((order: Order) => boolean) | undefined {
  const id = textOf(parameters, 'orderId');
  const linkId = textOf(parameters, 'orderLinkId');
  if (id === '' && linkId === '') return undefined;
  const wanted = id === '' ? venue.store.linkIds.get(linkId) : id;
  return (order) => order.orderId === wanted;
}

function matching(venue: Venue, parameters: Parameters): (order: Order) => boolean {
  const symbol = textOf(parameters, 'symbol');
  const baseCoin = textOf(parameters, 'baseCoin');
  const settleCoin = textOf(parameters, 'settleCoin');
  const filter = oneOf(parameters, 'orderFilter', ['Order', 'StopOrder']);
  const status = textOf(parameters, 'orderStatus');
  return (order) => {
    const contract = venue.contract(order.symbol);
    const stops = order.stopOrderType !== '';
    return (
      (symbol === '' || order.symbol === symbol) &&
      (baseCoin === '' || contract.baseCoin === baseCoin) &&
      (settleCoin === '' || contract.settleCoin === settleCoin) &&
      (filter === '' || stops === (filter === 'StopOrder')) &&
      (status === '' || order.status === status)
    );
  };
}

function orderPage(venue: Venue, parameters: Parameters, oldestFirst: readonly Order[]): Row {
  const limit = limitOf(parameters, 20, 50);
  const page = pageOf(oldestFirst.toReversed(), parameters, limit, (order) => order.orderId);
  return {
    list: page.rows.map((order) => orderRow(venue, order)),
    nextPageCursor: page.nextPageCursor,
    category: 'linear',
  };
}

/** GET /v5/execution/list: newest first; with an order's id nothing else is looked at. */
export function executionList(venue: Venue, parameters: Parameters): Row {
  requireLinear(parameters);
  const limit = limitOf(parameters, 50, 100);
  const id = textOf(parameters, 'orderId');
  const linkId = textOf(parameters, 'orderLinkId');
  const byId = id !== '' || linkId !== '';
  const symbol = textOf(parameters, 'symbol');
  const settleCoin = textOf(parameters, 'settleCoin');
  const execType = textOf(parameters, 'execType');
  const window = windowOf(venue, parameters);
  const found = [...venue.store.executions.values()].filter((execution) =>
    byId
      ? execution.orderId === id || (id === '' && execution.orderLinkId === linkId)
      : (symbol === '' || execution.symbol === symbol) &&
        (settleCoin === '' || venue.contract(execution.symbol).settleCoin === settleCoin) &&
        (execType === '' || execution.execType === execType) &&
        execution.execTime >= window.fromMs &&
        execution.execTime <= window.toMs,
  );
  const page = pageOf(found.reverse(), parameters, limit, (execution) => execution.execId);
  return {
    list: page.rows.map((row) => executionRow(venue, row)),
    nextPageCursor: page.nextPageCursor,
    category: 'linear',
  };
}
