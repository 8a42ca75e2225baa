/** The two writes that Stopkeeper ever makes: a position's full stop, and a reduce-only close (I6, I10). */
import { dec, isPositive } from '../domain/decimal.ts';
import type { WriteOutcome } from '../domain/failure.ts';
import { STOP_RANK } from './limiter.ts';
import { readAllPages } from './paging.ts';
import { parseOrder } from './parse-orders.ts';
import type { CloseRequest, Instrument, OrderView, StopRequest, WriteUrgency } from './port.ts';
import { VenueError } from './port.ts';
import type { VenueCalls } from './venue-calls.ts';

/** A stop that was decided longer ago than this is not sent: a person may have set a tighter one since (I1), ms. */
const STOP_WAITS_MS = 2_500;

/**
 * Sets the leg's full-position stop. A price that is not positive, or outside the instrument's bounds, is refused before
 * any request: `"0"` would remove the stop that rests.
 */
export async function setStop(
  calls: VenueCalls,
  instrument: Instrument | null,
  { symbol, positionIdx, stopLoss, triggerBy }: StopRequest,
  urgency: WriteUrgency,
  waitingSince?: number,
): Promise<WriteOutcome> {
  const problem = priceProblem(stopLoss, instrument);
  if (problem !== null) return refusedHere(`stop of ${symbol} not sent: ${problem}`);
  const request = {
    category: 'linear',
    symbol,
    tpslMode: 'Full',
    positionIdx,
    stopLoss,
    slTriggerBy: triggerBy,
  };
  const now = calls.mono();
  const turn = { notAfter: now + STOP_WAITS_MS, since: waitingSince ?? now };
  return calls.write('setStop', request, STOP_RANK[urgency], turn);
}

function priceProblem(price: string, instrument: Instrument | null): string | null {
  if (!isPositive(price)) return `${JSON.stringify(price)} is not a positive price`;
  if (instrument === null) return null;
  const { minPrice, maxPrice } = instrument;
  if (dec(price).lt(dec(minPrice)) || dec(price).gt(dec(maxPrice)))
    return `${price} is outside the venue's bounds ${minPrice} to ${maxPrice}`;
  return null;
}

const ORDER_LINK_ID = /^[A-Za-z0-9_-]{1,36}$/;

/** Sends the market order that closes `size` of the leg; accepted is not filled: only a read of the size says so. */
export async function closePosition(calls: VenueCalls, request: CloseRequest): Promise<WriteOutcome> {
  const { symbol, positionIdx, positionSide, size, orderLinkId } = request;
  if (!isPositive(size))
    return refusedHere(`close of ${symbol} not sent: size ${JSON.stringify(size)} is not positive`);
  if (!ORDER_LINK_ID.test(orderLinkId))
    return refusedHere(`close of ${symbol} not sent: orderLinkId must be 1 to 36 of A-Z a-z 0-9 - _`);
  const order = {
    category: 'linear',
    symbol,
    side: positionSide === 'long' ? 'Sell' : 'Buy',
    orderType: 'Market',
    qty: size,
    positionIdx,
    orderLinkId,
    reduceOnly: true,
    closeOnTrigger: true,
  };
  // An emergency close comes when stops have failed: nothing goes before it.
  const outcome = await calls.write('createOrder', order, 0);
  return outcome.kind === 'unchanged' ? earlierOrder(calls, request, outcome.message) : outcome;
}

/** Orders that took nothing, or not all, and never will. */
const ENDED_SHORT = new Set(['Rejected', 'Cancelled', 'PartiallyFilledCanceled', 'Deactivated']);

/** The venue knows this key (110072): the order of an earlier attempt, whose lost answer the order itself gives. */
async function earlierOrder(
  calls: VenueCalls,
  { symbol, orderLinkId }: CloseRequest,
  said: string,
): Promise<WriteOutcome> {
  const unclear = (message: string): WriteOutcome => ({
    kind: 'unknown',
    failure: {
      type: 'VenueUnknown',
      code: '110072',
      message,
      hint: 'Read the size: it says what is closed.',
    },
  });
  try {
    const order = await orderByLinkId(calls, symbol, orderLinkId);
    if (order === null) return unclear(`${said}; but no list shows the order ${orderLinkId} yet`);
    if (!ENDED_SHORT.has(order.status)) return { kind: 'applied' };
    const ended = `order ${orderLinkId} ended as ${order.status} with ${order.cumExecQty} filled`;
    return refusedHere(`close of ${symbol} not sent again: ${ended}; another needs a key of its own`);
  } catch (error) {
    if (!(error instanceof VenueError)) throw error;
    return unclear(`${said}; looking the order up failed: ${error.info.message}`);
  }
}

/** The order with this idempotency key, open or closed; `null` where the venue knows none. */
export async function orderByLinkId(
  calls: VenueCalls,
  symbol: string,
  orderLinkId: string,
): Promise<OrderView | null> {
  for (const list of ['openOrders', 'orderHistory'] as const) {
    const { rows } = await readAllPages(calls, list, {
      category: 'linear',
      symbol,
      orderLinkId,
      limit: 50,
    }).catch(emptyWhereUnknown);
    const found = rows.map(parseOrder).find((order) => order.orderLinkId === orderLinkId);
    if (found) return found;
  }
  return null;
}

/** 110001 is the venue's way to say that there is no such order. */
function emptyWhereUnknown(error: unknown): { readonly rows: readonly unknown[] } {
  if (error instanceof VenueError && error.info.code === '110001') return { rows: [] };
  throw error;
}

function refusedHere(message: string): WriteOutcome {
  return {
    kind: 'refused',
    failure: {
      type: 'VenueRefused',
      code: null,
      message,
      hint: 'Read the position and compute the request again; nothing was sent.',
      reason: 'other',
    },
  };
}
