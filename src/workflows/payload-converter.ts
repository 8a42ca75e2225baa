/**
 * Reads what arrives at workflows; bytes that cannot be read become an input that every message refuses. With the standard
 * converter one such signal fails the workflow's task for ever: its guard runs, and protects nothing (I5).
 *
 * What is encrypted with a key that the worker lacks is another matter: somebody will be able to read it. Refused today and read tomorrow,
 * the history would not replay (I11), and a guard refused its own memory would end. So it fails the task, which the server repeats until a worker
 * has the key; updates and queries, which leave nothing behind, are answered with the failure.
 */
import { defaultPayloadConverter, type Payload, type PayloadConverter } from '@temporalio/common';

/** Bundled with the workflows; the name is the SDK's. */
export const payloadConverter: PayloadConverter = {
  toPayload: (value, context, hint) => defaultPayloadConverter.toPayload(value, context, hint),
  fromPayload: <T>(...input: Parameters<PayloadConverter['fromPayload']>): T => {
    const [payload] = input;
    const locked = lockedBy(payload);
    if (locked !== null) throw new Error(locked);
    try {
      return defaultPayloadConverter.fromPayload(...input) as T;
    } catch (error) {
      // Not a T, nor anything else that a message takes: no field of theirs has this name.
      return { unreadablePayload: (error as Error).message } as T;
    }
  },
};

/** Why the worker's codec (`src/encryption/payload-codec.ts`) left it encrypted; `null` where it did not. */
function lockedBy({ metadata }: Payload): string | null {
  // Both are ASCII.
  const text = (name: string): string => String.fromCharCode(...(metadata?.[name] ?? []));
  if (text('encoding') !== 'binary/encrypted') return null;
  return (
    `encrypted with the payload key "${text('encryption-key-id')}", which does not open it in this worker: ` +
    'give the worker that key in STOPKEEPER_PAYLOAD_KEYS'
  );
}
