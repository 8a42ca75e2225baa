/** Episodes that have ended, as their guards' results tell of them: what `npm run history` shows (DESIGN §4). */
import type { ClosingReport } from './closing.ts';
import { dec, plain, zero } from './decimal.ts';
import type { EndedReport } from './guard-state.ts';
import type { Leg, PositionIdx, Side } from './position.ts';

/** How a guard ended; its workflow's result, by `ended`. */
export type GuardEnding =
  | {
      readonly ended: 'closed';
      readonly report: ClosingReport;
      /** Episodes that ended while the guard went on, the last of them; absent in results of older builds. */
      readonly earlier?: readonly EndedReport[];
    }
  | { readonly ended: 'released'; readonly reason: string; readonly earlier?: readonly EndedReport[] };

/** One ended guard; money in the settle coin, prices and slippage in the quote coin. */
export interface EndedEpisode {
  readonly symbol: string;
  readonly positionIdx: PositionIdx;
  readonly guard: string;
  readonly runId: string;
  /** The episode's id, its opening in ms; `null` where none was known. */
  readonly episode: string | null;
  /** Who tells of it: the Temporal server, or the audit log where the server has forgotten it. */
  readonly source: 'temporal' | 'audit';
  /** Why it closed; `released`: an operator took the leg over and the position may still be open; `unknown`: no result to read. */
  readonly reason: ClosingReport['reason'] | 'released' | 'unknown';
  /** The operator's words, or why there is no result; `null` otherwise. */
  readonly note: string | null;
  readonly side: Side | null;
  readonly size: string | null;
  readonly entryPrice: string | null;
  readonly exitPrice: string | null;
  readonly pnl: string | null;
  readonly stop: string | null;
  /** Exit against the stop, positive = worse; only for stops. */
  readonly slippage: string | null;
  /** Of the stop, to four places: a good fill lies far below a hundredth of a per cent. */
  readonly slippagePct: string | null;
  /** ISO 8601; `null` where the venue's records did not say. */
  readonly openedAt: string | null;
  readonly closedAt: string | null;
  /** From opening (or first sight, where the venue names none) to the last closing fill; `null` where either is not known. */
  readonly durationMs: number | null;
  readonly unprotectedSeconds: string | null;
  /** End of the guard, ISO 8601: some seconds after the closing. */
  readonly endedAt: string;
}

/** An ended guard as visibility lists it. */
export interface EndedGuard {
  readonly guard: string;
  readonly runId: string;
  /** ISO 8601. */
  readonly endedAt: string;
}

/** The leg of `guard:main:BTCUSDT:long`; `null` where the id is not a guard's of this account. */
export function legOfGuard(account: string, guard: string): Leg | null {
  const prefix = `guard:${account}:`;
  if (!guard.startsWith(prefix)) return null;
  const [symbol = '', suffix, ...more] = guard.slice(prefix.length).split(':');
  if (symbol === '' || more.length > 0) return null;
  switch (suffix) {
    case undefined:
      return { symbol, positionIdx: 0 };
    case 'long':
      return { symbol, positionIdx: 1 };
    case 'short':
      return { symbol, positionIdx: 2 };
    default:
      return null;
  }
}

/** The episode of an ended guard; `ending` is `null` where its result could not be read, `why` says why. */
export function endedEpisode(
  leg: Leg,
  guard: EndedGuard,
  ending: GuardEnding | null,
  why: string | null = null,
  source: EndedEpisode['source'] = 'temporal',
): EndedEpisode {
  const { symbol, positionIdx } = leg;
  const head = { symbol, positionIdx, ...guard, source };
  if (ending === null) return { ...head, ...NO_FIGURES, reason: 'unknown', note: why };
  if (ending.ended === 'released') return { ...head, ...NO_FIGURES, reason: 'released', note: ending.reason };
  const { report } = ending;
  const { reason, side, size, entryPrice, exitPrice, pnl, stop, slippage, closedAt } = report;
  const openedAt = openedOf(report);
  return {
    ...head,
    episode: report.episode,
    reason,
    note: null,
    side,
    size,
    entryPrice,
    exitPrice,
    pnl,
    stop,
    slippage,
    slippagePct: slippage === null || stop === null ? null : shareOf(slippage, stop),
    openedAt: openedAt === null ? null : new Date(openedAt).toISOString(),
    closedAt: closedAt === null ? null : new Date(closedAt).toISOString(),
    durationMs: openedAt === null || closedAt === null ? null : Math.max(0, closedAt - openedAt),
    unprotectedSeconds: report.unprotectedSeconds,
  };
}

const NO_FIGURES = {
  episode: null,
  side: null,
  size: null,
  entryPrice: null,
  exitPrice: null,
  pnl: null,
  stop: null,
  slippage: null,
  slippagePct: null,
  openedAt: null,
  closedAt: null,
  durationMs: null,
  unprotectedSeconds: null,
} as const;

/** Episodes that ended while their guard went on, as it tells of them. */
export function earlierEpisodes(
  leg: Leg,
  { guard, runId }: Pick<EndedGuard, 'guard' | 'runId'>,
  reports: readonly EndedReport[],
): readonly EndedEpisode[] {
  return reports.map(({ report, at }) =>
    endedEpisode(leg, { guard, runId, endedAt: new Date(at).toISOString() }, { ended: 'closed', report }),
  );
}

/** An episode is one and the same by its guard and opening; without one, by the run that told of it. */
function identity({ guard, runId, episode, reason }: EndedEpisode): string {
  return episode === null ? `${guard} ${runId} ${reason}` : `${guard} ${episode}`;
}

/**
 * Both lists as one, newest first: the server's word before the audit log's, but for an ending that the server cannot read any more.
 */
export function mergedEpisodes(
  temporal: readonly EndedEpisode[],
  audit: readonly EndedEpisode[],
): readonly EndedEpisode[] {
  const kept = new Set(audit.map(({ runId }) => runId));
  const known = temporal.filter(({ reason, runId }) => reason !== 'unknown' || !kept.has(runId));
  const found = new Map<string, EndedEpisode>();
  for (const episode of [...known, ...audit]) {
    const id = identity(episode);
    if (!found.has(id)) found.set(id, episode);
  }
  return [...found.values()].toSorted((a, b) => (a.endedAt < b.endedAt ? 1 : -1));
}

/** `part` in % of `whole`, a price; four places. */
function shareOf(part: string, whole: string): string {
  return plain(dec(part).div(whole).times('100').round(4));
}

/** An episode's id is the time of its opening, or of the first sight of it, ms. */
function openedOf({ episode }: ClosingReport): number | null {
  const ms = Number(episode ?? Number.NaN);
  return Number.isSafeInteger(ms) && ms > 0 ? ms : null;
}

/** Sum of the known PnLs, and how many episodes closed without one. */
export function pnlSum(episodes: readonly EndedEpisode[]): {
  readonly pnl: string;
  readonly counted: number;
  readonly without: number;
} {
  const closed = episodes.filter(({ reason }) => reason !== 'released' && reason !== 'unknown');
  const known = closed.flatMap(({ pnl }) => (pnl === null ? [] : [pnl]));
  return {
    pnl: plain(known.reduce((sum, pnl) => sum.plus(dec(pnl)), zero())),
    counted: known.length,
    without: closed.length - known.length,
  };
}
