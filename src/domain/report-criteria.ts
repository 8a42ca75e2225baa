/** Which facts of a session make its status: the criteria of DESIGN §7, each present only where its fact was looked at. */
import type { BalanceFailure, BalanceReading, Criterion, PositionReport, SessionStatus } from './report.ts';
import { dec } from './decimal.ts';

/** What the session did for one leg, and what became of it. */
export interface LegFacts {
  readonly report: PositionReport;
  /**
   * `newly`: this session wrote and proved; `already`: a proven stop needed nothing; `failed`: no proof;
   * `planned`: a dry run would write (or, with nothing to write, `already`; refused, `failed`).
   */
  readonly outcome: 'newly' | 'already' | 'failed' | 'planned';
  /** A write of this session was answered "not modified" (34040). */
  readonly wroteUnchanged: boolean;
  /** `not-expected`: released by an operator, or a dry run. */
  readonly guard: 'running' | 'failed' | 'not-expected';
  /** Why there is no proof or no guard; empty when there is nothing to say. */
  readonly problems: readonly string[];
}

/** What the preflight found out about the key. */
export interface KeyFacts {
  readonly readOnly: boolean;
  readonly hasPositionPermission: boolean;
  readonly mayWithdraw: boolean;
  readonly ipBound: boolean;
  /** Whole days until it expires; `null` when it does not. */
  readonly expiresInDays: number | null;
}

/** A fact that nobody looked at is `null`: its criterion is then absent, never reported as fine. */
export interface CriteriaFacts {
  readonly dryRun: boolean;
  readonly balance: BalanceReading | BalanceFailure | null;
  /** Why the list of positions could not be read; `null` when it was. */
  readonly positionsProblem: string | null;
  readonly legs: readonly LegFacts[];
  readonly ledgerSynced: boolean | null;
  /** Why the ledger did not answer or sync, apart from the balance itself; `null` otherwise. */
  readonly ledgerProblem: string | null;
  readonly watcherRunning: boolean | null;
  readonly key: KeyFacts | null;
  /** Venue clock minus this machine's, ms. */
  readonly clockOffsetMs: number | null;
  /** Each says what works less well and why ("no candles: middle volatility band"). */
  readonly reducedFunctionality: readonly string[];
  /** Guards that refused this session's policy, each with its reason. */
  readonly policyRefusals: readonly string[];
  readonly notCovered: readonly { readonly symbol: string; readonly category: string }[];
}

const CLOCK_WARNING_MS = 500;
const KEY_EXPIRY_WARNING_DAYS = 7;

/** FAILED on any failure, WARNING on any warning, else SUCCESS. */
export function statusOf(criteria: readonly Criterion[]): SessionStatus {
  if (criteria.some((each) => each.level === 'failure')) return 'FAILED';
  return criteria.some((each) => each.level === 'warning') ? 'WARNING' : 'SUCCESS';
}

export function criteriaOf(facts: CriteriaFacts): readonly Criterion[] {
  return [
    ...balanceCriteria(facts.balance),
    ...positionCriteria(facts),
    ...machineryCriteria(facts),
    ...keyCriteria(facts.key),
    ...clockCriteria(facts.clockOffsetMs),
    ...facts.reducedFunctionality.map((reason) => warning('reduced-functionality', reason)),
    ...facts.policyRefusals.map((reason) => warning('policy-refused', reason)),
    ...notCoveredCriteria(facts.notCovered),
  ];
}

export function balanceCriteria(balance: CriteriaFacts['balance']): Criterion[] {
  if (balance === null) return [];
  if ('error' in balance) {
    return [failure('balance-read', `${balance.error.message} (${balance.error.hint})`)];
  }
  const criteria = [ok('balance-read', `balance ${balance.total} from ${balance.source}`)];
  if (balance.fallback) {
    criteria.push(warning('balance-fallback', `the first source had no balance, ${balance.source} was used`));
  }
  if (dec(balance.total).eq(0)) criteria.push(warning('balance-zero', 'the balance is 0'));
  return criteria;
}

function positionCriteria(facts: CriteriaFacts): Criterion[] {
  if (facts.positionsProblem !== null) {
    return [failure('positions-read', `the positions could not be read: ${facts.positionsProblem}`)];
  }
  const { legs } = facts;
  if (legs.length === 0) return [ok('positions-protected', 'no open positions, starting fresh')];
  const criteria = facts.dryRun ? planCriteria(legs) : proofCriteria(legs);
  const unchanged = legs.filter((leg) => leg.wroteUnchanged);
  if (unchanged.length > 0) {
    criteria.push(warning('write-unchanged', `the venue answered "not modified" for ${named(unchanged)}`));
  }
  const released = legs.filter((leg) => leg.report.state === 'RELEASED');
  if (released.length > 0) {
    criteria.push(warning('released', `released by an operator and not guarded: ${named(released)}`));
  }
  return criteria;
}

function proofCriteria(legs: readonly LegFacts[]): Criterion[] {
  const failed = legs.filter((leg) => leg.outcome === 'failed');
  const protection =
    failed.length === 0
      ? ok('positions-protected', `all ${legs.length} positions have a proven stop`)
      : failure('positions-protected', `without a proven stop: ${failed.map(withProblems).join('; ')}`);
  const expected = legs.filter((leg) => leg.guard !== 'not-expected');
  if (expected.length === 0) return [protection];
  const missing = expected.filter((leg) => leg.guard === 'failed');
  const guards =
    missing.length === 0
      ? ok('guards-running', `${expected.length} guards are running`)
      : failure('guards-running', `guard not running: ${missing.map(withProblems).join('; ')}`);
  return [protection, guards];
}

function planCriteria(legs: readonly LegFacts[]): Criterion[] {
  const refused = legs.filter((leg) => leg.outcome === 'failed');
  const writes = legs.filter((leg) => leg.outcome === 'planned').length;
  return refused.length === 0
    ? [ok('plan', `nothing was written; a session would set ${writes} of ${legs.length} stops`)]
    : [
        failure(
          'plan',
          `nothing was written; would not be protected: ${refused.map(withProblems).join('; ')}`,
        ),
      ];
}

function machineryCriteria(facts: CriteriaFacts): Criterion[] {
  const criteria: Criterion[] = [];
  if (facts.watcherRunning !== null) {
    criteria.push(
      facts.watcherRunning
        ? ok('watcher-running', 'new positions are watched for')
        : failure('watcher-running', 'the watcher is not running: new positions would go unnoticed'),
    );
  }
  // A ledger that answered and only lacks the balance is one failure, not two: the balance's own.
  const balanceIsWhy = facts.balance !== null && 'error' in facts.balance && facts.ledgerProblem === null;
  if (facts.ledgerSynced !== null && (facts.ledgerSynced || !balanceIsWhy)) {
    const why = facts.ledgerProblem === null ? '' : `: ${facts.ledgerProblem}`;
    criteria.push(
      facts.ledgerSynced
        ? ok('ledger-synced', 'the ledger holds this balance')
        : failure('ledger-synced', `the ledger is not synced${why}`),
    );
  }
  return criteria;
}

export function keyCriteria(key: KeyFacts | null): Criterion[] {
  if (key === null) return [];
  const criteria: Criterion[] = [];
  if (key.readOnly) {
    criteria.push(warning('key-may-write', 'the API key is read-only: stops cannot be set with it'));
  } else if (!key.hasPositionPermission) {
    criteria.push(warning('key-may-write', "the API key lacks the 'Position' permission"));
  } else {
    criteria.push(ok('key-may-write', 'the API key may set stops'));
  }
  if (key.expiresInDays !== null) criteria.push(expiry(key.expiresInDays));
  if (key.mayWithdraw) {
    criteria.push(warning('key-may-withdraw', 'the API key may withdraw; Stopkeeper never needs that'));
  }
  if (!key.ipBound) criteria.push(ok('key-ip', 'the API key is not bound to an IP address'));
  return criteria;
}

function expiry(days: number): Criterion {
  if (days < 0) return warning('key-expiry', 'the API key has expired');
  const message = `the API key expires in ${days} ${days === 1 ? 'day' : 'days'}`;
  return days < KEY_EXPIRY_WARNING_DAYS ? warning('key-expiry', message) : ok('key-expiry', message);
}

export function clockCriteria(offsetMs: number | null): Criterion[] {
  if (offsetMs === null) return [];
  const size = Math.abs(Math.round(offsetMs));
  if (size <= CLOCK_WARNING_MS) return [ok('clock-offset', `the clock is ${size} ms off`)];
  const direction = offsetMs < 0 ? 'fast: at 1 s the venue refuses requests' : 'slow';
  return [warning('clock-offset', `this machine's clock is ${size} ms ${direction}`)];
}

/** A note: the minimum binds new trades, and positions that are there are protected whatever their size. */
export function smallPositionCriteria(legs: readonly LegFacts[], minNotionalUsd: number): Criterion[] {
  const small = legs.filter(({ report: { size, markPrice } }) => {
    return size !== null && markPrice !== null && dec(size).times(markPrice).lt(String(minNotionalUsd));
  });
  if (small.length === 0) return [];
  return [ok('below-minimum', `under the ${minNotionalUsd} USD that a new trade needs: ${named(small)}`)];
}

/** A note, not a warning: what is not covered is named, and the rest of the account is not worse for it. */
function notCoveredCriteria(notCovered: CriteriaFacts['notCovered']): Criterion[] {
  if (notCovered.length === 0) return [];
  const names = notCovered.map((each) => `${each.symbol} (${each.category})`).join(', ');
  return [ok('not-covered', `not guarded by Stopkeeper: ${names}`)];
}

function named(legs: readonly LegFacts[]): string {
  return legs.map((leg) => legName(leg.report)).join(', ');
}

function withProblems(leg: LegFacts): string {
  const name = legName(leg.report);
  return leg.problems.length === 0 ? name : `${name} (${leg.problems.join(', ')})`;
}

function legName({ symbol, positionIdx }: PositionReport): string {
  return positionIdx === 1 ? `${symbol} long` : positionIdx === 2 ? `${symbol} short` : symbol;
}

function ok(id: string, message: string): Criterion {
  return { id, level: 'ok', message };
}

function warning(id: string, message: string): Criterion {
  return { id, level: 'warning', message };
}

function failure(id: string, message: string): Criterion {
  return { id, level: 'failure', message };
}
