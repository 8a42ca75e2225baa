/** The ledger's dealings with the venue and with Temporal: reading balance and margins, starting and opening the ledger. */
import { TypedSearchAttributes, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { balanceProblem, readBalance } from '../domain/balance.ts';
import type { LedgerLimits, SessionRequest } from '../domain/ledger-input.ts';
import type { LedgerReading, PositionMargin } from '../domain/ledger-sync.ts';
import type { SessionOpening } from '../domain/ledger-view.ts';
import { TASK_QUEUE, ledgerId } from '../domain/names.ts';
import type { AccountSnapshot, VenuePort } from '../exchange/port.ts';
import { VenueError } from '../exchange/port.ts';
import type { ActivityDeps } from './deps.ts';
import { activityFailure, asActivityFailure } from './failures.ts';
import { KEYS } from './guards.ts';
import { withHeartbeat } from './heartbeat.ts';

/** A session waits this long for the ledger's answer, which includes three attempts at the balance. */
const OPENING_LIMIT_MS = 120_000;

type LedgerDeps = Pick<ActivityDeps, 'client' | 'port' | 'policy' | 'searchAttributes'>;

/** The policy's numbers for new trades; they are the account's, whatever the symbol. */
function limitsOfPolicy(deps: LedgerDeps, account: string): LedgerLimits {
  const { maxAllocationPct, minNotionalUsd, maxPositions } = deps.policy(account, '');
  return { maxAllocationPct, minNotionalUsd, maxPositions };
}

/** Starts the ledger of an account or leaves the one that runs. */
async function startLedgerOf(deps: LedgerDeps, account: string): Promise<void> {
  const { venue } = deps.port(account);
  try {
    await deps.client.workflow.start('keepLedger', {
      workflowId: ledgerId(account),
      taskQueue: TASK_QUEUE,
      args: [{ account, venue, limits: limitsOfPolicy(deps, account) }],
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: `balance and margin of ${account}`,
      ...(deps.searchAttributes === 'on'
        ? { typedSearchAttributes: new TypedSearchAttributes([{ key: KEYS.account, value: account }]) }
        : {}),
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

export interface ReadBalanceInput {
  readonly account: string;
  /** Somebody signalled for it, having just opened or closed something: the positions are read after that, not shared. */
  readonly asked?: boolean;
}

export function createLedgerActivities(deps: Pick<ActivityDeps, 'port' | 'log'>) {
  return {
    /** One read of the balance by the chain of DESIGN §6 and of the margin that positions hold. */
    async readLedgerBalance(input: ReadBalanceInput): Promise<LedgerReading> {
      try {
        return await withHeartbeat(() => readLedger(deps, input));
      } catch (error) {
        throw asActivityFailure(error);
      }
    },
  };
}

/** For the second task queue: these wait for a workflow. */
export function createLedgerAuxActivities(deps: LedgerDeps) {
  return {
    /** Begins a session in the ledger, started if it does not run; the policy's limits hold from then on. One id, one session. */
    async openLedgerSession(input: SessionRequest & { readonly account: string }): Promise<SessionOpening> {
      const { account, requestId } = input;
      const request = { requestId, limits: input.limits ?? limitsOfPolicy(deps, account) };
      await startLedgerOf(deps, account);
      const handle = deps.client.workflow.getHandle(ledgerId(account));
      return withHeartbeat(() =>
        deps.client.withDeadline(Date.now() + OPENING_LIMIT_MS, () =>
          handle.executeUpdate<SessionOpening, [SessionRequest]>('newSession', {
            args: [request],
            updateId: requestId,
          }),
        ),
      );
    },

    async ensureLedger(input: { readonly account: string }): Promise<void> {
      await startLedgerOf(deps, input.account);
    },
  };
}

async function readLedger(
  deps: Pick<ActivityDeps, 'port' | 'log'>,
  { account, asked }: ReadBalanceInput,
): Promise<LedgerReading> {
  const port = deps.port(account);
  const [wallet, margins] = await Promise.all([
    timed(() => port.wallet()),
    readMargins(port, asked === true),
  ]);
  const judged = await timed(() => readBalance(wallet.value));
  const outcome = judged.value;
  const problem = balanceProblem(outcome);
  if (problem !== null || outcome.kind !== 'read') {
    throw problem === null ? new TypeError('no balance and no problem') : activityFailure(problem);
  }
  const { total, source, fallback, equity, accountType, tried, totalInitialMargin } = outcome;
  deps.log.info({ account, source, total }, 'balance.read');
  if (fallback) deps.log.warn({ account, source, total, tried }, 'balance.fallback');
  return {
    venue: port.venue,
    total,
    source,
    fallback,
    equity,
    accountType,
    marginMode: margins.marginMode,
    tried,
    totalInitialMargin,
    positions: margins.positions,
    positionsProblem: margins.problem,
    callMs: wallet.ms,
    parseMs: judged.ms,
  };
}

/** A failed snapshot does not fail the balance: the ledger keeps the margins it knows, and their age. */
async function readMargins(
  port: VenuePort,
  fresh: boolean,
): Promise<{ positions: PositionMargin[] | null; problem: string | null; marginMode: string | null }> {
  try {
    const snapshot = await port.snapshot({ fresh });
    // A row that cannot be trusted holds margin all the same: it counts as a position without a figure.
    const untrusted = snapshot.unreadable.map(({ symbol, positionIdx }) => ({
      symbol,
      positionIdx: positionIdx ?? 0,
      margin: null,
      openTime: null,
    }));
    const positions = [...snapshot.positions.map(marginOf), ...untrusted];
    return { positions, problem: null, marginMode: snapshot.marginMode };
  } catch (error) {
    if (error instanceof VenueError) return { positions: null, problem: error.message, marginMode: null };
    throw error;
  }
}

function marginOf(position: AccountSnapshot['positions'][number]): PositionMargin {
  const { symbol, positionIdx, positionIM, openTime } = position;
  return { symbol, positionIdx, margin: positionIM, openTime };
}

/** A call with the time it took, ms with one decimal. */
async function timed<T>(call: () => Promise<T> | T): Promise<{ readonly value: T; readonly ms: number }> {
  const startedAt = performance.now();
  const value = await call();
  return { value, ms: Math.round((performance.now() - startedAt) * 10) / 10 };
}
