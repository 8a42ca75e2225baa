/** POST /v5/position/trading-stop by the venue's rules: what is refused, what changes nothing, what is set. */
import { amount, compare, decimalsOf, isMultiple, isUnset, isZero, text } from './decimals.ts';
import type { Instrument } from './instruments.ts';
import { addPartialStop, cancelStop, fullStopOf, setFullStop, setTrailingStop } from './position-stops.ts';
import { Refusal, type Actor, type Leg, type PositionIdx, type TriggerBy } from './records.ts';
import {
  badParameter,
  decimalOf,
  oneOf,
  positionIdxOf,
  requireLinear,
  textOf,
  triggerByOf,
  type Parameters,
} from './request.ts';
import { priceBy } from './triggers.ts';
import type { Venue } from './venue.ts';

const mostPartialStops = 20;

const notModified = (): Refusal => new Refusal(34040, 'not modified');

/** What a call asks for, each `""` when it was left out and `"0"` to cancel. */
interface Asked {
  readonly mode: 'Full' | 'Partial';
  readonly stopLoss: string;
  readonly takeProfit: string;
  readonly trailingStop: string;
  readonly activePrice: string;
  readonly slTriggerBy: TriggerBy | '';
  readonly tpTriggerBy: TriggerBy | '';
  readonly slSize: string;
  readonly tpSize: string;
  readonly slLimitPrice: string;
  readonly tpLimitPrice: string;
}

/** Performs the call; throws `Refusal`. */
export function tradingStop(venue: Venue, parameters: Parameters): Record<string, never> {
  requireLinear(parameters);
  const symbol = textOf(parameters, 'symbol');
  const contract = venue.instrument(symbol);
  if (contract === undefined) throw new Refusal(10001, 'Not supported symbols');
  if (contract.status === 'PreLaunch')
    throw new Refusal(110099, 'Take profit and stop loss are not allowed during the auction');
  if (contract.status === 'Closed') throw new Refusal(110074, 'This contract is not live');
  const leg = legInMode(venue, symbol, positionIdxOf(parameters));
  const asked = askedOf(parameters);
  if (leg.side === '') throw new Refusal(10001, 'can not set tp/sl/ts for zero position');
  if (leg.status !== 'Normal') throw new Refusal(110005, 'position status error');
  for (const price of [asked.stopLoss, asked.takeProfit, asked.trailingStop, asked.activePrice]) {
    if (!isUnset(price) && !isMultiple(price, contract.tickSize))
      throw badParameter('price is not a multiple of tick size');
  }
  checkSides(venue, leg, asked, contract);
  if (asked.mode === 'Partial') addPartial(venue, leg, asked, contract);
  else setFull(venue, leg, asked);
  return {};
}

/** The leg that an index names; the index must fit the mode of the symbol. */
export function legInMode(venue: Venue, symbol: string, idx: PositionIdx | undefined): Leg {
  const hedge = venue.settings(symbol).mode === 'hedge';
  if (hedge !== (idx === 1 || idx === 2)) throw new Refusal(10001, 'position idx not match position mode');
  return venue.leg(symbol, idx ?? 0);
}

function askedOf(parameters: Parameters): Asked {
  // `tpSlMode` and other spellings are unknown names and as such ignored: without the mode it is Full.
  const mode = oneOf(parameters, 'tpslMode', ['Full', 'Partial']) || 'Full';
  for (const [side, name] of [
    ['sl', 'slOrderType'],
    ['tp', 'tpOrderType'],
  ] as const) {
    const type = oneOf(parameters, name, ['Market', 'Limit']);
    if (type === 'Limit' && mode === 'Full')
      throw new Refusal(10001, `${name} only support Market when tpSlMode is Full`);
    if (type === 'Limit' && isUnset(decimalOf(parameters, `${side}LimitPrice`))) {
      throw new Refusal(10001, `${side}LimitPrice is required when ${name} is limit`);
    }
  }
  return {
    mode,
    stopLoss: decimalOf(parameters, 'stopLoss'),
    takeProfit: decimalOf(parameters, 'takeProfit'),
    trailingStop: decimalOf(parameters, 'trailingStop'),
    activePrice: decimalOf(parameters, 'activePrice'),
    slTriggerBy: triggerByOf(parameters, 'slTriggerBy'),
    tpTriggerBy: triggerByOf(parameters, 'tpTriggerBy'),
    slSize: decimalOf(parameters, 'slSize'),
    tpSize: decimalOf(parameters, 'tpSize'),
    slLimitPrice: parameters['slOrderType'] === 'Limit' ? decimalOf(parameters, 'slLimitPrice') : '',
    tpLimitPrice: parameters['tpOrderType'] === 'Limit' ? decimalOf(parameters, 'tpLimitPrice') : '',
  };
}

function checkSides(venue: Venue, leg: Leg, asked: Asked, contract: Instrument): void {
  const price = venue.price(leg.symbol);
  const resting = (type: 'StopLoss' | 'TakeProfit'): TriggerBy =>
    fullStopOf(venue, leg, type)?.triggerBy || 'LastPrice';
  const partial = asked.mode === 'Partial' ? 'Partial' : '';
  if (!isUnset(asked.stopLoss)) {
    const by = asked.slTriggerBy || resting('StopLoss');
    refuseCrossed(`${partial}StopLoss`, leg, asked.stopLoss, priceBy(price, by), by, contract);
  }
  if (!isUnset(asked.takeProfit)) {
    const by = asked.tpTriggerBy || resting('TakeProfit');
    refuseCrossed(`${partial}TakeProfit`, leg, asked.takeProfit, priceBy(price, by), by, contract);
  }
  if (isUnset(asked.activePrice)) return;
  const ahead = leg.side === 'Buy' ? 1 : -1;
  if (compare(asked.activePrice, price.last) !== ahead) {
    const word = leg.side === 'Buy' ? 'greater' : 'less';
    throw new Refusal(
      10001,
      `TrailingProfit:${scaled(asked.activePrice, contract)} set for ${leg.side} position should be ${word} than last_price:${scaled(price.last, contract)}`,
    );
  }
}

/** Throws where a stop is at or beyond the price that triggers it, in the venue's words with its scaled integers. */
export function refuseCrossed(
  name: string,
  leg: Pick<Leg, 'side'>,
  price: string,
  base: string,
  triggerBy: TriggerBy,
  contract: Instrument,
): void {
  const isStop = name.endsWith('StopLoss') || name === 'sl';
  const below = (leg.side === 'Buy') === isStop;
  if (compare(price, base) === (below ? -1 : 1)) return;
  const stopWords = below ? 'should lower than' : 'should greater';
  const profitWords = below ? 'should be lower than' : 'should be higher than';
  throw new Refusal(
    10001,
    `${name}:${scaled(price, contract)} set for ${leg.side} position ${isStop ? stopWords : profitWords} base_price:${scaled(base, contract)}??${triggerBy}`,
  );
}

/** Integers of price × 10^4, × 10^8 for contracts with small prices: only their ratio means anything. */
export function scaled(price: string, contract: Instrument): string {
  const factor = decimalsOf(contract.tickSize) > 4 ? '100000000' : '10000';
  return text(amount(price).times(factor).round(0, 0));
}

function setFull(venue: Venue, leg: Leg, asked: Asked): void {
  const by: Actor = 'api';
  let next = setSide(venue, leg, 'StopLoss', asked.stopLoss, asked.slTriggerBy, by);
  next = setSide(venue, next, 'TakeProfit', asked.takeProfit, asked.tpTriggerBy, by);
  next = setTrailing(venue, next, asked, by);
  // Also when nothing was asked for: the code has both meanings.
  if (next === leg) throw notModified();
}

function setSide(
  venue: Venue,
  leg: Leg,
  type: 'StopLoss' | 'TakeProfit',
  price: string,
  triggerBy: TriggerBy | '',
  by: Actor,
): Leg {
  if (price === '') return leg;
  const resting = fullStopOf(venue, leg, type);
  if (isZero(price)) return resting === undefined ? leg : cancelStop(venue, leg, resting, by);
  const wanted = triggerBy || resting?.triggerBy || 'LastPrice';
  if (resting !== undefined && compare(resting.triggerPrice, price) === 0) {
    const other = resting.triggerBy !== wanted;
    if (!other || venue.setup.scenario.quirks.triggerTypeAlone === 'unchanged') return leg;
  }
  return setFullStop(venue, leg, type, { price: text(amount(price)), triggerBy: wanted, by });
}

function setTrailing(venue: Venue, leg: Leg, asked: Asked, by: Actor): Leg {
  if (asked.trailingStop === '') return leg;
  const resting = leg.trailingId === '' ? undefined : venue.order(leg.trailingId);
  if (isZero(asked.trailingStop)) return resting === undefined ? leg : cancelStop(venue, leg, resting, by);
  if (compare(asked.trailingStop, venue.price(leg.symbol).last) >= 0)
    throw badParameter('trailingStop invalid');
  const same =
    resting?.trailing != null &&
    compare(resting.trailing.distance, asked.trailingStop) === 0 &&
    resting.trailing.activePrice === asked.activePrice;
  if (same) return leg;
  return setTrailingStop(venue, leg, { distance: asked.trailingStop, activePrice: asked.activePrice, by });
}

function addPartial(venue: Venue, leg: Leg, asked: Asked, contract: Instrument): void {
  const wanted = [
    {
      type: 'PartialStopLoss',
      price: asked.stopLoss,
      size: asked.slSize,
      triggerBy: asked.slTriggerBy,
      limitPrice: asked.slLimitPrice,
    },
    {
      type: 'PartialTakeProfit',
      price: asked.takeProfit,
      size: asked.tpSize,
      triggerBy: asked.tpTriggerBy,
      limitPrice: asked.tpLimitPrice,
    },
  ] as const;
  const given = wanted.filter(({ price }) => !isUnset(price));
  // Partial stops can neither be changed nor taken away by this call.
  if (given.length === 0) throw notModified();
  if (given.length === 2 && compare(asked.slSize || '0', asked.tpSize || '0') !== 0)
    throw badParameter('slSize and tpSize must be equal');
  for (const { size } of given) {
    if (isUnset(size) || !isMultiple(size, contract.qtyStep)) throw badParameter('slSize or tpSize invalid');
    if (compare(size, leg.size) > 0) throw badParameter('slSize or tpSize is larger than the position');
  }
  if (leg.partialIds.length + given.length > mostPartialStops) {
    throw new Refusal(110061, 'The number of TP/SL orders of the position exceeds 20');
  }
  let next = leg;
  for (const stop of given) {
    next = addPartialStop(venue, next, stop.type, {
      price: text(amount(stop.price)),
      triggerBy: stop.triggerBy || 'LastPrice',
      size: stop.size,
      limitPrice: stop.limitPrice,
      by: 'api',
    });
  }
}
