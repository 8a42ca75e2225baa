/** Which guards run: by visibility, or by a description of each where few are asked about or the server cannot list (docs/temporal.md §7). */
import {
  isGrpcServiceError,
  ServiceError,
  WorkflowNotFoundError,
  type WorkflowClient,
} from '@temporalio/client';
import { guardId } from './domain/names.ts';
import { pooled } from './domain/pool.ts';
import { legKey, type Leg } from './domain/position.ts';

const GRPC_UNIMPLEMENTED = 12;
const DESCRIBED_AT_ONCE = 20;
/** Up to so many legs are cheaper to describe than a list, and descriptions are exact where visibility lags. */
const DESCRIBE_UP_TO = 25;
/** A thousand rows cost the server as much as a hundred checks: in between only those that ended are listed. */
const LIST_EVERY_MS = 60_000;
/** Visibility may lag, and the server's clock differ from ours, by this, ms. */
const OVERLAP_MS = 60_000;
/** A run that continued as new is not among them. */
const ENDED = '"Completed", "Failed", "Canceled", "Terminated", "TimedOut"';

interface Client {
  readonly workflow: Pick<WorkflowClient, 'list' | 'getHandle'>;
}

/** What the last rounds showed of an account. */
interface Seen {
  readonly running: ReadonlySet<string>;
  readonly listedAt: number;
  readonly askedAt: number;
}

/**
 * Keys (`legKey`) of those legs of `among` whose guard is running on `account`. A guard that ended shows at once, one whose records somebody
 * deleted within a minute where more than 25 legs are asked about.
 */
export function createRunningGuards(
  client: Client,
  now: () => number = Date.now,
): (account: string, among: readonly Leg[]) => Promise<ReadonlySet<string>> {
  const memory = new Map<string, Seen>();
  return async (account, among) => {
    if (among.length <= DESCRIBE_UP_TO) return described(client, account, among);
    const askedAt = now();
    try {
      const seen = memory.get(account);
      const followed =
        seen !== undefined && askedAt - seen.listedAt < LIST_EVERY_MS
          ? await withoutEnded(client, account, among, seen)
          : null;
      const next = followed ?? {
        running: await listed(client, account, among),
        listedAt: askedAt,
      };
      memory.set(account, { ...next, askedAt });
      return next.running;
    } catch (error) {
      const cause = error instanceof ServiceError ? error.cause : error;
      if (!isGrpcServiceError(cause) || cause.code !== GRPC_UNIMPLEMENTED) throw error;
      return described(client, account, among);
    }
  };
}

/** Those that ran before and have not ended since, and of the others those that a description shows running; `null` where a list is cheaper. */
async function withoutEnded(
  client: Client,
  account: string,
  among: readonly Leg[],
  { running, listedAt, askedAt }: Seen,
): Promise<Omit<Seen, 'askedAt'> | null> {
  const since = new Date(askedAt - OVERLAP_MS).toISOString();
  const ended = await idsOf(client, account, `ExecutionStatus IN (${ENDED}) AND CloseTime >= "${since}"`);
  const isSure = (leg: Leg): boolean => running.has(legKey(leg)) && !ended.has(guardId(account, leg));
  const doubtful = among.filter((leg) => !isSure(leg));
  if (doubtful.length > DESCRIBE_UP_TO) return null;
  const found = await described(client, account, doubtful);
  return { running: new Set([...among.filter(isSure).map(legKey), ...found]), listedAt };
}

async function listed(client: Client, account: string, among: readonly Leg[]): Promise<ReadonlySet<string>> {
  const ids = await idsOf(client, account, 'ExecutionStatus="Running"');
  return new Set(among.filter((leg) => ids.has(guardId(account, leg))).map(legKey));
}

async function idsOf(client: Client, account: string, condition: string): Promise<ReadonlySet<string>> {
  const query = `WorkflowType="guardPosition" AND WorkflowId STARTS_WITH "guard:${account}:" AND ${condition}`;
  const ids = new Set<string>();
  for await (const execution of client.workflow.list({ query, pageSize: 1_000 }))
    ids.add(execution.workflowId);
  return ids;
}

async function described(
  client: Client,
  account: string,
  among: readonly Leg[],
): Promise<ReadonlySet<string>> {
  const running = new Set<string>();
  await pooled(among, DESCRIBED_AT_ONCE, async (leg) => {
    try {
      const { status } = await client.workflow.getHandle(guardId(account, leg)).describe();
      if (status.name === 'RUNNING') running.add(legKey(leg));
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  });
  return running;
}
