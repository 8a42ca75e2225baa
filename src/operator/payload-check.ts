/** What `npm run doctor` says of encryption: whether what Temporal stores is encrypted, and whether the keys here read it. */
import type { Client } from '@temporalio/client';
import { watchId } from '../domain/names.ts';
import type { Criterion } from '../domain/report.ts';
import { UnreadablePayloadError } from '../encryption/payload-codec.ts';
import type { PayloadKeys } from '../encryption/payload-keys.ts';
import { counted } from './figures.ts';

/** A query waits for a worker, and whether one polls is another check's matter. */
const QUERY_DEADLINE_MS = 3_000;

export async function checkPayloads(
  client: Client,
  accounts: readonly string[],
  keys: PayloadKeys | null,
): Promise<readonly Criterion[]> {
  const found = await Promise.all(accounts.map((account) => unreadable(client, account)));
  return [encryptionOf(keys), ...found.flat()];
}

function encryptionOf(keys: PayloadKeys | null): Criterion {
  const message =
    keys === null
      ? 'what Temporal stores is not encrypted (STOPKEEPER_PAYLOAD_KEYS)'
      : `what Temporal stores is encrypted with the payload key ${keys[0].id}; ${counted(keys.length, 'key')} to read with`;
  return { id: 'encryption', level: 'ok', message };
}

async function unreadable(client: Client, account: string): Promise<readonly Criterion[]> {
  try {
    const handle = client.workflow.getHandle(watchId(account));
    await client.withDeadline(Date.now() + QUERY_DEADLINE_MS, () => handle.query('board'));
    return [];
  } catch (error) {
    // An account without a watcher, a worker that is away: nothing to read is nothing wrong with the keys.
    if (!(error instanceof UnreadablePayloadError)) return [];
    const message = `the watcher of ${account} cannot be read: its answer is ${error.message}`;
    return [{ id: 'encryption', level: 'failure', message }];
  }
}
