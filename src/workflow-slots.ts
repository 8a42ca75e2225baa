/**
 * Slots for workflow tasks. A cached workflow has one whenever it wants; of those that must be replayed first only a few run at a time: after
 * a restart all replay on one thread, and what begins together ends together, past the task's time-out (docs/temporal.md §4). A replay is over
 * once its workflow begins a local activity: a venue that lets checks wait keeps nobody else from being replayed.
 */
import type {
  ActivityInterceptorsFactory,
  CustomSlotSupplier,
  SlotPermit,
  SlotReserveContext,
  WorkflowSlotInfo,
} from '@temporalio/worker';

export interface SlotLimits {
  /** Workflows that this process holds, and so tasks of theirs at once. */
  readonly cached: number;
  /** Tasks at once that come with their history. */
  readonly replayed: number;
}

interface Permit extends SlotPermit {
  readonly kind: keyof SlotLimits;
}

interface Waiting {
  readonly permit: Permit;
  readonly grant: (permit: Permit) => void;
}

/** Runs that continued as new are forgotten after this many newer ones for each cached workflow. */
const REMEMBERED = 4;

export class WorkflowSlots implements CustomSlotSupplier<WorkflowSlotInfo> {
  readonly type = 'custom';
  readonly #limits: SlotLimits;
  readonly #free: { cached: number; replayed: number };
  readonly #waiting: { readonly cached: Waiting[]; readonly replayed: Waiting[] } = {
    cached: [],
    replayed: [],
  };
  /** Slots of replays that are over while their task goes on: given on, and not to be given again when the task ends. */
  #givenOn = 0;
  /** Runs that this process has replayed, the last used last. */
  readonly #replayed = new Set<string>();

  constructor(limits: SlotLimits) {
    this.#limits = limits;
    this.#free = { ...limits };
  }

  /** Rejects with the signal's reason once nobody wants the slot any more. */
  async reserveSlot(context: SlotReserveContext, abortSignal: AbortSignal): Promise<Permit> {
    const permit = this.tryReserveSlot(context);
    if (permit !== null) return permit;
    const kind = kindOf(context);
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { permit: { kind }, grant: resolve };
      const give = (): void => {
        const at = this.#waiting[kind].indexOf(waiting);
        if (at >= 0) this.#waiting[kind].splice(at, 1);
        reject(abortSignal.reason as Error);
      };
      if (abortSignal.aborted) give();
      else {
        this.#waiting[kind].push(waiting);
        abortSignal.addEventListener('abort', give, { once: true });
      }
    });
  }

  tryReserveSlot(context: SlotReserveContext): Permit | null {
    const kind = kindOf(context);
    if (this.#free[kind] === 0) return null;
    this.#free[kind] -= 1;
    return { kind };
  }

  markSlotUsed(): void {
    // A slot counts from its reservation: what polls may get a task at any moment.
  }

  releaseSlot({ permit }: { readonly permit: SlotPermit }): void {
    // Permits come from here and nowhere else.
    const { kind } = permit as Permit;
    if (kind === 'replayed' && this.#givenOn > 0) this.#givenOn -= 1;
    else this.#giveOn(kind);
  }

  /** Tells the slots when replays are over. */
  readonly interceptor: ActivityInterceptorsFactory = ({ info }) => ({
    inbound: {
      execute: async (input, next) => {
        if (info.isLocal && info.workflowExecution !== undefined)
          this.localActivityOf(info.workflowExecution.runId);
        return next(input);
      },
    },
  });

  /** The first one of a run shows that its replay is over. */
  localActivityOf(runId: string): void {
    const known = this.#replayed.delete(runId);
    this.#replayed.add(runId);
    const [oldest] = this.#replayed;
    if (oldest !== undefined && this.#replayed.size > REMEMBERED * this.#limits.cached)
      this.#replayed.delete(oldest);
    // No replay holds a slot that could be given on.
    if (known || this.#free.replayed >= this.#limits.replayed) return;
    this.#givenOn += 1;
    this.#giveOn('replayed');
  }

  #giveOn(kind: keyof SlotLimits): void {
    const next = this.#waiting[kind].shift();
    if (next === undefined) this.#free[kind] += 1;
    else next.grant(next.permit);
  }
}

function kindOf({ isSticky }: SlotReserveContext): keyof SlotLimits {
  return isSticky ? 'cached' : 'replayed';
}
