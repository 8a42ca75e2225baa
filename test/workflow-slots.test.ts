/** Slots for workflow tasks: how many run at once, who waits, and that none is ever lost. */
import type { SlotPermit, SlotReserveContext } from '@temporalio/worker';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WorkflowSlots } from '../src/workflow-slots.ts';

const asked = (isSticky: boolean): SlotReserveContext => ({
  slotType: 'workflow',
  taskQueue: 'stopkeeper',
  workerIdentity: 'w',
  workerBuildId: '',
  isSticky,
});
const cached = asked(true);
const replayed = asked(false);
const never = (): AbortSignal => new AbortController().signal;

/** `pending` where the promise has not settled once everything else had its turn. */
async function settledOr<T>(promise: Promise<T>): Promise<T | 'pending'> {
  const later = new Promise<'pending'>((resolve) => setImmediate(() => resolve('pending')));
  return Promise.race([promise, later]);
}

describe('slots for workflow tasks', () => {
  it('are few for workflows that must be replayed, apart from those of cached ones', async () => {
    const slots = new WorkflowSlots({ cached: 3, replayed: 1 });
    const first = await slots.reserveSlot(replayed, never());
    const second = slots.reserveSlot(replayed, never());
    expect(await settledOr(second)).toBe('pending');
    expect(slots.tryReserveSlot(replayed)).toBeNull();
    for (let at = 0; at < 3; at += 1) expect(slots.tryReserveSlot(cached)).not.toBeNull();
    expect(slots.tryReserveSlot(cached)).toBeNull();
    slots.releaseSlot({ permit: first });
    expect(await settledOr(second)).toEqual(first);
  });

  it('go to those who wait in the order in which they came, then are free again', async () => {
    const slots = new WorkflowSlots({ cached: 1, replayed: 1 });
    const held = await slots.reserveSlot(replayed, never());
    const order: number[] = [];
    const waiting = [1, 2].map((name) =>
      slots.reserveSlot(replayed, never()).then((permit) => {
        order.push(name);
        slots.releaseSlot({ permit });
      }),
    );
    slots.releaseSlot({ permit: held });
    await Promise.all(waiting);
    expect(order).toEqual([1, 2]);
    expect(slots.tryReserveSlot(replayed)).not.toBeNull();
  });

  it('are not given to those who no longer want one', async () => {
    const slots = new WorkflowSlots({ cached: 1, replayed: 1 });
    const held = await slots.reserveSlot(replayed, never());
    const gone = new AbortController();
    const reason = new Error('not wanted');
    const left = slots.reserveSlot(replayed, gone.signal);
    const next = slots.reserveSlot(replayed, never());
    gone.abort(reason);
    await expect(left).rejects.toBe(reason);
    await expect(slots.reserveSlot(replayed, gone.signal)).rejects.toBe(reason);
    slots.releaseSlot({ permit: held });
    expect(await settledOr(next)).not.toBe('pending');
  });

  it('of replays are free again when their workflows begin a check, and not twice', async () => {
    const slots = new WorkflowSlots({ cached: 9, replayed: 1 });
    const first = await slots.reserveSlot(replayed, never());
    const second = slots.reserveSlot(replayed, never());
    slots.localActivityOf('run-1');
    expect(await settledOr(second)).toEqual(first);
    slots.localActivityOf('run-1');
    expect(slots.tryReserveSlot(replayed)).toBeNull();
    // The task of the first one ends: its slot is the second one's by now.
    slots.releaseSlot({ permit: first });
    expect(slots.tryReserveSlot(replayed)).toBeNull();
    slots.releaseSlot({ permit: await second });
    expect(slots.tryReserveSlot(replayed)).not.toBeNull();
    expect(slots.tryReserveSlot(replayed)).toBeNull();
  });

  it('are not made by checks where nothing is replayed', () => {
    const slots = new WorkflowSlots({ cached: 1, replayed: 1 });
    for (const run of ['run-1', 'run-2', 'run-3']) slots.localActivityOf(run);
    expect(slots.tryReserveSlot(replayed)).not.toBeNull();
    expect(slots.tryReserveSlot(replayed)).toBeNull();
  });

  it('are neither lost nor made, whatever comes in whatever order', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(2), fc.nat(30)), { maxLength: 200 }), (steps) => {
        const slots = new WorkflowSlots({ cached: 3, replayed: 2 });
        const held: SlotPermit[] = [];
        for (const [what, which] of steps) {
          const permit = what === 0 ? slots.tryReserveSlot(replayed) : null;
          if (permit !== null) held.push(permit);
          if (what === 1) slots.localActivityOf(`run-${which}`);
          const released = what === 2 ? held.splice(which % Math.max(1, held.length), 1)[0] : undefined;
          if (released !== undefined) slots.releaseSlot({ permit: released });
        }
        for (const permit of held) slots.releaseSlot({ permit });
        expect([1, 2, 3].map(() => slots.tryReserveSlot(replayed) !== null)).toEqual([true, true, false]);
      }),
    );
  });
});
