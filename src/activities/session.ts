/** Activities of a session that only read: preflight, import of every position, the policies in force (DESIGN §5, §7). */
import type { FailureInfo } from '../domain/failure.ts';
import type { Released } from '../domain/messages.ts';
import { watchId } from '../domain/names.ts';
import type { Policy } from '../domain/policy.ts';
import type { Leg, Observation } from '../domain/position.ts';
import type { NotCovered } from '../domain/report.ts';
import {
  VenueError,
  type AccountInfo,
  type ClockReading,
  type KeyInfo,
  type UnreadableRow,
} from '../exchange/port.ts';
import type { ActivityDeps } from './deps.ts';
import { asActivityFailure } from './failures.ts';
import { withHeartbeat } from './heartbeat.ts';
import { KNOWS_NOTHING, observeLeg, readingOf, type Reader } from './observe.ts';
import { VolatilityCache } from './volatility.ts';
import { toldReleases } from './told-releases.ts';

export interface Preflight {
  readonly venue: string;
  readonly mode: 'DEMO' | 'LIVE';
  readonly key: KeyInfo | null;
  readonly clock: ClockReading | null;
  readonly info: AccountInfo | null;
  /** What could not be read, each with its reason; none of it stops a session. */
  readonly failures: readonly FailureInfo[];
  readonly tookMs: number;
}

export interface Imported {
  readonly legs: readonly { readonly leg: Leg; readonly observation: Observation }[];
  /** Rows that cannot even be told apart as legs. */
  readonly unreadable: readonly UnreadableRow[];
  readonly notCovered: readonly NotCovered[];
  /** Legs in an operator's hands, as the watcher remembers them. */
  readonly released: readonly Released[];
  readonly policy: Policy;
  /** Policies of symbols that differ from the account's. */
  readonly policies: Readonly<Record<string, Policy>>;
  readonly tookMs: number;
}

/** What lies beside protection may take this long. */
const BESIDE_LIMIT_MS = 4_000;

async function settle<T>(work: Promise<T>, failures: FailureInfo[]): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof VenueError)) throw error;
    if (!failures.some((one) => one.type === error.info.type && one.message === error.info.message)) {
      failures.push(error.info);
    }
    return null;
  }
}

async function beside<T>(work: Promise<T>, otherwise: T): Promise<T> {
  work.catch(() => undefined);
  const late = new Promise<T>((resolve) => setTimeout(() => resolve(otherwise), BESIDE_LIMIT_MS).unref());
  return Promise.race([work.catch(() => otherwise), late]);
}

/** Legs that the watcher remembers as released; `null` where no watcher answers. */
async function releasedLegs(deps: ActivityDeps, account: string): Promise<readonly Released[] | null> {
  const handle = deps.client.workflow.getHandle(watchId(account));
  return beside<readonly Released[] | null>(handle.query<readonly Released[]>('released'), null);
}

async function observed(reader: Reader, policy: Policy, leg: Leg): Promise<Observation> {
  return observeLeg(reader, {
    account: reader.port.account,
    leg,
    mode: 'routine',
    ...readingOf(policy),
    withStopOrders: true,
    known: KNOWS_NOTHING,
  });
}

async function readPreflight(deps: ActivityDeps, input: { readonly account: string }): Promise<Preflight> {
  const began = deps.now();
  const port = deps.port(input.account);
  const failures: FailureInfo[] = [];
  const [key, clock, info] = await Promise.all([
    settle(port.keyInfo(), failures),
    settle(port.clock(), failures),
    settle(port.accountInfo(), failures),
  ]);
  const mode = deps.mode(input.account);
  return { venue: port.venue, mode, key, clock, info, failures, tookMs: deps.now() - began };
}

async function readPositions(
  deps: ActivityDeps,
  volatility: VolatilityCache,
  input: { readonly account: string },
): Promise<Imported> {
  const began = deps.now();
  const { account } = input;
  const port = deps.port(account);
  const accountPolicy = deps.policy(account, '');
  const others = beside(port.notCovered(), []);
  const released = releasedLegs(deps, account);
  const reader = { port, volatility, now: deps.now };
  // Shared with every leg's observation, which meets a failure again: begun now, so that it costs no time of its own.
  port.stopOrders().catch(() => undefined);
  try {
    const snapshot = await port.snapshot({ fresh: true });
    const ignored = new Set(accountPolicy.ignore);
    const guarded = snapshot.positions.filter(({ symbol }) => !ignored.has(symbol));
    const named: readonly Leg[] = snapshot.unreadable.flatMap(({ symbol, positionIdx }) =>
      positionIdx === null ? [] : [{ symbol, positionIdx }],
    );
    const legs = [...guarded.map(({ symbol, positionIdx }) => ({ symbol, positionIdx })), ...named];
    const observations = await Promise.all(
      legs.map(async (leg) => ({
        leg,
        observation: await observed(reader, deps.policy(account, leg.symbol), leg),
      })),
    );
    for (const { leg, observation } of observations) {
      deps.log.info({ account, ...leg, seen: observation.kind }, 'position.imported');
    }
    const policies = legs.map(({ symbol }) => [symbol, deps.policy(account, symbol)] as const);
    const same = JSON.stringify(accountPolicy);
    return {
      legs: observations,
      unreadable: snapshot.unreadable.filter(({ positionIdx }) => positionIdx === null),
      notCovered: [
        ...(await others),
        ...snapshot.positions
          .filter(({ symbol }) => ignored.has(symbol))
          .map(({ symbol, size }) => ({ category: 'linear', symbol, size, reason: 'ignored by policy' })),
      ],
      released: (await released) ?? (await beside(toldReleases(deps, account, snapshot.positions), [])),
      policy: accountPolicy,
      policies: Object.fromEntries(policies.filter(([, policy]) => JSON.stringify(policy) !== same)),
      tookMs: deps.now() - began,
    };
  } catch (error) {
    throw asActivityFailure(error);
  }
}

export function createSessionActivities(deps: ActivityDeps) {
  const volatility = new VolatilityCache(deps.now);

  return {
    /** Key, clock and account, each by itself: what cannot be read is said, not thrown. */
    preflight: (input: { readonly account: string }): Promise<Preflight> =>
      withHeartbeat(() => readPreflight(deps, input)),

    /** Every open position with its stop orders; fails with a venue type when the list cannot be read whole (I4). */
    importPositions: (input: { readonly account: string }): Promise<Imported> =>
      withHeartbeat(() => readPositions(deps, volatility, input)),
  };
}
