/**
 * The balance manager of one account (DESIGN §6): its messages, the sync every five minutes, and continue-as-new. What the
 * messages mean is pure code in `domain/ledger.ts` (I11).
 */
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { UpdateDefinition } from '@temporalio/common';
import {
  allocateMargin,
  newSession,
  releaseMargin,
  reserveMargin,
  validateNewTrade,
} from '../domain/ledger.ts';
import type { AllocateAnswer, ReleaseAnswer, ReserveAnswer, TradeAnswer } from '../domain/ledger-answers.ts';
import {
  allocateMarginProblems,
  ledgerStartProblems,
  newSessionProblems,
  releaseMarginProblems,
  reserveMarginProblems,
  validateNewTradeProblems,
} from '../domain/ledger-input.ts';
import type {
  AllocateRequest,
  LedgerLimits,
  ReleaseRequest,
  ReserveRequest,
  SessionRequest,
  TradeRequest,
} from '../domain/ledger-input.ts';
import { newLedger } from '../domain/ledger-state.ts';
import type { LedgerState } from '../domain/ledger-state.ts';
import { summaryOf } from '../domain/ledger-view.ts';
import type { LedgerSummary, SessionOpening } from '../domain/ledger-view.ts';
import { LedgerRun, refuseIf } from './ledger-run.ts';
import type { Service } from './ledger-run.ts';

export interface KeepLedgerInput {
  /** Alias; default `main`. */
  readonly account?: string;
  readonly venue?: string;
  readonly limits?: LedgerLimits;
  /** Only from the run before. */
  readonly state?: LedgerState;
}

export const allocateMarginUpdate = defineUpdate<AllocateAnswer, [AllocateRequest]>('allocateMargin');
export const reserveMarginUpdate = defineUpdate<ReserveAnswer, [ReserveRequest]>('reserveMargin');
export const releaseMarginUpdate = defineUpdate<ReleaseAnswer, [ReleaseRequest]>('releaseMargin');
export const validateNewTradeUpdate = defineUpdate<TradeAnswer, [TradeRequest]>('validateNewTrade');
export const newSessionUpdate = defineUpdate<SessionOpening, [SessionRequest]>('newSession');
export const syncBalanceSignal = defineSignal('syncBalance');
export const summaryQuery = defineQuery<LedgerSummary>('summary');

/** The server refuses updates after 2,000 in one run; those that arrive while a run ends need room. */
const UPDATES_A_RUN = 1_500;

export async function keepLedger(input?: KeepLedgerInput): Promise<void> {
  refuseIf(ledgerStartProblems(input));
  const account = input?.account ?? 'main';
  const run = new LedgerRun(input?.state ?? newLedger({ ...input, account }, Date.now()));
  serveMessages(run);

  // No handler waits for this loop, only for a sync that has begun, so that waiting for the handlers cannot hang.
  const ending = () =>
    (run.updates >= UPDATES_A_RUN || workflowInfo().continueAsNewSuggested) && allHandlersFinished();
  while (!ending()) {
    if (run.due) run.beginSync();
    await condition(() => ending() || run.due, run.untilNextSyncMs, { summary: 'next balance sync' });
  }
  // A sync under way ends with this run; the next run begins one when it is due by the age of the balance.
  const carried: KeepLedgerInput = { ...input, account, state: run.state };
  await continueAsNew<typeof keepLedger>(carried);
}

function serveMessages(run: LedgerRun): void {
  serveUpdate(
    run,
    allocateMarginUpdate,
    'take margin: {requestId, amount, symbol, reservationId?, description?}',
    {
      operation: 'allocateMargin',
      problemsOf: allocateMarginProblems,
      perform: allocateMargin,
    },
  );
  serveUpdate(
    run,
    reserveMarginUpdate,
    'hold margin back: {requestId, amount, symbol, expiresInMs?, description?}',
    {
      operation: 'reserveMargin',
      problemsOf: reserveMarginProblems,
      perform: reserveMargin,
    },
  );
  serveUpdate(run, releaseMarginUpdate, 'give an allocation or reservation back: {requestId, id}', {
    operation: 'releaseMargin',
    problemsOf: releaseMarginProblems,
    perform: releaseMargin,
  });
  serveUpdate(run, validateNewTradeUpdate, 'would this trade fit: {symbol, notional, leverage, requestId?}', {
    operation: 'validateNewTrade',
    problemsOf: validateNewTradeProblems,
    perform: validateNewTrade,
  });
  const session = {
    operation: 'newSession',
    problemsOf: newSessionProblems,
    perform: newSession,
  } as const;
  setHandler(newSessionUpdate, (request) => run.openSession(session, request), {
    validator: (request) => run.validate(session, request),
    description: 'sync, then reset baseline and counters: {requestId, limits?}',
  });
  setHandler(syncBalanceSignal, () => run.askSync(), { description: 'read the balance now' });
  setHandler(summaryQuery, () => summaryOf(run.state, Date.now()), { description: 'the dashboard' });
}

function serveUpdate<Request extends { readonly requestId?: string }, Answer>(
  run: LedgerRun,
  definition: UpdateDefinition<Answer, [Request]>,
  description: string,
  service: Service<Request, Answer>,
): void {
  setHandler<Answer, [Request], UpdateDefinition<Answer, [Request]>>(
    definition,
    (request) => run.serve(service, request),
    { validator: (request) => run.validate(service, request), description },
  );
}
