/** Failures of workflows and their refusals of messages: in plain words, or, in a worker that encrypts, with the words where its codec finds them. */
import { DefaultFailureConverter } from '@temporalio/common';

/** A worker that encrypts puts a line that sets this before the bundle (`src/workflow-code.ts`): a bundle reads no configuration. */
declare const STOPKEEPER_ENCODES_FAILURES: boolean | undefined;

/** Bundled with the workflows; the name is the SDK's. */
export const failureConverter = new DefaultFailureConverter({
  encodeCommonAttributes:
    typeof STOPKEEPER_ENCODES_FAILURES !== 'undefined' && STOPKEEPER_ENCODES_FAILURES === true,
});
