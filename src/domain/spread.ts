/** Spreads the routine checks of many guards over their interval, a few to a moment (DESIGN §3, "check interval"). */

/** Those that are due together share the wake-ups of worker, server and database: docs/performance.md says what that saves. */
const MOMENTS = 60;
const LEAST = 0.9;
/** With the wait for the next moment at most 1.1. */
const STEPS = 1_833;

/** FNV-1a of a text, 32 bits: the same in every replay. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  }
  return hash;
}

/**
 * When the check after `now` is due, both ms since the epoch: `everyMs` later, shifted by up to ±10 %, at one of 60 moments of an interval. The
 * shift is another one each time: guards that were due together would stay together else, as the moments leave few different intervals.
 */
export function routineDueAt(now: number, everyMs: number, id: string): number {
  const moment = Math.max(1, Math.floor(everyMs / MOMENTS));
  const shift = LEAST + (hashOf(`${id} ${now}`) % STEPS) / 10_000;
  return Math.ceil(Math.round(now + everyMs * shift) / moment) * moment;
}
