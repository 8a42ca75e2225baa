/**
 * One channel's deliveries in this process: few tries with back-off, nothing sent twice that was accepted, and one try at a time
 * while the channel is in trouble, so that a receiver that hangs holds no worker's slots (DESIGN §4 "Escalation").
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { RESOLVABLE, type Alert } from '../domain/alert.ts';
import { legKey } from '../domain/position.ts';
import { ChannelFailure, type AlertChannel } from './channel.ts';
import { RecentIds } from './recent-ids.ts';

export interface LaneTimes {
  readonly attemptMs: number;
  /** Before the second and each later try, ms; their number is the number of tries after the first. */
  readonly backOffMs: readonly number[];
  /** How long a delivery waits for one that already tries a channel in trouble, ms. */
  readonly secondLookMs: number;
  /** A receiver that asks for a longer pause is left alone, and the alert comes again with a later check. */
  readonly longestWaitMs: number;
  /** However long a receiver asks to be left alone, it is tried again after this. */
  readonly longestPauseMs: number;
}

/** With every try hanging a delivery takes 3 × 4 + 0.5 + 2 s and two second looks: inside the 20 s that it is given. */
export const LANE_TIMES: LaneTimes = {
  attemptMs: 4_000,
  backOffMs: [500, 2_000],
  secondLookMs: 1_000,
  longestWaitMs: 5_000,
  longestPauseMs: 60_000,
};

const REMEMBERED_ALERTS = 2_000;

/** `sent` now, `known` to have been accepted before, or `over`: its end was accepted first, and it would only alarm again. */
export type Acceptance = 'sent' | 'known' | 'over';

export class ChannelLane {
  readonly name: string;
  readonly #channel: AlertChannel;
  readonly #now: () => number;
  readonly #times: LaneTimes;
  readonly #accepted = new RecentIds(REMEMBERED_ALERTS);
  /** When the last accepted RESOLVED of each leg was raised, ms. */
  readonly #resolvedAt = new Map<string, number>();
  /** Why the last try failed; `null` while the channel works. */
  #trouble: string | null = null;
  /** The delivery that tries while there is trouble. */
  #trying: symbol | null = null;
  /** ms; the receiver asked not to be called before. */
  #notBefore = 0;

  constructor(channel: AlertChannel, now: () => number, times: LaneTimes = LANE_TIMES) {
    this.name = channel.name;
    this.#channel = channel;
    this.#now = now;
    this.#times = times;
  }

  /** Delivers within its tries, or throws a `ChannelFailure` that says why not; safe to call again with the same alert. */
  async deliver(alert: Alert, signal: AbortSignal): Promise<Acceptance> {
    if (this.#accepted.has(alert.id)) return 'known';
    if (this.#isOver(alert)) return 'over';
    const me = Symbol(alert.id);
    const { backOffMs, attemptMs } = this.#times;
    // A channel in trouble gets one try: the alerts that wait behind this one are to reach the others soon.
    const tries = this.#trouble === null ? backOffMs.length + 1 : 1;
    try {
      for (let attempt = 1; ; attempt += 1) {
        await this.#turn(me, signal);
        const failure = await this.#attempt(alert, { timeoutMs: attemptMs, signal });
        if (failure === null) return 'sent';
        const wait = this.#waitAfter(failure, attempt);
        if (failure.passing) {
          this.#trouble = failure.message;
          this.#trying ??= me;
        }
        if (wait === null || attempt >= tries) throw counted(failure, attempt);
        await pause(wait, signal);
      }
    } finally {
      if (this.#trying === me) this.#trying = null;
    }
  }

  async #attempt(
    alert: Alert,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<ChannelFailure | null> {
    try {
      await this.#channel.send(alert, options);
    } catch (error) {
      if (error instanceof ChannelFailure) return error;
      throw error;
    }
    this.#trouble = null;
    this.#accepted.add(alert.id);
    if (alert.level === 'RESOLVED') this.#resolvedAt.set(placeOf(alert), alert.at);
    return null;
  }

  /** A position that is proven again ends its alarms; one of them arriving late would call somebody out of bed for nothing. */
  #isOver(alert: Alert): boolean {
    const resolvedAt = this.#resolvedAt.get(placeOf(alert));
    return resolvedAt !== undefined && alert.at < resolvedAt && RESOLVABLE.includes(alert.kind);
  }

  /** Returns when this delivery may try; throws where another one tries, or the receiver asked for a pause. */
  async #turn(me: symbol, signal: AbortSignal): Promise<void> {
    if (this.#now() < this.#notBefore) throw notTried('it asked for a pause');
    if (this.#trouble !== null && this.#trying !== null && this.#trying !== me) {
      await pause(this.#times.secondLookMs, signal);
    }
    if (this.#trouble === null) return;
    this.#trying ??= me;
    if (this.#trying !== me) throw notTried(`another alert is trying it: ${this.#trouble}`);
  }

  /** ms until the next try; `null` where none is worth it now. */
  #waitAfter(failure: ChannelFailure, attempt: number): number | null {
    const { backOffMs, longestWaitMs, longestPauseMs } = this.#times;
    const asked = failure.retryAfterMs ?? 0;
    if (asked > longestWaitMs) {
      this.#notBefore = this.#now() + Math.min(asked, longestPauseMs);
      return null;
    }
    return failure.passing ? Math.max(backOffMs[attempt - 1] ?? 0, asked) : null;
  }
}

function placeOf({ account, leg }: Alert): string {
  return `${account}/${leg === null ? '' : legKey(leg)}`;
}

function notTried(reason: string): ChannelFailure {
  return new ChannelFailure(`not tried, ${reason}`, { passing: true });
}

function counted(failure: ChannelFailure, attempts: number): ChannelFailure {
  return attempts === 1
    ? failure
    : new ChannelFailure(`${failure.message}, ${attempts} tries`, { passing: failure.passing });
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    throw new ChannelFailure('stopped before another try', { passing: true });
  }
}
