/** When workflows act: waiting with a name for the UI, and spreading them over their interval (I11). */
import { condition } from '@temporalio/workflow';

/** Waits until `ready` or `ms`, whichever comes first; named in the UI. */
export function waitFor(ready: () => boolean, ms: number, summary: string): Promise<boolean> {
  return condition(ready, Math.max(1, ms), { summary });
}

/** FNV-1a of a text, 32 bits: spreads guards over the interval, the same in every replay. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  }
  return hash;
}
