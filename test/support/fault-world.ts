/** What the tests of the fault suite have in common: accounts made of plain symbols, sessions, and waiting until all is well again. */
import { expect } from 'vitest';
import type { WorkflowHandle } from '@temporalio/client';
import type { SessionReport } from '../../src/domain/report.ts';
import { startSystem, until, type System, type SystemOptions } from './system.ts';
import { statusOf } from './verdict.ts';

export const LIST = '/v5/position/list';
const RATE_REFUSED = 10006;
export const STOP = '/v5/position/trading-stop';

/** Times scaled so that seconds stand for half minutes; the proportions are the default policy's. */
export const FAST_POLICY = {
  defaults: {
    checkEveryMs: 1_500,
    discoverEveryMs: 1_000,
    escalation: { emergencyAfterMs: 5_000, repeatEveryMs: 10_000, fastCheckMs: 500 },
  },
} as const;

/** How long anything may take before a test says that it never came; nothing is judged by time. */
export const PATIENCE_MS = 150_000;

/** `S00USDT`, `S01USDT` ...: contracts at 100 with a tick of 0.01. */
export function symbolsOf(count: number, letter = 'S'): string[] {
  return Array.from({ length: count }, (_, at) => `${letter}${String(at).padStart(2, '0')}USDT`);
}

/** The venue's "too many visits", with the header that names when to come back, or without. */
export function rateRefusal(resetAfterMs?: number): object {
  const refusal = { kind: 'ret-code', code: 10006, message: 'Too many visits!' };
  if (resetAfterMs === undefined) return refusal;
  const headers = {
    'X-Bapi-Limit': '10',
    'X-Bapi-Limit-Status': '0',
    'X-Bapi-Limit-Reset-Timestamp': String(Date.now() + resetAfterMs),
  };
  return { ...refusal, headers };
}

export interface AccountOptions {
  /** Symbols with an open long of 1 at 100, without a stop. */
  readonly open?: readonly string[];
  /** Further symbols that the venue lists. */
  readonly listed?: readonly string[];
  readonly limits?: object;
}

/** A scenario in which no margin is ever short. */
export function account({ open = [], listed = [], limits = {} }: AccountOptions): object {
  return {
    seed: 11,
    account: { wallet: '1000000' },
    instruments: [...open, ...listed].map((symbol) => ({ symbol, price: '100' })),
    positions: open.map((symbol) => ({ symbol, side: 'Buy', size: '1', entryPrice: '100' })),
    limits,
  };
}

/** The account, and what else of the system is not as usual: the policy is the fast one. */
export type FaultWorld = AccountOptions & Omit<SystemOptions, 'scenario'>;

/** A system on such an account, before its first session. */
export function faultSystem({ open: opened, listed, limits, ...rest }: FaultWorld): Promise<System> {
  const options = { open: opened ?? [], listed: listed ?? [], limits: limits ?? {} };
  return startSystem({ scenario: account(options), policy: FAST_POLICY, ...rest });
}

/** A system whose session has proven a stop on every open position, and whose guards have all checked since. */
export async function guardedSystem(world: FaultWorld): Promise<System> {
  const system = await faultSystem(world);
  try {
    const { protection } = await runSession(system);
    expect(protection).toMatchObject({ total: world.open?.length ?? 0, failures: 0 });
    await settled(system);
    return system;
  } catch (error) {
    await system.close();
    throw error;
  }
}

/** Takes the system down after the work, whatever becomes of it. */
export async function using(
  starting: Promise<System>,
  work: (system: System) => Promise<void>,
): Promise<void> {
  const system = await starting;
  try {
    await work(system);
  } finally {
    await system.close();
  }
}

/** Stop writes that reached the venue, without those that it refused for their rate: on a busy machine a burst arrives faster than it was sent. */
export async function stopRequests(system: System, symbol: string): Promise<number> {
  const requests = await system.paper.requests();
  return requests.filter(
    ({ path, parameters, code }) => path === STOP && parameters['symbol'] === symbol && code !== RATE_REFUSED,
  ).length;
}

export async function beginSession(
  system: System,
  workflowId = 'session:main',
): Promise<WorkflowHandle<() => Promise<SessionReport>>> {
  return system.client.workflow.start<() => Promise<SessionReport>>('startSession', {
    taskQueue: 'stopkeeper',
    workflowId,
    args: [{ account: 'main' }] as never,
  });
}

/** The report of a session; a server that is away meanwhile is waited for. */
export async function reportOf(handle: WorkflowHandle<() => Promise<SessionReport>>): Promise<SessionReport> {
  return until('the report of the session', () => quietly(() => handle.result()), PATIENCE_MS);
}

export async function runSession(system: System, workflowId = 'session:main'): Promise<SessionReport> {
  return reportOf(await beginSession(system, workflowId));
}

/** What `work` gives, or `null` where it fails: for waiting through an outage. */
export async function quietly<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch {
    return null;
  }
}

/** A human opens a position of 1 at 100, whatever the market is. */
export async function open(system: System, symbol: string, side: 'Buy' | 'Sell' = 'Buy'): Promise<void> {
  await system.paper.position({ symbol, action: 'open', side, size: '1', price: '100', leverage: '5' });
}

/** A human takes a stop away. */
export async function cancelStop(system: System, symbol: string): Promise<void> {
  await system.paper.position({ symbol, action: 'stop', stopLoss: '' });
}

/** Waits until the venue shows this stop on the symbol. */
export async function stopShown(system: System, symbol: string, stop?: string): Promise<void> {
  await until(
    `the stop of ${symbol}`,
    () =>
      quietly(async () => {
        const shown = (await system.paper.row(symbol))?.stopLoss ?? '';
        return stop === undefined ? Number(shown) > 0 : Number(shown) === Number(stop);
      }),
    PATIENCE_MS,
  );
}

/** Waits until each symbol (all that are open, if none are named) has a stop and a guard that says so by a read after now. */
export async function settled(system: System, symbols?: readonly string[]): Promise<void> {
  const after = Date.now();
  const legs = (await system.paper.state()).positions.filter(
    ({ symbol, size }) => Number(size) > 0 && symbols?.includes(symbol) !== false,
  );
  for (const symbol of symbols ?? []) await stopShown(system, symbol);
  await Promise.all(
    legs.map(async (leg) => {
      const guard = guardOf(leg);
      await until(
        `the guard ${guard}`,
        async () => {
          const status = await statusOf(system.client, guard);
          return status?.state === 'PROTECTED' && Date.parse(status.checkedAt ?? '') > after;
        },
        PATIENCE_MS,
      );
    }),
  );
}

/** Workflow id of a leg's guard (DESIGN §5). */
function guardOf({ symbol, positionIdx }: { symbol: string; positionIdx: number }): string {
  return `guard:main:${symbol}${['', ':long', ':short'][positionIdx] ?? ''}`;
}

/** Names of the activities that a workflow waits for now. */
export async function pendingActivities(system: System, workflowId: string): Promise<readonly string[]> {
  const { raw } = await system.client.workflow.getHandle(workflowId).describe();
  return (raw.pendingActivities ?? [])
    .filter(({ lastStartedTime }) => lastStartedTime != null)
    .map(({ activityType }) => activityType?.name ?? '');
}
