/** The one door to the venue for all accounts of a process: its IP budget and the breaker that a ban trips (DESIGN §3). */
import type { FailureInfo } from '../domain/failure.ts';
import type { Importance } from './endpoints.ts';
import { SYSTEM_TIME, type TimeSource } from './time-source.ts';

/** Permission to send one request; settled exactly once with what came of it. */
export interface Pass {
  settle(verdict: 'answered' | 'banned' | 'lost'): void;
}

export interface Gate {
  /** Why nothing may be sent now; `null` when the door is open. */
  refusal(): FailureInfo | null;
  /** ms until a request of this importance fits the budget; 0 is now. */
  waitMs(importance: Importance): number;
  take(): Pass;
  /** Requests that were sent in the running window, and how many it holds. */
  budget(): { readonly used: number; readonly size: number };
}

export interface GateOptions {
  /** Requests in any `perMs`; the venue bans the IP address at 600 in 5 s. */
  readonly requests?: number;
  readonly perMs?: number;
  /** How long all traffic stops after a ban, ms; the venue lifts it after 10 minutes. */
  readonly breakerMs?: number;
  readonly time?: TimeSource;
}

/** Part of the budget that each importance may fill: writes always find room, candles yield first. */
const SHARE: Readonly<Record<Importance, number>> = { write: 1, read: 0.85, candle: 0.5 };
/** When to ask again while another request probes the door, ms. */
const PROBE_WAIT_MS = 1_000;

type Door =
  | { readonly kind: 'open' }
  | { readonly kind: 'shut'; readonly until: number }
  | { readonly kind: 'probing'; readonly underway: boolean };

export function createGate({
  requests = 300,
  perMs = 5_000,
  breakerMs = 600_000,
  time = SYSTEM_TIME,
}: GateOptions = {}): Gate {
  let door: Door = { kind: 'open' };
  let sentAt: number[] = [];

  function sent(): readonly number[] {
    const now = time.mono();
    sentAt = sentAt.filter((at) => at > now - perMs);
    return sentAt;
  }

  function look(): Door {
    if (door.kind === 'shut' && time.mono() >= door.until) door = { kind: 'probing', underway: false };
    return door;
  }

  return {
    refusal: () => {
      const now = look();
      if (now.kind === 'shut') return banned(now.until - time.mono());
      if (now.kind === 'probing' && now.underway) return banned(PROBE_WAIT_MS);
      return null;
    },
    waitMs: (importance) => {
      const recent = sent();
      const room = Math.max(1, Math.floor(requests * SHARE[importance]));
      const blocking = recent[recent.length - room];
      return blocking === undefined ? 0 : Math.max(0, blocking + perMs - time.mono());
    },
    budget: () => ({ used: sent().length, size: requests }),
    take: () => {
      const probe = look().kind === 'probing';
      if (probe) door = { kind: 'probing', underway: true };
      sentAt.push(time.mono());
      return {
        settle: (verdict) => {
          if (verdict === 'banned') door = { kind: 'shut', until: time.mono() + breakerMs };
          // Only the probe opens the door: an answer from before the ban proves nothing.
          else if (probe && door.kind === 'probing')
            door = verdict === 'answered' ? { kind: 'open' } : { kind: 'probing', underway: false };
        },
      };
    },
  };
}

function banned(waitMs: number): FailureInfo {
  return {
    type: 'VenueRateLimited',
    code: 'HTTP 403',
    message: 'the venue has shut this IP address out; no request was sent',
    hint: 'Stop other programs that share this address; traffic resumes by itself with one probe.',
    retryAfterMs: Math.max(1, Math.ceil(waitMs)),
  };
}
