/** The end of a soak: nothing is broken any more, and within a deadline every open position has its stop and a guard that says so. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowExecutionInfo } from '@temporalio/client';
import type { Board, GuardStatus } from '../src/domain/board.ts';
import { guardId, watchId } from '../src/domain/names.ts';
import { pooled } from '../src/domain/pool.ts';
import type { PositionIdx } from '../src/domain/position.ts';
import { listed, statusOf } from '../test/support/claims.ts';
import type { PaperRow } from '../test/support/paper-control.ts';
import type { System } from '../test/support/system.ts';

/** The longest that anything may take once nothing is broken: an interval, an escalation, a closing record, ms. */
const SETTLED_WITHIN_MS = 180_000;
const LOOK_EVERY_MS = 5_000;
const ASKED_AT_ONCE = 10;
const ACCOUNT = 'main';

export interface Settled {
  /** `null`: it never did; `waiting` says what for. */
  readonly afterMs: number | null;
  readonly waiting: readonly string[];
  /** Guards still running, by id. */
  readonly running: readonly WorkflowExecutionInfo[];
}

function idOf({ symbol, positionIdx }: Pick<PaperRow, 'symbol' | 'positionIdx'>): string {
  return guardId(ACCOUNT, { symbol, positionIdx: positionIdx as PositionIdx });
}

/** What of a leg is not well yet; `null` when it is. */
function problemOf(row: PaperRow, status: GuardStatus | null, since: number): string | null {
  const id = idOf(row);
  if (!(Number(row.stopLoss) > 0)) return `${id}: the venue shows no stop`;
  if (status === null) return `${id}: no answer from its guard`;
  if (status.state !== 'PROTECTED') return `${id}: its guard says ${status.state}`;
  if (!(Date.parse(status.checkedAt ?? '') > since)) return `${id}: not checked since the faults ended`;
  if (!(Date.parse(status.provenAt ?? '') > since)) return `${id}: no proof since the faults ended`;
  return null;
}

async function look(
  system: System,
  since: number,
): Promise<{ waiting: string[]; running: WorkflowExecutionInfo[] }> {
  const all = await listed(system.client, 'guardPosition');
  const running = all.filter(({ status }) => status.name === 'RUNNING');
  const { positions } = await system.paper.state();
  const open = positions.filter(({ size }) => Number(size) > 0);
  const ids = new Set(open.map(idOf));
  const waiting: string[] = [];
  await pooled(open, ASKED_AT_ONCE, async (row) => {
    const problem = problemOf(row, await statusOf(system.client, idOf(row)), since);
    if (problem !== null) waiting.push(problem);
  });
  const needless = running.filter(({ workflowId }) => !ids.has(workflowId));
  const board = await system.client.workflow.getHandle(watchId(ACCOUNT)).query<Board>('board');
  const watched = new Set(board.legs.map((leg) => idOf(leg)));
  return {
    running,
    waiting: [
      ...waiting,
      ...needless.map(({ workflowId }) => `${workflowId}: still runs although its leg is flat`),
      ...[...ids].filter((id) => !watched.has(id)).map((id) => `${id}: not on the watcher's board`),
      ...(Date.parse(board.roundAt ?? '') > since
        ? []
        : ['the watcher has made no round since the faults ended']),
    ],
  };
}

export async function settling(system: System): Promise<Settled> {
  const since = Date.now();
  for (;;) {
    await sleep(LOOK_EVERY_MS);
    const { waiting, running } = await look(system, since).catch((error: unknown) => ({
      waiting: [`the system cannot be asked: ${String((error as Error).message)}`],
      running: [],
    }));
    const afterMs = Date.now() - since;
    if (waiting.length === 0) return { afterMs, waiting, running };
    if (afterMs > SETTLED_WITHIN_MS) return { afterMs: null, waiting, running };
  }
}
