/** Releases as ended guards themselves tell of them: where a watcher has lost its memory, or none answers (DESIGN §5, `release`). */
import { WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import type { Released } from '../domain/messages.ts';
import { guardId } from '../domain/names.ts';
import { pooled } from '../domain/pool.ts';
import type { Leg } from '../domain/position.ts';
import { releaseHolds } from '../domain/watch-state.ts';
import type { ActivityDeps } from './deps.ts';

const ASKED_AT_ONCE = 20;

interface OpenLeg extends Leg {
  readonly openTime: number | null;
}

/** Releases that still hold among `legs`, by the result of each leg's last guard. */
export async function toldReleases(
  deps: Pick<ActivityDeps, 'client' | 'now'>,
  account: string,
  legs: readonly OpenLeg[],
): Promise<readonly Released[]> {
  const told = await pooled(legs, ASKED_AT_ONCE, (leg) => releaseOf(deps, account, leg));
  return told.flatMap((one, at) =>
    one !== null && releaseHolds(one, legs[at]?.openTime ?? null, deps.now()) ? [one] : [],
  );
}

async function releaseOf(
  deps: Pick<ActivityDeps, 'client'>,
  account: string,
  leg: Leg,
): Promise<Released | null> {
  const handle = deps.client.workflow.getHandle(guardId(account, leg));
  try {
    const { status } = await handle.describe();
    if (status.name !== 'COMPLETED') return null;
    // The result of `guardPosition`; one of an older build has no record of the release.
    const ending = (await handle.result()) as { readonly released?: Released };
    return ending.released ?? null;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError || error instanceof WorkflowFailedError) return null;
    throw error;
  }
}
