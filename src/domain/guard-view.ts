/** What a guard's memory looks like to people: its `status`, and its row in a report (DESIGN §5, §7). */
import type { GuardStatus, ProtectionState } from './board.ts';
import { seconds } from './closing.ts';
import { pnlAt } from './conditions.ts';
import { exposureOf } from './exposure.ts';
import { sighted, unprotectedMs, unprotectedSince, type GuardBook } from './guard-state.ts';
import { guardId } from './names.ts';
import type { PositionReport } from './report.ts';

/** ISO 8601, `null` for "never". */
export function iso(ms: number | null): string | null {
  return ms === null || ms === 0 ? null : new Date(ms).toISOString();
}

/** The search attribute's spelling of the guard's state. */
export function protectionState(book: GuardBook): ProtectionState {
  switch (book.state.kind) {
    case 'unprotected':
      return 'UNPROTECTED';
    case 'protected':
      return 'PROTECTED';
    case 'uncertain':
      return 'UNCERTAIN';
    case 'blind':
      return 'BLIND';
    case 'confirming':
      return 'CONFIRMING';
    case 'closed':
      return 'CLOSED';
  }
}

/** Words for the rules that a person should know about, from the last decision. */
function warnings(book: GuardBook): readonly string[] {
  const { seen, target, state } = book;
  if (seen === null) return [];
  const found: string[] = [];
  const notes = target?.notes ?? [];
  const stop = seen.position.stopLoss ?? target?.stop ?? null;
  if (notes.includes('wrong-side') && stop !== null) {
    found.push(`price beyond the policy's stop: stop at ${stop}, PnL if hit ${pnlAt(seen, stop)}`);
  }
  if (notes.includes('floor-passed')) found.push('the last proven stop has been passed');
  if (notes.includes('liquidation-near'))
    found.push(`liquidation at ${seen.position.liqPrice ?? ''} is near`);
  if (notes.includes('liquidation-alert'))
    found.push(`stop too near liquidation at ${seen.position.liqPrice ?? ''}`);
  if (notes.includes('liquidation-cross')) {
    found.push(`stop beyond or near the estimated liquidation price ${seen.position.liqPrice ?? ''}`);
  }
  if (notes.includes('reduced-functionality')) found.push('no candles: trailing by the middle band');
  if (seen.position.leverage === null) found.push('portfolio margin: PnL % is of price, without leverage');
  if (seen.partialStopQty !== undefined) found.push(`partial stops cover ${seen.partialStopQty}`);
  if (seen.position.nativeTrailing !== null)
    found.push(`native trailing stop, distance ${seen.position.nativeTrailing}`);
  if (state.kind === 'blind') found.push(`not readable: ${state.reason}`);
  const known = acknowledgement(book);
  if (known !== null) found.push(known);
  if (book.failure !== null) found.push(book.failure.message);
  return found;
}

/** Who looks after what was told, in words; `null` where nobody does. */
function acknowledgement({ acknowledged }: GuardBook): string | null {
  if (acknowledged == null) return null;
  const { by, reason, causes } = acknowledged;
  return `acknowledged by ${by}${reason === null ? '' : ` (${reason})`}: ${Object.keys(causes).join(', ')}`;
}

export interface ViewFacts {
  /** Stop that rested before the first write, for the report. */
  readonly previousStop: string | null;
  /** Workflow id of the running guard; `null` when none runs. */
  readonly guard: string | null;
  /** The stop that a dry run would send. */
  readonly planned?: { readonly stop: string; readonly kind: 'fixed' | 'trailing'; readonly rule: string };
}

/** One leg of the session report. */
export function positionReport(book: GuardBook, facts: ViewFacts): PositionReport {
  const { seen, episode, target } = book;
  const state = sighted(book.state);
  const resting = state?.kind === 'protected' ? state.stop : (seen?.position.stopLoss ?? null);
  const stop = facts.planned?.stop ?? resting;
  const proven = state?.kind === 'protected' && facts.planned === undefined ? state : null;
  const exposure = seen === null ? null : exposureOf(seen.position, seen.position.markPrice, stop);
  return {
    symbol: book.leg.symbol,
    positionIdx: book.leg.positionIdx,
    side: episode?.side ?? null,
    size: seen?.position.size ?? null,
    entryPrice: seen?.position.entryPrice ?? null,
    markPrice: seen?.position.markPrice ?? null,
    leverage: seen?.position.leverage ?? null,
    pnlUsd: exposure?.pnlUsd ?? null,
    pnlPct: exposure?.pnlPct ?? null,
    stop,
    stopKind: facts.planned?.kind ?? (state?.kind === 'protected' ? state.stopKind : null),
    rule: facts.planned?.rule ?? (state?.kind === 'protected' ? ruleOf(book, stop) : (target?.rule ?? null)),
    previousStop: facts.previousStop,
    takeProfit: seen?.position.takeProfit ?? null,
    trigger: target?.trigger ?? null,
    bestPrice: episode?.trailing?.best ?? null,
    liqPrice: seen?.position.liqPrice ?? null,
    provenAt: iso(proven?.provenAt ?? null),
    pnlAtStopUsd: exposure?.pnlAtStopUsd ?? null,
    pnlAtStopPct: exposure?.pnlAtStopPct ?? null,
    atRiskUsd: exposure?.atRiskUsd ?? null,
    state: protectionState(book),
    warnings: warnings(book),
    guard: facts.guard,
    episode: episode?.id ?? null,
  };
}

/** The rule that the resting stop follows: ours by the rule it was sent with, a human's as kept. */
function ruleOf(book: GuardBook, stop: string | null): string {
  const sent = book.episode?.sent;
  if (sent != null && sent.stop === stop) return sent.rule;
  const { state, target } = book;
  if (state.kind === 'protected' && state.stopKind === 'human') return 'kept';
  return target?.rule ?? 'kept';
}

/** Answer of the `status` query; `now` and `nextCheckAt` in ms. */
export function guardStatus(
  book: GuardBook,
  facts: { readonly checks: number; readonly nextCheckAt: number | null; readonly now: number },
): GuardStatus {
  const view = positionReport(book, { previousStop: null, guard: guardId(book.account, book.leg) });
  return {
    ...view,
    account: book.account,
    checkedAt: iso(book.lastAt),
    nextCheckAt: iso(facts.nextCheckAt),
    unprotectedSince: iso(unprotectedSince(book.state)),
    unprotectedSeconds: seconds(unprotectedMs(book, Math.max(book.lastAt, facts.now))),
    checks: facts.checks,
    acknowledged:
      book.acknowledged == null
        ? null
        : {
            by: book.acknowledged.by,
            reason: book.acknowledged.reason,
            at: iso(book.acknowledged.at) ?? '',
            kinds: Object.keys(book.acknowledged.causes),
          },
    message: book.message,
  };
}
