/** One account of a workflow test: its venue, its policy, its channel to a human, and handles of its workflows. */
import type { Client, WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { expect } from 'vitest';
import type { Alert } from '../../src/domain/alert.ts';
import type { AuditEntry } from '../../src/domain/audit.ts';
import type { Board, GuardStatus } from '../../src/domain/board.ts';
import type { GuardInput, ReprotectAnswer, StartSessionInput } from '../../src/domain/messages.ts';
import { guardId, TASK_QUEUE, watchId } from '../../src/domain/names.ts';
import type { Policy } from '../../src/domain/policy.ts';
import type { Leg } from '../../src/domain/position.ts';
import type { SessionReport } from '../../src/domain/report.ts';
import type { FakeVenue } from './fake-port.ts';
import { quieted, until } from './waiting.ts';

export class Stage {
  readonly account: string;
  readonly venue: FakeVenue;
  readonly client: Client;
  policy: Policy;
  /** Alerts in the order of their delivery. */
  readonly alerts: Alert[] = [];
  /** While set, every delivery fails. */
  channelDown = false;
  deliveriesTried = 0;

  constructor(account: string, client: Client, venue: FakeVenue, policy: Policy) {
    this.account = account;
    this.client = client;
    this.venue = venue;
    this.policy = policy;
  }

  /** What activities gave to the audit log, repetitions included. */
  readonly audited: AuditEntry[] = [];

  keepAudit(entries: readonly AuditEntry[]): void {
    this.audited.push(...entries);
  }

  /** The one channel to a human. */
  async deliver(alert: Alert): Promise<void> {
    this.deliveriesTried += 1;
    if (this.channelDown) throw ApplicationFailure.retryable('the channel is down', 'ChannelDown');
    this.alerts.push(alert);
  }

  /** Everything works again, so that what is under way can end. */
  heal(): void {
    this.venue.mend();
    this.channelDown = false;
  }

  session(
    input: Omit<StartSessionInput, 'account'> = {},
    id = `session:${this.account}`,
  ): Promise<SessionReport> {
    return this.client.workflow.execute<(asked: StartSessionInput) => Promise<SessionReport>>(
      'startSession',
      {
        workflowId: id,
        taskQueue: TASK_QUEUE,
        args: [{ account: this.account, ...input }],
      },
    );
  }

  /** Starts a guard by itself, without a session or a watcher. */
  async startGuard(leg: Leg, input: Partial<GuardInput> = {}): Promise<WorkflowHandle> {
    const args: [GuardInput] = [{ account: this.account, leg, policy: this.policy, ...input }];
    await this.client.workflow.start('guardPosition', {
      workflowId: guardId(this.account, leg),
      taskQueue: TASK_QUEUE,
      args,
    });
    return this.guard(leg);
  }

  async startWatcher(): Promise<WorkflowHandle> {
    await this.client.workflow.start('watchAccount', {
      workflowId: watchId(this.account),
      taskQueue: TASK_QUEUE,
      args: [{ account: this.account, searchAttributes: 'on' }],
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      workflowIdConflictPolicy: 'USE_EXISTING',
    });
    return this.watcher;
  }

  guard(leg: Leg): WorkflowHandle {
    return this.client.workflow.getHandle(guardId(this.account, leg));
  }

  get watcher(): WorkflowHandle {
    return this.client.workflow.getHandle(watchId(this.account));
  }

  status(leg: Leg): Promise<GuardStatus> {
    return this.guard(leg).query<GuardStatus>('status');
  }

  board(): Promise<Board> {
    return this.watcher.query<Board>('board');
  }

  reprotectNow(leg: Leg): Promise<ReprotectAnswer> {
    return this.guard(leg).executeUpdate<ReprotectAnswer, [object]>('reprotectNow', { args: [{}] });
  }

  /** Waits until the guard's proof shows `stop`. */
  async proven(leg: Leg, stop?: string): Promise<GuardStatus> {
    const shown = ({ state, stop: now }: GuardStatus): boolean =>
      state === 'PROTECTED' && (stop === undefined || now === stop);
    await until(`a proven stop ${stop ?? ''} on ${leg.symbol}`, async () => shown(await this.status(leg)));
    return this.status(leg);
  }

  /** Delivered alerts of one kind, or all of a level. */
  told(kind: Alert['kind'] | Alert['level']): readonly Alert[] {
    return this.alerts.filter((alert) => alert.kind === kind || alert.level === kind);
  }

  /** Waits until a workflow only waits, so that terminating it leaves nothing behind on the server. */
  async quiet(handle: WorkflowHandle): Promise<void> {
    expect(await quieted(handle)).toBe(true);
  }

  async isRunning(handle: WorkflowHandle): Promise<boolean> {
    return (await handle.describe()).status.name === 'RUNNING';
  }
}
