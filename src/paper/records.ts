/** What the paper exchange remembers: plain, immutable JSON records, replaced as a whole when something changes. */

export type Side = 'Buy' | 'Sell';
export type TriggerBy = 'LastPrice' | 'MarkPrice' | 'IndexPrice';
export type PositionIdx = 0 | 1 | 2;
export type PositionMode = 'one-way' | 'hedge';
export type MarginMode = 'REGULAR_MARGIN' | 'ISOLATED_MARGIN' | 'PORTFOLIO_MARGIN';
/** Who caused a change: a signed request, a human's hand, the scenario, or the venue itself. */
export type Actor = 'api' | 'human' | 'scenario' | 'venue';

/** One leg; it stays, flat, after its position has closed. Money in the settle coin, times in venue ms. */
export interface Leg {
  readonly symbol: string;
  readonly positionIdx: PositionIdx;
  readonly side: Side | '';
  readonly size: string;
  /** Cost of what is open, exact: size × average entry price. */
  readonly entryValue: string;
  /** Opening fees of what is open, exact; they move to the closing record in proportion. */
  readonly openFee: string;
  readonly leverage: string;
  readonly curRealisedPnl: string;
  readonly cumRealisedPnl: string;
  readonly status: 'Normal' | 'Liq' | 'Adl';
  /** Engine time at which a running liquidation or deleveraging takes the position; 0 when none runs. */
  readonly endsAtMs: number;
  /** Size that a running deleveraging takes; `""` when none runs. */
  readonly adlSize: string;
  /** Ids of the resting orders that belong to the position; `""` where there is none. */
  readonly stopLossId: string;
  readonly takeProfitId: string;
  readonly trailingId: string;
  readonly partialIds: readonly string[];
  readonly openTime: number;
  readonly createdTime: number;
  readonly updatedTime: number;
  readonly seq: number;
}

export type OrderStatus =
  | 'New'
  | 'PartiallyFilled'
  | 'Untriggered'
  | 'Triggered'
  | 'Rejected'
  | 'Filled'
  | 'Cancelled'
  | 'Deactivated';

export type StopOrderType =
  '' | 'Stop' | 'StopLoss' | 'TakeProfit' | 'TrailingStop' | 'PartialStopLoss' | 'PartialTakeProfit';

/** One order, resting or done. */
export interface Order {
  readonly orderId: string;
  readonly orderLinkId: string;
  readonly symbol: string;
  readonly positionIdx: PositionIdx;
  readonly side: Side;
  readonly orderType: 'Market' | 'Limit';
  readonly timeInForce: 'IOC' | 'GTC' | 'FOK' | 'PostOnly';
  readonly price: string;
  /** Empty for a Full stop: it follows the size of its position. */
  readonly qty: string;
  readonly cumExecQty: string;
  readonly cumExecValue: string;
  readonly cumExecFee: string;
  readonly status: OrderStatus;
  readonly cancelType: string;
  readonly rejectReason: string;
  readonly createType: string;
  readonly stopOrderType: StopOrderType;
  readonly tpslMode: '' | 'Full' | 'Partial';
  readonly triggerPrice: string;
  readonly triggerBy: TriggerBy | '';
  /** 1: triggers when the price rises to it; 2: when it falls to it; 0: not a trigger order. */
  readonly triggerDirection: 0 | 1 | 2;
  readonly reduceOnly: boolean;
  readonly closeOnTrigger: boolean;
  /** Trailing stops: the distance in price, the price at which it becomes active, and the best price since. */
  readonly trailing: {
    readonly distance: string;
    readonly activePrice: string;
    readonly best: string;
  } | null;
  /** Stops that an opening order brings with it. */
  readonly attached: AttachedStops | null;
  readonly lastPriceOnCreated: string;
  /** Elapsed engine ms at which the next part of it fills; −1 while it rests. */
  readonly fillAtMs: number;
  readonly partsLeft: number;
  readonly by: Actor;
  readonly createdTime: number;
  readonly updatedTime: number;
}

export interface AttachedStops {
  readonly stopLoss: string;
  readonly takeProfit: string;
  readonly slTriggerBy: TriggerBy;
  readonly tpTriggerBy: TriggerBy;
}

export interface Execution {
  readonly execId: string;
  readonly orderId: string;
  readonly orderLinkId: string;
  readonly symbol: string;
  readonly positionIdx: PositionIdx;
  readonly side: Side;
  readonly execPrice: string;
  readonly execQty: string;
  readonly execValue: string;
  readonly execFee: string;
  readonly feeRate: string;
  readonly feeCurrency: string;
  readonly execType: 'Trade' | 'BustTrade' | 'AdlTrade' | 'Funding';
  readonly execTime: number;
  readonly isMaker: boolean;
  readonly orderPrice: string;
  readonly orderQty: string;
  readonly leavesQty: string;
  readonly orderType: 'Market' | 'Limit' | 'UNKNOWN';
  readonly stopOrderType: StopOrderType;
  readonly createType: string;
  readonly closedSize: string;
  readonly markPrice: string;
  readonly indexPrice: string;
  readonly seq: number;
}

/** The closing record of one closing order; grows with its fills. */
export interface ClosedPnl {
  readonly orderId: string;
  readonly symbol: string;
  readonly side: Side;
  readonly qty: string;
  readonly orderPrice: string;
  readonly orderType: 'Market' | 'Limit';
  readonly execType: 'Trade' | 'BustTrade' | 'AdlTrade';
  readonly closedSize: string;
  readonly cumEntryValue: string;
  readonly cumExitValue: string;
  readonly closedPnl: string;
  readonly openFee: string;
  readonly closeFee: string;
  readonly fillCount: number;
  readonly leverage: string;
  readonly createdTime: number;
  readonly updatedTime: number;
}

/** One value that a stop of a leg had, from a point in time on; `price` `""` means that it was gone. */
export interface StopEvent {
  readonly timeMs: number;
  readonly symbol: string;
  readonly positionIdx: PositionIdx;
  readonly kind: 'stopLoss' | 'takeProfit' | 'trailingStop' | 'partialStopLoss' | 'partialTakeProfit';
  readonly price: string;
  readonly triggerBy: TriggerBy | '';
  readonly by: Actor;
  readonly reason: 'set' | 'amended' | 'ratcheted' | 'cancelled' | 'triggered' | 'cleared';
  readonly orderId: string;
  /** Mark price at that moment: whether a level had been passed. */
  readonly mark: string;
}

/** The prices of a symbol and how far its path has been walked. */
export interface PriceRecord {
  readonly symbol: string;
  readonly last: string;
  readonly mark: string;
  readonly index: string;
  /** Steps of the script or walk that have been taken. */
  readonly steps: number;
  readonly changedAtMs: number;
}

/** One candle of last and mark price, venue ms of its start. */
export interface Candle {
  readonly symbol: string;
  readonly startMs: number;
  readonly last: readonly [open: string, high: string, low: string, close: string];
  readonly mark: readonly [open: string, high: string, low: string, close: string];
}

/** Settings of a symbol on this account that outlive its positions. */
export interface SymbolSettings {
  readonly symbol: string;
  readonly mode: PositionMode;
  readonly status: string;
  /** Venue ms of the last funding that was settled. */
  readonly fundedMs: number;
}

/** One coin of the wallet. */
export interface Wallet {
  readonly coin: string;
  readonly balance: string;
  readonly cumRealisedPnl: string;
}

/** Account-wide settings and counters. */
export interface AccountRecord {
  readonly marginMode: MarginMode;
  readonly marginModeUpdatedMs: number;
  readonly clockOffsetMs: number;
  readonly startedMs: number;
  readonly orders: number;
  readonly executions: number;
  readonly seq: number;
  readonly stopEvents: number;
}

/** A request that took effect although its client never got the answer. */
export interface UnheardRecord {
  readonly timeMs: number;
  readonly method: string;
  readonly path: string;
  readonly parameters: unknown;
  readonly fault: string;
  readonly retCode: number;
}

/** A refusal in the venue's words: what the envelope will carry. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly retCode: number;
  readonly result: unknown;

  constructor(retCode: number, message: string, result: unknown = {}) {
    super(message);
    this.retCode = retCode;
    this.result = result;
  }
}
