/** The Temporal Schedule of an account's daily session: made or changed, shown, begun by hand, taken away (DESIGN §9). */
import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleDescription,
  type ScheduleOptions,
} from '@temporalio/client';
import { TASK_QUEUE } from '../domain/names.ts';

/** A session that is later than this is left out: guards and the watcher protect without one, and the next day has another. */
const CATCH_UP_MS = 3_600_000;

export interface DailyTime {
  readonly hour: number;
  readonly minute: number;
  /** IANA name, e.g. `Europe/Berlin`. */
  readonly timeZone: string;
}

export interface ScheduleView {
  readonly scheduleId: string;
  readonly account: string;
  /** Of the next sessions, ISO 8601. */
  readonly next: readonly string[];
  /** The last sessions that it began, newest last. */
  readonly recent: readonly { readonly workflowId: string; readonly startedAt: string }[];
  readonly started: number;
  /** Sessions that were left out: the one before still ran, or the server was away for longer than the catch-up window. */
  readonly skipped: { readonly overlap: number; readonly late: number };
  readonly paused: boolean;
}

type Plan = Pick<ScheduleOptions, 'spec' | 'action' | 'policies'>;

export function scheduleId(account: string): string {
  return `daily-session:${account}`;
}

/** Makes the schedule, or changes the time of the one that is there; says which. */
export async function ensureSchedule(
  client: Client,
  account: string,
  time: DailyTime,
): Promise<'created' | 'changed'> {
  const plan = planOf(account, time);
  try {
    await client.schedule.create({ scheduleId: scheduleId(account), ...plan });
    return 'created';
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    // Paused by hand it stays paused.
    await client.schedule.getHandle(scheduleId(account)).update(({ state }) => ({ ...plan, state }));
    return 'changed';
  }
}

function planOf(account: string, { hour, minute, timeZone }: DailyTime): Plan {
  return {
    spec: { calendars: [{ hour, minute, comment: 'the daily session' }], timezone: timeZone },
    action: {
      type: 'startWorkflow',
      workflowType: 'startSession',
      // The server puts the time behind it: one workflow id for each session.
      workflowId: `session:${account}:daily`,
      taskQueue: TASK_QUEUE,
      args: [{ account }],
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: CATCH_UP_MS, pauseOnFailure: false },
  };
}

/** `null` where there is none. */
export async function readSchedule(client: Client, account: string): Promise<ScheduleView | null> {
  try {
    return viewOf(account, await client.schedule.getHandle(scheduleId(account)).describe());
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return null;
    throw error;
  }
}

function viewOf(account: string, { scheduleId: id, state, info }: ScheduleDescription): ScheduleView {
  return {
    scheduleId: id,
    account,
    next: info.nextActionTimes.slice(0, 3).map((at) => at.toISOString()),
    recent: info.recentActions.map(({ takenAt, action }) => ({
      workflowId: action.workflow.workflowId,
      startedAt: takenAt.toISOString(),
    })),
    started: info.numActionsTaken,
    skipped: { overlap: info.numActionsSkippedOverlap, late: info.numActionsMissedCatchupWindow },
    paused: state.paused,
  };
}

/** Begins a session now; `false` where there is no schedule. */
export function triggerSchedule(client: Client, account: string): Promise<boolean> {
  return unlessMissing(client.schedule.getHandle(scheduleId(account)).trigger());
}

/** `false` where there was none. */
export function deleteSchedule(client: Client, account: string): Promise<boolean> {
  return unlessMissing(client.schedule.getHandle(scheduleId(account)).delete());
}

async function unlessMissing(work: Promise<void>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return false;
    throw error;
  }
}
