/** What guards are compared with: the plain design, and the least that a durable check can be. */
import {
  continueAsNew,
  proxyActivities,
  proxyLocalActivities,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../../src/activities/index.ts';
import { decide } from '../../src/domain/decide.ts';
import { evolve } from '../../src/domain/evolve.ts';
import { newBook, type GuardBook } from '../../src/domain/guard-state.ts';
import type { Policy } from '../../src/domain/policy.ts';
import type { Leg } from '../../src/domain/position.ts';
import { routineDueAt } from '../../src/domain/spread.ts';

const { observe } = proxyActivities<Pick<Activities, 'observe'>>({ startToCloseTimeout: '30 seconds' });

export interface PlainInput {
  readonly account: string;
  readonly leg: Leg;
  readonly policy: Policy;
  readonly book?: GuardBook;
}

/** The same judgement as a guard's, one regular activity and one timer for each check. Reads and judges; it writes nothing, since the accounts that it is measured on need nothing written. */
export async function plainGuard(input: PlainInput): Promise<void> {
  const { account, leg, policy } = input;
  let book = input.book ?? newBook(account, leg);
  for (let checks = 0; checks < policy.continueAsNewAfterChecks; checks += 1) {
    const { episode } = book;
    const observation = await observe({
      account,
      leg,
      mode: 'routine',
      triggerBy: policy.triggerBy,
      bands: false,
      maxAgeMs: policy.priceMaxAgeMs,
      withStopOrders: false,
      known: {
        side: episode?.side ?? null,
        openTime: episode?.openTime ?? null,
        best: episode?.trailing?.best ?? null,
        gapSince: null,
        adoptedAt: episode?.adoptedAt ?? null,
      },
    });
    decide(book, observation, policy, { rewrite: false });
    book = evolve(book, { kind: 'observed', observation, rewrite: false }, policy);
    await sleep(policy.checkEveryMs);
  }
  await continueAsNew<typeof plainGuard>({ account, leg, policy, book: { ...book, log: [], outbox: [] } });
}

const { nothing } = proxyLocalActivities<{ nothing: () => Promise<void> }>({
  startToCloseTimeout: '30 seconds',
});

/** A local activity that does nothing, and a timer that fires when a guard's would: what SDK and server take for any check of a guard's kind. */
export async function bareGuard(input: PlainInput): Promise<void> {
  const { policy } = input;
  for (let checks = 0; checks < policy.continueAsNewAfterChecks; checks += 1) {
    await nothing();
    const now = Date.now();
    await sleep(routineDueAt(now, policy.checkEveryMs, workflowInfo().workflowId) - now);
  }
  await continueAsNew<typeof bareGuard>(input);
}
