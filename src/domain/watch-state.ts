/** The watcher's memory: every leg as last known, what was released, and what a human must hear (I7). Pure. */
import {
  acknowledgedBy,
  stillAcknowledged,
  tell,
  type Acknowledged,
  type Alert,
  type Condition,
  type Told,
} from './alert.ts';
import { allClearAlert, type AllClearRound } from './all-clear.ts';
import { seconds } from './closing.ts';
import type { Released } from './messages.ts';
import { watchId } from './names.ts';
import { legKey, type Leg, type Side } from './position.ts';

/** A leg as the sweep reports it. */
export interface WatchedLeg extends Leg {
  readonly side: Side | null;
  readonly size: string | null;
  readonly stop: string | null;
  readonly state: 'PROTECTED' | 'UNPROTECTED' | 'UNCERTAIN' | 'UNREADABLE';
  readonly openTime: number | null;
  readonly note: string | null;
}

interface KnownLeg extends WatchedLeg {
  /** Since when it has been in this state, ms. */
  readonly since: number;
}

export interface WatchState {
  readonly account: string;
  readonly legs: Readonly<Record<string, KnownLeg>>;
  readonly released: readonly Released[];
  /** Legs that were released in the last round: they had no guard to lose. */
  readonly unguarded: readonly string[];
  readonly ignored: readonly { readonly symbol: string; readonly size: string }[];
  readonly told: Readonly<Record<string, Told>>;
  /** What operators look after, by leg; absent in memories of older builds, as `allClearDay` is. */
  readonly acknowledged?: Readonly<Record<string, Acknowledged>>;
  /** Day of the last all-clear, `2026-11-22`. */
  readonly allClearDay?: string;
  readonly outbox: readonly Alert[];
  readonly alertCount: number;
  readonly roundAt: number | null;
  readonly rounds: number;
  readonly failedInRow: number;
  readonly failedRounds: number;
  readonly failure: string | null;
  /** What the sweep gave last, so that the next answers with differences. */
  readonly token: string | null;
}

export interface Round {
  readonly token: string;
  readonly full: boolean;
  readonly legs: readonly WatchedLeg[];
  readonly gone: readonly string[];
  readonly readAt: number;
  readonly started: readonly Leg[];
  readonly failed: readonly { readonly leg: Leg; readonly reason: string }[];
  readonly ignored: readonly { readonly symbol: string; readonly size: string }[];
  /** Releases that a watcher without memory learned of from the guards' own endings; absent in rounds of older builds. */
  readonly remembered?: readonly Released[];
  /** Absent except where the day's all-clear was due. */
  readonly allClear?: AllClearRound;
}

/** A leg that no guard has brought under a stop for so long is an EMERGENCY, whatever runs. */
const BARE_LIMIT_MS = 60_000;
const REPEAT_MS = 300_000;
const BLIND_ROUNDS = 3;
const MAX_OUTBOX = 50;

export function newWatch(account: string): WatchState {
  return {
    account,
    legs: {},
    released: [],
    unguarded: [],
    ignored: [],
    told: {},
    outbox: [],
    alertCount: 0,
    roundAt: null,
    rounds: 0,
    failedInRow: 0,
    failedRounds: 0,
    failure: null,
    token: null,
  };
}

/** The state after a complete round. */
export function swept(state: WatchState, round: Round): WatchState {
  const before = round.full ? {} : state.legs;
  const legs: Record<string, KnownLeg> = { ...before };
  for (const key of round.gone) delete legs[key];
  for (const leg of round.legs) {
    const old = state.legs[legKey(leg)];
    const since = old !== undefined && old.state === leg.state ? old.since : round.readAt;
    legs[legKey(leg)] = { ...leg, since };
  }
  const { remembered = [] } = round;
  const next: WatchState = {
    ...state,
    legs,
    released: [...stillReleased(state, legs, round.readAt), ...remembered],
    unguarded: [...state.released, ...remembered].map(legKey),
    ignored: round.ignored,
    roundAt: round.readAt,
    rounds: state.rounds + 1,
    failedInRow: 0,
    failure: null,
    token: round.token,
  };
  return clear(alerted(next, conditionsOf(state, next, round), round.readAt), round.allClear);
}

/** The daily message; its id is the day's, so that it is told once. */
function clear(state: WatchState, round: AllClearRound | undefined): WatchState {
  if (round === undefined) return state;
  const { day, facts } = round;
  const told = { ...state, allClearDay: day };
  if (facts === null) return told;
  return { ...told, outbox: [...state.outbox, allClearAlert(state.account, day, facts)].slice(-MAX_OUTBOX) };
}

/** An operator looks after what was told of one leg, or of all; answers with the legs (`""`: the account). */
export function acknowledge(
  state: WatchState,
  leg: { readonly symbol?: string; readonly positionIdx?: number },
  word: Omit<Acknowledged, 'causes'>,
): { readonly state: WatchState; readonly keys: readonly string[] } {
  const { symbol, positionIdx } = leg;
  const meant = (key: string): boolean =>
    symbol === undefined ||
    (positionIdx === undefined ? key.startsWith(`${symbol}:`) : key === `${symbol}:${positionIdx}`);
  const keys = Object.keys(state.told).filter(meant);
  const given = keys.map((key) => [key, acknowledgedBy(state.told[key] ?? {}, word)] as const);
  return { state: { ...state, acknowledged: { ...state.acknowledged, ...Object.fromEntries(given) } }, keys };
}

/** The state after a round that could not read the account. */
export function roundFailed(state: WatchState, reason: string, now: number): WatchState {
  const next = {
    ...state,
    failedInRow: state.failedInRow + 1,
    failedRounds: state.failedRounds + 1,
    failure: reason,
  };
  const blind: Condition = {
    kind: 'blind',
    level: 'WARNING',
    message: `the account cannot be read (${next.failedInRow} rounds in a row): ${reason}`,
    todo: 'check the venue, the network and the key; stops that rest on the venue stay there',
    repeatEveryMs: null,
  };
  const kept = new Map(Object.keys(state.told).map((key) => [key, null] as const));
  return next.failedInRow < BLIND_ROUNDS ? next : alerted(next, new Map([['', [blind]]]), now, kept);
}

/** A release ends by its time, with its episode (unless `untilAdopted`), or by `adopt`. */
function stillReleased(
  before: WatchState,
  legs: Readonly<Record<string, KnownLeg>>,
  now: number,
): readonly Released[] {
  return before.released.filter((one) => {
    if (one.until !== null && now >= one.until) return false;
    if (one.untilAdopted) return true;
    const leg = legs[legKey(one)];
    // One list without the leg proves nothing (I4), as long as its openTime will tell a new position from the old.
    if (leg === undefined) return (before.legs[legKey(one)]?.openTime ?? null) !== null;
    return releaseHolds(one, leg.openTime, now);
  });
}

/** Whether a release still holds for a leg that is open since `openTime` (ms, `null` where the venue does not say). */
export function releaseHolds(one: Released, openTime: number | null, now: number): boolean {
  if (one.until !== null && now >= one.until) return false;
  return one.untilAdopted || one.episode === null || openTime === null || String(openTime) === one.episode;
}

function conditionsOf(before: WatchState, next: WatchState, round: Round): Map<string, Condition[]> {
  const found = new Map<string, Condition[]>();
  const add = (key: string, condition: Condition): void => {
    found.set(key, [...(found.get(key) ?? []), condition]);
  };
  const released = new Set(next.released.map(legKey));
  for (const [key, leg] of Object.entries(next.legs)) {
    if (released.has(key)) continue;
    const bare = leg.state === 'UNPROTECTED' && round.readAt - leg.since >= BARE_LIMIT_MS;
    if (bare) {
      add(key, {
        kind: 'unprotected-emergency',
        level: 'EMERGENCY',
        message: `manual intervention required: the account shows no stop on ${leg.symbol} for ${seconds(round.readAt - leg.since)} s`,
        todo: 'set a stop by hand or close the position',
        repeatEveryMs: REPEAT_MS,
      });
    }
    if (leg.state === 'UNREADABLE') {
      add(key, {
        kind: 'blind',
        level: 'CRITICAL',
        message: `the position ${leg.symbol} (size ${leg.size ?? 'unknown'}) cannot be protected: ${leg.note ?? ''}`,
        todo: 'look at the position on the venue and set a stop by hand',
        repeatEveryMs: REPEAT_MS,
      });
    }
  }
  for (const { leg, reason } of round.failed) {
    add(legKey(leg), {
      kind: 'unprotected',
      level: 'CRITICAL',
      message: `the guard of ${leg.symbol} could not be started: ${reason}`,
      todo: 'check the Temporal server; the watcher tries again each round',
      repeatEveryMs: REPEAT_MS,
    });
  }
  for (const leg of round.started) {
    const known = before.legs[legKey(leg)];
    if (known === undefined || before.unguarded.includes(legKey(leg))) continue;
    if (next.legs[legKey(leg)]?.openTime !== known.openTime) continue;
    add(legKey(leg), {
      kind: 'memory-lost',
      level: 'WARNING',
      message: `the guard of ${leg.symbol} had ended although its position is open: a new one runs; its best price and policy changes are lost, the stop on the venue is its floor`,
      todo: 'find out who terminated it and why; Stopkeeper does where a history does not replay any more (docs/runbook.md)',
      repeatEveryMs: null,
    });
  }
  return found;
}

function alerted(
  state: WatchState,
  conditions: ReadonlyMap<string, readonly Condition[]>,
  now: number,
  keep: ReadonlyMap<string, null> = new Map(),
): WatchState {
  const told: Record<string, Told> = {};
  const acknowledged: Record<string, Acknowledged> = {};
  const alerts: Alert[] = [];
  for (const key of new Set([...Object.keys(state.told), ...conditions.keys()])) {
    const held = conditions.get(key) ?? [];
    if (held.length === 0 && keep.has(key)) {
      const before = state.told[key];
      const word = state.acknowledged?.[key];
      if (before !== undefined) told[key] = before;
      if (word !== undefined) acknowledged[key] = word;
      continue;
    }
    const word = state.acknowledged?.[key];
    const telling = tell(state.told[key] ?? {}, held, now, word?.causes);
    if (Object.keys(telling.told).length > 0) told[key] = telling.told;
    const judged = new Set(held.map(({ kind }) => kind));
    const left = word === undefined ? null : stillAcknowledged(word, telling.told, judged, telling.resting);
    if (left !== null) acknowledged[key] = left;
    for (const condition of telling.emit)
      alerts.push(alertOf(state, key, condition, state.alertCount + alerts.length, now));
  }
  return {
    ...state,
    told,
    ...(state.acknowledged === undefined ? {} : { acknowledged }),
    outbox: [...state.outbox, ...alerts].slice(-MAX_OUTBOX),
    alertCount: state.alertCount + alerts.length,
  };
}

function alertOf(state: WatchState, key: string, condition: Condition, number: number, now: number): Alert {
  const leg = state.legs[key];
  return {
    id: `${watchId(state.account)}/${key}/${number}`,
    level: condition.level,
    kind: condition.kind,
    account: state.account,
    leg: leg === undefined ? null : { symbol: leg.symbol, positionIdx: leg.positionIdx },
    message: condition.message,
    todo: condition.todo,
    unprotectedSeconds: null,
    at: now,
  };
}
