/** Alerts to people, and entries of the audit log that no other activity takes along (docs/temporal.md §2). */
import { activityInfo, cancellationSignal } from '@temporalio/activity';
import type { Alert } from '../domain/alert.ts';
import type { AuditEntry } from '../domain/audit.ts';
import type { ActivityDeps } from './deps.ts';

export function createNotifyActivities(deps: Pick<ActivityDeps, 'deliver' | 'audit'>) {
  return {
    /** Delivers one alert; fails while a channel has not taken it. The id makes a repeated delivery recognisable. */
    async notify(alert: Alert): Promise<void> {
      await deps.audit([entryOf(alert)]);
      await deps.deliver(alert, cancellationSignal());
    },

    /** The last notes of a guard. Never fails: what protects waits for no log. */
    async recordAudit(entries: readonly AuditEntry[]): Promise<void> {
      await deps.audit(entries);
    },
  };
}

/** The same id at each try. */
function entryOf(alert: Alert): AuditEntry {
  const { workflowExecution } = activityInfo();
  return {
    kind: 'alert',
    id: `alert/${alert.id}`,
    at: alert.at,
    account: alert.account,
    workflowId: workflowExecution?.workflowId ?? '',
    runId: workflowExecution?.runId ?? '',
    alert,
  };
}
