/** Finds out for the daily all-clear how many positions are open and how many are proven: a fresh read, and each guard's own word. */
import { dueDay, type AllClearFacts, type AllClearRound } from '../domain/all-clear.ts';
import type { GuardStatus } from '../domain/board.ts';
import { dec } from '../domain/decimal.ts';
import { legal } from '../domain/levels.ts';
import { guardId } from '../domain/names.ts';
import { pooled } from '../domain/pool.ts';
import { legKey, type Leg, type OpenPosition } from '../domain/position.ts';
import { VenueError } from '../exchange/port.ts';
import type { ActivityDeps } from './deps.ts';
import type { SweepInput } from './sweep.ts';

const ASKED_AT_ONCE = 20;
/** A guard that does not say within this time that its stop is proven counts as not proven. */
const ASK_LIMIT_MS = 5_000;
/** A proof of more than so many check intervals ago is none. */
const FRESH_CHECKS = 3;

/**
 * The day's facts where they are due; nothing otherwise, and nothing while the account cannot be read: the next round tries again.
 * `remembered` are released legs that the caller has forgotten.
 */
export async function allClearOf(
  deps: ActivityDeps,
  input: SweepInput,
  remembered: ReadonlySet<string>,
): Promise<{ readonly allClear?: AllClearRound }> {
  const { allClearAt } = deps;
  // A watcher of an older build asks for none, and would not keep the day.
  if (allClearAt === null || input.allClearDay === undefined) return {};
  const day = dueDay(deps.now(), allClearAt);
  if (input.allClearDay === day) return {};
  if (input.allClearDay === null) return { allClear: { day, facts: null } };
  try {
    return { allClear: { day, facts: await readFacts(deps, input, remembered) } };
  } catch (error) {
    if (!(error instanceof VenueError)) throw error;
    return {};
  }
}

async function readFacts(
  deps: ActivityDeps,
  input: SweepInput,
  remembered: ReadonlySet<string>,
): Promise<AllClearFacts> {
  const { account } = input;
  const snapshot = await deps.port(account).snapshot({ fresh: true });
  const ignore = new Set(deps.policy(account, '').ignore);
  const released = new Set([...input.released.map(legKey), ...remembered]);
  const ignored = snapshot.positions.filter(({ symbol }) => ignore.has(symbol));
  const ours = snapshot.positions.filter((one) => !ignore.has(one.symbol) && !released.has(legKey(one)));
  const broken = snapshot.unreadable.filter(({ symbol }) => !ignore.has(symbol));
  const answers = await pooled(ours, ASKED_AT_ONCE, async (position) => ({
    leg: { symbol: position.symbol, positionIdx: position.positionIdx },
    reason: bare(position) ?? (await unproven(deps, account, position)),
  }));
  const missing = [
    ...answers.flatMap(({ leg, reason }) => (reason === null ? [] : [{ leg, reason }])),
    ...broken.map(({ symbol, positionIdx, reason }) => ({
      leg: { symbol, positionIdx: positionIdx ?? 0 } as const,
      reason: `its row cannot be read: ${reason}`,
    })),
  ];
  return {
    open: ours.length + broken.length,
    proven: answers.filter(({ reason }) => reason === null).length,
    missing,
    released: snapshot.positions.filter((one) => released.has(legKey(one))).map(({ symbol }) => symbol),
    ignored: ignored.map(({ symbol }) => symbol),
    readAt: snapshot.endedAt,
  };
}

/** What the read says against the stop; `null` when it shows a legal one. */
function bare({ side, stopLoss, markPrice }: OpenPosition): string | null {
  if (stopLoss === null) return 'no stop on the venue';
  return legal(side, dec(stopLoss), dec(markPrice)) ? null : `the price has passed its stop ${stopLoss}`;
}

/** What its guard says against the proof; `null` when it has a fresh one. */
async function unproven(deps: ActivityDeps, account: string, leg: Leg): Promise<string | null> {
  let status: GuardStatus;
  try {
    const guard = deps.client.workflow.getHandle(guardId(account, leg));
    status = await deps.client.withDeadline(Date.now() + ASK_LIMIT_MS, () => guard.query('status'));
  } catch (error) {
    return `its guard does not answer: ${(error as Error).message.split('\n')[0] ?? ''}`;
  }
  if (status.state !== 'PROTECTED') return `its guard says ${status.state}: ${status.message}`;
  const age = status.provenAt === null ? Infinity : deps.now() - Date.parse(status.provenAt);
  const limit = FRESH_CHECKS * Math.max(deps.policy(account, leg.symbol).checkEveryMs, 10_000);
  return age <= limit ? null : `its last proof is ${Math.round(age / 1_000)} s old`;
}
