/** Rows of the position list → open positions, flat legs, or rows named as unreadable; never flat by mistake (I4, I7, I8). Pure. */
import type { z } from 'zod';
import { dec, isDecimalString } from '../domain/decimal.ts';
import { legKey, type Leg, type OpenPosition } from '../domain/position.ts';
import type { UnreadableRow } from './port.ts';
import { integer, isRecord } from './reply.ts';
import { legOfRow, nameOfRow, openPositionRow, problemsOf, type OpenPositionRow } from './schemas.ts';

export type PositionRow =
  | { readonly kind: 'open'; readonly position: OpenPosition }
  | { readonly kind: 'flat'; readonly leg: Leg; readonly updatedTime: number | null }
  | { readonly kind: 'unreadable'; readonly row: UnreadableRow }
  /** Not even a symbol: it could be any leg, so the list that holds it proves nothing. */
  | { readonly kind: 'nameless'; readonly reason: string };

/** `{symbol, size: "0", positionIdx}` is flat whatever else it holds; with size, entry, mark and stop must be readable. */
export function parsePositionRow(row: unknown): PositionRow {
  const name = nameOfRow.safeParse(row);
  if (!name.success) return { kind: 'nameless', reason: problemsOf(name.error) };
  const leg = legOfRow.safeParse(row);
  if (!leg.success) return unreadable(row, name.data.symbol, leg.error);
  const { symbol, positionIdx, size } = leg.data;
  if (dec(size).eq(0)) {
    const updatedTime = isRecord(row) ? integer(row['updatedTime']) : null;
    return { kind: 'flat', leg: { symbol, positionIdx }, updatedTime };
  }
  const open = openPositionRow.safeParse(row);
  if (!open.success) return unreadable(row, symbol, open.error);
  const contradiction = wrongSide(open.data);
  if (contradiction !== null)
    return { kind: 'unreadable', row: { symbol, positionIdx, size, reason: contradiction } };
  return { kind: 'open', position: toPosition(open.data) };
}

function toPosition(row: OpenPositionRow): OpenPosition {
  return {
    symbol: row.symbol,
    positionIdx: row.positionIdx,
    side: row.side === 'Buy' ? 'long' : 'short',
    size: row.size,
    entryPrice: row.avgPrice,
    markPrice: row.markPrice,
    leverage: row.leverage,
    liqPrice: row.liqPrice,
    stopLoss: row.stopLoss,
    takeProfit: row.takeProfit,
    nativeTrailing: row.trailingStop,
    // A status that is new to us is no reason to stop protecting.
    status: row.positionStatus === 'Liq' || row.positionStatus === 'Adl' ? row.positionStatus : 'Normal',
    unrealisedPnl: row.unrealisedPnl,
    positionIM: row.positionIM,
    openTime: row.openTime,
    updatedTime: row.updatedTime,
  };
}

/** In hedge mode the index names the side; a row that contradicts itself must not choose the direction of a stop (I10). */
function wrongSide({ positionIdx, side }: OpenPositionRow): string | null {
  const named = positionIdx === 1 ? 'Buy' : positionIdx === 2 ? 'Sell' : side;
  return named === side ? null : `side: "${side}" contradicts positionIdx ${positionIdx}`;
}

function unreadable(row: unknown, symbol: string, error: z.ZodError): PositionRow {
  const fields = isRecord(row) ? row : {};
  const index = integer(fields['positionIdx']);
  const size = fields['size'];
  return {
    kind: 'unreadable',
    row: {
      symbol,
      positionIdx: index === 0 || index === 1 || index === 2 ? index : null,
      size: isDecimalString(size) ? size : null,
      reason: problemsOf(error),
    },
  };
}

export interface PositionRows {
  readonly positions: readonly OpenPosition[];
  readonly flat: readonly Leg[];
  readonly unreadable: readonly UnreadableRow[];
  /** Set where the list as a whole cannot be believed. */
  readonly broken: string | null;
}

/** All rows of one list; a leg that moved between pages and so came twice counts once, as it was last. */
export function reconcilePositions(rows: readonly unknown[]): PositionRows {
  const byLeg = new Map<string, Exclude<PositionRow, { kind: 'nameless' }>>();
  const loose: UnreadableRow[] = [];
  let broken: string | null = null;
  for (const [index, raw] of rows.entries()) {
    const row = parsePositionRow(raw);
    if (row.kind === 'nameless') {
      broken ??= `row ${index}: ${row.reason}`;
      continue;
    }
    if (row.kind === 'unreadable' && row.row.positionIdx === null) {
      loose.push(row.row);
      continue;
    }
    const key = keyOf(row);
    const earlier = byLeg.get(key);
    if (earlier === undefined || !isNewer(earlier, row)) byLeg.set(key, row);
  }
  const kept = [...byLeg.values()];
  return {
    positions: kept.flatMap((row) => (row.kind === 'open' ? [row.position] : [])),
    flat: kept.flatMap((row) => (row.kind === 'flat' ? [row.leg] : [])),
    unreadable: [...kept.flatMap((row) => (row.kind === 'unreadable' ? [row.row] : [])), ...loose],
    broken,
  };
}

type NamedRow = Exclude<PositionRow, { kind: 'nameless' }>;

function keyOf(row: NamedRow): string {
  switch (row.kind) {
    case 'open':
      return legKey(row.position);
    case 'flat':
      return legKey(row.leg);
    case 'unreadable':
      return `${row.row.symbol}:${row.row.positionIdx}`;
  }
}

/** The earlier-read row is kept only where the venue's own times say that it is the newer one. */
function isNewer(earlier: NamedRow, later: NamedRow): boolean {
  const [a, b] = [updatedTime(earlier), updatedTime(later)];
  return a !== null && b !== null && a > b;
}

function updatedTime(row: NamedRow): number | null {
  switch (row.kind) {
    case 'open':
      return row.position.updatedTime;
    case 'flat':
      return row.updatedTime;
    case 'unreadable':
      return null;
  }
}
