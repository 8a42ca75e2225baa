/** The daily all-clear: "N open, N proven", or what keeps it from being one. Silence at its hour is an alarm too (docs/alerts.md). */
import type { Alert } from './alert.ts';
import { watchId } from './names.ts';
import type { Leg } from './position.ts';
import { clipped } from './telling.ts';

/** What a fresh read of the account and its guards say; legs in operators' hands and ignored ones are not `open`. */
export interface AllClearFacts {
  /** Open legs that are Stopkeeper's to protect, those whose row cannot be read included. */
  readonly open: number;
  /** Of those: the read shows a legal stop, and the guard says that it is proven. */
  readonly proven: number;
  /** Each of the others, with the reason. */
  readonly missing: readonly { readonly leg: Leg; readonly reason: string }[];
  readonly released: readonly string[];
  readonly ignored: readonly string[];
  /** ms */
  readonly readAt: number;
}

/** What a round says when the hour has come; `facts` is `null` for a watcher that has just begun: its first day is tomorrow's. */
export interface AllClearRound {
  readonly day: string;
  readonly facts: AllClearFacts | null;
}

const MINUTE_MS = 60_000;
const MAX_MESSAGE = 600;

/** The day whose all-clear is due: the last one whose hour has passed. Example: 07:59 on the 2nd with 08:00 → the 1st. */
export function dueDay(now: number, atMinutes: number): string {
  return new Date(now - atMinutes * MINUTE_MS).toISOString().slice(0, 10);
}

/** The message of one account and day; only with every position proven is it an all-clear. */
export function allClearAlert(account: string, day: string, facts: AllClearFacts): Alert {
  const { open, proven, missing, released, ignored, readAt } = facts;
  const clear = missing.length === 0 && proven === open;
  const apart = [
    ...(released.length === 0 ? [] : [`released: ${released.join(', ')}`]),
    ...(ignored.length === 0 ? [] : [`ignored by policy: ${ignored.join(', ')}`]),
  ];
  const figures = `${open} open, ${proven} proven${apart.length === 0 ? '' : `; not ours: ${apart.join('; ')}`}`;
  const why = missing.map(({ leg, reason }) => `${leg.symbol}: ${reason}`).join('; ');
  return {
    id: `${watchId(account)}/all-clear/${day}`,
    level: clear ? 'INFO' : 'WARNING',
    kind: clear ? 'all-clear' : 'not-all-clear',
    account,
    leg: null,
    message: clipped(clear ? `all clear: ${figures}` : `NOT all clear: ${figures}; ${why}`, MAX_MESSAGE),
    todo: clear ? 'nothing' : 'look at each position that is named; its guard goes on trying',
    unprotectedSeconds: null,
    at: readAt,
  };
}
