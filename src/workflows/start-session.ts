/** `startSession`: preflight, balance, import, protection, guards, report (DESIGN §5, §7); balance trouble delays nothing (I7). */
import {
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  log,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import type { Imported, Preflight } from '../activities/session.ts';
import { balanceFailure } from '../domain/balance.ts';
import type { FailureInfo } from '../domain/failure.ts';
import { keyFacts } from '../domain/key-facts.ts';
import { newLedger } from '../domain/ledger-state.ts';
import { balanceFailed, balanceRead } from '../domain/ledger-sync.ts';
import { sessionOpening, type SessionOpening } from '../domain/ledger-view.ts';
import { inputProblems, type StartSessionInput } from '../domain/messages.ts';
import { DEFAULT_POLICY } from '../domain/policy.ts';
import { buildReport, type SessionFacts } from '../domain/report-build.ts';
import { unreadableFacts } from '../domain/session-legs.ts';
import type { SessionReport } from '../domain/report.ts';
import { aux, ledger, reading } from './activity-options.ts';
import { failureDetail } from './failure-info.ts';
import { settleLegs, type SettledLegs } from './session-protection.ts';

const SESSION_STATUS = defineSearchAttributeKey('SessionStatus', 'KEYWORD');

type Answered<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: FailureInfo };

/** A step that may fail without ending the session; cancellation and bad input go on up. */
async function attempt<T>(step: Promise<T>): Promise<Answered<T>> {
  try {
    return { ok: true, value: await step };
  } catch (error) {
    if (isCancellation(error)) throw error;
    const { failure } = failureDetail(error);
    if (failure.type === 'InvalidInput')
      throw ApplicationFailure.nonRetryable(failure.message, 'InvalidInput');
    return { ok: false, failure };
  }
}

interface Timed<T> {
  readonly value: T;
  readonly ms: number;
}

async function timed<T>(step: Promise<T>): Promise<Timed<T>> {
  const began = Date.now();
  return { value: await step, ms: Date.now() - began };
}

/** A session's part of the ledger. */
function openLedger(account: string): Promise<Answered<SessionOpening>> {
  const requestId = `session-${workflowInfo().runId}`;
  return attempt(ledger.openLedgerSession({ account, requestId }));
}

/** What the ledger would say with this balance and the account's limits; a dry run leaves the ledger itself alone. */
async function foreseeLedger(
  account: string,
  importing: Promise<Timed<Answered<Imported>>>,
): Promise<Answered<SessionOpening>> {
  const answer = await attempt(reading.readLedgerBalance({ account }));
  const imported = (await importing).value;
  const policy = imported.ok ? imported.value.policy : DEFAULT_POLICY;
  const { maxAllocationPct, minNotionalUsd, maxPositions } = policy;
  const limits = { maxAllocationPct, minNotionalUsd, maxPositions };
  const now = Date.now();
  const empty = newLedger({ account, limits }, now);
  const state = answer.ok ? balanceRead(empty, answer.value, now) : balanceFailed(empty, answer.failure, now);
  const { callMs, parseMs } = answer.ok ? answer.value : { callMs: 0, parseMs: 0 };
  return { ok: true, value: sessionOpening(state, { open: 0, closed: 0 }, { callMs, parseMs }, now) };
}

/** The watcher comes last and comes always: what a session could not do, it does. */
function startWatcher(account: string): Promise<Answered<void>> {
  return CancellationScope.nonCancellable(() => attempt(aux.ensureWatcher({ account })));
}

interface Found {
  readonly account: string;
  readonly dryRun: boolean;
  readonly began: number;
  readonly preflight: Timed<Answered<Preflight>>;
  readonly imported: Timed<Answered<Imported>>;
  readonly legs: SettledLegs;
  readonly ledger: Timed<Answered<SessionOpening>>;
  readonly watcher: Answered<void> | null;
}

function factsOf(found: Found): SessionFacts {
  const { account, dryRun, preflight, imported, legs } = found;
  const before = preflight.value.ok ? preflight.value.value : null;
  const opening = found.ledger.value.ok ? found.ledger.value.value : null;
  const ledgerFailure = found.ledger.value.ok ? null : found.ledger.value.failure;
  const list = imported.value.ok ? imported.value.value : null;
  const rows = (list?.unreadable ?? []).map((row) =>
    unreadableFacts(row.symbol, row.positionIdx, row.size, row.reason),
  );
  return {
    account,
    venue: before?.venue ?? 'unknown',
    dryRun,
    startedAt: new Date(found.began).toISOString(),
    balance: opening?.balance ?? (ledgerFailure === null ? null : balanceFailure(ledgerFailure)),
    positionsProblem: imported.value.ok ? null : imported.value.failure.message,
    legs: [...legs.facts, ...rows],
    ledgerSynced: dryRun ? null : (opening?.synced ?? false),
    ledgerProblem: dryRun ? null : (opening?.problem ?? ledgerFailure?.message ?? null),
    watcherRunning: found.watcher === null ? null : found.watcher.ok,
    key: before?.key == null ? null : keyFacts(before.key, found.began),
    clockOffsetMs: before?.clock?.offsetMs ?? null,
    reducedFunctionality: legs.reduced,
    policyRefusals: legs.policyRefusals,
    notCovered: list?.notCovered ?? [],
    dashboard: opening?.dashboard ?? null,
    limits: opening?.limits ?? null,
    closedPositions: opening?.closedPositions ?? 0,
    cleared: opening?.cleared ?? { open: 0, closed: 0 },
    timingsMs: {
      preflight: preflight.ms,
      balanceCall: opening?.callMs ?? 0,
      balanceParse: opening?.parseMs ?? 0,
      positions: imported.ms,
      protection: legs.protectionMs,
      slowestPosition: legs.slowestMs,
      guards: legs.guardsMs,
      ledger: found.ledger.ms,
      total: Date.now() - found.began,
    },
  };
}

/** Completes with its report also when the status is FAILED; fails as a workflow only on invalid input. */
export async function startSession(input?: StartSessionInput): Promise<SessionReport> {
  const problems = inputProblems('startSession', input);
  if (problems.length > 0) throw ApplicationFailure.nonRetryable(problems.join('\n'), 'InvalidInput');
  const account = input?.account ?? 'main';
  const dryRun = input?.dryRun ?? false;
  const began = Date.now();
  let watcher: Answered<void> | null = null;
  let report: SessionReport;
  try {
    const preflighting = timed(attempt(reading.preflight({ account })));
    const importing = timed(attempt(reading.importPositions({ account })));
    const opening = timed(dryRun ? foreseeLedger(account, importing) : openLedger(account));
    // Whichever fails first ends the session; the others' failures are handled here.
    for (const step of [preflighting, importing, opening]) step.catch(() => undefined);
    const preflight = await preflighting;
    const imported = await importing;
    const legs = await settleLegs(account, imported.value.ok ? imported.value.value : null, dryRun);
    if (!dryRun) watcher = await startWatcher(account);
    const found: Found = {
      account,
      dryRun,
      began,
      preflight,
      imported,
      legs,
      ledger: await opening,
      watcher,
    };
    const limits = imported.value.ok ? imported.value.value.policy : DEFAULT_POLICY;
    report = buildReport(factsOf(found), limits);
  } catch (error) {
    if (isCancellation(error) && !dryRun && watcher === null) await startWatcher(account);
    throw error;
  }
  upsertSearchAttributes([{ key: SESSION_STATUS, value: report.status }]);
  setCurrentDetails(details(report));
  const { total, newlyProtected, alreadyProtected, failures } = report.protection;
  log.info('session.done', {
    account,
    status: report.status,
    total,
    newlyProtected,
    alreadyProtected,
    failures,
  });
  return report;
}

/** Markdown for the UI. */
function details(report: SessionReport): string {
  return [
    `### Session of ${report.account} on ${report.venue}: ${report.status}`,
    '',
    ...report.criteria.map(({ level, message }) => `- ${level}: ${message}`),
    '',
    '| symbol | side | size | entry | mark | stop | kind | proven at |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...report.positions
      .slice(0, 50)
      .map((one) =>
        [
          '',
          one.symbol,
          one.side ?? '-',
          one.size ?? '-',
          one.entryPrice ?? '-',
          one.markPrice ?? '-',
          one.stop ?? '**none**',
          one.stopKind ?? '-',
          one.provenAt ?? '-',
          '',
        ]
          .join(' | ')
          .trim(),
      ),
  ].join('\n');
}
