/** One run of a guard: its memory, its checks and what they ask of the venue; all judgement is in `domain` (I1–I5, I11). */
import { isCancellation, log, patched, workflowInfo } from '@temporalio/workflow';
import type { EnsureStopInput } from '../activities/ensure-stop.ts';
import type { Known, ObserveInput } from '../activities/observe.ts';
import { AuditNotes } from '../domain/audit.ts';
import { unexplained, type ClosingReport } from '../domain/closing.ts';
import { decide } from '../domain/decide.ts';
import { evolve } from '../domain/evolve.ts';
import type { FailureInfo } from '../domain/failure.ts';
import {
  cadence,
  newBook,
  RECORD_LIMIT_MS,
  sighted,
  unprotectedMs,
  type Action,
  type Decision,
  type GuardBook,
  type GuardEvent,
} from '../domain/guard-state.ts';
import type { GuardCarried, GuardInput } from '../domain/messages.ts';
import type { Policy } from '../domain/policy.ts';
import type { Observation } from '../domain/position.ts';
import { checksInRun } from '../domain/run-length.ts';
import { routineDueAt } from '../domain/spread.ts';
import { auditing, protective, reading, routine } from './activity-options.ts';
import { failureDetail } from './failure-info.ts';
import { GuardFace, logTrailing } from './guard-face.ts';
import { GuardReporter } from './guard-reporter.ts';
import { Outbox } from './outbox.ts';

/** Trigger types and partial stops are read at import and so often again. */
const ORDERS_EVERY_MS = 600_000;

type Idle = Extract<Action, { kind: 'none' | 'watch' | 'confirm' }>;

/** Asks nothing of the venue. */
function isIdle(action: Action): action is Idle {
  return action.kind === 'none' || action.kind === 'watch' || action.kind === 'confirm';
}

export class GuardRun {
  readonly account: string;
  policy: Policy;
  book: GuardBook;
  checks: number;
  nextCheckAt: number;
  #ordersReadAt: number;
  #closeAttempts: number;
  #openLegs = 0;
  readonly #face: GuardFace;
  readonly #reporter: GuardReporter;
  readonly outbox: Outbox;
  /** What the audit log is to hear with the next read. */
  readonly notes: AuditNotes;

  constructor(input: GuardInput) {
    this.account = input.account;
    this.policy = input.policy;
    this.book = input.book ?? newBook(input.account, input.leg);
    this.checks = input.carried?.checks ?? 0;
    this.nextCheckAt = input.carried?.nextCheckAt ?? 0;
    this.#ordersReadAt = input.carried?.ordersReadAt ?? input.book?.lastAt ?? 0;
    this.#closeAttempts = input.carried?.closeAttempts ?? 0;
    this.#face = new GuardFace(input.searchAttributes !== 'off');
    this.#reporter = new GuardReporter(this.book, input.carried !== undefined);
    const { workflowId, runId } = workflowInfo();
    this.notes = new AuditNotes({ account: input.account, workflowId, runId }, input.carried?.notes);
    this.outbox = new Outbox({
      pending: () => this.book.outbox,
      delivered: (alertId) => this.apply({ kind: 'delivered', alertId }),
    });
  }

  get carried(): GuardCarried {
    return {
      checks: this.checks,
      nextCheckAt: this.nextCheckAt,
      ordersReadAt: this.#ordersReadAt,
      closeAttempts: this.#closeAttempts,
      notes: this.notes.handedOver,
    };
  }

  /** An accepted message, for the audit log. */
  heard(name: string, input: unknown): void {
    this.notes.add({ kind: 'message', leg: this.book.leg, name, input: input ?? {} }, Date.now());
  }

  apply(event: GuardEvent): void {
    const before = this.book;
    this.book = evolve(before, event, this.policy);
    logTrailing(before, this.book);
  }

  /** One check, of what the venue shows now where a message `asked` for it; returns the closing report once the leg is proven flat. */
  async check(asked: boolean, rewrite: boolean): Promise<ClosingReport | null> {
    const confirming = sighted(this.book.state)?.kind === 'confirming';
    const lagMs = asked || this.nextCheckAt === 0 ? null : Math.max(0, Date.now() - this.nextCheckAt);
    const observation = await this.#observe(confirming ? 'confirm' : asked ? 'prompt' : 'routine');
    const decision = this.#see(observation, rewrite);
    this.checks += 1;
    this.#reporter.checked({ account: this.account, seen: observation.kind, lagMs });
    // Most checks have nothing to do, and each promise costs the SDK two looks at the stack (docs/performance.md).
    const { action } = decision;
    const report = isIdle(action) ? null : await this.#act(action, rewrite);
    if (this.book.ended.length > 0) await this.#reportEnded();
    return report;
  }

  /** When the next check is due, ms; routine ones are spread so that guards do not beat together. */
  schedule(): void {
    const now = Date.now();
    const wait = cadence(this.book, this.policy);
    this.nextCheckAt =
      this.book.state.kind === 'protected' ? routineDueAt(now, wait, workflowInfo().workflowId) : now + wait;
  }

  /** So many checks in one run are enough. */
  isLong(checks: number): boolean {
    return checks >= checksInRun(this.policy, this.#openLegs) || workflowInfo().continueAsNewSuggested;
  }

  /** Search attributes on change only, the details for the UI, and the worker's metrics. */
  show(): void {
    this.#face.show(this.book, { checks: this.checks, nextCheckAt: this.nextCheckAt });
    this.#reporter.shown(this.book, this.nextCheckAt);
  }

  /** Nothing of this guard shows in the worker's metrics from now on. */
  ended(): void {
    this.#reporter.ended();
  }

  /** The last word of a released guard. */
  showReleased(): void {
    this.#face.released();
  }

  /** The operator's or the policy's reduce-only close: sent once for each try, proven by reads alone. */
  async close(): Promise<string> {
    const observation = await this.#observe('fresh');
    this.#see(observation, false);
    if (observation.kind !== 'open') return 'nothing is open as far as a read shows';
    const { side, size } = observation.position;
    return this.#sendClose(side, size);
  }

  async #observe(mode: ObserveInput['mode']): Promise<Observation> {
    const now = Date.now();
    const notes = this.notes.waiting;
    const withStopOrders = now - this.#ordersReadAt >= ORDERS_EVERY_MS;
    const input: ObserveInput = {
      account: this.account,
      leg: this.book.leg,
      mode,
      triggerBy: this.policy.triggerBy,
      bands: this.policy.trailing.mode === 'bands',
      maxAgeMs: this.policy.priceMaxAgeMs,
      withStopOrders,
      known: this.#known(),
      ...(notes.length === 0 ? {} : { notes }),
    };
    try {
      const local = mode === 'routine' || mode === 'prompt';
      const observation = local ? await routine.observe(input) : await reading.observe(input);
      this.notes.taken(notes);
      if (withStopOrders && observation.kind === 'open') this.#ordersReadAt = now;
      return observation;
    } catch (error) {
      if (isCancellation(error)) throw error;
      const { failure } = failureDetail(error);
      const readAt = Math.max(Date.now(), this.book.lastAt);
      return { kind: 'unreadable', problem: 'VenueUnavailable', reason: failure.message, readAt };
    }
  }

  #known(): Known {
    const { episode, seen } = this.book;
    // Checks that could not read the price leave a gap too.
    const gap = seen !== null && Date.now() - seen.readAt > 2 * this.policy.checkEveryMs;
    return {
      side: episode?.side ?? null,
      openTime: episode?.openTime ?? null,
      best: episode?.trailing?.best ?? null,
      gapSince: gap ? seen.readAt : null,
      adoptedAt: episode?.adoptedAt ?? null,
    };
  }

  #see(observation: Observation, rewrite: boolean): Decision {
    const decision = decide(this.book, observation, this.policy, { rewrite });
    const before = this.book.state.kind;
    if (observation.kind === 'open') this.#openLegs = observation.openLegs ?? 0;
    this.apply({ kind: 'observed', observation, rewrite });
    const { state, leg } = this.book;
    // A stop that no write of this moment proved: found resting, or of a write whose fate was open.
    if (state.kind === 'protected' && before !== 'protected') {
      const provenAt = new Date(state.provenAt).toISOString();
      this.notes.add({ kind: 'stop-proven', leg, stop: state.stop, provenAt }, Date.now());
    }
    return decision;
  }

  async #act(action: Exclude<Action, Idle>, rewrite: boolean): Promise<ClosingReport | null> {
    switch (action.kind) {
      case 'write':
        this.show();
        await this.#ensureStop(rewrite, action.stop);
        return null;
      case 'end':
        return this.#closingReport();
      case 'close':
        await this.#sendClose(action.side, action.size);
        return null;
    }
  }

  async #ensureStop(rewrite: boolean, stop: string): Promise<void> {
    const input: EnsureStopInput = {
      account: this.account,
      book: { ...this.book, log: [], outbox: [] },
      policy: this.policy,
      rewrite,
    };
    try {
      const { events } = await protective.ensureStop.executeWithOptions({ summary: `stop ${stop}` }, [input]);
      for (const event of events) this.apply(event);
    } catch (error) {
      if (isCancellation(error)) throw error;
      const { failure, written } = failureDetail(error);
      for (const event of written) this.apply(event);
      await this.#failed(failure);
    }
  }

  /** A failed write is followed by a read, not by a conclusion: what it shows decides whether this is CRITICAL. */
  async #failed(failure: FailureInfo): Promise<void> {
    const observation = await this.#observe('fresh');
    this.#see(observation, false);
    this.apply({ kind: 'write-failed', failure, at: observation.readAt });
  }

  async #closingReport(): Promise<ClosingReport | null> {
    const { episode, state } = this.book;
    const ms = unprotectedMs(this.book, this.book.lastAt);
    const report =
      episode === null
        ? null
        : await this.#record({
            account: this.account,
            symbol: this.book.leg.symbol,
            episode,
            unprotectedMs: ms,
          });
    const since = state.kind === 'confirming' ? state.flatSince : null;
    const waited = since !== null && this.book.lastAt - since >= RECORD_LIMIT_MS;
    const found = report ?? (waited || episode === null ? unexplained(episode, ms) : null);
    if (found !== null) {
      this.apply({ kind: 'closed', report: found });
      this.#noteEnd(found);
    }
    return found;
  }

  async #record(input: Parameters<typeof reading.closingRecord>[0]): Promise<ClosingReport | null> {
    try {
      return await reading.closingRecord.executeWithOptions({ summary: 'why it closed' }, [input]);
    } catch (error) {
      if (isCancellation(error)) throw error;
      return null;
    }
  }

  /** Closing reports of episodes that ended while the guard went on; one try with each check, nothing waits for them. */
  async #reportEnded(): Promise<void> {
    for (const episode of this.book.ended) {
      const report = await this.#record({
        account: this.account,
        symbol: this.book.leg.symbol,
        episode,
        unprotectedMs: episode.unprotectedMs,
      });
      const known = report ?? unexplained(episode, episode.unprotectedMs);
      log.info('position.closed', { ...this.book.leg, ...known });
      this.apply({ kind: 'episode-reported', id: episode.id, report: known, at: Date.now() });
      this.#noteEnd(known);
    }
  }

  #noteEnd(report: ClosingReport): void {
    this.notes.add({ kind: 'episode-ended', leg: this.book.leg, report }, Date.now());
  }

  /** At the guard's end, when no read will take the notes along; a log that fails costs a line of the other log. */
  async writeNotes(): Promise<void> {
    const notes = this.notes.waiting;
    if (notes.length === 0 || !patched('guard-writes-its-last-audit-notes')) return;
    try {
      await auditing.recordAudit.executeWithOptions({ summary: 'audit log' }, [notes]);
      this.notes.taken(notes);
    } catch (error) {
      if (isCancellation(error)) throw error;
      log.warn('audit.not-written', { entries: notes.length });
    }
  }

  async #sendClose(side: 'long' | 'short', size: string): Promise<string> {
    this.#closeAttempts += 1;
    const episode = this.book.episode?.id ?? '-';
    const key = `${workflowInfo().workflowId}/${episode}/${this.#closeAttempts}`;
    try {
      const outcome = await protective.closePosition.executeWithOptions({ summary: `close ${size}` }, [
        { account: this.account, leg: this.book.leg, side, size, key },
      ]);
      const message = `reduce-only close of ${size} sent: ${outcome.kind}`;
      this.apply({ kind: 'closing-order', message, at: this.book.lastAt });
      return message;
    } catch (error) {
      if (isCancellation(error)) throw error;
      const { failure } = failureDetail(error);
      return `the close failed: ${failure.message}`;
    }
  }
}
