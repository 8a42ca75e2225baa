/** Turns the conditions of a guard into alerts: each once for a spell, its end once, few waiting (DESIGN §4 "Escalation"). */
import {
  acknowledgedBy,
  RESOLVABLE,
  stillAcknowledged,
  tell,
  type Alert,
  type AlertKind,
  type Told,
} from './alert.ts';
import { seconds } from './closing.ts';
import { conditions } from './conditions.ts';
import { logged } from './decision-log.ts';
import { unprotectedMs, type Decision, type GuardBook, type GuardEvent } from './guard-state.ts';
import { guardId } from './names.ts';
import type { Policy } from './policy.ts';

/** How many alerts wait for delivery at most, so that the carried state stays small; the oldest go first. */
const MAX_OUTBOX = 8;
const MAX_MESSAGE = 300;
const MAX_TODO = 200;
const MAX_NAME = 60;

/** Text of somebody else, cut to `length` characters. */
export function clipped(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 3)}...`;
}

/** The memory with what a human must hear now; `decision` is `null` after a failed write, which ends no condition. */
export function raise(book: GuardBook, decision: Decision | null, policy: Policy, now: number): GuardBook {
  const before = decision === null || decision.episode === 'same' ? book.told : afresh(book.told);
  const held = conditions(book, decision, policy, now);
  const telling = tell(before, held, now, book.acknowledged?.causes);
  const judged = new Set(held.map(({ kind }) => kind));
  const told: Told = { ...stillTold(book, decision, before), ...telling.told };
  const ended = telling.ended.filter((kind) => told[kind] === undefined);
  const emitted = telling.emit.map((condition) => ({ ...condition, ms: unprotectedMs(book, now) }));
  const end = {
    kind: 'resolved',
    level: 'RESOLVED',
    message: `resolved (${ended.join(', ')}): ${book.state.kind}`,
    todo: 'nothing',
    ms: endedMs(book, decision, now),
  } as const;
  const alerts = [...emitted, ...(ended.length === 0 ? [] : [end])].map((news, at) =>
    alertOf(book, news, book.alertCount + at, now),
  );
  return {
    ...book,
    told,
    ...(book.acknowledged == null
      ? {}
      : { acknowledged: stillAcknowledged(book.acknowledged, told, judged, telling.resting) }),
    alertCount: book.alertCount + alerts.length,
    outbox: alerts.reduce(queued, book.outbox),
  };
}

/** What was told of an earlier episode says nothing of a new one; an escalation goes on until a proof. */
function afresh(told: Told): Told {
  return pick(told, (kind) => RESOLVABLE.includes(kind));
}

/**
 * What was told and is not over although no condition shows it: a read without the leg says nothing of its stop, and an
 * escalation ends only with a proof, of the stop or of the leg being flat.
 */
function stillTold(book: GuardBook, decision: Decision | null, told: Told): Told {
  const { state } = book;
  const settled = state.kind === 'protected' || (state.kind === 'confirming' && state.flatSince !== null);
  return pick(told, (kind) => {
    if (decision === null) return true;
    return RESOLVABLE.includes(kind) ? !settled : decision.resting === null;
  });
}

function pick(told: Told, wanted: (kind: AlertKind) => boolean): Told {
  // The keys of `Told` are alert kinds.
  return Object.fromEntries(Object.entries(told).filter(([kind]) => wanted(kind as AlertKind)));
}

/** A spell that ended by a flip belongs to the episode before. */
function endedMs(book: GuardBook, decision: Decision | null, now: number): number {
  const old = decision === null || decision.episode === 'same' ? null : book.ended.at(-1);
  return unprotectedMs(book, now) + (old?.unprotectedMs ?? 0);
}

/** A newer alert takes the place of one of its kind that still waits: a channel that was down for hours hears each once. */
function queued(outbox: readonly Alert[], alert: Alert): readonly Alert[] {
  return [...outbox.filter(({ kind }) => kind !== alert.kind), alert].slice(-MAX_OUTBOX);
}

function alertOf(
  book: GuardBook,
  news: Pick<Alert, 'kind' | 'level' | 'message' | 'todo'> & { readonly ms: number },
  number: number,
  now: number,
): Alert {
  const { kind, level, message, todo, ms } = news;
  const resolved = level === 'RESOLVED';
  return {
    id: `${guardId(book.account, book.leg)}/${book.episode?.id ?? '-'}/${number}`,
    level,
    kind,
    account: book.account,
    leg: book.leg,
    message: clipped(resolved ? `${message}, unprotected for ${seconds(ms)} s` : message, MAX_MESSAGE),
    todo: clipped(todo, MAX_TODO),
    unprotectedSeconds: ms === 0 && !resolved ? null : seconds(ms),
    at: now,
  };
}

/** What was told rests; the decision log says who looks after it. */
export function acknowledge(
  book: GuardBook,
  { by, reason, at }: Extract<GuardEvent, { kind: 'acknowledged' }>,
): GuardBook {
  const kinds = Object.keys(book.told);
  const what = kinds.length === 0 ? 'nothing was told that could be' : kinds.join(', ');
  const entry = {
    at,
    count: 1,
    state: book.state.kind,
    rule: null,
    price: book.seen?.price ?? null,
    resting: book.seen?.position.stopLoss ?? null,
    request: null,
    answer: null,
    provenAt: null,
    reason: clipped(`acknowledged by ${by}${reason === null ? '' : ` (${reason})`}: ${what}`, MAX_TODO),
  };
  const log = logged(book.log, entry);
  if (kinds.length === 0) return { ...book, log };
  const word = {
    by: clipped(by, MAX_NAME),
    reason: reason === null ? null : clipped(reason, MAX_TODO),
    at,
  };
  return { ...book, acknowledged: acknowledgedBy(book.told, word), log };
}
