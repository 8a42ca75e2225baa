/** What the venue's record of requests shows: reads of a leg, and that nothing but stops and reduce-only closes was ever sent (I6, I10). */
import type { PaperRequest } from '../../test/support/paper-control.ts';

interface LegId {
  readonly symbol: string;
  readonly positionIdx: number;
}

const LIST = '/v5/position/list';
export const STOP = '/v5/position/trading-stop';
const ORDER = '/v5/order/create';
/** The fields of a full stop; a take profit, a size or another order's price is none of them. */
const STOP_FIELDS = new Set(['category', 'symbol', 'positionIdx', 'tpslMode', 'stopLoss', 'slTriggerBy']);

export function sameLeg(a: LegId, b: LegId): boolean {
  return a.symbol === b.symbol && a.positionIdx === b.positionIdx;
}

/** Reads of the position list that cover the leg's settle coin or name its symbol. */
export function readsOf(requests: readonly PaperRequest[], { symbol }: LegId): readonly PaperRequest[] {
  const coin = symbol.endsWith('PERP') ? 'USDC' : 'USDT';
  return requests.filter(
    ({ path, parameters }) =>
      path === LIST && (parameters['symbol'] === symbol || parameters['settleCoin'] === coin),
  );
}

/** Requests that changed something, or tried to, and were neither a full stop nor a close that can only reduce. */
export function touchedElse(requests: readonly PaperRequest[]): readonly string[] {
  return requests.flatMap(({ method, path, parameters, time }) => {
    if (method === 'GET') return [];
    const why =
      path === STOP
        ? stopProblem(parameters)
        : path === ORDER
          ? orderProblem(parameters)
          : 'not ours to send';
    return why === null
      ? []
      : [`${new Date(time).toISOString()} ${path} ${JSON.stringify(parameters)}: ${why}`];
  });
}

function stopProblem(parameters: PaperRequest['parameters']): string | null {
  const more = Object.keys(parameters).filter((name) => !STOP_FIELDS.has(name));
  if (more.length > 0) return `more than a stop: ${more.join(', ')}`;
  if (parameters['tpslMode'] !== 'Full') return 'not the full stop';
  return Number(parameters['stopLoss']) > 0 ? null : 'takes the stop away';
}

function orderProblem(parameters: PaperRequest['parameters']): string | null {
  return parameters['reduceOnly'] === true ? null : 'an order that is not reduce-only';
}
