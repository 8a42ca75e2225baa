/** Margin of positions and of the account, by mark price, as a unified account reckons it. */
import { amount, compare, text, toStep, type Amount } from './decimals.ts';
import type { Leg } from './records.ts';
import type { Venue } from './venue.ts';

/** What one position ties up and has earned, in its settle coin. */
export interface LegMargin {
  /** Size at mark price. */
  readonly value: Amount;
  readonly unrealised: Amount;
  readonly initial: Amount;
  readonly maintenance: Amount;
}

/** Sums over the account in USD (a stable coin counts as one dollar), and by settle coin. */
export interface AccountMargin {
  readonly wallet: Amount;
  readonly unrealised: Amount;
  readonly initial: Amount;
  readonly maintenance: Amount;
  readonly orderInitial: Amount;
  readonly coins: ReadonlyMap<string, CoinMargin>;
}

export interface CoinMargin {
  readonly wallet: Amount;
  readonly unrealised: Amount;
  readonly initial: Amount;
  readonly maintenance: Amount;
  readonly orderInitial: Amount;
}

/** The coins that every account shows. */
export const settleCoins = ['USDT', 'USDC'] as const;

/** Sign of a position: +1 long, −1 short. */
export function signOf(leg: Leg): 1 | -1 {
  return leg.side === 'Sell' ? -1 : 1;
}

/**
 * Initial margin = size × mark ÷ leverage + the fee of closing at the bankruptcy price; maintenance margin = size × mark ×
 * rate + the same fee. The recorded row of the reference (long) is met to the last digit.
 */
export function legMargin(venue: Venue, leg: Leg): LegMargin {
  const { mark } = venue.price(leg.symbol);
  const value = amount(leg.size).times(mark);
  const sign = signOf(leg);
  const closingFee = amount(leg.entryValue)
    .times(amount('1').minus(amount(sign).div(leg.leverage)))
    .times(venue.setup.scenario.account.takerFeeRate);
  return {
    value,
    unrealised: value.minus(leg.entryValue).times(sign),
    initial: value.div(leg.leverage).plus(closingFee),
    maintenance: value.times(venue.contract(leg.symbol).maintenanceMarginRate).plus(closingFee),
  };
}

/** The account's margin as the records stand. */
export function accountMargin(venue: Venue): AccountMargin {
  const zero = amount('0');
  const coins = new Map<string, CoinMargin>();
  for (const coin of settleCoins) {
    const wallet = amount(venue.wallet(coin).balance);
    coins.set(coin, { wallet, unrealised: zero, initial: zero, maintenance: zero, orderInitial: zero });
  }
  for (const leg of venue.held()) {
    const { settleCoin } = venue.contract(leg.symbol);
    const before = coins.get(settleCoin);
    if (before === undefined) continue;
    const margin = legMargin(venue, leg);
    coins.set(settleCoin, {
      ...before,
      unrealised: before.unrealised.plus(margin.unrealised),
      initial: before.initial.plus(margin.initial),
      maintenance: before.maintenance.plus(margin.maintenance),
    });
  }
  for (const order of venue.store.orders.values()) {
    if (order.reduceOnly || order.status === 'Untriggered' || order.orderType === 'Market') continue;
    const { settleCoin } = venue.contract(order.symbol);
    const before = coins.get(settleCoin);
    if (before === undefined) continue;
    const left = amount(order.qty).minus(order.cumExecQty).times(order.price);
    const { leverage } = venue.leg(order.symbol, order.positionIdx);
    coins.set(settleCoin, { ...before, orderInitial: before.orderInitial.plus(left.div(leverage)) });
  }
  const sum = (field: keyof CoinMargin): Amount =>
    [...coins.values()].reduce((total, coin) => total.plus(coin[field]), zero);
  return {
    wallet: sum('wallet'),
    unrealised: sum('unrealised'),
    initial: sum('initial'),
    maintenance: sum('maintenance'),
    orderInitial: sum('orderInitial'),
    coins,
  };
}

/**
 * Liquidation price of a position, `""` where there is none inside the contract's price bounds. Isolated: where the
 * position's own margin is down to its maintenance. Cross: where the whole account's is, everything else standing still.
 */
export function liquidationPrice(venue: Venue, leg: Leg, account: AccountMargin): string {
  const mode = venue.account.marginMode;
  if (leg.side === '' || mode === 'PORTFOLIO_MARGIN') return '';
  const contract = venue.contract(leg.symbol);
  const sign = signOf(leg);
  const slope = amount('1').minus(amount(contract.maintenanceMarginRate).times(sign)).times(leg.size);
  const price =
    mode === 'ISOLATED_MARGIN'
      ? amount(leg.entryValue)
          .times(amount('1').minus(amount(sign).div(leg.leverage)))
          .div(slope)
      : amount(venue.price(leg.symbol).mark).minus(
          account.wallet.plus(account.unrealised).minus(account.maintenance).times(sign).div(slope),
        );
  if (price.lte(contract.minPrice) || price.gte(contract.maxPrice)) return '';
  const onTick = text(toStep(price, contract.tickSize, sign === 1 ? 'up' : 'down'));
  return compare(onTick, '0') > 0 ? onTick : '';
}

/** Price at which an isolated position's margin is gone: what the venue's takeover fills at. */
export function bankruptcyPrice(venue: Venue, leg: Leg): string {
  const { tickSize } = venue.contract(leg.symbol);
  const price = amount(leg.entryValue)
    .div(leg.size)
    .times(amount('1').minus(amount(signOf(leg)).div(leg.leverage)));
  const onTick = toStep(price, tickSize, 'nearest');
  return text(onTick.lt(tickSize) ? amount(tickSize) : onTick);
}
