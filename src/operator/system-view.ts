/** What a running system says of one account: the watcher's board, the ledger's dashboard, and each guard's status. */
import type { Client } from '@temporalio/client';
import type { Board, GuardStatus } from '../domain/board.ts';
import { ledgerId, watchId } from '../domain/names.ts';
import type { Dashboard } from '../domain/report.ts';

export interface SystemView {
  readonly account: string;
  /** When the questions were sent, ms. */
  readonly askedAt: number;
  readonly board: Board | null;
  readonly dashboard: Dashboard | null;
  readonly guards: readonly GuardStatus[];
  /** What did not answer, with its reason: shown, never left out (I7). */
  readonly silent: readonly { readonly workflowId: string; readonly reason: string }[];
}

/** A query waits for a worker; without one the server itself gives up only after 10 s. */
const QUERY_DEADLINE_MS = 5_000;
/** Guards asked at a time: a query may replay a history on the worker. */
const ASKED_AT_ONCE = 20;

export async function readSystemView(client: Client, account: string): Promise<SystemView> {
  const askedAt = Date.now();
  const silent: { workflowId: string; reason: string }[] = [];
  const ask = async <T>(workflowId: string, query: string): Promise<T | null> => {
    try {
      const handle = client.workflow.getHandle(workflowId);
      return await client.withDeadline(Date.now() + QUERY_DEADLINE_MS, () => handle.query<T>(query));
    } catch (error) {
      silent.push({ workflowId, reason: reasonOf(error) });
      return null;
    }
  };
  const [board, dashboard] = await Promise.all([
    ask<Board>(watchId(account), 'board'),
    ask<Dashboard>(ledgerId(account), 'summary'),
  ]);
  const ids = (board?.legs ?? []).map((leg) => leg.guard).filter((id) => id !== null);
  const guards: GuardStatus[] = [];
  for (let from = 0; from < ids.length; from += ASKED_AT_ONCE) {
    const batch = ids.slice(from, from + ASKED_AT_ONCE);
    const answers = await Promise.all(batch.map((id) => ask<GuardStatus>(id, 'status')));
    guards.push(...answers.filter((answer) => answer !== null));
  }
  return { account, askedAt, board, dashboard, guards, silent };
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text.split('\n')[0] ?? '').slice(0, 120);
}
