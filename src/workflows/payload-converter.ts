/**
 * Reads what arrives at workflows; bytes that cannot be read become an input that every message refuses. With the standard
 * converter one such signal fails the workflow's task for ever: its guard runs, and protects nothing (I5).
 */
import { defaultPayloadConverter, type PayloadConverter } from '@temporalio/common';

/** Bundled with the workflows; the name is the SDK's. */
export const payloadConverter: PayloadConverter = {
  toPayload: (value, context, hint) => defaultPayloadConverter.toPayload(value, context, hint),
  fromPayload: <T>(...input: Parameters<PayloadConverter['fromPayload']>): T => {
    try {
      return defaultPayloadConverter.fromPayload(...input) as T;
    } catch (error) {
      // Not a T, nor anything else that a message takes: no field of theirs has this name.
      return { unreadablePayload: (error as Error).message } as T;
    }
  },
};
