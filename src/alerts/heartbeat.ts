/** The dead-man's heartbeat: a ping while the watcher works, so that its silence calls somebody (DESIGN §5, `watchAccount`). */
import type { Secret } from '../secret.ts';
import type { AlertLog } from './alert-log.ts';
import { ChannelFailure } from './channel.ts';
import { expectSuccess, httpCall } from './http-call.ts';

const PING_MS = 3_000;
/** Monitoring services answer 429 to more, and none looks closer. */
const MIN_GAP_MS = 10_000;
/** An account whose rounds have stopped keeps the ping of the others back after this, or after three of its intervals. */
const OVERDUE_MS = 300_000;
const OVERDUE_ROUNDS = 3;

/** One round of a watcher that has ended. */
export interface WatcherRound {
  readonly account: string;
  /** The whole account was read and judged. */
  readonly complete: boolean;
  /** ms until the next one. */
  readonly everyMs: number;
}

export interface HeartbeatOptions {
  /** `null`: no ping. */
  readonly url: Secret | null;
  readonly log: AlertLog;
  /** ms since the epoch. */
  readonly now: () => number;
  /** A ping was answered well, or not; `at` in ms. */
  readonly pinged?: (outcome: 'sent' | 'failed', at: number) => void;
}

/**
 * Takes note of a round and pings after a complete one, at most every 10 s; returns at once and never throws. One address serves all
 * accounts of the worker, so it is silent while the last round of any of them failed or is overdue.
 */
export function createHeartbeat({ url, log, now, pinged }: HeartbeatOptions): (round: WatcherRound) => void {
  const rounds = new Map<string, WatcherRound & { readonly at: number }>();
  let pingedAt = Number.NEGATIVE_INFINITY;
  let failures = 0;

  const ping = async (target: Secret): Promise<void> => {
    try {
      const options = { timeoutMs: PING_MS, signal: new AbortController().signal };
      expectSuccess(await httpCall({ url: target.reveal(), method: 'GET' }, options));
      if (failures > 0) log.info({ failures }, 'heartbeat.recovered');
      failures = 0;
      pinged?.('sent', now());
    } catch (error) {
      failures += 1;
      pinged?.('failed', now());
      const reason = error instanceof ChannelFailure ? error.message : 'unexpected failure';
      // Once for each spell: it comes back every 10 s, and the monitor tells of it anyway.
      if (failures === 1) log.warn({ reason }, 'heartbeat.failed');
    }
  };

  return (round) => {
    const at = now();
    rounds.set(round.account, { ...round, at });
    if (url === null || !round.complete || at - pingedAt < MIN_GAP_MS) return;
    const healthy = [...rounds.values()].every(
      (last) => last.complete && at - last.at <= Math.max(OVERDUE_MS, OVERDUE_ROUNDS * last.everyMs),
    );
    if (!healthy) return;
    pingedAt = at;
    void ping(url);
  };
}
