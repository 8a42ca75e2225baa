/** Orders, executions and closing records from the venue's rows; one bad row fails the list, for nothing may be dropped (I7). Pure. */
import type { z } from 'zod';
import type { StopOrder, TriggerBy } from '../domain/position.ts';
import type { ClosedPnl, Execution, OrderView } from './port.ts';
import { closedPnlRow, executionRow, orderRow, problemsOf, type OrderRow } from './schemas.ts';
import { unavailable } from './verdict.ts';

/** Stops of positions that rest untriggered; take profits and other conditional orders are left out. */
export function parseStopOrders(rows: readonly unknown[]): readonly StopOrder[] {
  return rows
    .map((raw) => parsed('stop order', orderRow, raw))
    .flatMap((row) => {
      const kind = stopKind(row);
      if (kind === null || row.orderStatus !== 'Untriggered') return [];
      const { orderId, symbol, positionIdx, triggerPrice, qty } = row;
      return [{ orderId, symbol, positionIdx, kind, triggerPrice, triggerBy: triggerBy(row.triggerBy), qty }];
    });
}

function stopKind(row: OrderRow): StopOrder['kind'] | null {
  switch (row.stopOrderType) {
    case 'StopLoss':
      return row.tpslMode === 'Partial' ? 'partial' : 'full';
    case 'PartialStopLoss':
      return 'partial';
    case 'TrailingStop':
      return 'trailing';
    default:
      return null;
  }
}

function triggerBy(text: string | null): TriggerBy | null {
  return text === 'MarkPrice' || text === 'LastPrice' || text === 'IndexPrice' ? text : null;
}

export function parseOrder(raw: unknown): OrderView {
  const row = parsed('order', orderRow, raw);
  return {
    orderId: row.orderId,
    orderLinkId: row.orderLinkId,
    status: row.orderStatus,
    cumExecQty: row.cumExecQty,
    avgPrice: row.avgPrice,
  };
}

/** Oldest first, each execution once. */
export function parseExecutions(rows: readonly unknown[]): readonly Execution[] {
  const byId = new Map<string, Execution>();
  for (const raw of rows) {
    const row = parsed('execution', executionRow, raw);
    byId.set(row.execId, {
      symbol: row.symbol,
      side: row.side,
      orderId: row.orderId,
      orderLinkId: row.orderLinkId,
      execId: row.execId,
      price: row.execPrice,
      qty: row.execQty,
      fee: row.execFee,
      execType: row.execType,
      createType: row.createType,
      stopOrderType: row.stopOrderType,
      closedSize: row.closedSize,
      at: row.execTime,
    });
  }
  return [...byId.values()].toSorted((a, b) => a.at - b.at);
}

/** Oldest first, each closing record once (windows may overlap at their bounds). */
export function parseClosedPnl(rows: readonly unknown[]): readonly ClosedPnl[] {
  const byRecord = new Map<string, ClosedPnl>();
  for (const raw of rows) {
    const row = parsed('closing record', closedPnlRow, raw);
    byRecord.set(`${row.orderId}:${row.createdTime}:${row.closedSize}:${row.closedPnl}`, {
      symbol: row.symbol,
      orderId: row.orderId,
      side: row.side,
      closedSize: row.closedSize,
      avgEntryPrice: row.avgEntryPrice,
      avgExitPrice: row.avgExitPrice,
      pnl: row.closedPnl,
      execType: row.execType,
      createdAt: row.createdTime,
      updatedAt: row.updatedTime,
    });
  }
  return [...byRecord.values()].toSorted((a, b) => a.updatedAt - b.updatedAt);
}

function parsed<T extends z.ZodType>(what: string, schema: T, raw: unknown): z.infer<T> {
  const result = schema.safeParse(raw);
  if (!result.success) throw unavailable(`the venue's ${what} cannot be read: ${problemsOf(result.error)}`);
  return result.data;
}
