/** What a complete read of the venue says about one leg, in the product's own words (I4, I8). */

export type Side = 'long' | 'short';

/** 0 one-way, 1 the long leg and 2 the short leg of a symbol in hedge mode. */
export type PositionIdx = 0 | 1 | 2;

export type MarginMode = 'ISOLATED_MARGIN' | 'REGULAR_MARGIN' | 'PORTFOLIO_MARGIN';

/** Price that triggers a stop, in the venue's spelling. */
export type TriggerBy = 'MarkPrice' | 'LastPrice' | 'IndexPrice';

export interface Leg {
  readonly symbol: string;
  readonly positionIdx: PositionIdx;
}

/** One row of the venue's position list with size; every price is a positive decimal string, `null` means "none". */
export interface OpenPosition extends Leg {
  readonly side: Side;
  /** Base coin, > 0. */
  readonly size: string;
  /** Average entry, quote coin. */
  readonly entryPrice: string;
  readonly markPrice: string;
  /** `null` in portfolio margin. */
  readonly leverage: string | null;
  /** `null` when the venue shows none in the instrument's range. */
  readonly liqPrice: string | null;
  /** The venue's full-position stop; `null` when none rests. */
  readonly stopLoss: string | null;
  readonly takeProfit: string | null;
  /** Distance of a native trailing stop, quote coin; `null` when none rests. */
  readonly nativeTrailing: string | null;
  readonly status: 'Normal' | 'Liq' | 'Adl';
  readonly unrealisedPnl: string | null;
  /** Initial margin in the settle coin; `null` in portfolio margin. */
  readonly positionIM: string | null;
  /** When the current position opened, ms; `null` where the venue does not say. */
  readonly openTime: number | null;
  /** Last change of the row, ms, funding included; `null` where the venue does not say. */
  readonly updatedTime: number | null;
}

/** A resting stop order that the position list cannot show in full (trigger type, partial stops). */
export interface StopOrder extends Leg {
  readonly orderId: string;
  readonly kind: 'full' | 'partial' | 'trailing';
  readonly triggerPrice: string | null;
  readonly triggerBy: TriggerBy | null;
  readonly qty: string;
}

/**
 * One leg as one read shows it. `flat` says by itself only that a complete list lacked the leg (`confirmed: false`) or
 * that a valid row of that very symbol had size 0 (`confirmed: true`). All times are ms of the reader's clock.
 */
export type Observation =
  | {
      readonly kind: 'open';
      readonly position: OpenPosition;
      /** Price of the policy's trigger type: what the stop is judged against. */
      readonly price: string;
      readonly tickSize: string;
      readonly marginMode: MarginMode | null;
      readonly readAt: number;
      /** Legs open on the account, where there are more than a few (`checksInRun`). */
      readonly openLegs?: number;
      /** Full stop order of this leg where it was read: `null` none rests, `undefined` not read this time. */
      readonly stopOrder?: StopOrder | null;
      /** Quantity that partial stops of others cover, base coin; absent when not read. */
      readonly partialStopQty?: string;
      /** Price of the resting stop's own trigger type, read when the stop looks passed; absent otherwise. */
      readonly stopOrderPrice?: string;
      /** ATR(14, 1 h) in % of price where the policy has bands; `null` when no candles were to be had. */
      readonly atrPct?: string | null;
      /** Best price of the 1-minute candles that began after the last check, after a gap in checking. */
      readonly candleBest?: string;
      /** Whether the executions since the known opening passed through size 0; read only when `openTime` moved. */
      readonly passedThroughZero?: boolean;
    }
  | { readonly kind: 'flat'; readonly confirmed: boolean; readonly readAt: number }
  | {
      readonly kind: 'unreadable';
      /** One of the venue failure types of DESIGN §4, or why the row cannot be used. */
      readonly problem: string;
      readonly reason: string;
      readonly readAt: number;
    };

export type OpenObservation = Extract<Observation, { kind: 'open' }>;

/** `"BTCUSDT:0"`: a leg as a map key. */
export function legKey(leg: Leg): string {
  return `${leg.symbol}:${leg.positionIdx}`;
}

export function sign(side: Side): 1 | -1 {
  return side === 'long' ? 1 : -1;
}
