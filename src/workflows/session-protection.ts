/** The middle of a session: running guards are asked, the other legs protected, every leg given its guard (DESIGN §5). */
import { isCancellation, patched } from '@temporalio/workflow';
import type { GuardAnswer } from '../activities/guards.ts';
import type { Imported } from '../activities/session.ts';
import { evolveAll } from '../domain/evolve.ts';
import type { GuardBook, GuardEvent } from '../domain/guard-state.ts';
import { pooled } from '../domain/pool.ts';
import { legKey, type Observation } from '../domain/position.ts';
import type { LegFacts } from '../domain/report-criteria.ts';
import {
  byRisk,
  guardedFacts,
  legFacts,
  plannedFacts,
  releasedFacts,
  sessionLeg,
  type LegOutcome,
  type SessionLeg,
} from '../domain/session-legs.ts';
import { asking, aux, protective, reading } from './activity-options.ts';
import { failureDetail } from './failure-info.ts';

/**
 * Two turns of the write lane: while eight legs wait for their proofs the others keep it busy, and none waits over 2.5 s for its turn, after
 * which it would have to be read again (I1).
 */
const IN_FLIGHT = 16;
/** Of sessions that began with an older build. */
const IN_FLIGHT_BEFORE = 24;

export interface SettledLegs {
  readonly facts: readonly LegFacts[];
  readonly reduced: readonly string[];
  readonly policyRefusals: readonly string[];
  readonly protectionMs: number;
  readonly slowestMs: number;
  readonly guardsMs: number;
}

const NOTHING: SettledLegs = {
  facts: [],
  reduced: [],
  policyRefusals: [],
  protectionMs: 0,
  slowestMs: 0,
  guardsMs: 0,
};

/** Protects every imported leg, or says what that would take; `imported` is `null` when the list could not be read. */
export async function settleLegs(
  account: string,
  imported: Imported | null,
  dryRun: boolean,
): Promise<SettledLegs> {
  if (imported === null) return NOTHING;
  const legs = imported.legs
    .map(({ leg, observation }) =>
      sessionLeg(account, leg, observation, imported.policies[leg.symbol] ?? imported.policy),
    )
    .toSorted(byRisk);
  const reduced = legs.some(({ book }) => book.target?.notes.includes('reduced-functionality') === true)
    ? ['no candles for the volatility bands: the middle band is used']
    : [];
  const releases = new Map(imported.released.map((one) => [legKey(one), one.reason]));
  const reasonOf = (leg: SessionLeg): string | undefined => releases.get(legKey(leg.leg));
  const free = legs.flatMap((leg) => {
    const reason = reasonOf(leg);
    return reason === undefined ? [] : [releasedFacts(leg, reason)];
  });
  const ours = legs.filter((leg) => reasonOf(leg) === undefined);
  if (dryRun) return { ...NOTHING, facts: [...ours.map(plannedFacts), ...free], reduced };

  const began = Date.now();
  const answers = await askRunning(account, ours);
  const clock = { slowestMs: 0, guardsMs: 0 };
  const inFlight = patched('session-has-two-turns-of-the-lane-in-flight') ? IN_FLIGHT : IN_FLIGHT_BEFORE;
  const facts = await pooled(ours, inFlight, (leg) =>
    settleLeg(account, leg, answers.get(legKey(leg.leg)), clock),
  );
  return {
    ...NOTHING,
    ...clock,
    reduced,
    protectionMs: Date.now() - began,
    facts: [...facts.filter((one) => one !== null), ...free],
    policyRefusals: [...answers.values()].flatMap((answer) =>
      answer.kind === 'answered' && answer.policyRefusal !== null
        ? [`${answer.leg.symbol}: ${answer.policyRefusal}`]
        : [],
    ),
  };
}

async function askRunning(
  account: string,
  legs: readonly SessionLeg[],
): Promise<ReadonlyMap<string, GuardAnswer>> {
  // Asked without legs too: guards of legs that are gone look now.
  try {
    const asked = legs.map(({ leg }) => leg);
    const answers = await asking.askGuards({ account, legs: asked, reason: 'session' });
    return new Map(answers.map((answer) => [legKey(answer.leg), answer]));
  } catch (error) {
    if (isCancellation(error)) throw error;
    // Without answers every leg is protected by the session itself: never looser, whatever guards do meanwhile.
    return new Map();
  }
}

async function settleLeg(
  account: string,
  leg: SessionLeg,
  answer: GuardAnswer | undefined,
  clock: { slowestMs: number; guardsMs: number },
): Promise<LegFacts | null> {
  if (answer?.kind === 'answered') return guardedFacts(leg, answer.status);
  const began = Date.now();
  const settled = await protect(account, leg);
  clock.slowestMs = Math.max(clock.slowestMs, Date.now() - began);
  const starting = Date.now();
  const guardProblem =
    answer?.kind === 'silent' ? answer.reason : await startGuard(account, leg, settled.book);
  clock.guardsMs += Date.now() - starting;
  return legFacts(account, leg, {
    ...settled,
    guard: guardProblem === null ? 'running' : 'failed',
    guardProblem,
  });
}

async function protect(
  account: string,
  leg: SessionLeg,
): Promise<Pick<LegOutcome, 'book' | 'events' | 'failure'>> {
  // What the import shows in place needs no further request.
  if (leg.planned === null && leg.problem === null) return { book: leg.book, events: [], failure: null };
  const fold = (events: readonly GuardEvent[]): GuardBook => evolveAll(leg.book, events, leg.policy);
  try {
    const { events } = await protective.ensureStop.executeWithOptions(
      { summary: `${leg.leg.symbol} ${leg.planned?.stop ?? 'unread'}` },
      [
        {
          account,
          book: { ...leg.book, log: [], outbox: [] },
          policy: leg.policy,
          rewrite: false,
          justRead: true,
        },
      ],
    );
    return { book: fold(events), events, failure: null };
  } catch (error) {
    if (isCancellation(error)) throw error;
    const { failure, written } = failureDetail(error);
    // A failed write is followed by a read, not by a conclusion: the report says what the venue shows (I2, I3).
    const seen = await lookAgain(account, leg);
    const events: readonly GuardEvent[] = [
      ...written,
      ...(seen === null ? [] : [{ kind: 'observed', observation: seen } as const]),
      { kind: 'write-failed', failure, at: seen?.readAt ?? leg.book.lastAt },
    ];
    const book = fold(events);
    return { book, events: written, failure: book.state.kind === 'protected' ? null : failure.message };
  }
}

/** What the venue shows of a leg now; `null` where even that could not be asked. */
async function lookAgain(account: string, { leg, policy, book }: SessionLeg): Promise<Observation | null> {
  const { episode } = book;
  try {
    return await reading.observe({
      account,
      leg,
      mode: 'fresh',
      triggerBy: policy.triggerBy,
      bands: policy.trailing.mode === 'bands',
      maxAgeMs: policy.priceMaxAgeMs,
      withStopOrders: false,
      known: {
        side: episode?.side ?? null,
        openTime: episode?.openTime ?? null,
        best: episode?.trailing?.best ?? null,
        gapSince: null,
        adoptedAt: episode?.adoptedAt ?? null,
      },
    });
  } catch (error) {
    if (isCancellation(error)) throw error;
    return null;
  }
}

/** The guard starts also where the write failed: it goes on trying. Answers with the problem, `null` when it runs. */
async function startGuard(account: string, leg: SessionLeg, book: GuardBook): Promise<string | null> {
  try {
    await aux.startGuard.executeWithOptions({ summary: `guard of ${leg.leg.symbol}` }, [
      {
        account,
        leg: leg.leg,
        policy: leg.policy,
        side: book.episode?.side ?? null,
        book,
        reason: 'session',
      },
    ]);
    return null;
  } catch (error) {
    if (isCancellation(error)) throw error;
    return `its guard did not start: ${failureDetail(error).failure.message}`;
  }
}
