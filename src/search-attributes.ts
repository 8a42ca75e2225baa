/** Registers the search attributes that workflows upsert and proves that they are usable, before a worker polls (docs/temporal.md §3). */
import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError, type Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from './domain/names.ts';

/** A server that takes far longer than its 2 s is one that will not have them. */
const USABLE_LIMIT_MS = 30_000;
/** Each part of a server reads its namespaces anew every 2 s (`system.namespaceCacheRefreshInterval`): the one that answers a query is not all of them. */
const SERVER_READS_WITHIN_MS = 2_500;
const LOOK_EVERY_MS = 500;
const GRPC_INVALID_ARGUMENT = 3;

/** `IndexedValueType` of Temporal's API, `enums/v1/common.proto`: its generated module cannot be imported by name from ESM. */
const TYPES = { KEYWORD: 2, BOOL: 5, DATETIME: 6 } as const;

export type Registration =
  | { readonly kind: 'on'; readonly registered: readonly string[] }
  /** Workflows are told to do without; protection never depends on them. */
  | { readonly kind: 'off'; readonly reason: string };

/** Makes the attributes of DESIGN §5 usable in `namespace`, or says why workflows must do without them. Never throws. */
export async function registerSearchAttributes(
  connection: Connection,
  namespace: string,
): Promise<Registration> {
  try {
    const missing = await missingOf(connection, namespace);
    if (missing.length === 0) return { kind: 'on', registered: [] };
    await add(connection, namespace, missing);
    const added = Date.now();
    await sleep(SERVER_READS_WITHIN_MS);
    while (Date.now() - added < USABLE_LIMIT_MS) {
      if (await areUsable(connection, namespace)) return { kind: 'on', registered: missing };
      await sleep(LOOK_EVERY_MS);
    }
    return { kind: 'off', reason: `${missing.join(', ')}: registered, but not usable after 30 s` };
  } catch (error) {
    return { kind: 'off', reason: (error as Error).message };
  }
}

async function missingOf(connection: Connection, namespace: string): Promise<readonly string[]> {
  const { missing, wrong } = await inspectSearchAttributes(connection, namespace);
  if (wrong.length > 0) throw new Error(`search attributes of another type: ${wrong.join(', ')}`);
  return missing;
}

/** Whether the server reads a query that names them all; what it lists it may not know yet where it counts. */
async function areUsable({ workflowService }: Connection, namespace: string): Promise<boolean> {
  const query = Object.keys(SEARCH_ATTRIBUTES)
    .map((name) => `${name} IS NOT NULL`)
    .join(' OR ');
  try {
    await workflowService.countWorkflowExecutions({ namespace, query });
    return true;
  } catch (error) {
    if (isGrpcServiceError(error) && error.code === GRPC_INVALID_ARGUMENT) return false;
    throw error;
  }
}

/**
 * Names that are missing, and those of another type as `ProtectionState is not KEYWORD`: registering an existing name with another type
 * answers OK and changes nothing, so types are compared.
 */
export async function inspectSearchAttributes(
  connection: Connection,
  namespace: string,
): Promise<{ readonly missing: readonly string[]; readonly wrong: readonly string[] }> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const held = new Map<string, number>(Object.entries(customAttributes));
  const names = Object.entries(SEARCH_ATTRIBUTES);
  return {
    missing: names.map(([name]) => name).filter((name) => !held.has(name)),
    wrong: names
      .filter(([name, type]) => held.has(name) && held.get(name) !== TYPES[type])
      .map(([name, type]) => `${name} is not ${type}`),
  };
}

async function add(connection: Connection, namespace: string, names: readonly string[]): Promise<void> {
  const wanted = Object.entries(SEARCH_ATTRIBUTES).filter(([name]) => names.includes(name));
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(wanted.map(([name, type]) => [name, TYPES[type]])),
  });
}
