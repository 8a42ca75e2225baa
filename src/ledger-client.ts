/**
 * What a bot on the account uses to ask the margin ledger: each call has one request id, and is repeated with that id until
 * it is answered or its deadline is over, so that nothing is ever taken twice (DESIGN §6).
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  isGrpcServiceError,
} from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { AllocateAnswer, ReleaseAnswer, ReserveAnswer, TradeAnswer } from './domain/ledger-answers.ts';
import type { AllocateRequest, ReleaseRequest, ReserveRequest, TradeRequest } from './domain/ledger-input.ts';
import type { LedgerSummary } from './domain/ledger-view.ts';
import { ledgerId } from './domain/names.ts';

/** A request without its id; give one to repeat a call from another process or after a restart. */
type WithoutId<Request extends { readonly requestId?: string }> = Omit<Request, 'requestId'> & {
  readonly requestId?: string;
};

export interface LedgerClientOptions {
  readonly client: Client;
  /** Alias of the account; default `main`. */
  readonly account?: string;
  /** How long a call goes on asking, ms; default 2 min. */
  readonly deadlineMs?: number;
}

/** The ledger refused the input, or its run ended: asking again with the same id does not help. */
export class LedgerRefusedError extends Error {
  readonly type = 'LedgerRefused';
  readonly requestId: string;

  constructor(requestId: string, message: string, options: { readonly cause: unknown }) {
    super(message, options);
    this.name = 'LedgerRefusedError';
    this.requestId = requestId;
  }
}

/** No ledger runs for this account; a session starts one. */
export class LedgerNotRunningError extends Error {
  readonly type = 'LedgerNotRunning';

  constructor(account: string, options: { readonly cause: unknown }) {
    super(`no ledger runs for account ${account}: start a session, which starts it`, options);
    this.name = 'LedgerNotRunningError';
  }
}

/** The deadline is over and it is not known whether the operation was done: ask again with the same id. */
export class LedgerAnswerUnknownError extends Error {
  readonly type = 'LedgerAnswerUnknown';
  readonly requestId: string;

  constructor(requestId: string, afterMs: number, options: { readonly cause: unknown }) {
    super(
      `unknown after ${afterMs} ms whether the ledger did ${requestId}: ask again with the same id`,
      options,
    );
    this.name = 'LedgerAnswerUnknownError';
    this.requestId = requestId;
  }
}

const DEADLINE_MS = 120_000;
/** One try: shorter than the deadline, because a call that hangs on a lost connection says nothing by itself. */
const TRY_MS = 20_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
/** gRPC: too many updates in flight; the update was aborted, or the server is away. */
const RESOURCE_EXHAUSTED = 8;
const UNAVAILABLE = 14;

/**
 * Asks the ledger of one account. A refusal by a limit is an answer (`ok: false`); malformed input throws
 * `LedgerRefusedError`, an account without a ledger `LedgerNotRunningError`, a deadline `LedgerAnswerUnknownError`.
 */
export class LedgerClient {
  private readonly client: Client;
  private readonly account: string;
  private readonly deadlineMs: number;

  constructor(options: LedgerClientOptions) {
    this.client = options.client;
    this.account = options.account ?? 'main';
    this.deadlineMs = options.deadlineMs ?? DEADLINE_MS;
  }

  allocateMargin(request: WithoutId<AllocateRequest>): Promise<AllocateAnswer> {
    return this.ask('allocateMargin', request);
  }

  reserveMargin(request: WithoutId<ReserveRequest>): Promise<ReserveAnswer> {
    return this.ask('reserveMargin', request);
  }

  releaseMargin(request: WithoutId<ReleaseRequest>): Promise<ReleaseAnswer> {
    return this.ask('releaseMargin', request);
  }

  validateNewTrade(request: TradeRequest): Promise<TradeAnswer> {
    return this.ask('validateNewTrade', request);
  }

  /** Asks the ledger to read the balance now; it does not wait for it. */
  async syncBalance(): Promise<void> {
    await this.handled(() => this.handle().signal('syncBalance'));
  }

  summary(): Promise<LedgerSummary> {
    return this.handled(() => this.handle().query<LedgerSummary>('summary'));
  }

  private async ask<Answer>(operation: string, input: { readonly requestId?: string }): Promise<Answer> {
    const requestId = input.requestId ?? randomUUID();
    const request = { ...input, requestId };
    const givesUpAt = Date.now() + this.deadlineMs;
    let pauseMs = FIRST_PAUSE_MS;
    for (;;) {
      try {
        const untilMs = Math.min(givesUpAt, Date.now() + TRY_MS);
        return await this.client.withDeadline(untilMs, () =>
          this.handle().executeUpdate<Answer, [typeof request]>(operation, {
            args: [request],
            updateId: requestId,
          }),
        );
      } catch (error) {
        if (!mayBeAskedAgain(error)) throw this.translated(error, requestId);
        if (Date.now() + pauseMs >= givesUpAt) {
          throw new LedgerAnswerUnknownError(requestId, this.deadlineMs, { cause: error });
        }
      }
      // Callers that were turned away together come back apart.
      await sleep(pauseMs * (0.5 + Math.random()));
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }

  private handle() {
    return this.client.workflow.getHandle(ledgerId(this.account));
  }

  private async handled<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw error instanceof WorkflowNotFoundError
        ? new LedgerNotRunningError(this.account, { cause: error })
        : error;
    }
  }

  private translated(error: unknown, requestId: string): unknown {
    if (error instanceof WorkflowNotFoundError) {
      return new LedgerNotRunningError(this.account, { cause: error });
    }
    if (error instanceof WorkflowUpdateFailedError || error instanceof WorkflowFailedError) {
      const { cause } = error;
      const words =
        cause instanceof ApplicationFailure ? cause.message : `the ledger ended: ${error.message}`;
      return new LedgerRefusedError(requestId, words, { cause: error });
    }
    return error;
  }
}

/** True where the server may answer the same id later; anything else is an answer or a defect. */
function mayBeAskedAgain(error: unknown): boolean {
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return true;
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (isGrpcServiceError(cause)) return cause.code === RESOURCE_EXHAUSTED || cause.code === UNAVAILABLE;
  }
  return false;
}
