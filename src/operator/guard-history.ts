/** The ended guards of an account, newest first: one bounded list from visibility, and the result of each of its runs. */
import {
  isGrpcServiceError,
  QueryNotRegisteredError,
  WorkflowFailedError,
  type Client,
} from '@temporalio/client';
import {
  earlierEpisodes,
  endedEpisode,
  legOfGuard,
  mergedEpisodes,
  type EndedEpisode,
  type EndedGuard,
  type GuardEnding,
} from '../domain/history.ts';
import type { EndedReport } from '../domain/guard-state.ts';
import { pooled } from '../domain/pool.ts';
import type { AuditReading } from '../audit/audit-reader.ts';
import { isOfServer } from '../temporal-errors.ts';
import type { AuditedEpisodes } from './audited-episodes.ts';

export interface GuardHistory {
  readonly account: string;
  /** Newest first, at most as many as were asked for. */
  readonly episodes: readonly EndedEpisode[];
  /** Episodes that are known of, shown or not. */
  readonly known: number;
  /** `null` where no audit log is configured. */
  readonly audit: AuditReading | null;
  /** Why only the audit log could be read; `null` where the server answered. */
  readonly withoutServer: string | null;
  /** Guards that were ended from outside (terminated, cancelled) or failed: their episodes have no report. */
  readonly ended: number;
  /** For how long the server keeps what has ended; `null` where it does not say. */
  readonly retentionDays: number | null;
}

const READ_AT_ONCE = 10;
/** Running guards that are asked for their earlier episodes. */
const MOST_RUNNING = 1_000;
const QUERY_DEADLINE_MS = 5_000;
const DAY_SECONDS = 86_400;

/** Reads at most `limit` ended guards; the server lists them newest first and offers no other order. */
export async function readGuardHistory(
  client: Client,
  account: string,
  limit: number,
  audited: AuditedEpisodes | null = null,
): Promise<GuardHistory> {
  const guards = `WorkflowType="guardPosition" AND WorkflowId STARTS_WITH "guard:${account}:"`;
  const completed = `${guards} AND ExecutionStatus="Completed"`;
  const broken = `${guards} AND ExecutionStatus IN ("Failed", "Terminated", "Canceled", "TimedOut")`;
  const running = `${guards} AND ExecutionStatus="Running"`;
  const [found, alive, known, ended, retentionDays] = await Promise.all([
    listed(client, completed, limit),
    listed(client, running, MOST_RUNNING),
    client.workflow.count(completed),
    client.workflow.count(broken),
    retentionOf(client),
  ]);
  const told = await pooled(found, READ_AT_ONCE, (guard) => episodesOf(client, account, guard));
  const asked = await pooled(alive, READ_AT_ONCE, (guard) => earlierOf(client, account, guard));
  const temporal = [...told.flat(), ...asked.flat()];
  const merged = mergedEpisodes(temporal, audited?.episodes ?? []);
  return {
    account,
    episodes: merged.slice(0, limit),
    // The list is bounded, the server's count is not, and the audit log may go back further than either.
    known: Math.max(known.count + temporal.length - found.length, merged.length),
    audit: audited?.reading ?? null,
    withoutServer: null,
    ended: ended.count,
    retentionDays,
  };
}

/** What the audit log alone knows, where no server is to be asked. */
export function auditHistory(
  account: string,
  limit: number,
  { episodes, reading }: AuditedEpisodes,
  why: string,
): GuardHistory {
  const merged = mergedEpisodes([], episodes);
  return {
    account,
    episodes: merged.slice(0, limit),
    known: merged.length,
    audit: reading,
    withoutServer: why,
    ended: 0,
    retentionDays: null,
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

/** The guard's last episode and those before it; none where the id is not one that Stopkeeper gives its guards. */
async function episodesOf(
  client: Client,
  account: string,
  guard: EndedGuard,
): Promise<readonly EndedEpisode[]> {
  const leg = legOfGuard(account, guard.guard);
  if (leg === null) return [];
  try {
    const handle = client.workflow.getHandle(guard.guard, guard.runId, { followRuns: false });
    const ending: unknown = await handle.result();
    return isEnding(ending)
      ? [endedEpisode(leg, guard, ending), ...earlierEpisodes(leg, guard, ending.earlier ?? [])]
      : [endedEpisode(leg, guard, null, 'the guard left a result of another version')];
  } catch (error) {
    // Retention may take a run away between the list and the look at it.
    if (!(error instanceof WorkflowFailedError) && !isOfServer(error)) throw error;
    return [endedEpisode(leg, guard, null, `its result cannot be read: ${error.message}`)];
  }
}

/** Episodes that ended under a guard that still runs; one that does not answer, or does not know the question, has none to tell. */
async function earlierOf(
  client: Client,
  account: string,
  guard: EndedGuard,
): Promise<readonly EndedEpisode[]> {
  const leg = legOfGuard(account, guard.guard);
  if (leg === null) return [];
  try {
    const handle = client.workflow.getHandle(guard.guard);
    const reports = await client.withDeadline(Date.now() + QUERY_DEADLINE_MS, () =>
      handle.query<readonly EndedReport[]>('episodes'),
    );
    return earlierEpisodes(leg, guard, reports);
  } catch (error) {
    if (!(error instanceof QueryNotRegisteredError) && !isOfServer(error)) throw error;
    return [];
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
