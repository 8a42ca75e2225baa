/** The audit log of a worker: where the configuration wants one, and who hears of it when its disk fails. */
import { auditAlert } from './alerts/audit-alert.ts';
import type { Deliver } from './alerts/delivery.ts';
import { createAuditLog, NO_AUDIT, type AuditLog } from './audit/audit-log.ts';
import { secretsOf, type Config } from './config.ts';
import { scrubber, type Logger } from './logging.ts';

/** The audit log where one is configured; a disk that fails calls somebody, as an alert of the first account. */
export function createWorkerAudit(config: Config, deliver: Deliver, log: Logger): AuditLog {
  const { audit, accounts } = config;
  if (audit === null) return NO_AUDIT;
  const account = accounts[0]?.alias ?? 'main';
  return createAuditLog({
    file: { ...audit, now: Date.now },
    log,
    scrub: scrubber(secretsOf(config)),
    now: Date.now,
    troubled: (trouble, before) => {
      const alert = auditAlert(account, { path: audit.path, trouble, before, now: Date.now() });
      deliver(alert, new AbortController().signal).catch((error: unknown) => {
        log.warn({ id: alert.id, reason: (error as Error).message }, 'alert.undelivered');
      });
    },
  });
}
