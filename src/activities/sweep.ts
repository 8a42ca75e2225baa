/** One round of the watcher: every open leg judged from one snapshot, unguarded ones given a guard, bare ones woken (I7). */
import { randomUUID } from 'node:crypto';
import type { AllClearRound } from '../domain/all-clear.ts';
import type { AuditEntry } from '../domain/audit.ts';
import { dec } from '../domain/decimal.ts';
import { legal } from '../domain/levels.ts';
import type { Released, ReprotectInput } from '../domain/messages.ts';
import { pooled } from '../domain/pool.ts';
import { legKey, type Leg, type OpenPosition } from '../domain/position.ts';
import type { WatchedLeg } from '../domain/watch-state.ts';
import { VenueError, type AccountSnapshot } from '../exchange/port.ts';
import type { ActivityDeps } from './deps.ts';
import { allClearOf } from './all-clear.ts';
import { startGuardOf } from './guards.ts';
import { withHeartbeat } from './heartbeat.ts';
import { endStuckGuards } from './stuck-runs.ts';
import { toldReleases } from './told-releases.ts';

const STARTED_AT_ONCE = 20;
/** A guard that was told of its bare leg is told again so much later; meanwhile its own cadence works. */
const WAKE_AGAIN_MS = 60_000;

export interface SweepInput {
  readonly account: string;
  /** What the caller last got; the answer holds differences to it where this process still has it. */
  readonly token: string | null;
  /** Legs that stay in their operator's hands. */
  readonly released: readonly Leg[];
  /** Wake every guard with this, whatever its leg shows. */
  readonly wake: ReprotectInput | null;
  /** Day of the caller's last all-clear; `null`: none yet, absent from older builds. */
  readonly allClearDay?: string | null;
  /** What the watcher has for the audit log. */
  readonly notes?: readonly AuditEntry[];
}

export interface SweepAnswer {
  readonly result: SweepResult;
  /** The account's interval between rounds, ms. */
  readonly discoverEveryMs: number;
}

export type SweepResult =
  | {
      readonly kind: 'swept';
      readonly token: string;
      /** True when `legs` are all of them; otherwise they are those that changed. */
      readonly full: boolean;
      readonly legs: readonly WatchedLeg[];
      /** Keys of legs that are no longer there. */
      readonly gone: readonly string[];
      readonly readAt: number;
      /** Legs that had no running guard and were given one. */
      readonly started: readonly Leg[];
      readonly woken: number;
      /** Legs whose guard could not be started, with the reason. */
      readonly failed: readonly { readonly leg: Leg; readonly reason: string }[];
      readonly ignored: readonly { readonly symbol: string; readonly size: string }[];
      /** Releases that the caller, in its first round, had no memory of. */
      readonly remembered: readonly Released[];
      /** Where the day's all-clear was due. */
      readonly allClear?: AllClearRound;
    }
  | { readonly kind: 'failed'; readonly problem: string; readonly reason: string };

interface Held {
  readonly token: string;
  readonly legs: ReadonlyMap<string, string>;
  readonly wokenAt: ReadonlyMap<string, number>;
}

function judged(position: OpenPosition): WatchedLeg {
  const { symbol, positionIdx, side, size, stopLoss, markPrice, openTime } = position;
  const bare = stopLoss === null;
  const state = bare ? 'UNPROTECTED' : legal(side, dec(stopLoss), dec(markPrice)) ? 'PROTECTED' : 'UNCERTAIN';
  return { symbol, positionIdx, side, size, stop: stopLoss, state, openTime, note: null };
}

function legsOf(snapshot: AccountSnapshot): WatchedLeg[] {
  const broken = snapshot.unreadable.map((row): WatchedLeg => ({
    symbol: row.symbol,
    positionIdx: row.positionIdx ?? 0,
    side: null,
    size: row.size,
    stop: null,
    state: 'UNREADABLE',
    openTime: null,
    note: row.reason,
  }));
  return [...snapshot.positions.map(judged), ...broken];
}

/** Differences between two rounds; `null` before the first. */
function differences(
  before: Held | null,
  legs: readonly WatchedLeg[],
): { changed: WatchedLeg[]; gone: string[] } {
  if (before === null) return { changed: [...legs], gone: [] };
  const keys = new Set(legs.map(legKey));
  return {
    changed: legs.filter((leg) => before.legs.get(legKey(leg)) !== JSON.stringify(leg)),
    gone: [...before.legs.keys()].filter((key) => !keys.has(key)),
  };
}

interface Chosen {
  /** Legs without a running guard; what has no stop comes first. */
  readonly missing: readonly WatchedLeg[];
  /** Guarded legs whose guard is to look now. */
  readonly bare: readonly WatchedLeg[];
}

function chosen(
  input: SweepInput,
  watched: readonly WatchedLeg[],
  running: ReadonlySet<string>,
  wokenAt: ReadonlyMap<string, number>,
  now: number,
): Chosen {
  const isBare = ({ state }: WatchedLeg): number => Number(state !== 'UNPROTECTED');
  const due = (leg: WatchedLeg): boolean => now - (wokenAt.get(legKey(leg)) ?? 0) >= WAKE_AGAIN_MS;
  return {
    missing: watched.filter((leg) => !running.has(legKey(leg))).toSorted((a, b) => isBare(a) - isBare(b)),
    bare: watched.filter(
      (leg) => running.has(legKey(leg)) && (input.wake !== null || (leg.state === 'UNPROTECTED' && due(leg))),
    ),
  };
}

/** Wakes and starts guards; answers with the legs whose guard could not be started. */
async function wakeGuards(
  deps: ActivityDeps,
  input: SweepInput,
  { bare, missing }: Chosen,
): Promise<{ leg: Leg; reason: string }[]> {
  const { account, wake } = input;
  const failed: { leg: Leg; reason: string }[] = [];
  const start = async (leg: WatchedLeg, reason: string, rewrite: boolean): Promise<void> => {
    try {
      const policy = deps.policy(account, leg.symbol);
      await startGuardOf(deps, { account, leg: legOf(leg), policy, side: leg.side, reason, rewrite });
    } catch (error) {
      failed.push({ leg: legOf(leg), reason: (error as Error).message });
    }
  };
  await pooled(bare, STARTED_AT_ONCE, (leg) =>
    start(leg, wake?.reason ?? 'the watcher sees no stop', wake?.rewrite ?? false),
  );
  await pooled(missing, STARTED_AT_ONCE, (leg) => start(leg, 'the watcher sees no guard', false));
  return failed;
}

async function sweepOnce(
  deps: ActivityDeps,
  held: Map<string, Held>,
  input: SweepInput,
): Promise<SweepResult> {
  const { account } = input;
  const snapshot = await deps.port(account).snapshot();
  const all = legsOf(snapshot);
  const ignore = new Set(deps.policy(account, '').ignore);
  const legs = all.filter(({ symbol }) => !ignore.has(symbol));
  const released = new Set(input.released.map(legKey));
  const watched = legs.filter((leg) => leg.size !== null && !released.has(legKey(leg)));
  const running = new Set(await deps.runningGuards(account, watched));
  const guarded = watched.filter((leg) => running.has(legKey(leg)));
  for (const key of await endStuckGuards(deps, account, guarded)) running.delete(key);
  const last = held.get(account) ?? null;
  const now = deps.now();
  // A watcher that was terminated by hand has forgotten what was released; the guards' own endings have not.
  const unguarded = watched.filter((leg) => !running.has(legKey(leg)));
  const remembered = input.token === null ? await toldReleases(deps, account, unguarded) : [];
  const free = new Set(remembered.map(legKey));
  const ours = watched.filter((leg) => !free.has(legKey(leg)));
  const choice = chosen(input, ours, running, last?.wokenAt ?? new Map<string, number>(), now);
  const failed = await wakeGuards(deps, input, choice);
  const woken = choice.bare.map((leg) => [legKey(leg), now] as const);
  const stillBare = new Set(legs.filter(({ state }) => state === 'UNPROTECTED').map(legKey));
  const wokenAt = new Map([...(last?.wokenAt ?? []), ...woken].filter(([key]) => stillBare.has(key)));
  const same = last !== null && last.token === input.token ? last : null;
  const { changed, gone } = differences(same, legs);
  const token = same !== null && changed.length === 0 && gone.length === 0 ? same.token : randomUUID();
  const texts = new Map(legs.map((leg) => [legKey(leg), JSON.stringify(leg)]));
  held.set(account, { token, legs: texts, wokenAt });
  return {
    kind: 'swept',
    token,
    full: same === null,
    legs: changed,
    gone,
    readAt: snapshot.endedAt,
    started: choice.missing.map(legOf),
    woken: choice.bare.length,
    failed,
    ignored: all
      .filter(({ symbol }) => ignore.has(symbol))
      .map(({ symbol, size }) => ({ symbol, size: size ?? '' })),
    remembered,
    ...(await allClearOf(deps, input, free)),
  };
}

export function createSweepActivities(deps: ActivityDeps) {
  /** What each account's last round gave, by account; lost with the process, which costs one full answer. */
  const held = new Map<string, Held>();
  return {
    /** Never throws for the venue: a failed round is an answer, and the next one comes in its time. */
    async sweep(input: SweepInput): Promise<SweepAnswer> {
      const { discoverEveryMs } = deps.policy(input.account, '');
      let complete = false;
      try {
        if (input.notes !== undefined) await deps.audit(input.notes);
        const result = await withHeartbeat(() => sweepOnce(deps, held, input));
        complete = true;
        return { result, discoverEveryMs };
      } catch (error) {
        if (!(error instanceof VenueError)) throw error;
        const { type, message } = error.info;
        return { result: { kind: 'failed', problem: type, reason: message }, discoverEveryMs };
      } finally {
        deps.roundEnded({ account: input.account, complete, everyMs: discoverEveryMs });
      }
    },
  };
}

function legOf({ symbol, positionIdx }: Leg): Leg {
  return { symbol, positionIdx };
}
