/** Which guards run: one visibility query, or a description of each where the server cannot list (docs/temporal.md §7). */
import { isGrpcServiceError, ServiceError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { guardId } from './domain/names.ts';
import { pooled } from './domain/pool.ts';
import { legKey, type Leg } from './domain/position.ts';

const GRPC_UNIMPLEMENTED = 12;
const DESCRIBED_AT_ONCE = 20;
/** Up to so many legs are cheaper to describe than a list, and descriptions are exact where visibility lags. */
const DESCRIBE_UP_TO = 25;

/** Keys (`legKey`) of those legs of `among` whose guard is running on `account`. */
export function createRunningGuards(
  client: Client,
): (account: string, among: readonly Leg[]) => Promise<ReadonlySet<string>> {
  return async (account, among) => {
    if (among.length <= DESCRIBE_UP_TO) return described(client, account, among);
    try {
      return await listed(client, account, among);
    } catch (error) {
      const cause = error instanceof ServiceError ? error.cause : error;
      if (!isGrpcServiceError(cause) || cause.code !== GRPC_UNIMPLEMENTED) throw error;
      return described(client, account, among);
    }
  };
}

async function listed(client: Client, account: string, among: readonly Leg[]): Promise<ReadonlySet<string>> {
  const query = `WorkflowType="guardPosition" AND ExecutionStatus="Running" AND WorkflowId STARTS_WITH "guard:${account}:"`;
  const ids = new Set<string>();
  for await (const execution of client.workflow.list({ query, pageSize: 1_000 }))
    ids.add(execution.workflowId);
  return new Set(among.filter((leg) => ids.has(guardId(account, leg))).map(legKey));
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
