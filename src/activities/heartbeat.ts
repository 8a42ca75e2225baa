/** Heartbeats of activities: they find a dead worker in seconds, where a time-out of the whole work takes its full length. */
import { activityInfo, Context, heartbeat } from '@temporalio/activity';

/** The server waits 5 s for a heartbeat, so one is sent each second, also while a write waits in the limiter. */
const HEARTBEAT_MS = 1_000;

/**
 * Sends `details` each second until the work ends; a local activity needs none, its worker's workflow task tells. Cancelled, as by a
 * worker that stops, it ends at once: its last details are what the next attempt knows.
 */
export async function withHeartbeat<T>(
  work: () => Promise<T>,
  details: () => unknown = () => null,
): Promise<T> {
  if (activityInfo().isLocal) return work();
  const timer = setInterval(() => heartbeat(details()), HEARTBEAT_MS);
  try {
    return await Promise.race([work(), Context.current().cancelled]);
  } finally {
    clearInterval(timer);
  }
}
