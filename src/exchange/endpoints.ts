/** The venue's endpoints that Stopkeeper calls, each with its lane; nothing outside this table is ever requested (I6). */

export type EndpointName =
  | 'time'
  | 'instruments'
  | 'tickers'
  | 'kline'
  | 'markKline'
  | 'keyInfo'
  | 'accountInfo'
  | 'wallet'
  | 'positions'
  | 'openOrders'
  | 'orderHistory'
  | 'executions'
  | 'closedPnl'
  | 'setStop'
  | 'createOrder';

/** How much of the process-wide budget a request may use when it runs short, most important first. */
export type Importance = 'write' | 'read' | 'candle';

export interface Endpoint {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Signed with the account's key. */
  readonly signed: boolean;
  /** Endpoints of one lane share its limit. */
  readonly lane: LaneName;
  /** What the key must allow, in the venue's words. */
  readonly permission: string;
}

export type LaneName =
  'stops' | 'orders' | 'positions' | 'orderReads' | 'records' | 'account' | 'key' | 'market' | 'candles';

/** Requests per second of each lane, below what the venue allows an account (10 writes, 50 reads, 10 key reads). */
export type LaneLimits = Readonly<Record<LaneName, number>>;

export const LANE_LIMITS: LaneLimits = {
  stops: 8,
  orders: 8,
  positions: 40,
  orderReads: 40,
  records: 40,
  account: 40,
  key: 8,
  market: 10,
  candles: 5,
};

export const LANE_IMPORTANCE: Readonly<Record<LaneName, Importance>> = {
  stops: 'write',
  orders: 'write',
  positions: 'read',
  orderReads: 'read',
  records: 'read',
  account: 'read',
  key: 'read',
  market: 'read',
  candles: 'candle',
};

export const ENDPOINTS: Readonly<Record<EndpointName, Endpoint>> = {
  time: open('/v5/market/time', 'market'),
  instruments: open('/v5/market/instruments-info', 'market'),
  tickers: open('/v5/market/tickers', 'market'),
  kline: open('/v5/market/kline', 'candles'),
  markKline: open('/v5/market/mark-price-kline', 'candles'),
  keyInfo: signed('/v5/user/query-api', 'key'),
  accountInfo: signed('/v5/account/info', 'account'),
  wallet: signed('/v5/account/wallet-balance', 'account'),
  positions: signed('/v5/position/list', 'positions'),
  openOrders: signed('/v5/order/realtime', 'orderReads'),
  orderHistory: signed('/v5/order/history', 'orderReads'),
  executions: signed('/v5/execution/list', 'records'),
  closedPnl: signed('/v5/position/closed-pnl', 'records'),
  setStop: { ...signed('/v5/position/trading-stop', 'stops'), method: 'POST', permission: 'Position' },
  createOrder: { ...signed('/v5/order/create', 'orders'), method: 'POST', permission: 'Order' },
};

function open(path: string, lane: LaneName): Endpoint {
  return { method: 'GET', path, signed: false, lane, permission: 'Read' };
}

function signed(path: string, lane: LaneName): Endpoint {
  return { method: 'GET', path, signed: true, lane, permission: 'Read' };
}

/** This process's part of an account's limits, where several share it; never below one request a second. */
export function lanesOf(limits: LaneLimits, workers: number): LaneLimits {
  const part = (perSecond: number): number => Math.max(1, Math.floor(perSecond / workers));
  return {
    stops: part(limits.stops),
    orders: part(limits.orders),
    positions: part(limits.positions),
    orderReads: part(limits.orderReads),
    records: part(limits.records),
    account: part(limits.account),
    key: part(limits.key),
    market: part(limits.market),
    candles: part(limits.candles),
  };
}
