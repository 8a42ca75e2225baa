/** Keeps a program of the running system alive: what ends by itself is reported and started again, with growing pauses. */
import { describeEnding, type Child } from './child-process.ts';
import { pause } from './pause.ts';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** One that lived this long was healthy: its next end starts with the first pause again. */
const HEALTHY_AFTER_MS = 60_000;

export interface Supervision {
  current(): Child;
  /** Ends the supervision, then the program. */
  stop(): Promise<void>;
}

export interface SupervisionEvents {
  /** In words, for the person who watches. */
  notice(text: string): void;
  /** Another process has taken the place of the first: its pid is to be written down. */
  restarted(child: Child): void;
  /** How often it ended in a row without having been healthy. */
  endedEarly(timesInARow: number): void;
}

/** `pauseMs` is for tests; `first` runs already. */
export function supervise(
  first: Child,
  start: () => Child,
  events: SupervisionEvents,
  pauseMs: number = FIRST_PAUSE_MS,
): Supervision {
  const stopping = new AbortController();
  const stopped = (): boolean => stopping.signal.aborted;
  let child = first;
  const watch = async (): Promise<void> => {
    let early = 0;
    let bornMs = Date.now();
    while (!stopped()) {
      const ending = await child.exited;
      if (stopped()) return;
      early = Date.now() - bornMs >= HEALTHY_AFTER_MS ? 1 : early + 1;
      const waitMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2 ** (early - 1));
      events.notice(`${child.name} ${describeEnding(ending)}; it is started again in ${waitMs / 1_000} s`);
      events.endedEarly(early);
      await pause(waitMs, stopping.signal);
      if (stopped()) return;
      child = start();
      bornMs = Date.now();
      events.restarted(child);
      events.notice(`${child.name} was started again (process ${child.identity.pid})`);
    }
  };
  const watched = watch();
  return {
    current: () => child,
    stop: async () => {
      stopping.abort();
      await child.stop();
      await watched;
    },
  };
}
