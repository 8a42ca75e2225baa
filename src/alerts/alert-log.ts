/** The log as the first channel: it needs no network and cannot fail; event names of DESIGN §7. */
import type { Alert } from '../domain/alert.ts';

export interface AlertLog {
  info(fields: object, event: string): void;
  warn(fields: object, event: string): void;
  error(fields: object, event: string): void;
}

const EVENT = {
  INFO: 'protection.all-clear',
  WARNING: 'protection.warning',
  CRITICAL: 'protection.critical',
  EMERGENCY: 'protection.emergency',
  RESOLVED: 'protection.resolved',
} as const;

export function logAlert(log: AlertLog, alert: Alert): void {
  const fields = {
    id: alert.id,
    kind: alert.kind,
    account: alert.account,
    ...alert.leg,
    message: alert.message,
    todo: alert.todo,
    seconds: alert.unprotectedSeconds,
  };
  if (alert.kind === 'stop-vanished') log.error(fields, 'protection.missing');
  else if (alert.level === 'RESOLVED' || alert.level === 'INFO') log.info(fields, EVENT[alert.level]);
  else if (alert.level === 'WARNING') log.warn(fields, EVENT.WARNING);
  else log.error(fields, EVENT[alert.level]);
}
