/**
 * What Stopkeeper claims (ended guards, reports, what guards say of their legs) held against the venue's own log (I2, I4, I5, I7):
 * each check answers with the claims that the log does not bear out.
 */
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import type { GuardStatus } from '../../src/domain/board.ts';
import type { SessionReport } from '../../src/domain/report.ts';
import { openThroughout, stopsBetween, type Life } from './venue-log.ts';

/** A proof is a read; between its answer and the time that we write down lies at most a slow answer, ms. */
const PROOF_SLACK_MS = 12_000;
/** A guard ends after reads that showed its leg flat, and after looking for the closing record for at most a minute, ms. */
const ENDING_SLACK_MS = 75_000;

interface LegId {
  readonly symbol: string;
  readonly positionIdx: number;
}

export function legOfGuard(workflowId: string): LegId {
  const [, , symbol = '', side] = workflowId.split(':');
  return { symbol, positionIdx: side === 'long' ? 1 : side === 'short' ? 2 : 0 };
}

export async function listed(client: Client, type: string): Promise<WorkflowExecutionInfo[]> {
  const found: WorkflowExecutionInfo[] = [];
  for await (const one of client.workflow.list({ query: `WorkflowType="${type}"` })) found.push(one);
  return found;
}

export interface Circumstances {
  /** How long before a guard's end its reads may have been: longer where an outage lay between, ms. */
  readonly endingSlackMs?: (closedAt: number) => number;
  /** Times at which the venue itself answered with what was no longer so: nobody can tell then. */
  readonly venueLied?: (at: number) => boolean;
}

/** Guards that completed as closed although their position was open all the while. */
export async function endedOverOpenPositions(
  client: Client,
  lives: readonly Life[],
  { endingSlackMs = () => ENDING_SLACK_MS }: Circumstances = {},
): Promise<string[]> {
  const ended = (await listed(client, 'guardPosition')).filter(({ status }) => status.name === 'COMPLETED');
  const wrong = await Promise.all(
    ended.map(async ({ workflowId, runId, closeTime, startTime }) => {
      const result = (await client.workflow.getHandle(workflowId, runId).result()) as { ended: string };
      const at = closeTime?.getTime() ?? 0;
      const from = Math.max(at - endingSlackMs(at), startTime.getTime());
      const over = result.ended === 'closed' && openThroughout(lives, legOfGuard(workflowId), from, at);
      return over ? [`${workflowId} at ${new Date(at).toISOString()}`] : [];
    }),
  );
  return wrong.flat();
}

export async function falseReports(
  client: Client,
  lives: readonly Life[],
  { venueLied = () => false }: Circumstances = {},
): Promise<string[]> {
  const done = (await listed(client, 'startSession')).filter(({ status }) => status.name === 'COMPLETED');
  const found = await Promise.all(
    done.map(async ({ workflowId, runId, startTime, closeTime }) => {
      const handle = client.workflow.getHandle(workflowId, runId);
      const report = (await handle.result()) as SessionReport;
      const to = closeTime?.getTime() ?? Date.now();
      const claims = falseClaims(report, lives, { from: startTime.getTime(), to, venueLied });
      return claims.map((claim) => `${workflowId}: ${claim}`);
    }),
  );
  return found.flat();
}

interface SessionTimes {
  /** Start and end of the session, ms. */
  readonly from: number;
  readonly to: number;
  readonly venueLied: (at: number) => boolean;
}

/** Claims of a report that the venue's log does not bear out. */
function falseClaims(
  report: SessionReport,
  lives: readonly Life[],
  { from, to, venueLied }: SessionTimes,
): string[] {
  const unproven = report.positions.flatMap(({ symbol, positionIdx, stop, provenAt, state }) => {
    if (provenAt === null || stop === null) return state === 'PROTECTED' ? [`${symbol} without proof`] : [];
    const at = Date.parse(provenAt);
    return venueLied(at) || shown(lives, { symbol, positionIdx: positionIdx ?? 0 }, stop, at)
      ? []
      : [`${symbol} stop ${stop} proven at ${provenAt}`];
  });
  const named = new Set(report.positions.map(({ symbol, positionIdx }) => `${symbol}:${positionIdx ?? 0}`));
  const read = !report.criteria.some(({ id }) => id === 'positions-read');
  const missing = lives
    .filter((life) => life.from < from && (life.to === null || life.to > to))
    .map(({ symbol, positionIdx }) => `${symbol}:${positionIdx}`)
    .filter((key) => read && !named.has(key));
  const claimed = report.status !== 'FAILED' && report.positions.some(({ provenAt }) => provenAt === null);
  return [
    ...unproven,
    ...missing.map((key) => `${key} was open and is not named`),
    ...(claimed ? [`${report.status} with a position that is not proven`] : []),
  ];
}

/** Whether this stop rested on the leg at a time that a proof at `at` can mean, ms. */
export function shown(lives: readonly Life[], leg: LegId, stop: string, at: number): boolean {
  return stopsBetween(lives, leg, at - PROOF_SLACK_MS, at + 5).some((one) => Number(one) === Number(stop));
}

/** What running guards say of their legs now. */
export async function falseStatuses(client: Client, lives: readonly Life[]): Promise<string[]> {
  const running = (await listed(client, 'guardPosition')).filter(({ status }) => status.name === 'RUNNING');
  const found = await Promise.all(
    running.map(async ({ workflowId }) => {
      const status = await statusOf(client, workflowId);
      if (status?.state !== 'PROTECTED' || status.stop === null || status.provenAt === null) return [];
      const leg = legOfGuard(workflowId);
      const borneOut = shown(lives, leg, status.stop, Date.parse(status.provenAt));
      return borneOut ? [] : [`${workflowId} ${status.stop} at ${status.provenAt}`];
    }),
  );
  return found.flat();
}

/** A guard's own view; `null` while it has none to give. */
export async function statusOf(client: Client, workflowId: string): Promise<GuardStatus | null> {
  try {
    return await client.workflow.getHandle(workflowId).query<GuardStatus>('status');
  } catch {
    return null;
  }
}
