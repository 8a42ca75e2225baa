/** Reads a failed activity back into the product's words. */
import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/workflow';
import type { FailureDetail } from '../activities/failures.ts';
import type { FailureInfo } from '../domain/failure.ts';

/** The venue failure of an activity with the writes whose fate is open; a time-out or a bug is `VenueUnknown`. */
export function failureDetail(error: unknown): FailureDetail {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) {
    const [detail] = (cause.details ?? []) as readonly (FailureDetail | undefined)[];
    if (detail?.failure !== undefined) return detail;
  }
  const timedOut = cause instanceof TimeoutFailure;
  const failure: FailureInfo = {
    type: 'VenueUnknown',
    code: null,
    message: timedOut
      ? `no answer from the worker in time (${cause.timeoutType})`
      : String((cause as Error).message),
    hint: timedOut ? 'check that the worker runs' : 'look at the failed activity in the history',
  };
  return { failure, written: [] };
}
