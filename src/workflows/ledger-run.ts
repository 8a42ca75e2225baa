/** One run of the ledger: the book in memory, its syncs, and how a message is served atomically and once (I11). */
import {
  ApplicationFailure,
  condition,
  isCancellation,
  patched,
  proxyActivities,
  setCurrentDetails,
} from '@temporalio/workflow';
import type { ReadBalanceInput } from '../activities/ledger.ts';
import { requestIdProblem } from '../domain/ledger.ts';
import type { Step } from '../domain/ledger.ts';
import type { Cleared } from '../domain/ledger-answers.ts';
import type { SessionRequest } from '../domain/ledger-input.ts';
import type { Operation } from '../domain/ledger-memory.ts';
import type { LedgerState } from '../domain/ledger-state.ts';
import { balanceFailed, balanceRead } from '../domain/ledger-sync.ts';
import type { LedgerReading } from '../domain/ledger-sync.ts';
import { ledgerDetails, sessionOpening } from '../domain/ledger-view.ts';
import type { SessionOpening } from '../domain/ledger-view.ts';
import { AUX_TASK_QUEUE } from '../domain/names.ts';
import { failureDetail } from './failure-info.ts';

/** DESIGN §6. */
const SYNC_EVERY_MS = 5 * 60_000;

/** The wallet call and the snapshot have deadlines of their own; three attempts of an outage end within a sync's interval. */
const { readLedgerBalance } = proxyActivities<{
  readLedgerBalance(input: ReadBalanceInput): Promise<LedgerReading>;
}>({
  startToCloseTimeout: '30 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumAttempts: 3 },
  cancellationType: 'TRY_CANCEL',
  summary: 'balance and margin of the positions',
});

/** One try: the next sync is the retry, and nothing of the ledger waits for the watcher. */
const { ensureWatcher } = proxyActivities<{
  ensureWatcher(input: { readonly account: string }): Promise<void>;
}>({
  taskQueue: AUX_TASK_QUEUE,
  startToCloseTimeout: '10 seconds',
  scheduleToCloseTimeout: '30 seconds',
  retry: { maximumAttempts: 1 },
  cancellationType: 'TRY_CANCEL',
  summary: 'the watcher is kept alive',
});

/** A message's meaning: what is wrong with its input, and what it does to the book. */
export interface Service<Request, Answer> {
  readonly operation: Operation;
  readonly problemsOf: (request: unknown) => readonly string[];
  readonly perform: (book: LedgerState, request: Request, now: number) => Step<Answer>;
}

export class LedgerRun {
  state: LedgerState;
  /** Messages served in this run; the server counts them too. */
  updates = 0;
  private syncAsked = false;
  private running: Promise<void> | null = null;
  private nextSyncAt: number;
  private timings = { callMs: 0, parseMs: 0 };

  constructor(state: LedgerState) {
    this.state = state;
    this.nextSyncAt = (state.balance?.readAt ?? 0) + SYNC_EVERY_MS;
    this.show();
  }

  askSync(): void {
    this.syncAsked = true;
  }

  /** True when a sync should begin at once. */
  get due(): boolean {
    return this.running === null && (this.syncAsked || Date.now() >= this.nextSyncAt);
  }

  get untilNextSyncMs(): number {
    return Math.max(1, this.nextSyncAt - Date.now());
  }

  /** Begins a sync and does not wait for it: messages and continue-as-new go on meanwhile. */
  beginSync(): void {
    const asked = this.syncAsked;
    this.syncAsked = false;
    this.nextSyncAt = Date.now() + SYNC_EVERY_MS;
    // A session starts the watcher last, after its own protection: not with the ledger's very first sync.
    const keep = this.everSynced;
    // Rejections are the workflow's cancellation, which the main loop sees too, or the watcher's, tried again next time.
    void this.sync(asked)
      .then(() => (keep ? ensureWatcher({ account: this.state.account }) : undefined))
      .catch(() => undefined);
  }

  /** Serves one message: atomically, once for each request id. */
  async serve<Request extends { readonly requestId?: string }, Answer>(
    service: Service<Request, Answer>,
    request: Request,
  ): Promise<Answer> {
    this.updates += 1;
    // A ledger that has only just begun waits for its first read rather than refuse for want of it.
    if (!this.everSynced) await condition(() => this.everSynced);
    // Between the validator and here another message may have used the id.
    this.refuseReuse(service.operation, request.requestId);
    const { state, answer } = service.perform(this.state, request, Date.now());
    this.state = state;
    this.show();
    return answer;
  }

  /** For the validator of a message: throws with every problem named. */
  validate<Request extends { readonly requestId?: string }, Answer>(
    service: Service<Request, Answer>,
    request: Request,
  ): void {
    refuseIf(service.problemsOf(request));
    this.refuseReuse(service.operation, request.requestId);
  }

  async openSession(
    service: Service<SessionRequest, Cleared>,
    request: SessionRequest,
  ): Promise<SessionOpening> {
    await this.sync(false);
    const cleared = await this.serve(service, request);
    return sessionOpening(this.state, cleared, this.timings, Date.now());
  }

  private get everSynced(): boolean {
    return this.state.balance !== null || this.state.balanceFailure !== null;
  }

  /** Shared by all who ask while it runs; rejects only when the workflow is cancelled. */
  private sync(asked: boolean): Promise<void> {
    if (this.running === null) this.countAsDue();
    this.running ??= this.readOnce(asked).finally(() => {
      this.running = null;
    });
    return this.running;
  }

  /** A session's read that begins when a sync is due is that sync; or the loop would wait for it in steps of 1 ms and then read again. */
  private countAsDue(): void {
    if (Date.now() < this.nextSyncAt || !patched('session-read-counts-as-the-sync-that-is-due')) return;
    this.nextSyncAt = Date.now() + SYNC_EVERY_MS;
  }

  private async readOnce(asked: boolean): Promise<void> {
    try {
      const reading = await readLedgerBalance({ account: this.state.account, asked });
      this.timings = { callMs: reading.callMs, parseMs: reading.parseMs };
      this.state = balanceRead(this.state, reading, Date.now());
    } catch (error) {
      if (isCancellation(error)) throw error;
      const { failure } = failureDetail(error);
      // A read has no unknown outcome: whatever went wrong, the balance was not available.
      const type = failure.type === 'VenueUnknown' ? 'VenueUnavailable' : failure.type;
      this.state = balanceFailed(this.state, { ...failure, type }, Date.now());
    }
    this.show();
  }

  private refuseReuse(operation: Operation, requestId: string | undefined): void {
    const problem = requestIdProblem(this.state, operation, requestId);
    refuseIf(problem === null ? [] : [problem]);
  }

  private show(): void {
    setCurrentDetails(ledgerDetails(this.state, Date.now()));
  }
}

/** Refuses input with every problem named; for a validator and for the start alike. */
export function refuseIf(problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw ApplicationFailure.create({
    type: 'InvalidInput',
    message: problems.join('; '),
    nonRetryable: true,
    details: [{ problems }],
  });
}
