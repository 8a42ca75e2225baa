/** The activities of one guard: observe, ensure a stop, explain a closing, close by force; thin shells around ports. */
import { createHash } from 'node:crypto';
import { activityInfo, Context, heartbeat } from '@temporalio/activity';
import type { AuditFact } from '../domain/audit.ts';
import { closingReport, type ClosingReport } from '../domain/closing.ts';
import type { Episode } from '../domain/guard-state.ts';
import type { Leg, Observation, Side } from '../domain/position.ts';
import type { WriteOutcome } from '../domain/failure.ts';
import type { ActivityDeps } from './deps.ts';
import { attemptStop, type Attempt, type EnsureStopInput, type EnsureStopResult } from './ensure-stop.ts';
import { activityFailure, asActivityFailure } from './failures.ts';
import { withHeartbeat } from './heartbeat.ts';
import { observeLeg, type ObserveInput, type Reader } from './observe.ts';
import { VolatilityCache } from './volatility.ts';

export interface ClosingInput {
  readonly account: string;
  readonly symbol: string;
  readonly episode: Episode;
  readonly unprotectedMs: number;
}

export interface CloseInput {
  readonly account: string;
  readonly leg: Leg;
  readonly side: Side;
  readonly size: string;
  /** Workflow id, episode and attempt: the same key never makes a second order. */
  readonly key: string;
}

/** `sk-` and 30 hex digits of SHA-256: 36 characters, the venue's limit for an order's own id. */
function orderLinkIdOf(key: string): string {
  return `sk-${createHash('sha256').update(key).digest('hex').slice(0, 30)}`;
}

/** Entries of one activity: written as they come, waited for at its end. A retry gives the same place the same id. */
function auditOf({ audit, now }: ActivityDeps, { account }: { readonly account: string }) {
  const { workflowExecution, activityId } = activityInfo();
  const { workflowId, runId } = workflowExecution ?? { workflowId: '', runId: '' };
  const writing: Promise<void>[] = [];
  return {
    add: (place: string, fact: AuditFact): void => {
      const id = `${workflowId}/${runId}/${activityId}/${place}`;
      writing.push(audit([{ ...fact, id, at: now(), account, workflowId, runId }]));
    },
    done: async (): Promise<void> => {
      await Promise.all(writing);
    },
  };
}

type Remembered = readonly Attempt['earlier'][number][];

async function ensureStop(
  deps: ActivityDeps,
  reader: Reader,
  input: EnsureStopInput,
): Promise<EnsureStopResult> {
  const last = activityInfo().heartbeatDetails as Remembered | undefined;
  let remembered: Remembered = Array.isArray(last) ? last : [];
  const earlier = remembered;
  const audit = auditOf(deps, input);
  const attempt: Attempt = {
    reader,
    input,
    earlier,
    first: activityInfo().attempt === 1,
    remember: (written) => {
      remembered = written;
      heartbeat(written);
    },
    sleep: (ms) => Context.current().sleep(ms),
    signal: Context.current().cancellationSignal,
    log: deps.log,
    audit: audit.add,
  };
  try {
    return await withHeartbeat(
      () => attemptStop(attempt),
      () => remembered,
    );
  } finally {
    await audit.done();
  }
}

export function createProtectionActivities(deps: ActivityDeps) {
  const volatility = new VolatilityCache(deps.now);
  const reader = (account: string): Reader => ({ port: deps.port(account), volatility, now: deps.now });

  return {
    /** One leg as one read shows it; venue failures are observations, not errors. */
    async observe(input: ObserveInput): Promise<Observation> {
      const noted = input.notes === undefined ? undefined : deps.audit(input.notes);
      const observation = await withHeartbeat(() => observeLeg(reader(input.account), input));
      await noted;
      deps.log.debug({ account: input.account, ...input.leg, seen: observation.kind }, 'check.done');
      return observation;
    },

    /** Read, decide, write, prove: one attempt of at most three. Throws venue failures (DESIGN §4). */
    ensureStop: (input: EnsureStopInput): Promise<EnsureStopResult> =>
      ensureStop(deps, reader(input.account), input),

    /** Looks for the venue's record of a closing; `null` when there is none yet. */
    async closingRecord(input: ClosingInput): Promise<ClosingReport | null> {
      const port = deps.port(input.account);
      const { episode } = input;
      const since = Math.min(episode.openTime ?? episode.adoptedAt, episode.adoptedAt) - 1_000;
      try {
        const [executions, rows] = await withHeartbeat(() =>
          Promise.all([port.executions(input.symbol, since), port.closedPnl(input.symbol, since)]),
        );
        const report = closingReport(episode, executions, rows, input.unprotectedMs);
        if (report !== null)
          deps.log.info({ account: input.account, symbol: input.symbol, ...report }, 'position.closed');
        return report;
      } catch (error) {
        throw asActivityFailure(error);
      }
    },

    /** The reduce-only market close; asynchronous at the venue, so only a later read says that it is done (I10). */
    async closePosition(input: CloseInput): Promise<WriteOutcome> {
      const port = deps.port(input.account);
      const { leg, side, size } = input;
      const orderLinkId = orderLinkIdOf(input.key);
      try {
        const outcome = await withHeartbeat(() =>
          port.closePosition({ ...leg, positionSide: side, size, orderLinkId }),
        );
        deps.log.warn({ account: input.account, ...leg, size, outcome: outcome.kind }, 'position.close-sent');
        const audit = auditOf(deps, input);
        audit.add('close', { kind: 'close-order', leg, size, outcome: outcome.kind });
        await audit.done();
        if (outcome.kind === 'refused') throw activityFailure(outcome.failure);
        return outcome;
      } catch (error) {
        throw asActivityFailure(error);
      }
    },
  };
}
