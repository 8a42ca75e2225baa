/** The closed set of ways in which the venue or an operator's input can fail (DESIGN §4); behaviour is cut along these. */

export type VenueFailureType =
  'VenueRefused' | 'VenueUnknown' | 'VenueUnavailable' | 'VenueRateLimited' | 'VenueClock' | 'VenueAuth';

export type FailureType = VenueFailureType | 'InvalidInput';

export type RefusalReason = 'crossed-price' | 'no-position' | 'mode-mismatch' | 'other';

/** A failure as plain data: what crosses Temporal boundaries and reports. No secrets, ever (I9). */
export interface FailureInfo {
  readonly type: FailureType;
  /** The venue's code or an HTTP status as text, `null` where there was none. */
  readonly code: string | null;
  readonly message: string;
  /** What to check or do. */
  readonly hint: string;
  readonly reason?: RefusalReason;
  /** How long to wait before asking again, ms. */
  readonly retryAfterMs?: number;
}

/** What is known after a write; anything but these is a thrown failure that says the write was not executed. */
export type WriteOutcome =
  | { readonly kind: 'applied' }
  | { readonly kind: 'unchanged'; readonly message: string }
  | { readonly kind: 'refused'; readonly failure: FailureInfo }
  | { readonly kind: 'unknown'; readonly failure: FailureInfo };
