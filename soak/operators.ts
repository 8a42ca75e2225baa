/** Operators: signals, updates, sessions, and guards cancelled and terminated by hand; what they were answered is kept to be judged. */
import type { Client } from '@temporalio/client';
import { guardId, ledgerId, TASK_QUEUE, watchId } from '../src/domain/names.ts';
import type { CloseAnswer, ReprotectAnswer } from '../src/domain/messages.ts';
import { LedgerClient } from '../src/ledger-client.ts';
import type { SoakLeg } from './account.ts';
import type { OperatorAct, SoakEvent } from './plan.ts';
import { Tally } from './tally.ts';

type OperatorEvent = Extract<SoakEvent, { readonly kind: 'operator' }>;

/** What an update answered, times in host ms. */
export interface Answered<A> {
  readonly leg: SoakLeg;
  readonly askedAt: number;
  readonly answeredAt: number;
  readonly answer: A;
}

/** A guard that was ended by hand: it loses its memory, and with it a floor that no longer rests on the venue. */
export interface EndedByHand {
  readonly workflowId: string;
  readonly at: number;
}

/** An operator who hears nothing goes away, ms. */
const PATIENCE_MS = 45_000;
const ACCOUNT = 'main';

export class Operators {
  readonly tally = new Tally();
  readonly reprotected: Answered<ReprotectAnswer>[] = [];
  readonly closed: Answered<CloseAnswer>[] = [];
  readonly endedByHand: EndedByHand[] = [];
  /** Open allocations by id with their amount: what the ledger's book must hold at the end. */
  readonly allocations = new Map<string, number>();
  /** Calls whose outcome the client never learned: the book cannot be compared then. */
  ledgerUnknown = 0;
  readonly #client: Client;
  readonly #ledger: LedgerClient;
  #sessions = 0;

  constructor(client: Client) {
    this.#client = client;
    this.#ledger = new LedgerClient({ client, account: ACCOUNT });
  }

  async carryOut(event: OperatorEvent): Promise<void> {
    const { act } = event;
    try {
      const done = await this.#act(event);
      this.tally.add(done ? act : `${act}: nothing to do`);
    } catch (error) {
      const gone = /not found|already completed/iu.test(String((error as Error).message));
      this.tally.add(`${act}: ${gone ? 'no such workflow' : 'no answer'}`);
    }
  }

  async #act({ leg, act, draw }: OperatorEvent): Promise<boolean> {
    const handle = (workflowId: string) => this.#client.workflow.getHandle(workflowId);
    const guard = guardId(ACCOUNT, leg);
    switch (act) {
      case 'reprotect':
        await handle(guard).signal('reprotect', { reason: 'soak', rewrite: draw < 0.3 });
        return true;
      case 'reprotect-all':
        await handle(watchId(ACCOUNT)).signal('reprotect', { reason: 'soak', rewrite: draw < 0.2 });
        return true;
      case 'reprotectNow':
      case 'closeNow':
      case 'setPolicy':
        await this.#update(leg, act, draw);
        return true;
      case 'cancel-guard':
      case 'terminate-guard':
        await this.#end(guard, act);
        return true;
      case 'syncBalance':
        await handle(ledgerId(ACCOUNT)).signal('syncBalance');
        return true;
      case 'session':
        return this.#session();
      case 'allocate':
      case 'release-margin':
        return this.#margin(leg, act, draw);
    }
  }

  async #update(leg: SoakLeg, act: 'reprotectNow' | 'closeNow' | 'setPolicy', draw: number): Promise<void> {
    const askedAt = Date.now();
    const ask = <A>(name: string, input: object): Promise<A> =>
      this.#client.withDeadline(Date.now() + PATIENCE_MS, () =>
        this.#client.workflow
          .getHandle(guardId(ACCOUNT, leg))
          .executeUpdate<A, [object]>(name, { args: [input] }),
      );
    if (act === 'setPolicy') {
      // Tighter than the default or wider; what rests stays as it is in the second case (I1).
      const policy = draw < 0.5 ? { fixedStopPct: 4 } : { trailing: { distancePct: 0.5 + draw } };
      await ask(act, { policy });
    } else if (act === 'closeNow') {
      const answer = await ask<CloseAnswer>(act, { reason: 'soak', confirm: leg.symbol });
      this.closed.push({ leg, askedAt, answeredAt: Date.now(), answer });
    } else {
      const answer = await ask<ReprotectAnswer>(act, { reason: 'soak' });
      this.reprotected.push({ leg, askedAt, answeredAt: Date.now(), answer });
    }
  }

  async #end(workflowId: string, act: OperatorAct): Promise<void> {
    const handle = this.#client.workflow.getHandle(workflowId);
    // Noted before it is known to have worked: a call that fails may have been carried out.
    this.endedByHand.push({ workflowId, at: Date.now() });
    if (act === 'cancel-guard') await handle.cancel();
    else await handle.terminate('by hand');
  }

  async #session(): Promise<boolean> {
    this.#sessions += 1;
    await this.#client.workflow.start('startSession', {
      taskQueue: TASK_QUEUE,
      workflowId: `session:soak-${this.#sessions}`,
      args: [{ account: ACCOUNT }],
    });
    return true;
  }

  async #margin(leg: SoakLeg, act: 'allocate' | 'release-margin', draw: number): Promise<boolean> {
    const [oldest] = this.allocations;
    try {
      if (act === 'release-margin') {
        if (oldest === undefined) return false;
        this.allocations.delete(oldest[0]);
        await this.#ledger.releaseMargin({ id: oldest[0] });
        return true;
      }
      const amount = 10 + Math.floor(draw * 90);
      const answer = await this.#ledger.allocateMargin({ amount: String(amount), symbol: leg.symbol });
      if (answer.ok) this.allocations.set(answer.allocationId, amount);
      return answer.ok;
    } catch (error) {
      this.ledgerUnknown += 1;
      throw error;
    }
  }
}
