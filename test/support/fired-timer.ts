/** A workflow whose second task takes as long as its sink, and cancels a timer that has fired meanwhile. */
import { condition, defineSignal, proxySinks, setHandler, type Sinks } from '@temporalio/workflow';

export interface SlowSinks extends Sinks {
  slow: { wait(): void };
}

/** Long enough for a signal to come before it fires, also on a slow machine. */
export const TIMER_MS = 4_000;

export async function cancelsFiredTimer(): Promise<void> {
  const { slow } = proxySinks<SlowSinks>();
  let told = false;
  setHandler(defineSignal('tell'), () => {
    told = true;
    slow.wait();
  });
  await condition(() => told, TIMER_MS);
  await condition(() => false);
}
