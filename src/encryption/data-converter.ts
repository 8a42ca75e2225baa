/** How programs and workers read and write what Temporal stores: as JSON, or encrypted where keys are given. */
import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';
import { EncryptionCodec, type LeaveMessages } from './payload-codec.ts';
import type { PayloadKeys } from './payload-keys.ts';

// Both have the codec without keys too: what an earlier worker encrypted is then refused by its key's name.

/** For a client: what cannot be read is an error. `null`: nothing is encrypted. */
export function clientDataConverter(keys: PayloadKeys | null): DataConverter {
  return { payloadCodecs: [new EncryptionCodec(keys)] };
}

/** For a worker, which also writes failures: their words are encrypted too. */
export function workerDataConverter(keys: PayloadKeys | null, unreadable: LeaveMessages): DataConverter {
  return {
    payloadCodecs: [new EncryptionCodec(keys, unreadable)],
    ...(keys === null
      ? {}
      : { failureConverterPath: fileURLToPath(new URL('./failure-converter.js', import.meta.url)) }),
  };
}
