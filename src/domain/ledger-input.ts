/** What the ledger's messages may carry, checked by hand: every problem is named by its field (DESIGN §5, §6). */
import { isPositive } from './decimal.ts';
import { ACCOUNT_ALIAS } from './names.ts';

export interface AllocateRequest {
  readonly requestId: string;
  /** USD, greater than 0. */
  readonly amount: string;
  readonly symbol: string;
  /** Turns this open reservation into the allocation. */
  readonly reservationId?: string;
  readonly description?: string;
}

export interface ReserveRequest {
  readonly requestId: string;
  readonly amount: string;
  readonly symbol: string;
  /** The reservation lapses by itself after this time; without it, it stays until released. */
  readonly expiresInMs?: number;
  readonly description?: string;
}

export interface ReleaseRequest {
  readonly requestId: string;
  /** Of an open allocation or reservation. */
  readonly id: string;
}

export interface TradeRequest {
  readonly requestId?: string;
  readonly symbol: string;
  /** USD. */
  readonly notional: string;
  readonly leverage: string | number;
}

/** The policy's numbers that bind new trades. */
export interface LedgerLimits {
  readonly maxAllocationPct: number;
  readonly minNotionalUsd: number;
  readonly maxPositions: number;
}

export interface SessionRequest {
  readonly requestId: string;
  readonly limits?: LedgerLimits;
}

/** Longest life of a reservation: 30 days. */
export const MAX_EXPIRY_MS = 30 * 24 * 60 * 60_000;
const MAX_DESCRIPTION = 200;
const REQUEST_ID = /^[A-Za-z0-9._:@/-]{1,64}$/;
/** Perpetuals and dated futures: `BTCUSDT`, `BTCUSDT-26DEC25`. */
const SYMBOL = /^[A-Z0-9][A-Z0-9-]{1,31}$/;
const MONEY = /^\d{1,15}(?:\.\d{1,18})?$/;

/** What is wrong with one value, `null` when nothing is. */
type Rule = (value: unknown) => string | null;
interface Field {
  readonly required: boolean;
  readonly rule: Rule;
}
type Spec = Readonly<Record<string, Field>>;

const required = (rule: Rule): Field => ({ required: true, rule });
const optional = (rule: Rule): Field => ({ required: false, rule });

const requestId: Rule = (value) =>
  matches(value, REQUEST_ID) ? null : 'must be 1 to 64 characters of A-Z a-z 0-9 . _ : @ / -';
const symbol: Rule = (value) =>
  matches(value, SYMBOL) ? null : 'must be a symbol in capitals such as "BTCUSDT"';
const description: Rule = (value) =>
  typeof value === 'string' && value.length <= MAX_DESCRIPTION
    ? null
    : `must be text of at most ${MAX_DESCRIPTION} characters`;
const money: Rule = (value) => {
  if (typeof value !== 'string') return 'must be a decimal string such as "120.50"';
  if (/^-\d/.test(value)) return 'must not be negative';
  if (!matches(value, MONEY)) {
    return 'must be a decimal string such as "120.50", at most 15 digits before and 18 after the point';
  }
  return isPositive(value) ? null : 'must be greater than 0';
};
const leverage: Rule = (value) => {
  const text = typeof value === 'number' ? String(value) : value;
  const fits = matches(text, MONEY) && isPositive(text) && Number(text) <= 1000;
  return fits ? null : 'must be a number greater than 0 and at most 1000';
};
const expiresInMs: Rule = (value) =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= MAX_EXPIRY_MS
    ? null
    : `must be a whole number of milliseconds from 1 to ${MAX_EXPIRY_MS}`;
const limits: Rule = (value) => {
  const problems = problemsOf(value, LIMITS);
  return problems.length === 0 ? null : problems.join('; ');
};

const LIMITS: Spec = {
  maxAllocationPct: required(numberFrom(1, 100)),
  minNotionalUsd: required(numberFrom(0, Number.MAX_SAFE_INTEGER)),
  maxPositions: required(numberFrom(1, Number.MAX_SAFE_INTEGER)),
};
const ALLOCATE: Spec = {
  requestId: required(requestId),
  amount: required(money),
  symbol: required(symbol),
  reservationId: optional(requestId),
  description: optional(description),
};
const RESERVE: Spec = {
  requestId: required(requestId),
  amount: required(money),
  symbol: required(symbol),
  expiresInMs: optional(expiresInMs),
  description: optional(description),
};
const RELEASE: Spec = { requestId: required(requestId), id: required(requestId) };
const TRADE: Spec = {
  requestId: optional(requestId),
  symbol: required(symbol),
  notional: required(money),
  leverage: required(leverage),
};
const SESSION: Spec = { requestId: required(requestId), limits: optional(limits) };
const START: Spec = {
  account: optional((value) =>
    matches(value, ACCOUNT_ALIAS) ? null : 'must be an account alias such as "main"',
  ),
  venue: optional((value) =>
    typeof value === 'string' && value !== '' ? null : 'must be the name of a venue such as "paper"',
  ),
  limits: optional(limits),
  // Carried across continue-as-new by the workflow itself; an operator leaves it out.
  state: optional((value) => (typeof value === 'object' && value !== null ? null : 'must be left out')),
};

export function allocateMarginProblems(input: unknown): readonly string[] {
  return problemsOf(input, ALLOCATE);
}

export function reserveMarginProblems(input: unknown): readonly string[] {
  return problemsOf(input, RESERVE);
}

export function releaseMarginProblems(input: unknown): readonly string[] {
  return problemsOf(input, RELEASE);
}

export function validateNewTradeProblems(input: unknown): readonly string[] {
  return problemsOf(input, TRADE);
}

export function newSessionProblems(input: unknown): readonly string[] {
  return problemsOf(input, SESSION);
}

/** For the input of the ledger workflow itself; nothing at all is fine. */
export function ledgerStartProblems(input: unknown): readonly string[] {
  return input === undefined || input === null ? [] : problemsOf(input, START);
}

/** Every problem as `field: what is wrong, got …`; empty when the input fits. */
function problemsOf(input: unknown, spec: Spec): readonly string[] {
  const known = Object.keys(spec).join(', ');
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return [`input: must be one object with ${known}, got ${shown(input)}`];
  }
  const values = new Map<string, unknown>(Object.entries(input));
  const problems: string[] = [];
  for (const [name, field] of Object.entries(spec)) {
    const value = values.get(name);
    if (value === undefined) {
      if (field.required) problems.push(`${name}: is missing`);
      continue;
    }
    const problem = field.rule(value);
    if (problem !== null) problems.push(`${name}: ${problem}, got ${shown(value)}`);
  }
  for (const name of values.keys()) {
    if (!Object.hasOwn(spec, name)) problems.push(`${shortened(name)}: unknown field (known: ${known})`);
  }
  return problems;
}

function numberFrom(low: number, high: number): Rule {
  return (value) =>
    typeof value === 'number' && Number.isFinite(value) && value >= low && value <= high
      ? null
      : `must be a number from ${low} to ${high}`;
}

function matches(value: unknown, pattern: RegExp): value is string {
  return typeof value === 'string' && pattern.test(value);
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  return shortened(JSON.stringify(value));
}

function shortened(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}
