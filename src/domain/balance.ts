/** The balance chain of DESIGN §6: six sources tried in order over ccxt's balance shape, each attempt told. */
import { isDecimalString, plain } from './decimal.ts';
import type { FailureInfo } from './failure.ts';
import type { BalanceFailure, BalanceReading } from './report.ts';

export interface BalanceAttempt {
  readonly path: string;
  /** `"used"`, or why this source fell through. */
  readonly outcome: string;
}

export type BalanceOutcome =
  | {
      readonly kind: 'read';
      /** USD (sources 1–4) or USDT, plain decimal, never negative. */
      readonly total: string;
      readonly source: string;
      /** True for any source but the first. */
      readonly fallback: boolean;
      readonly zero: boolean;
      readonly tried: readonly BalanceAttempt[];
      readonly equity: string | null;
      /** `"UNIFIED"` where the venue says so, `"unknown"` where it does not. */
      readonly accountType: string;
      /** Margin in use in the whole account, USD; empty in isolated margin, the only figure in portfolio margin. */
      readonly totalInitialMargin: string | null;
    }
  | {
      readonly kind: 'none';
      readonly tried: readonly BalanceAttempt[];
      /** Top-level keys that were there, at most ten. */
      readonly keys: readonly string[];
    }
  | { readonly kind: 'not-an-object'; readonly got: string };

interface Source {
  readonly path: string;
  readonly keys: readonly (string | number)[];
}

const ACCOUNT = ['info', 'result', 'list', 0] as const;
const ACCOUNT_PATH = 'info.result.list[0]';
const COIN_KEYS = ['USDT', 'usdt', 'USDT:USDT'] as const;

const SOURCES: readonly Source[] = [
  { path: `${ACCOUNT_PATH}.totalWalletBalance`, keys: [...ACCOUNT, 'totalWalletBalance'] },
  { path: `${ACCOUNT_PATH}.totalEquity`, keys: [...ACCOUNT, 'totalEquity'] },
  { path: 'totalWalletBalance', keys: ['totalWalletBalance'] },
  { path: 'totalEquity', keys: ['totalEquity'] },
  ...coinSources('total'),
  ...coinSources('free'),
  ...coinSources('available'),
];

function coinSources(field: string): readonly Source[] {
  return COIN_KEYS.map((coin) => ({ path: `${coin}.${field}`, keys: [coin, field] }));
}

/**
 * First usable balance of ccxt's balance shape. Missing, `""`, not a number and negative fall through; a true zero is a
 * reading. Numbers are taken by their printed digits, as ccxt's own fields are numbers.
 * Example: `readBalance({ totalEquity: '5' })` → read, total `"5"`, source `"totalEquity"`, fallback true.
 */
export function readBalance(shape: unknown): BalanceOutcome {
  if (!isRecord(shape)) return { kind: 'not-an-object', got: describe(shape) };
  const tried: BalanceAttempt[] = [];
  for (const source of SOURCES) {
    const value = at(shape, source.keys);
    const problem = problemOf(value);
    tried.push({ path: source.path, outcome: problem ?? 'used' });
    if (problem !== null) continue;
    const total = plain(String(value));
    return {
      kind: 'read',
      total,
      source: source.path,
      fallback: source !== SOURCES[0],
      zero: total === '0',
      tried,
      equity: moneyAt(shape, [...ACCOUNT, 'totalEquity']) ?? moneyAt(shape, ['totalEquity']),
      accountType: accountTypeOf(shape),
      totalInitialMargin:
        moneyAt(shape, [...ACCOUNT, 'totalInitialMargin']) ?? moneyAt(shape, ['totalInitialMargin']),
    };
  }
  return { kind: 'none', tried, keys: Object.keys(shape).slice(0, 10) };
}

/** The outcome as a failure of the closed set, `null` for a reading; a broken answer is worth another read. */
export function balanceProblem(outcome: BalanceOutcome): FailureInfo | null {
  switch (outcome.kind) {
    case 'read':
      return null;
    case 'none':
      return {
        type: 'VenueUnavailable',
        code: 'balance-not-available',
        message: `balance not available: ${foundInstead(outcome)}`,
        hint: 'check that the key belongs to a unified trading account with the Wallet read permission',
      };
    case 'not-an-object':
      return {
        type: 'VenueUnavailable',
        code: 'balance-not-an-object',
        message: `the balance answer is not an object, it is ${outcome.got}`,
        hint: 'the venue or a proxy in between sent a broken answer; check STOPKEEPER_VENUE_URL and try again',
      };
  }
}

/** A failure in the form of the session report. */
export function balanceFailure(info: FailureInfo): BalanceFailure {
  return { error: { type: info.type, code: info.code, message: info.message, hint: info.hint } };
}

/** A reading in the form of the session report. */
export function balanceReading(
  outcome: Extract<BalanceOutcome, { kind: 'read' }>,
  context: {
    readonly previousTotal: string | null;
    readonly marginMode: string | null;
    /** ISO 8601. */
    readonly readAt: string;
  },
): BalanceReading {
  return {
    total: outcome.total,
    previousTotal: context.previousTotal,
    equity: outcome.equity,
    accountType: outcome.accountType,
    marginMode: context.marginMode,
    source: outcome.source,
    fallback: outcome.fallback,
    tried: outcome.tried,
    readAt: context.readAt,
  };
}

function foundInstead(outcome: Extract<BalanceOutcome, { kind: 'none' }>): string {
  const present = outcome.tried.filter((attempt) => attempt.outcome !== 'missing');
  if (present.length > 0) return present.map((attempt) => `${attempt.path} is ${attempt.outcome}`).join(', ');
  if (outcome.keys.length === 0) return 'the answer is empty';
  return `none of the known fields is there, the answer has ${outcome.keys.join(', ')}`;
}

/** Why a value cannot be used as a balance, `null` when it can. */
function problemOf(value: unknown): string | null {
  if (value === undefined || value === null) return 'missing';
  if (value === '') return 'empty';
  if (typeof value !== 'string' && typeof value !== 'number') return 'not a number';
  const text = String(value);
  if (!isDecimalString(text)) return 'not a number';
  const digits = plain(text);
  return digits.startsWith('-') ? 'negative' : null;
}

/** A figure beside the total; unlike it, equity may be negative. */
function moneyAt(shape: object, keys: readonly (string | number)[]): string | null {
  const value = at(shape, keys);
  const text = typeof value === 'number' ? String(value) : value;
  return isDecimalString(text) ? plain(text) : null;
}

function accountTypeOf(shape: object): string {
  const value = at(shape, [...ACCOUNT, 'accountType']);
  return typeof value === 'string' && value !== '' ? value : 'unknown';
}

function at(root: object, keys: readonly (string | number)[]): unknown {
  let value: unknown = root;
  for (const key of keys) {
    if (typeof value !== 'object' || value === null) return undefined;
    if (!Object.hasOwn(value, key)) return undefined;
    // Own property of a non-null object, so reading it by key is sound; its type stays unknown.
    value = (value as Readonly<Record<string | number, unknown>>)[key];
  }
  return value;
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (value === undefined) return 'nothing';
  return typeof value === 'string' ? `text (${value.length} characters)` : `a ${typeof value}`;
}
