/** Inputs of workflows and messages, with hand-written checks that name every problem (DESIGN §5). */
import type { AuditEntry } from './audit.ts';
import type { GuardBook } from './guard-state.ts';
import { ACCOUNT_ALIAS } from './names.ts';
import type { Policy } from './policy.ts';
import type { Leg } from './position.ts';

export interface StartSessionInput {
  readonly account?: string;
  readonly dryRun?: boolean;
}

export interface ReprotectInput {
  readonly reason?: string;
  readonly rewrite?: boolean;
}

export interface ReleaseInput {
  readonly reason: string;
  readonly resumeAfterMs?: number;
  readonly untilAdopted?: boolean;
}

export interface CloseNowInput {
  readonly reason: string;
  /** The symbol, typed again. */
  readonly confirm: string;
}

export interface AcknowledgeInput {
  /** Who looks after it. */
  readonly by: string;
  readonly reason?: string;
}

/** On the watcher: for one leg, or for everything that it has told. */
export interface AcknowledgeLegInput extends AcknowledgeInput {
  readonly symbol?: string;
  readonly positionIdx?: number;
}

export interface AdoptInput {
  readonly symbol: string;
  readonly positionIdx?: number;
}

/** Answer of `reprotectNow`; `provenAt` is ISO 8601, `null` when no stop is proven. */
export interface ReprotectAnswer {
  readonly state: string;
  readonly stop: string | null;
  readonly provenAt: string | null;
  readonly message: string;
}

/** A guard's hand-over to its next run, and its start. */
export interface GuardInput {
  readonly account: string;
  readonly leg: Leg;
  readonly policy: Policy;
  readonly book?: GuardBook;
  readonly searchAttributes?: 'on' | 'off';
  /** Carried over continue-as-new. */
  readonly carried?: GuardCarried;
}

/** Answer of `closeNow`. */
export interface CloseAnswer {
  readonly flat: boolean;
  readonly message: string;
}

/** Input of `watchAccount`. */
export interface WatchInput {
  readonly account: string;
  readonly searchAttributes?: 'on' | 'off';
}

export interface GuardCarried {
  readonly checks: number;
  /** ms; a new run does not check before. */
  readonly nextCheckAt: number;
  readonly ordersReadAt: number;
  readonly closeAttempts: number;
  /** What no activity has taken to the audit log; absent from older builds. */
  readonly notes?: readonly AuditEntry[];
}

export interface Released extends Leg {
  readonly reason: string;
  readonly since: number;
  /** ms; `null` until the episode ends or the leg is adopted. */
  readonly until: number | null;
  readonly untilAdopted: boolean;
  readonly episode: string | null;
}

type Check = (value: unknown) => string | null;

const text: Check = (value) =>
  typeof value === 'string' && value.trim() !== '' && value.length <= 500
    ? null
    : 'expected a text of 1 to 500 characters';
const flag: Check = (value) => (typeof value === 'boolean' ? null : 'expected true or false');
const alias: Check = (value) =>
  typeof value === 'string' && ACCOUNT_ALIAS.test(value)
    ? null
    : 'expected an account alias: a-z, 0-9 and -, at most 32 characters';
const positiveMs: Check = (value) =>
  Number.isSafeInteger(value) && Number(value) > 0 ? null : 'expected a whole number of milliseconds above 0';
const symbol: Check = (value) =>
  typeof value === 'string' && /^[A-Z0-9][A-Z0-9-]{1,31}$/.test(value)
    ? null
    : 'expected a symbol such as BTCUSDT';
const idx: Check = (value) => (value === 0 || value === 1 || value === 2 ? null : 'expected 0, 1 or 2');

interface Shape {
  readonly required: Readonly<Record<string, Check>>;
  readonly optional: Readonly<Record<string, Check>>;
}

const SHAPES = {
  startSession: { required: {}, optional: { account: alias, dryRun: flag } },
  reprotect: { required: {}, optional: { reason: text, rewrite: flag } },
  release: { required: { reason: text }, optional: { resumeAfterMs: positiveMs, untilAdopted: flag } },
  closeNow: { required: { reason: text, confirm: symbol }, optional: {} },
  acknowledge: { required: { by: text }, optional: { reason: text } },
  acknowledgeLeg: { required: { by: text }, optional: { reason: text, symbol, positionIdx: idx } },
  adopt: { required: { symbol }, optional: { positionIdx: idx } },
  setPolicy: {
    required: { policy: (value: unknown) => (isObject(value) ? null : 'expected an object of policy keys') },
    optional: { allowLooser: flag },
  },
} as const satisfies Record<string, Shape>;

export type MessageName = keyof typeof SHAPES;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  const json = String(JSON.stringify(value));
  return json.length > 60 ? `${json.slice(0, 57)}...` : json;
}

/** Every problem of a message's input, each with the field's name; empty when there is none. A missing input is `{}`. */
export function inputProblems(message: MessageName, input: unknown): readonly string[] {
  const shape: Shape = SHAPES[message];
  const value = input ?? {};
  if (!isObject(value)) return [`input: expected one JSON object, got ${shown(value)}`];
  const known = { ...shape.required, ...shape.optional };
  const unknownKeys = Object.keys(value)
    .filter((key) => !Object.hasOwn(known, key))
    .map((key) => `${key}: unknown field, expected one of ${Object.keys(known).join(', ')}`);
  const missing = Object.keys(shape.required)
    .filter((key) => value[key] === undefined)
    .map((key) => `${key}: missing, it is required`);
  const wrong = Object.entries(known).flatMap(([key, check]) => {
    const given = value[key];
    if (given === undefined) return [];
    const problem = check(given);
    return problem === null ? [] : [`${key}: ${problem}, got ${shown(given)}`];
  });
  return [...unknownKeys, ...missing, ...wrong];
}
