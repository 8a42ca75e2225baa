/** The legs of a session: which come first, and what the report says of each (DESIGN §5, §7; I7). */
import { describe, expect, it } from 'vitest';
import type { OpenOverride } from '../support/observations.ts';
import { anOpen } from '../support/observations.ts';
import { aFailure, T0 } from '../support/guard-under-test.ts';
import { evolveAll } from '../../src/domain/evolve.ts';
import type { GuardEvent } from '../../src/domain/guard-state.ts';
import { guardStatus } from '../../src/domain/guard-view.ts';
import { DEFAULT_POLICY } from '../../src/domain/policy.ts';
import type { Observation } from '../../src/domain/position.ts';
import {
  byRisk,
  guardedFacts,
  legFacts,
  plannedFacts,
  releasedFacts,
  sessionLeg,
  unreadableFacts,
  type LegOutcome,
  type SessionLeg,
} from '../../src/domain/session-legs.ts';

const LEG = { symbol: 'BTCUSDT', positionIdx: 0 } as const;

function aSessionLeg(override: OpenOverride = {}): SessionLeg {
  const symbol = override.symbol ?? 'BTCUSDT';
  return sessionLeg('main', { symbol, positionIdx: 0 }, anOpen(override), DEFAULT_POLICY);
}

const UNREADABLE: Observation = {
  kind: 'unreadable',
  problem: 'row',
  reason: 'markPrice is "0"',
  readAt: T0,
};

describe('a leg at import', () => {
  it('without a stop is planned the one of its rule', () => {
    expect(aSessionLeg()).toMatchObject({
      planned: { stop: '94', kind: 'fixed', rule: 'fixed' },
      previousStop: null,
      problem: null,
    });
  });

  it('with a stop in place needs nothing', () => {
    expect(aSessionLeg({ stopLoss: '97' })).toMatchObject({
      planned: null,
      previousStop: '97',
      problem: null,
    });
  });

  it.each<[string, SessionLeg, string]>([
    ['unreadable', sessionLeg('main', LEG, UNREADABLE, DEFAULT_POLICY), 'markPrice is "0"'],
    ['whose stop the price has passed', aSessionLeg({ stopLoss: '97', price: '96' }), 'about to trigger'],
    ['that the venue liquidates', aSessionLeg({ status: 'Liq' }), 'Liq: no writes'],
    [
      'that fits no stop',
      aSessionLeg({ entryPrice: '0.5', price: '0.5', tickSize: '0.5' }),
      'no stop above 0',
    ],
  ])('%s is a problem with its reason', (_name, leg, reason) => {
    expect(leg.planned).toBeNull();
    expect(leg.problem).toContain(reason);
  });
});

it('legs come riskiest first: unread, bare, near liquidation, large', () => {
  const legs = [
    aSessionLeg({ symbol: 'SMALL', size: '1' }),
    aSessionLeg({ symbol: 'STOPPED', stopLoss: '94', size: '100' }),
    aSessionLeg({ symbol: 'LARGE', size: '50' }),
    aSessionLeg({ symbol: 'NEAR', liqPrice: '95' }),
    aSessionLeg({ symbol: 'NEARER', liqPrice: '99' }),
    sessionLeg('main', { symbol: 'UNREAD', positionIdx: 0 }, UNREADABLE, DEFAULT_POLICY),
  ];
  const order = ['UNREAD', 'NEARER', 'NEAR', 'LARGE', 'SMALL', 'STOPPED'];
  expect(legs.toSorted(byRisk).map(({ leg }) => leg.symbol)).toEqual(order);
  expect(
    legs
      .toReversed()
      .toSorted(byRisk)
      .map(({ leg }) => leg.symbol),
  ).toEqual(order);
});

describe('what the report says', () => {
  const applied = { kind: 'applied' } as const;
  const written = (outcome: Extract<GuardEvent, { kind: 'written' }>['outcome']): GuardEvent => ({
    kind: 'written',
    stop: '94',
    stopKind: 'fixed',
    rule: 'fixed',
    urgency: 'no-stop',
    outcome,
    at: T0,
  });
  const proof: GuardEvent = { kind: 'observed', observation: anOpen({ stopLoss: '94', readAt: T0 + 300 }) };

  function outcomeOf(
    leg: SessionLeg,
    events: readonly GuardEvent[],
    change: Partial<LegOutcome> = {},
  ): LegOutcome {
    const book = evolveAll(leg.book, events, DEFAULT_POLICY);
    return { book, events, failure: null, guard: 'running', guardProblem: null, ...change };
  }

  it("written and proven is newly protected, with the proof's time and the money at its stop", () => {
    const leg = aSessionLeg();
    expect(legFacts('main', leg, outcomeOf(leg, [written(applied), proof]))).toMatchObject({
      outcome: 'newly',
      wroteUnchanged: false,
      problems: [],
      report: {
        stop: '94',
        stopKind: 'fixed',
        rule: 'fixed',
        previousStop: null,
        state: 'PROTECTED',
        provenAt: new Date(T0 + 300).toISOString(),
        pnlAtStopUsd: '-6.00',
        pnlAtStopPct: '-60',
        atRiskUsd: '6.00',
        guard: 'guard:main:BTCUSDT',
      },
    });
  });

  it('34040 and then the proof is newly protected, and said', () => {
    const leg = aSessionLeg();
    const unchanged = written({ kind: 'unchanged', message: 'not modified' });
    expect(legFacts('main', leg, outcomeOf(leg, [unchanged, proof]))).toMatchObject({
      outcome: 'newly',
      wroteUnchanged: true,
    });
  });

  it("nothing to write is already protected, a human's stop as a human's", () => {
    const leg = aSessionLeg({ stopLoss: '97' });
    expect(legFacts('main', leg, outcomeOf(leg, []))).toMatchObject({
      outcome: 'already',
      report: { stopKind: 'human', rule: 'kept', stop: '97' },
    });
  });

  it('an answer without a proof is a failure with its reason and no time of proof', () => {
    const leg = aSessionLeg();
    const facts = legFacts(
      'main',
      leg,
      outcomeOf(leg, [written(applied)], { failure: 'the read shows no stop' }),
    );
    expect(facts).toMatchObject({
      outcome: 'failed',
      problems: ['the read shows no stop'],
      report: { provenAt: null, state: 'UNCERTAIN' },
    });
  });

  it('a guard that did not start is named beside a proven stop', () => {
    const leg = aSessionLeg();
    const facts = legFacts(
      'main',
      leg,
      outcomeOf(leg, [written(applied), proof], { guard: 'failed', guardProblem: 'no connection' }),
    );
    expect(facts).toMatchObject({ outcome: 'newly', problems: ['no connection'], report: { guard: null } });
  });

  it('a leg that turned out flat is not in the report', () => {
    const leg = aSessionLeg();
    const flat: GuardEvent = {
      kind: 'observed',
      observation: { kind: 'flat', confirmed: false, readAt: T0 },
    };
    expect(legFacts('main', leg, outcomeOf(leg, [flat]))).toBeNull();
  });

  it("a running guard's own view counts: already, newly where its stop moved, failed where it is not protected", () => {
    const leg = aSessionLeg();
    const proven = evolveAll(leg.book, [written(applied), proof], DEFAULT_POLICY);
    const status = guardStatus(proven, { checks: 1, nextCheckAt: null, now: T0 });
    expect(guardedFacts({ ...leg, previousStop: '94.00' }, status)).toMatchObject({
      outcome: 'already',
      problems: [],
    });
    expect(guardedFacts(leg, status)).toMatchObject({ outcome: 'newly', report: { previousStop: null } });
    const bare = guardStatus(leg.book, { checks: 1, nextCheckAt: null, now: T0 });
    expect(guardedFacts(leg, bare)).toMatchObject({
      outcome: 'failed',
      problems: ['its guard says UNPROTECTED'],
    });
  });

  it('a dry run shows the planned stop, its rule and the money at it, and claims no proof', () => {
    expect(plannedFacts(aSessionLeg())).toMatchObject({
      outcome: 'planned',
      guard: 'not-expected',
      report: { stop: '94', rule: 'fixed', provenAt: null, atRiskUsd: '6.00', guard: null },
    });
    expect(plannedFacts(aSessionLeg({ stopLoss: '97' })).outcome).toBe('already');
    expect(plannedFacts(sessionLeg('main', LEG, UNREADABLE, DEFAULT_POLICY))).toMatchObject({
      outcome: 'failed',
    });
  });

  it("a released leg is named with its operator's reason, and failed where no stop rests", () => {
    expect(releasedFacts(aSessionLeg({ stopLoss: '97' }), 'by hand')).toMatchObject({
      outcome: 'already',
      report: { state: 'RELEASED', stop: '97', warnings: ['released: by hand'] },
    });
    expect(releasedFacts(aSessionLeg(), 'by hand').outcome).toBe('failed');
  });

  it('a row that cannot be read is UNREADABLE by name, with nothing invented', () => {
    const facts = unreadableFacts('NEWUSDT', null, '5', 'unknown side');
    expect(facts).toMatchObject({ outcome: 'failed', problems: ['unknown side'] });
    const { symbol, size, state, warnings, ...rest } = facts.report;
    expect([symbol, size, state, warnings]).toEqual(['NEWUSDT', '5', 'UNREADABLE', ['unknown side']]);
    expect(Object.values(rest).every((value) => value === null)).toBe(true);
  });

  it('a failed write is in the warnings of the leg', () => {
    const leg = aSessionLeg();
    const failed: GuardEvent = {
      kind: 'write-failed',
      failure: aFailure('VenueRefused', 'the symbol is halted'),
      at: T0,
    };
    expect(
      legFacts('main', leg, outcomeOf(leg, [failed], { failure: 'the symbol is halted' }))?.report.warnings,
    ).toContain('the symbol is halted');
  });
});
