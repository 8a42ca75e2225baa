/** The venue's failures as Temporal's: type, words and what a retry may hope for (DESIGN §4, failure table; I9). */
import { ApplicationFailure } from '@temporalio/common';
import type { FailureInfo, WriteOutcome } from '../domain/failure.ts';
import type { GuardEvent } from '../domain/guard-state.ts';
import { VenueError } from '../exchange/port.ts';

/** Longer waits are the guard's business, not an attempt's: it keeps its cadence meanwhile. */
const LONGEST_WAIT_MS = 5_000;

/** First detail of every venue failure; `written` are the writes of the failed attempt whose fate a read must show. */
export interface FailureDetail {
  readonly failure: FailureInfo;
  readonly written: readonly Extract<GuardEvent, { kind: 'written' }>[];
}

interface Retry {
  readonly nonRetryable: boolean;
  /** ms; the retry policy's own interval when absent. */
  readonly nextRetryDelay?: number;
}

function retryOf(failure: FailureInfo): Retry {
  switch (failure.type) {
    case 'VenueAuth':
    case 'InvalidInput':
      return { nonRetryable: true };
    case 'VenueRefused':
      // Only a crossed price mends itself, with the next price; it is tried again at once.
      return failure.reason === 'crossed-price'
        ? { nonRetryable: false, nextRetryDelay: 1 }
        : { nonRetryable: true };
    case 'VenueRateLimited': {
      const wait = failure.retryAfterMs ?? 1_500;
      return wait > LONGEST_WAIT_MS ? { nonRetryable: true } : { nonRetryable: false, nextRetryDelay: wait };
    }
    case 'VenueUnknown':
    case 'VenueUnavailable':
    case 'VenueClock':
      return { nonRetryable: false };
  }
}

/** Builds the failure that an activity throws; `retryable` overrides the table where a read decides. */
export function activityFailure(
  failure: FailureInfo,
  written: FailureDetail['written'] = [],
  override: Partial<Retry> = {},
): ApplicationFailure {
  const { nonRetryable, nextRetryDelay } = { ...retryOf(failure), ...override };
  const detail: FailureDetail = { failure, written };
  return ApplicationFailure.create({
    type: failure.type,
    message: failure.message,
    nonRetryable,
    details: [detail],
    ...(nextRetryDelay === undefined ? {} : { nextRetryDelay }),
  });
}

/** Turns whatever was thrown into the failure to throw on; errors that are not the venue's stay what they are. */
export function asActivityFailure(error: unknown, written: FailureDetail['written'] = []): unknown {
  return error instanceof VenueError ? activityFailure(error.info, written) : error;
}

/** A write's outcome that is not an answer, as a failure; `null` for applied and unchanged. */
export function failureOf(outcome: WriteOutcome): FailureInfo | null {
  return outcome.kind === 'refused' || outcome.kind === 'unknown' ? outcome.failure : null;
}
