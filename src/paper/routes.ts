/** The calls that the paper exchange answers: path, who may, how often, and the rule behind it. */
import { accountInfo, coinInfo, queryApi, setMarginMode, walletBalance } from './account-calls.ts';
import { instrumentsInfo, kline, marketTime, priceLimit, tickers } from './market-calls.ts';
import { cancelOrder, createOrder } from './order-calls.ts';
import { executionList, openOrders, orderHistory } from './order-lists.ts';
import { closedPnl, positionList, setLeverage, switchMode } from './position-calls.ts';
import type { Parameters } from './request.ts';
import type { Row } from './rows.ts';
import { tradingStop } from './trading-stop.ts';
import type { Venue } from './venue.ts';
import type { Views } from './views.ts';

export interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** `public`: unsigned. `read`: any key. Otherwise the permission that a writing key needs. */
  readonly access: 'public' | 'read' | 'Order' | 'Position';
  /** Requests in a rolling second; 0 where only the limit by address holds. */
  readonly perSecond: number;
  /** Some answers say `success` or nothing where others say `OK`. */
  readonly successText: string;
  readonly perform: (venue: Venue, parameters: Parameters, views: Views) => Row;
}

type Details = readonly [perSecond: number, perform: Route['perform'], successText?: string];

function get(
  path: string,
  access: 'public' | 'read',
  [perSecond, perform, successText = 'OK']: Details,
): Route {
  return { method: 'GET', path, access, perSecond, perform, successText };
}

function post(
  path: string,
  access: 'Order' | 'Position',
  [perSecond, perform, successText = 'OK']: Details,
): Route {
  return { method: 'POST', path, access, perSecond, perform, successText };
}

const all: readonly Route[] = [
  get('/v5/market/time', 'public', [0, (venue) => marketTime(venue)]),
  get('/v5/market/instruments-info', 'public', [0, instrumentsInfo]),
  get('/v5/market/tickers', 'public', [0, tickers]),
  get('/v5/market/kline', 'public', [0, (venue, parameters) => kline(venue, parameters, 'last')]),
  get('/v5/market/mark-price-kline', 'public', [0, (venue, parameters) => kline(venue, parameters, 'mark')]),
  get('/v5/market/price-limit', 'public', [0, priceLimit, '']),
  get('/v5/user/query-api', 'read', [10, (venue) => queryApi(venue), '']),
  get('/v5/account/info', 'read', [50, (venue) => accountInfo(venue)]),
  get('/v5/account/wallet-balance', 'read', [
    50,
    (venue, parameters, views) => walletBalance(venue, views, parameters),
  ]),
  get('/v5/account/instruments-info', 'read', [10, instrumentsInfo]),
  get('/v5/asset/coin/query-info', 'read', [5, (_, parameters) => coinInfo(parameters), '']),
  get('/v5/position/list', 'read', [
    50,
    (venue, parameters, views) => positionList(venue, views, parameters),
  ]),
  get('/v5/position/closed-pnl', 'read', [50, closedPnl]),
  get('/v5/order/realtime', 'read', [50, openOrders]),
  get('/v5/order/history', 'read', [50, orderHistory]),
  get('/v5/execution/list', 'read', [50, executionList]),
  post('/v5/position/trading-stop', 'Position', [10, tradingStop]),
  post('/v5/position/switch-mode', 'Position', [10, switchMode]),
  post('/v5/position/set-leverage', 'Position', [10, setLeverage]),
  post('/v5/account/set-margin-mode', 'Position', [5, setMarginMode, 'Request accepted']),
  post('/v5/order/create', 'Order', [10, createOrder]),
  post('/v5/order/cancel', 'Order', [10, cancelOrder]),
];

const byCall = new Map(all.map((route) => [`${route.method} ${route.path}`, route]));

/** The route of a call, if there is one. */
export function routeOf(method: string, path: string): Route | undefined {
  return byCall.get(`${method} ${path}`);
}
