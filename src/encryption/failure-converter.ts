/** Puts the words of failures where the codec encrypts them: an error message quotes prices and symbols as readily as a result does. */
import { DefaultFailureConverter } from '@temporalio/common';

/** The SDK loads this file by its path, and the name is the SDK's. The workflows' own is in `src/workflows/failure-converter.ts`. */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
