/** What a position makes now, what it would make if its stop fired, and what is at risk: the money beside each leg. */
import { zero, cents, dec, max, percentOf } from './decimal.ts';
import type { Dec } from './decimal.ts';
import { sign } from './position.ts';
import type { Side } from './position.ts';

export interface ExposedPosition {
  readonly side: Side;
  /** Base coin. */
  readonly size: string;
  readonly entryPrice: string;
  /** `null` in portfolio margin: percentages are then of price alone. */
  readonly leverage: string | null;
}

export interface Exposure {
  readonly pnlUsd: string;
  /** Price % × leverage, as traders read it. */
  readonly pnlPct: string;
  /** `null` without a stop. */
  readonly pnlAtStopUsd: string | null;
  readonly pnlAtStopPct: string | null;
  /** `max(0, −pnlAtStopUsd)`; `null` without a stop, when the risk has no bound. */
  readonly atRiskUsd: string | null;
  /** Said beside the percentages where they lack the leverage. */
  readonly note: string | null;
}

export const PORTFOLIO_NOTE = 'portfolio margin: PnL % is of price, without leverage';

/**
 * Profit in the quote coin if the position closed at `price`, fees apart, rounded down to the cent.
 * Example: long 0.01 at 43462.5, price 44000 → `"5.37"`.
 */
export function pnlUsd(position: ExposedPosition, price: string): string {
  return cents(move(position, price).times(dec(position.size)));
}

/**
 * Price % × leverage with two decimals; without leverage (portfolio margin) the price % alone.
 * Example: long at 100, leverage 10, price 101 → `"10"`.
 */
export function pnlPct(position: ExposedPosition, price: string): string {
  return percentOf(move(position, price).times(dec(position.leverage ?? '1')), position.entryPrice);
}

/** All figures of one leg at its mark price and, where one rests, at its stop. Prices must be decimal strings above zero. */
export function exposureOf(position: ExposedPosition, markPrice: string, stop: string | null): Exposure {
  const atStop = stop === null ? null : pnlUsd(position, stop);
  return {
    pnlUsd: pnlUsd(position, markPrice),
    pnlPct: pnlPct(position, markPrice),
    pnlAtStopUsd: atStop,
    pnlAtStopPct: stop === null ? null : pnlPct(position, stop),
    atRiskUsd: atStop === null ? null : cents(max(zero(), dec(atStop).times(-1))),
    note: position.leverage === null ? PORTFOLIO_NOTE : null,
  };
}

/** Price distance in the position's favour. */
function move(position: ExposedPosition, price: string): Dec {
  return dec(price).minus(dec(position.entryPrice)).times(sign(position.side));
}
