/** Delivery of one alert: the log first, then every channel at the same time, each by itself (DESIGN §4 "Escalation"). */
import type { Alert } from '../domain/alert.ts';
import { ChannelFailure, type AlertChannel } from './channel.ts';
import { ChannelLane, LANE_TIMES, type LaneTimes } from './channel-lane.ts';
import { logAlert, type AlertLog } from './alert-log.ts';
import { RecentIds } from './recent-ids.ts';

/** The activity that delivers has 30 s. */
const DELIVERY_MS = 20_000;
const REMEMBERED_ALERTS = 2_000;

/** At least one channel has not taken the alert; those that have are not asked again when it comes back to this process. */
export class AlertUndelivered extends Error {
  constructor(reasons: readonly string[]) {
    super(`not delivered: ${reasons.join('; ')}`);
    this.name = 'AlertUndelivered';
  }
}

/** Who counts alerts and what became of their deliveries. */
export interface DeliveryMetrics {
  raised(alert: Alert): void;
  delivered(alert: Alert, channel: string, outcome: 'sent' | 'over' | 'failed'): void;
}

const UNCOUNTED: DeliveryMetrics = { raised: () => undefined, delivered: () => undefined };

export interface DeliveryOptions {
  readonly channels: readonly AlertChannel[];
  readonly log: AlertLog;
  /** ms since the epoch. */
  readonly now: () => number;
  readonly times?: LaneTimes;
  readonly metrics?: DeliveryMetrics;
}

export type Deliver = (alert: Alert, signal: AbortSignal) => Promise<void>;

/** Returns when every channel has the alert; throws `AlertUndelivered` otherwise, within 20 s. */
export function createDelivery({
  channels,
  log,
  now,
  times = LANE_TIMES,
  metrics = UNCOUNTED,
}: DeliveryOptions): Deliver {
  const lanes = channels.map((channel) => new ChannelLane(channel, now, times));
  const logged = new RecentIds(REMEMBERED_ALERTS);

  const through = async (lane: ChannelLane, alert: Alert, signal: AbortSignal): Promise<string | null> => {
    const fields = { id: alert.id, kind: alert.kind, channel: lane.name };
    try {
      const acceptance = await lane.deliver(alert, signal);
      if (acceptance === 'known') return null;
      log.info({ ...fields, acceptance }, 'alert.delivered');
      metrics.delivered(alert, lane.name, acceptance);
      return null;
    } catch (error) {
      if (!(error instanceof ChannelFailure)) throw error;
      log.warn({ ...fields, reason: error.message }, 'alert.undelivered');
      metrics.delivered(alert, lane.name, 'failed');
      return `${lane.name} ${error.message}`;
    }
  };

  return async (alert, signal) => {
    if (!logged.has(alert.id)) {
      logAlert(log, alert);
      metrics.raised(alert);
    }
    logged.add(alert.id);
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(DELIVERY_MS)]);
    const reasons = await Promise.all(lanes.map((lane) => through(lane, alert, bounded)));
    const failed = reasons.filter((reason) => reason !== null);
    if (failed.length > 0) throw new AlertUndelivered(failed);
  };
}
