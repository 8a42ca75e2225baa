/** Malformed messages, policies and ledger requests: each is refused by name or means what it says; no check of them ever throws. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocateMargin, releaseMargin, reserveMargin, validateNewTrade } from '../../src/domain/ledger.ts';
import {
  allocateMarginProblems,
  ledgerStartProblems,
  newSessionProblems,
  releaseMarginProblems,
  reserveMarginProblems,
  validateNewTradeProblems,
  type AllocateRequest,
  type ReleaseRequest,
  type ReserveRequest,
  type TradeRequest,
} from '../../src/domain/ledger-input.ts';
import { figuresOf, type LedgerState } from '../../src/domain/ledger-state.ts';
import { inputProblems, type MessageName } from '../../src/domain/messages.ts';
import {
  changedPolicy,
  guardPolicy,
  policyProblems,
  type PolicyChange,
} from '../../src/domain/policy-change.ts';
import { DEFAULT_POLICY } from '../../src/domain/policy.ts';
import { policyFileSchema } from '../../src/policy-schema.ts';
import { book, T0 } from '../support/ledger-book.ts';
import { brokenOneOf, casesOf, SEED } from '../support/fuzz.ts';

/** Sound inputs of every message, to be broken. */
const SOUND: Readonly<Record<MessageName, readonly unknown[]>> = {
  startSession: [{}, { account: 'main', dryRun: true }],
  reprotect: [{}, { reason: 'looked odd', rewrite: true }],
  release: [{ reason: 'by hand', resumeAfterMs: 60_000, untilAdopted: false }],
  closeNow: [{ reason: 'enough', confirm: 'BTCUSDT' }],
  adopt: [{ symbol: 'BTCUSDT', positionIdx: 1 }],
  setPolicy: [{ policy: { fixedStopPct: 4 }, allowLooser: true }],
  acknowledge: [{ by: 'Ann', reason: 'calling the venue' }],
  acknowledgeLeg: [{ by: 'Ann' }, { by: 'Ann', symbol: 'BTCUSDT', positionIdx: 1 }],
};

/** What each accepted field must be, in words of its own. */
const FIELDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  account: (value) => typeof value === 'string' && value.length <= 32 && /^[a-z0-9-]+$/.test(value),
  dryRun: (value) => value === true || value === false,
  reason: (value) => typeof value === 'string' && value.trim().length > 0 && value.length <= 500,
  by: (value) => typeof value === 'string' && value.trim().length > 0 && value.length <= 500,
  rewrite: (value) => value === true || value === false,
  resumeAfterMs: (value) => Number.isSafeInteger(value) && (value as number) >= 1,
  untilAdopted: (value) => value === true || value === false,
  confirm: (value) => typeof value === 'string' && /^[-A-Z0-9]{2,32}$/.test(value),
  symbol: (value) => typeof value === 'string' && /^[-A-Z0-9]{2,32}$/.test(value),
  positionIdx: (value) => value === 0 || value === 1 || value === 2,
  policy: (value) => Object.prototype.toString.call(value) === '[object Object]',
  allowLooser: (value) => value === true || value === false,
};

function expectNamed(problems: readonly string[]): void {
  expect(problems.length).toBeGreaterThan(0);
  for (const problem of problems) expect(problem).toMatch(/^[^]+: [^]+$/);
}

describe(`over malformed messages (seed ${SEED})`, () => {
  const part = casesOf(2_000);
  it.each(Object.entries(SOUND) as [MessageName, readonly unknown[]][])(
    `%s is refused by name or sound in every field (${part} cases)`,
    (message, sound) => {
      const seen = { refused: 0, accepted: 0 };
      fc.assert(
        fc.property(brokenOneOf(sound, { least: 0, most: 3 }), (input) => {
          const problems = inputProblems(message, input);
          if (problems.length > 0) {
            seen.refused += 1;
            return expectNamed(problems);
          }
          seen.accepted += 1;
          for (const [field, value] of Object.entries(input ?? {})) {
            if (value !== undefined)
              expect(FIELDS[field]?.(value), `${field}: ${JSON.stringify(value)}`).toBe(true);
          }
        }),
        { numRuns: part, seed: SEED },
      );
      if (part >= 1_000) expect(Math.min(seen.refused, seen.accepted)).toBeGreaterThan(part / 100);
    },
  );

  const policies = casesOf(6_000);
  it(`a change of policy is accepted exactly where the policy file would accept it (${policies} cases)`, () => {
    const whole = guardPolicy(DEFAULT_POLICY);
    const changes = [
      whole,
      { fixedStopPct: 4 },
      { trailing: { distancePct: 2 } },
      { escalation: { closeAfterMs: 5_000 } },
    ];
    const seen = { refused: 0, accepted: 0 };
    fc.assert(
      fc.property(brokenOneOf(changes, { least: 0, most: 3 }), (change) => {
        const problems = policyProblems(change);
        const inFile = policyFileSchema.safeParse({ symbols: { BTCUSDT: change } });
        // In the file an absent key may not be there; on the wire `undefined` cannot be.
        expect(problems.length === 0, `${problems.join('; ')} | ${JSON.stringify(change)}`).toBe(
          inFile.success && change !== undefined,
        );
        if (problems.length > 0) {
          seen.refused += 1;
          return expectNamed(problems);
        }
        seen.accepted += 1;
        const merged = guardPolicy(changedPolicy(DEFAULT_POLICY, change as PolicyChange));
        expect(policyFileSchema.safeParse({ symbols: { BTCUSDT: merged } }).success).toBe(true);
      }),
      { numRuns: policies, seed: SEED },
    );
    if (policies >= 1_000) expect(Math.min(seen.refused, seen.accepted)).toBeGreaterThan(policies / 100);
  });
});

const allocation = {
  requestId: 'a-1',
  amount: '120.50',
  symbol: 'BTCUSDT',
  description: 'bot',
  reservationId: 'r-1',
};
const reservation = {
  requestId: 'r-2',
  amount: '10',
  symbol: 'ETHUSDT',
  expiresInMs: 60_000,
  description: 'bot',
};
const trade = { requestId: 't-1', symbol: 'BTCUSDT', notional: '1000', leverage: '10' };

interface LedgerMessage {
  readonly sound: readonly unknown[];
  readonly problems: (input: unknown) => readonly string[];
  readonly perform: (state: LedgerState, input: unknown) => LedgerState;
}

const unchanged = (state: LedgerState): LedgerState => state;

const LEDGER: Readonly<Record<string, LedgerMessage>> = {
  allocateMargin: {
    sound: [allocation, { ...allocation, reservationId: undefined }],
    problems: allocateMarginProblems,
    perform: (state, input) => allocateMargin(state, input as AllocateRequest, T0).state,
  },
  reserveMargin: {
    sound: [reservation],
    problems: reserveMarginProblems,
    perform: (state, input) => reserveMargin(state, input as ReserveRequest, T0).state,
  },
  releaseMargin: {
    sound: [{ requestId: 'x-1', id: 'r-1' }],
    problems: releaseMarginProblems,
    perform: (state, input) => releaseMargin(state, input as ReleaseRequest, T0).state,
  },
  validateNewTrade: {
    sound: [trade, { ...trade, leverage: 10 }],
    problems: validateNewTradeProblems,
    perform: (state, input) => validateNewTrade(state, input as TradeRequest, T0).state,
  },
  newSession: {
    sound: [{ requestId: 's-1', limits: { maxAllocationPct: 80, minNotionalUsd: 200, maxPositions: 20 } }],
    problems: newSessionProblems,
    perform: unchanged,
  },
  keepLedger: {
    sound: [
      {
        account: 'main',
        venue: 'paper',
        limits: { maxAllocationPct: 80, minNotionalUsd: 200, maxPositions: 20 },
      },
    ],
    problems: ledgerStartProblems,
    perform: unchanged,
  },
};

describe(`over malformed requests to the ledger (seed ${SEED})`, () => {
  const part = casesOf(2_000);
  it.each(Object.entries(LEDGER))(
    `%s is refused by name or leaves a sound book (${part} cases)`,
    (_, message) => {
      const seen = { refused: 0, accepted: 0 };
      fc.assert(
        fc.property(brokenOneOf(message.sound, { least: 0, most: 3 }), (input) => {
          const problems = message.problems(input);
          if (problems.length > 0) {
            seen.refused += 1;
            return expectNamed(problems);
          }
          seen.accepted += 1;
          const { total, allocated, reserved, available } = figuresOf(message.perform(book(), input));
          for (const figure of [total, allocated, reserved, available]) expect(figure.gte(0)).toBe(true);
          expect(allocated.plus(reserved).lte(total.times('0.8'))).toBe(true);
        }),
        { numRuns: part, seed: SEED },
      );
      if (part >= 1_000) expect(Math.min(seen.refused, seen.accepted)).toBeGreaterThan(part / 100);
    },
  );
});
