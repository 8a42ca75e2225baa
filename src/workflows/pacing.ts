/** When workflows act: waiting with a name for the UI. */
import { condition } from '@temporalio/workflow';

/** Waits until `ready` or `ms`, whichever comes first; named in the UI. */
export function waitFor(ready: () => boolean, ms: number, summary: string): Promise<boolean> {
  return condition(ready, Math.max(1, ms), { summary });
}
