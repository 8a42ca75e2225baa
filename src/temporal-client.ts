/** The client of every program of ours: reads and writes payloads as configured, and asks again what a run that is read anew refused. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Client,
  QueryNotRegisteredError,
  type Connection,
  type WorkflowClientInterceptor,
} from '@temporalio/client';
import { clientDataConverter } from './encryption/data-converter.ts';
import type { PayloadKeys } from './encryption/payload-keys.ts';

/** A run is read anew once for what is wrong with it: of 37,000 queries between kills of the worker 94 were refused, none of them twice. */
const ASKED_AGAIN = 3;
const PAUSE_MS = 100;

/**
 * A query is refused where it would have been answered from events that a task has yet to take: the worker then forgets the run
 * (`workflows/query-first.ts`), and the next query reads it from its history. The refusal's words may be encrypted, so that it is known by its
 * kind alone, which it shares with a query that no workflow defines; that one is asked again for nothing.
 */
export const askAgain: WorkflowClientInterceptor = {
  async query(input, next) {
    for (let refusals = 0; ; refusals += 1) {
      try {
        return await next(input);
      } catch (error) {
        if (!(error instanceof QueryNotRegisteredError) || refusals === ASKED_AGAIN) throw error;
        await sleep(PAUSE_MS);
      }
    }
  },
};

/** `keys` null: nothing is encrypted. The caller closes the connection. */
export function createClient(connection: Connection, namespace: string, keys: PayloadKeys | null): Client {
  return new Client({
    connection,
    namespace,
    dataConverter: clientDataConverter(keys),
    interceptors: { workflow: [askAgain] },
  });
}
