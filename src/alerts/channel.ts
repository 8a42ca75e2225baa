/** What every channel to a human offers, and how it says that it could not deliver. */
import type { Alert } from '../domain/alert.ts';

export interface AlertChannel {
  /** As logs and failures show it: `webhook`, `telegram`. */
  readonly name: string;
  /** Sends once, within `timeoutMs`; throws a `ChannelFailure`, whose text may be shown to anybody (I9). */
  readonly send: (alert: Alert, options: SendOptions) => Promise<void>;
}

export interface SendOptions {
  readonly timeoutMs: number;
  /** Ends the try early: the worker stops, or the whole delivery has run out of time. */
  readonly signal: AbortSignal;
}

export interface FailureNature {
  /** True where another try may succeed: no answer, 408, 425, 429 or 5xx. False where the receiver refused this alert. */
  readonly passing: boolean;
  /** How long the receiver asks to be left alone, ms. */
  readonly retryAfterMs?: number | null;
}

/** A try that did not deliver, or of which nobody knows (an answer that got lost). Never holds an address or a token. */
export class ChannelFailure extends Error {
  readonly passing: boolean;
  readonly retryAfterMs: number | null;

  constructor(reason: string, nature: FailureNature) {
    super(reason);
    this.name = 'ChannelFailure';
    this.passing = nature.passing;
    this.retryAfterMs = nature.retryAfterMs ?? null;
  }
}
