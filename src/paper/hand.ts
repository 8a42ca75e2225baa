/** A human's hand on the account: opens, changes and closes positions and stops at once, past signatures and limits. */
import { z } from 'zod';
import { amount, compare, isMultiple, minus, text } from './decimals.ts';
import type { Engine } from './engine.ts';
import type { Instrument } from './instruments.ts';
import { touchPrice } from './orders.ts';
import { cancelStop, closingSide, fullStopOf, setFullStop } from './position-stops.ts';
import { switchSymbol } from './position-calls.ts';
import {
  positionIdx,
  positionMode,
  positiveDecimal,
  priceOrNone,
  side,
  symbolName,
  triggerBy,
} from './scenario.ts';
import { Refusal, type Leg, type Order, type Side, type TriggerBy } from './records.ts';
import { bookFill } from './trades.ts';
import { priceBy } from './triggers.ts';
import type { Venue } from './venue.ts';

/** Control input that cannot be carried out; nothing was changed. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('; '));
    this.problems = problems;
  }
}

const where = { symbol: symbolName, positionIdx: positionIdx.optional() };
const stops = { stopLoss: priceOrNone.optional(), triggerBy: triggerBy.optional() };

export const handSchema = z.discriminatedUnion(
  'action',
  [
    z.strictObject({
      ...where,
      ...stops,
      action: z.literal('open'),
      side,
      size: positiveDecimal,
      price: positiveDecimal.optional(),
      leverage: positiveDecimal.optional(),
    }),
    z.strictObject({
      ...where,
      action: z.literal('add'),
      size: positiveDecimal,
      price: positiveDecimal.optional(),
    }),
    z.strictObject({
      ...where,
      action: z.literal('reduce'),
      size: positiveDecimal,
      price: positiveDecimal.optional(),
    }),
    z.strictObject({ ...where, action: z.literal('close'), price: positiveDecimal.optional() }),
    z.strictObject({
      ...where,
      action: z.literal('flip'),
      size: positiveDecimal.optional(),
      price: positiveDecimal.optional(),
    }),
    z.strictObject({
      ...where,
      action: z.literal('stop'),
      stopLoss: priceOrNone,
      triggerBy: triggerBy.optional(),
    }),
    z.strictObject({ symbol: symbolName, action: z.literal('mode'), mode: positionMode }),
  ],
  { error: 'expected one of open, add, reduce, close, flip, stop, mode' },
);

export type HandAction = z.infer<typeof handSchema>;

/** Carries out a human's action; throws `ControlError` and then has changed nothing. */
export function lendHand(engine: Engine, action: HandAction): void {
  const { venue } = engine;
  engine.act(() => {
    const contract = venue.instrument(action.symbol);
    if (contract === undefined) throw new ControlError([`symbol: unknown symbol ${action.symbol}`]);
    if (action.action === 'mode') {
      switchedMode(venue, action.symbol, action.mode);
      return;
    }
    const leg = namedLeg(venue, action);
    perform(venue, contract, leg, action);
    // A position opened against the market, or with margin that is not there, is dealt with now.
    engine.setPrices(new Map());
  });
}

function switchedMode(venue: Venue, symbol: string, mode: 'one-way' | 'hedge'): void {
  try {
    switchSymbol(venue, symbol, mode);
  } catch (error) {
    if (error instanceof Refusal) throw new ControlError([`mode: ${error.message}`]);
    throw error;
  }
}

type LegAction = Exclude<HandAction, { readonly action: 'mode' }>;

/** The leg that is meant: named, or the only one that fits. */
function namedLeg(venue: Venue, action: LegAction): Leg {
  const legs = venue.legsOf(action.symbol);
  if (action.positionIdx !== undefined) {
    const leg = legs.find((entry) => entry.positionIdx === action.positionIdx);
    if (leg !== undefined) return leg;
    const { mode } = venue.settings(action.symbol);
    throw new ControlError([
      `positionIdx: ${action.symbol} is in ${mode} mode, where ${action.positionIdx} is not a leg`,
    ]);
  }
  if (action.action === 'open') {
    const wanted = legs.length === 1 ? 0 : action.side === 'Buy' ? 1 : 2;
    return venue.leg(action.symbol, wanted);
  }
  const held = legs.filter((leg) => leg.side !== '');
  const only = held.length === 1 ? held[0] : legs.length === 1 ? legs[0] : undefined;
  if (only === undefined) throw new ControlError([`positionIdx: say which leg of ${action.symbol}, 1 or 2`]);
  return only;
}

function perform(venue: Venue, contract: Instrument, leg: Leg, action: LegAction): void {
  if (action.action === 'open') {
    open(venue, contract, leg, action);
    return;
  }
  if (leg.side === '') throw new ControlError([`${action.symbol}: no position on leg ${leg.positionIdx}`]);
  switch (action.action) {
    case 'add':
      trade(venue, contract, leg, leg.side, action.size, action.price);
      return;
    case 'reduce':
      if (compare(action.size, leg.size) >= 0) {
        throw new ControlError([
          `size: ${action.size} is not below the position's size ${leg.size}; use "close"`,
        ]);
      }
      trade(venue, contract, leg, closingSide(leg.side), action.size, action.price);
      return;
    case 'close':
      trade(venue, contract, leg, closingSide(leg.side), leg.size, action.price);
      return;
    case 'flip':
      if (leg.positionIdx !== 0)
        throw new ControlError([`action: a hedged leg of ${leg.symbol} cannot flip`]);
      trade(
        venue,
        contract,
        leg,
        closingSide(leg.side),
        text(amount(leg.size).plus(action.size ?? leg.size)),
        action.price,
      );
      return;
    case 'stop':
      moveStop(venue, contract, leg, action.stopLoss, action.triggerBy);
      return;
  }
}

function open(
  venue: Venue,
  contract: Instrument,
  leg: Leg,
  action: Extract<HandAction, { readonly action: 'open' }>,
): void {
  const problems: string[] = [];
  if (leg.side !== '')
    problems.push(`action: ${leg.symbol} already has a position on leg ${leg.positionIdx}; use "add"`);
  if ((leg.positionIdx === 1 && action.side === 'Sell') || (leg.positionIdx === 2 && action.side === 'Buy')) {
    problems.push(`side: leg ${leg.positionIdx} cannot be ${action.side}`);
  }
  const leverage = action.leverage ?? leg.leverage;
  if (compare(leverage, '1') < 0 || compare(leverage, contract.maxLeverage) > 0) {
    problems.push(`leverage: ${leverage} is outside 1 to ${contract.maxLeverage}`);
  }
  if (problems.length > 0) throw new ControlError(problems);
  venue.setLeg({ ...leg, leverage });
  trade(venue, contract, leg, action.side, action.size, action.price);
  if (action.stopLoss !== undefined && action.stopLoss !== '') {
    moveStop(venue, contract, venue.leg(leg.symbol, leg.positionIdx), action.stopLoss, action.triggerBy);
  }
}

function trade(
  venue: Venue,
  contract: Instrument,
  leg: Leg,
  side: Side,
  size: string,
  price: string | undefined,
): void {
  const problems: string[] = [];
  if (!isMultiple(size, contract.qtyStep))
    problems.push(`size: ${size} is not a multiple of qtyStep ${contract.qtyStep}`);
  if (price !== undefined && !isMultiple(price, contract.tickSize)) {
    problems.push(`price: ${price} is not a multiple of tickSize ${contract.tickSize}`);
  }
  if (leg.status !== 'Normal') problems.push(`${leg.symbol}: the position is being taken (${leg.status})`);
  if (problems.length > 0) throw new ControlError(problems);
  const order = handOrder(venue, leg, side, text(amount(size)), price ?? touchPrice(venue, leg.symbol, side));
  const filled = bookFill(venue, order, {
    qty: order.qty,
    price: order.price,
    execType: 'Trade',
    isMaker: false,
  });
  venue.store.closedOrders.set(order.orderId, { ...filled, status: 'Filled' });
}

/** The order that a person's click on the web page makes. */
function handOrder(venue: Venue, leg: Leg, side: Side, qty: string, price: string): Order {
  const closes = leg.side !== '' && leg.side !== side && compare(qty, leg.size) <= 0;
  return {
    orderId: venue.nextOrderId(),
    orderLinkId: '',
    symbol: leg.symbol,
    positionIdx: leg.positionIdx,
    side,
    orderType: 'Market',
    timeInForce: 'IOC',
    price,
    qty,
    cumExecQty: '0',
    cumExecValue: '0',
    cumExecFee: '0',
    status: 'New',
    cancelType: 'UNKNOWN',
    rejectReason: 'EC_NoError',
    createType: closes ? 'CreateByClosing' : 'CreateByUser',
    stopOrderType: '',
    tpslMode: '',
    triggerPrice: '',
    triggerBy: '',
    triggerDirection: 0,
    reduceOnly: closes,
    closeOnTrigger: false,
    trailing: null,
    attached: null,
    lastPriceOnCreated: venue.price(leg.symbol).last,
    fillAtMs: -1,
    partsLeft: 0,
    by: 'human',
    createdTime: venue.timeMs,
    updatedTime: venue.timeMs,
  };
}

function moveStop(
  venue: Venue,
  contract: Instrument,
  leg: Leg,
  price: string,
  triggerBy: TriggerBy | undefined,
): void {
  const resting = fullStopOf(venue, leg, 'StopLoss');
  if (price === '') {
    if (resting === undefined) throw new ControlError([`stopLoss: ${leg.symbol} has no stop to cancel`]);
    cancelStop(venue, leg, resting, 'human');
    return;
  }
  const by = triggerBy ?? resting?.triggerBy ?? 'LastPrice';
  const type: TriggerBy = by === '' ? 'LastPrice' : by;
  const base = priceBy(venue.price(leg.symbol), type);
  const problems: string[] = [];
  if (!isMultiple(price, contract.tickSize))
    problems.push(`stopLoss: ${price} is not a multiple of tickSize ${contract.tickSize}`);
  if (compare(price, base) !== (leg.side === 'Buy' ? -1 : 1)) {
    problems.push(
      `stopLoss: ${price} is on the wrong side of the ${type} ${base} (by ${minus(price, base)})`,
    );
  }
  if (problems.length > 0) throw new ControlError(problems);
  setFullStop(venue, leg, 'StopLoss', { price: text(amount(price)), triggerBy: type, by: 'human' });
}
