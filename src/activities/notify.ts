/** Delivery of alerts; for now the log is the one channel, with the event names of DESIGN §7. */
import type { Alert } from '../domain/alert.ts';
import type { ActivityDeps } from './deps.ts';

const EVENT = {
  WARNING: 'protection.warning',
  CRITICAL: 'protection.critical',
  EMERGENCY: 'protection.emergency',
  RESOLVED: 'protection.resolved',
} as const;

export function createNotifyActivities(deps: Pick<ActivityDeps, 'log'>) {
  return {
    /** Delivers one alert; the id makes a repeated delivery recognisable. */
    async notify(alert: Alert): Promise<void> {
      const fields = {
        id: alert.id,
        kind: alert.kind,
        account: alert.account,
        ...alert.leg,
        message: alert.message,
        todo: alert.todo,
        seconds: alert.unprotectedSeconds,
      };
      if (alert.kind === 'stop-vanished') deps.log.error(fields, 'protection.missing');
      else if (alert.level === 'RESOLVED') deps.log.info(fields, EVENT.RESOLVED);
      else if (alert.level === 'WARNING') deps.log.warn(fields, EVENT.WARNING);
      else deps.log.error(fields, EVENT[alert.level]);
    },
  };
}
