/** The venue in the product's words: what activities may ask of it, and how its failures look (DESIGN §10). */
import type { FailureInfo, WriteOutcome } from '../domain/failure.ts';
import type {
  Leg,
  MarginMode,
  OpenPosition,
  PositionIdx,
  Side,
  StopOrder,
  TriggerBy,
} from '../domain/position.ts';

export type VenueName = 'paper' | 'bybit-demo' | 'bybit-testnet' | 'bybit-mainnet';

/** A failed call as an exception; `info` is safe to show and to store (I9). */
export class VenueError extends Error {
  readonly info: FailureInfo;

  constructor(info: FailureInfo, options?: { cause?: unknown }) {
    super(info.message, options);
    this.name = 'VenueError';
    this.info = info;
  }
}

/** A write whose turn came so late that the read behind it is old: it was not sent; read, decide and ask again (I1). */
export class TurnPassed extends VenueError {
  /** Keeps the sender's place when it asks again: `setStop`'s `waitingSince`. */
  readonly waitingSince: number;

  constructor(waitedMs: number, waitingSince: number) {
    super({
      type: 'VenueRateLimited',
      code: null,
      message: `waited ${Math.round(waitedMs)} ms for its turn to write; not sent, because the read behind it is too old`,
      hint: 'Many stops are being written at once; the position is read again before its next turn.',
    });
    this.name = 'TurnPassed';
    this.waitingSince = waitingSince;
  }
}

/** A row of a list that is open or may be open but cannot be trusted; it is named, never dropped (I7). */
export interface UnreadableRow {
  readonly symbol: string;
  readonly positionIdx: PositionIdx | null;
  readonly size: string | null;
  readonly reason: string;
}

/** One complete read of every open linear position: all pages, both settle coins, or no snapshot at all. */
export interface AccountSnapshot {
  /** Ordered within this process: a snapshot with a larger number began later. */
  readonly seq: number;
  /** When the first request was sent, ms of this machine's clock. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** Oldest envelope time among the pages, ms of the venue's clock. */
  readonly venueTime: number;
  /** Venue clock minus this machine's clock, ms, as last measured; `null` before the first measurement. */
  readonly clockOffsetMs: number | null;
  readonly marginMode: MarginMode | null;
  readonly positions: readonly OpenPosition[];
  readonly unreadable: readonly UnreadableRow[];
  readonly requests: number;
}

/** The rows of one symbol, asked for by symbol: shown whether or not a position exists. */
export interface SymbolRead {
  readonly startedAt: number;
  readonly venueTime: number;
  readonly positions: readonly OpenPosition[];
  /** Legs of valid rows with size 0. */
  readonly flat: readonly Leg[];
  readonly unreadable: readonly UnreadableRow[];
}

export interface Instrument {
  readonly symbol: string;
  readonly status: string;
  readonly contractType: string;
  readonly settleCoin: string;
  readonly tickSize: string;
  readonly qtyStep: string;
  readonly minOrderQty: string;
  readonly maxMktOrderQty: string;
  readonly minPrice: string;
  readonly maxPrice: string;
}

export interface StopRequest extends Leg {
  readonly stopLoss: string;
  readonly triggerBy: TriggerBy;
}

/** Order of the write lane, most urgent first (DESIGN §3). */
export type WriteUrgency = 'no-stop' | 'loosened' | 'tighten' | 'rewrite';

export interface KeyInfo {
  readonly readOnly: boolean;
  readonly permissions: Readonly<Record<string, readonly string[]>>;
  readonly ips: readonly string[];
  /** ISO 8601; `null` when the key does not expire. */
  readonly expiresAt: string | null;
  readonly unified: boolean;
}

export interface AccountInfo {
  readonly marginMode: MarginMode;
  readonly unifiedMarginStatus: number;
}

/** ccxt's balance shape, built from the raw answer; what the balance chain of DESIGN §6 reads. */
export interface BalanceShape {
  readonly info: unknown;
  readonly [currencyOrField: string]: unknown;
}

export interface ClockReading {
  /** Venue clock minus this machine's clock, ms: negative when this machine is fast. */
  readonly offsetMs: number;
  readonly roundTripMs: number;
}

export interface Candle {
  /** Start, ms. */
  readonly startAt: number;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
}

export interface Execution {
  readonly symbol: string;
  readonly side: 'Buy' | 'Sell';
  readonly orderId: string;
  readonly orderLinkId: string;
  readonly execId: string;
  readonly price: string;
  readonly qty: string;
  readonly fee: string | null;
  readonly execType: string;
  readonly createType: string | null;
  readonly stopOrderType: string | null;
  readonly closedSize: string | null;
  /** ms */
  readonly at: number;
}

export interface ClosedPnl {
  readonly symbol: string;
  readonly orderId: string;
  /** Side of the closing order. */
  readonly side: 'Buy' | 'Sell';
  readonly closedSize: string;
  readonly avgEntryPrice: string;
  readonly avgExitPrice: string;
  readonly pnl: string;
  readonly execType: string;
  /** ms */
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface CloseRequest extends Leg {
  /** Side of the position as the venue shows it; the order takes the opposite one (I10). */
  readonly positionSide: Side;
  readonly size: string;
  /** At most 36 characters of `[A-Za-z0-9-_]`, unique for ever: the idempotency key. */
  readonly orderLinkId: string;
}

export interface OrderView {
  readonly orderId: string;
  readonly orderLinkId: string;
  readonly status: string;
  readonly cumExecQty: string;
  readonly avgPrice: string | null;
}

export interface ReadOptions {
  /** Begun after this call, never shared with an earlier reader; needed for proof and confirmation. */
  readonly fresh?: boolean;
  /** Begun at most so long before this call, ms; a fresh one where there is none so young. */
  readonly youngerThanMs?: number;
}

/**
 * One account on one venue. Every method throws `VenueError`; a write that may have been executed never throws but answers
 * `unknown` (I3). Lists are complete or the call fails (I4).
 */
export interface VenuePort {
  readonly account: string;
  readonly venue: VenueName;

  /** Every open linear position, USDT and USDC settled; shared among callers (DESIGN §3, "reads in a check"). */
  snapshot(options?: ReadOptions): Promise<AccountSnapshot>;
  readSymbol(symbol: string): Promise<SymbolRead>;
  /** Last traded price; shared among callers like a snapshot. */
  lastPrice(symbol: string, options?: ReadOptions): Promise<string>;
  /** From the cache of instruments; asks the venue by symbol and status where the cache lacks it. */
  instrument(symbol: string): Promise<Instrument>;
  /** Reads the instruments again before the next use: after a refusal by price. */
  refreshInstruments(): void;
  stopOrders(options?: ReadOptions): Promise<readonly StopOrder[]>;

  /**
   * Throws `TurnPassed` where the request would have gone out over 2.5 s after this call: limits, pauses and the clock's
   * measurement included. `waitingSince`, from an earlier `TurnPassed`, keeps the place in the queue.
   */
  setStop(request: StopRequest, urgency: WriteUrgency, waitingSince?: number): Promise<WriteOutcome>;
  /** Reduce-only and close-on-trigger market order; asynchronous at the venue: only a read says that it is done. */
  closePosition(request: CloseRequest): Promise<WriteOutcome>;
  orderByLinkId(symbol: string, orderLinkId: string): Promise<OrderView | null>;

  wallet(): Promise<BalanceShape>;
  /** As read at most 10 s ago. */
  accountInfo(): Promise<AccountInfo>;
  keyInfo(): Promise<KeyInfo>;
  clock(): Promise<ClockReading>;
  /** Positions of categories that Stopkeeper does not guard (inverse, option), where the key may read them. */
  notCovered(): Promise<readonly { category: string; symbol: string; size: string; reason: string }[]>;

  candles(
    symbol: string,
    interval: '1' | '60',
    price: 'mark' | 'last',
    limit: number,
    startAt?: number,
  ): Promise<readonly Candle[]>;
  executions(symbol: string, since: number): Promise<readonly Execution[]>;
  closedPnl(symbol: string, since: number): Promise<readonly ClosedPnl[]>;

  /** Requests sent, by path, since the port was made. */
  requestCounts(): Readonly<Record<string, number>>;
  close(): void;
}
