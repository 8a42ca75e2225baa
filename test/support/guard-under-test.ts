/** A guard's memory under test: the venue's row changes, the guard sees it, writes are answered; all pure, all by hand. */
import { decide } from '../../src/domain/decide.ts';
import { evolve } from '../../src/domain/evolve.ts';
import type { FailureInfo, VenueFailureType, WriteOutcome } from '../../src/domain/failure.ts';
import {
  newBook,
  type Action,
  type Decision,
  type GuardBook,
  type GuardEvent,
} from '../../src/domain/guard-state.ts';
import type { Alert, AlertKind } from '../../src/domain/alert.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/domain/policy.ts';
import { anOpen, type OpenOverride } from './observations.ts';

export type Write = Extract<Action, { kind: 'write' }>;

export const T0 = 1_000_000;

export function aFailure(type: VenueFailureType, message = `${type} by the test`): FailureInfo {
  return { type, code: null, message, hint: 'look at the test' };
}

/** What only one read says: it does not stay on the row. */
const ONCE = ['stopOrder', 'stopOrderPrice', 'candleBest', 'passedThroughZero', 'partialStopQty'] as const;

export class GuardUnderTest {
  book: GuardBook;
  policy: Policy;
  now = T0;
  row: OpenOverride;
  last: Decision | null = null;
  readonly alerts: Alert[] = [];

  constructor(row: OpenOverride = {}, policy: Policy = DEFAULT_POLICY) {
    this.row = row;
    this.policy = policy;
    this.book = newBook('main', { symbol: 'BTCUSDT', positionIdx: row.positionIdx ?? 0 });
  }

  apply(event: GuardEvent): void {
    const known = new Set(this.book.outbox.map(({ id }) => id));
    this.book = evolve(this.book, event, this.policy);
    this.alerts.push(...this.book.outbox.filter(({ id }) => !known.has(id)));
  }

  /** The row changes, `afterMs` pass, and one read shows it; returns what was decided. */
  sees(change: OpenOverride = {}, afterMs = 0, rewrite = false): Decision {
    this.row = { ...this.row, ...change };
    if (change.price !== undefined && change.markPrice === undefined)
      this.row = { ...this.row, markPrice: change.price };
    this.now += afterMs;
    const observation = anOpen({ ...this.row, readAt: this.now });
    const decision = decide(this.book, observation, this.policy, { rewrite });
    this.apply({ kind: 'observed', observation, rewrite });
    const left: Record<string, unknown> = { ...this.row };
    for (const key of ONCE) delete left[key];
    this.row = left;
    this.last = decision;
    return decision;
  }

  seesNothing(problem = 'VenueUnavailable', afterMs = 0): Decision {
    this.now += afterMs;
    const observation = { kind: 'unreadable', problem, reason: 'no answer', readAt: this.now } as const;
    const decision = decide(this.book, observation, this.policy);
    this.apply({ kind: 'observed', observation });
    return decision;
  }

  seesFlat(confirmed: boolean, afterMs = 0): Decision {
    this.now += afterMs;
    const observation = { kind: 'flat', confirmed, readAt: this.now } as const;
    const decision = decide(this.book, observation, this.policy);
    this.apply({ kind: 'observed', observation });
    return decision;
  }

  /** The last decision's write is answered; the row does not change by itself. */
  writes(outcome: WriteOutcome = { kind: 'applied' }): Write {
    const action = writeOf(this.last);
    const { stop, stopKind, rule, urgency } = action;
    this.apply({ kind: 'written', stop, stopKind, rule, urgency, outcome, at: this.now });
    return action;
  }

  /** The last decision's write takes effect and a read shows it. */
  proves(): Write {
    const action = this.writes();
    this.sees({ stopLoss: action.stop });
    return action;
  }

  /** All attempts have failed and the read that followed shows the row as it is. */
  fails(failure: FailureInfo = aFailure('VenueRefused')): void {
    this.sees();
    this.apply({ kind: 'write-failed', failure, at: this.now });
  }

  ofKind(kind: AlertKind): readonly Alert[] {
    return this.alerts.filter((alert) => alert.kind === kind);
  }
}

export function writeOf(decision: Decision | null): Write {
  if (decision?.action.kind !== 'write') {
    throw new Error(`expected a write, got ${decision?.action.kind ?? 'nothing'}: ${decision?.reason ?? ''}`);
  }
  return decision.action;
}

/** A guard whose first stop has been written and proven. */
export function protectedGuard(row: OpenOverride = {}, policy: Policy = DEFAULT_POLICY): GuardUnderTest {
  const guard = new GuardUnderTest(row, policy);
  guard.sees();
  guard.proves();
  return guard;
}

/** A long of entry 100 that trails: activated at 101.1, proven stop 100.30. */
export function trailingGuard(policy: Policy = DEFAULT_POLICY): GuardUnderTest {
  return protectedGuard({ price: '101.1', markPrice: '101.1' }, policy);
}
