/** `guardPosition`: watches one leg until the venue proves it closed or an operator takes it over (I4, I5; DESIGN §4, §5). */
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  log,
  setWorkflowOptions,
} from '@temporalio/workflow';
import type { ClosingReport } from '../domain/closing.ts';
import { carried, type EndedReport } from '../domain/guard-state.ts';
import { protectionState } from '../domain/guard-view.ts';
import type { GuardInput, Released, ReleaseInput } from '../domain/messages.ts';
import { watchId } from '../domain/names.ts';
import { aux } from './activity-options.ts';
import { isWoken, wireMessages, type Wishes } from './guard-messages.ts';
import { GuardRun } from './guard-run.ts';
import { alertsLeftSignal } from './messages.ts';
import { waitFor } from './pacing.ts';
import { leavePinnedBuild, pinRun } from './pinned-run.ts';
import { checkGuardInput } from './start-input.ts';

/** Memory and log that a run hands to the next, bytes; with the policy the carried state stays under 8 kB. */
const CARRIED_BYTES = 6_500;
const DRAIN_MS = 30_000;

export type GuardResult =
  | {
      readonly ended: 'closed';
      readonly report: ClosingReport;
      /** How earlier episodes of this guard ended, the last of them; absent in results of older builds. */
      readonly earlier?: readonly EndedReport[];
    }
  /** `released` outlives a watcher that loses its memory. */
  | {
      readonly ended: 'released';
      readonly reason: string;
      readonly released: Released;
      readonly earlier?: readonly EndedReport[];
    };

/** Watches until the end; each run hands its memory to the next by continue-as-new. */
export async function guardPosition(input: GuardInput): Promise<GuardResult> {
  checkGuardInput(input);
  const run = new GuardRun(input);
  const wishes: Wishes = {
    woken: false,
    rewrite: false,
    started: 0,
    finished: 0,
    release: null,
    ended: false,
  };
  wireMessages(run, wishes);
  run.show();
  run.outbox.flush();
  for (;;) {
    const result = await nextCheck(run, wishes);
    if (result !== null) return result;
    // Never wait for handlers that wait for the loop: check once more instead (docs/temporal.md §1).
    const ready = run.isLong(wishes.finished) && !wishes.woken && allHandlersFinished();
    // A full run begins no new delivery: a channel that is down would keep it from ever ending.
    if (!ready) run.outbox.flush();
    else if (run.outbox.idle) {
      leavePinnedBuild();
      // The next run may be another worker's, and says at its start where it is.
      run.ended();
      await continueAsNew<typeof guardPosition>({
        account: run.account,
        leg: run.book.leg,
        policy: run.policy,
        book: carried(run.book, CARRIED_BYTES - JSON.stringify(run.carried.notes).length),
        searchAttributes: input.searchAttributes ?? 'on',
        carried: run.carried,
      });
    }
  }
}

setWorkflowOptions(pinRun, guardPosition);

/** Waits for the next check, makes it, and ends the guard where that is due. */
async function nextCheck(run: GuardRun, wishes: Wishes): Promise<GuardResult | null> {
  const wait = run.nextCheckAt - Date.now();
  if (wait > 0) await waitFor(() => wishes.woken, wait, `next check of ${run.book.leg.symbol}`);
  if (wishes.release !== null) return released(run, wishes, wishes.release);
  // Cleared before the check: what arrives during it asks for another one.
  const { rewrite, woken } = wishes;
  wishes.woken = false;
  wishes.rewrite = false;
  wishes.started += 1;
  // The signal that starts a guard asks for nothing that its first check would not do with the shared snapshot.
  const asked = woken && run.checks > 0;
  const report = await run.check(asked, rewrite);
  // Woken since the last read began: somebody may have seen the leg open again.
  if (report !== null && !isWoken(wishes)) {
    await end(run, wishes);
    return { ended: 'closed', report, ...earlierOf(run) };
  }
  wishes.finished = wishes.started;
  run.schedule();
  run.show();
  return null;
}

async function end(run: GuardRun, wishes: Wishes): Promise<void> {
  run.show();
  run.ended();
  await Promise.all([run.outbox.drain(DRAIN_MS), run.writeNotes()]);
  const left = run.book.outbox;
  if (left.length > 0) {
    try {
      await getExternalWorkflowHandle(watchId(run.account)).signal(alertsLeftSignal, left);
    } catch {
      log.error('alerts.lost', { alerts: left.map(({ message }) => message) });
    }
  }
  wishes.ended = true;
  await condition(allHandlersFinished);
}

async function released(run: GuardRun, wishes: Wishes, release: ReleaseInput): Promise<GuardResult> {
  const now = Date.now();
  const record: Released = {
    ...run.book.leg,
    reason: release.reason,
    since: now,
    until: release.resumeAfterMs === undefined ? null : now + release.resumeAfterMs,
    untilAdopted: release.untilAdopted ?? false,
    episode: run.book.episode?.id ?? null,
  };
  // Without a limit of attempts: a release that nobody remembers would be taken back by the next round.
  const retry = { maximumAttempts: Number.POSITIVE_INFINITY, maximumInterval: '30 seconds' } as const;
  await aux.recordRelease.executeWithOptions({ summary: 'tell the watcher', retry }, [
    { account: run.account, released: record },
  ]);
  log.warn('position.released', { ...record, state: protectionState(run.book) });
  run.notes.add({ kind: 'released', leg: run.book.leg, reason: release.reason }, now);
  run.showReleased();
  await end(run, wishes);
  return { ended: 'released', reason: release.reason, released: record, ...earlierOf(run) };
}

function earlierOf({ book }: GuardRun): Pick<GuardResult, 'earlier'> {
  return book.reported === undefined ? {} : { earlier: book.reported };
}
