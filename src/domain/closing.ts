/** Why and how an episode ended, from the venue's own records (DESIGN §4): the closing report and the flat-in-between test. */
import { dec, plain, zero } from './decimal.ts';
import type { Episode } from './guard-state.ts';
import { sign, type PositionIdx, type Side } from './position.ts';

/** The fields of an execution that explain a closing; sides are the venue's. */
export interface ClosingExecution {
  readonly side: 'Buy' | 'Sell';
  readonly orderLinkId: string;
  readonly price: string;
  readonly qty: string;
  readonly execType: string;
  readonly createType: string | null;
  readonly stopOrderType: string | null;
  /** How much of it closed a position, base coin; `null` or absent where the venue does not say. */
  readonly closedSize?: string | null;
  /** ms */
  readonly at: number;
}

/** The fields of a closed-PnL row; `side` is that of the closing order. */
export interface ClosingPnl {
  readonly side: 'Buy' | 'Sell';
  readonly pnl: string;
  /** ms */
  readonly updatedAt: number;
}

export type CloseReason =
  | 'stop-loss'
  | 'trailing-stop'
  | 'take-profit'
  | 'manual'
  | 'stopkeeper'
  | 'liquidation'
  | 'adl'
  | 'settlement'
  | 'unexplained';

export interface ClosingReport {
  readonly reason: CloseReason;
  readonly episode: string | null;
  readonly side: Side | null;
  readonly size: string | null;
  readonly entryPrice: string | null;
  /** Average price of the closing fills; `null` when no record was found. */
  readonly exitPrice: string | null;
  /** Realised PnL of the closing orders, settle coin, fees included; `null` when no record was found. */
  readonly pnl: string | null;
  /** Last proven stop. */
  readonly stop: string | null;
  /** Exit against the stop, quote coin, positive = worse than the stop; only for stops. */
  readonly slippage: string | null;
  /** Time of the last closing fill, ms; `null` when no record was found. */
  readonly closedAt: number | null;
  readonly unprotectedSeconds: string;
}

/** Order of the rows: the first that fits names the reason (docs/bybit.md §7, `execType` and `createType`). */
const REASONS: readonly { readonly test: RegExp; readonly reason: CloseReason }[] = [
  { test: /BustTrade|CreateByLiq|TakeOver/, reason: 'liquidation' },
  { test: /Adl/, reason: 'adl' },
  { test: /StopLoss/, reason: 'stop-loss' },
  { test: /Trailing/, reason: 'trailing-stop' },
  { test: /TakeProfit/, reason: 'take-profit' },
  { test: /Delivery|Settle/, reason: 'settlement' },
  { test: /CreateByUser|CreateByClosing|CreateByAdminClosing/, reason: 'manual' },
];

function reasonOf(execution: ClosingExecution, episode: Episode): CloseReason {
  if (execution.orderLinkId.startsWith('sk-')) return 'stopkeeper';
  const words = `${execution.execType} ${execution.createType ?? ''} ${execution.stopOrderType ?? ''}`;
  const reason = REASONS.find(({ test }) => test.test(words))?.reason ?? 'manual';
  // The venue knows a stop that we trailed as a plain full stop.
  const trailed = episode.floor?.kind === 'trailing' && !words.includes('Partial');
  return reason === 'stop-loss' && trailed ? 'trailing-stop' : reason;
}

/** In hedge mode the opening fills of the opposite leg have the side of this one's closing: what they closed tells them apart. */
function closes(executions: readonly ClosingExecution[]): (fill: ClosingExecution) => boolean {
  const closed = ({ closedSize }: ClosingExecution): boolean => closedSize != null && dec(closedSize).gt(0);
  return executions.some(closed) ? closed : () => true;
}

const closingSide = (side: Side): 'Buy' | 'Sell' => (side === 'long' ? 'Sell' : 'Buy');

/**
 * When the position after this one opened, ms: somebody may open and close others before a guard that cannot read looks again. Walks the
 * fills from the opening until size 0; `null` when none followed, or when the venue does not say what each fill closed.
 */
function nextOpenedAt(episode: Episode, executions: readonly ClosingExecution[]): number | null {
  const trades = executions.filter(({ execType }) => execType !== 'Funding').sort((a, b) => a.at - b.at);
  if (episode.openTime === null || trades.some(({ closedSize }) => closedSize == null)) return null;
  const closing = closingSide(episode.side);
  let size = zero();
  for (const [index, { side, qty, closedSize }] of trades.entries()) {
    const before = size;
    const after = side === closing ? size.minus(closedSize ?? '0') : size.plus(qty).minus(closedSize ?? '0');
    if (before.gt(0) && after.eq(0)) return trades[index + 1]?.at ?? null;
    // What closed before anything was open belongs to the position before.
    size = after.lt(0) ? zero() : after;
  }
  return null;
}

/**
 * Builds the report of an episode that is proven flat; `null` when the venue shows no closing fill yet.
 * Only fills of this position count; the newest one names the reason.
 */
export function closingReport(
  episode: Episode,
  executions: readonly ClosingExecution[],
  rows: readonly ClosingPnl[],
  unprotectedMs: number,
): ClosingReport | null {
  const side = closingSide(episode.side);
  const since = Math.min(episode.openTime ?? episode.adoptedAt, episode.adoptedAt);
  const next = nextOpenedAt(episode, executions) ?? Number.POSITIVE_INFINITY;
  const own = executions.filter(
    ({ side: of, at, execType }) => of === side && at >= since && at < next && execType !== 'Funding',
  );
  const fills = own.filter(closes(own)).sort((a, b) => b.at - a.at);
  const last = fills[0];
  if (last === undefined) return null;
  const reason = reasonOf(last, episode);
  const same = fills.filter((fill) => reasonOf(fill, episode) === reason);
  const qty = same.reduce((sum, fill) => sum.plus(fill.qty), zero());
  const value = same.reduce((sum, fill) => sum.plus(dec(fill.price).times(fill.qty)), zero());
  const exit = qty.eq(0) ? dec(last.price) : value.div(qty);
  const stop = episode.floor?.stop ?? null;
  const stopped = reason === 'stop-loss' || reason === 'trailing-stop';
  const pnl = rows.filter((row) => row.side === side && row.updatedAt >= since && row.updatedAt < next);
  return {
    reason,
    episode: episode.id,
    side: episode.side,
    size: episode.size,
    entryPrice: episode.entryPrice,
    exitPrice: plain(exit.round(12)),
    pnl: pnl.length === 0 ? null : plain(pnl.reduce((sum, row) => sum.plus(row.pnl), zero())),
    stop,
    slippage:
      stop === null || !stopped ? null : plain(dec(stop).minus(exit).times(sign(episode.side)).round(12)),
    closedAt: last.at,
    unprotectedSeconds: seconds(unprotectedMs),
  };
}

/** The report of a leg that is proven flat although no closing record was found. */
export function unexplained(episode: Episode | null, unprotectedMs: number): ClosingReport {
  return {
    reason: 'unexplained',
    episode: episode?.id ?? null,
    side: episode?.side ?? null,
    size: episode?.size ?? null,
    entryPrice: episode?.entryPrice ?? null,
    exitPrice: null,
    pnl: null,
    stop: episode?.floor?.stop ?? null,
    slippage: null,
    closedAt: null,
    unprotectedSeconds: seconds(unprotectedMs),
  };
}

/** Milliseconds as seconds with one decimal: 1250 → `"1.3"`. */
export function seconds(ms: number): string {
  return (Math.round(ms / 100) / 10).toFixed(1);
}

/**
 * Whether the position passed through size 0 within `executions` (those since the known opening), walking back from
 * the size of now: true when the size before some fill was 0 or on the other side. Of a leg in hedge mode (`positionIdx`
 * 1 or 2) only its own fills count: those that opened toward its side, and those that closed from it.
 */
export function passedThroughZero(
  side: Side,
  size: string,
  executions: readonly Pick<ClosingExecution, 'side' | 'qty' | 'at' | 'execType' | 'closedSize'>[],
  positionIdx: PositionIdx = 0,
): boolean {
  let net = dec(size).times(sign(side));
  const own = (fill: (typeof executions)[number]): boolean =>
    positionIdx === 0 || (fill.side === closingSide(side)) === dec(fill.closedSize ?? '0').gt(0);
  const trades = executions
    .filter((fill) => fill.execType !== 'Funding' && own(fill))
    .sort((a, b) => b.at - a.at);
  return trades.slice(0, -1).some((fill) => {
    net = fill.side === 'Buy' ? net.minus(fill.qty) : net.plus(fill.qty);
    return net.times(sign(side)).lte(0);
  });
}
