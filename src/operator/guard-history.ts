/** The ended guards of an account, newest first: one bounded list from visibility, and the result of each of its runs. */
import {
  isGrpcServiceError,
  ServiceError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import {
  endedEpisode,
  legOfGuard,
  type EndedEpisode,
  type EndedGuard,
  type GuardEnding,
} from '../domain/history.ts';
import { pooled } from '../domain/pool.ts';

export interface GuardHistory {
  readonly account: string;
  /** Newest first, at most as many as were asked for. */
  readonly episodes: readonly EndedEpisode[];
  /** Guards that completed and that the server still knows, shown or not. */
  readonly known: number;
  /** Guards that were ended from outside (terminated, cancelled) or failed: their episodes have no report. */
  readonly ended: number;
  /** For how long the server keeps what has ended; `null` where it does not say. */
  readonly retentionDays: number | null;
}

const READ_AT_ONCE = 10;
const DAY_SECONDS = 86_400;

/** Reads at most `limit` ended guards; the server lists them newest first and offers no other order. */
export async function readGuardHistory(
  client: Client,
  account: string,
  limit: number,
): Promise<GuardHistory> {
  const guards = `WorkflowType="guardPosition" AND WorkflowId STARTS_WITH "guard:${account}:"`;
  const completed = `${guards} AND ExecutionStatus="Completed"`;
  const broken = `${guards} AND ExecutionStatus IN ("Failed", "Terminated", "Canceled", "TimedOut")`;
  const [found, known, ended, retentionDays] = await Promise.all([
    listed(client, completed, limit),
    client.workflow.count(completed),
    client.workflow.count(broken),
    retentionOf(client),
  ]);
  const episodes = await pooled(found, READ_AT_ONCE, (guard) => episodeOf(client, account, guard));
  return {
    account,
    episodes: episodes.filter((episode) => episode !== null),
    known: known.count,
    ended: ended.count,
    retentionDays,
  };
}

async function listed(client: Client, query: string, limit: number): Promise<readonly EndedGuard[]> {
  const found: EndedGuard[] = [];
  for await (const { workflowId, runId, closeTime } of client.workflow.list({ query, pageSize: limit })) {
    found.push({ guard: workflowId, runId, endedAt: (closeTime ?? new Date(0)).toISOString() });
    if (found.length === limit) break;
  }
  return found;
}

/** `null` where the id is not one that Stopkeeper gives its guards. */
async function episodeOf(client: Client, account: string, guard: EndedGuard): Promise<EndedEpisode | null> {
  const leg = legOfGuard(account, guard.guard);
  if (leg === null) return null;
  try {
    const handle = client.workflow.getHandle(guard.guard, guard.runId, { followRuns: false });
    const ending: unknown = await handle.result();
    return isEnding(ending)
      ? endedEpisode(leg, guard, ending)
      : endedEpisode(leg, guard, null, 'the guard left a result of another version');
  } catch (error) {
    // Retention may take a run away between the list and the look at it.
    const gone = error instanceof WorkflowNotFoundError || error instanceof ServiceError;
    if (!gone && !(error instanceof WorkflowFailedError)) throw error;
    return endedEpisode(leg, guard, null, `its result cannot be read: ${error.message}`);
  }
}

function isEnding(value: unknown): value is GuardEnding {
  if (typeof value !== 'object' || value === null || !('ended' in value)) return false;
  if (value.ended === 'released') return 'reason' in value;
  return value.ended === 'closed' && 'report' in value && typeof value.report === 'object';
}

async function retentionOf(client: Client): Promise<number | null> {
  try {
    const { namespace } = client.options;
    const { config } = await client.workflowService.describeNamespace({ namespace });
    const seconds = config?.workflowExecutionRetentionTtl?.seconds;
    return seconds == null ? null : Number(seconds) / DAY_SECONDS;
  } catch (error) {
    // A cloud's key may not describe its namespace, and its list is still worth showing.
    if (!isGrpcServiceError(error)) throw error;
    return null;
  }
}
