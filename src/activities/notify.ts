/** Delivery of alerts as an activity: one bounded try, which the outbox of the workflow repeats (docs/temporal.md §2). */
import { cancellationSignal } from '@temporalio/activity';
import type { Alert } from '../domain/alert.ts';
import type { ActivityDeps } from './deps.ts';

export function createNotifyActivities(deps: Pick<ActivityDeps, 'deliver'>) {
  return {
    /** Delivers one alert; fails while a channel has not taken it. The id makes a repeated delivery recognisable. */
    async notify(alert: Alert): Promise<void> {
      await deps.deliver(alert, cancellationSignal());
    },
  };
}
