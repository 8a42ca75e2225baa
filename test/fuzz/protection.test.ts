/** Whatever the venue's bytes are, nothing counts as protected, and no leg as flat, unless the bytes themselves show it (I2, I4, I7, I8). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attemptStop } from '../../src/activities/ensure-stop.ts';
import { KNOWS_NOTHING, observeLeg, type Reader } from '../../src/activities/observe.ts';
import { VolatilityCache } from '../../src/activities/volatility.ts';
import { evolve, evolveAll } from '../../src/domain/evolve.ts';
import { newBook } from '../../src/domain/guard-state.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/domain/policy.ts';
import type { Leg } from '../../src/domain/position.ts';
import { legFacts, sessionLeg } from '../../src/domain/session-legs.ts';
import { LANE_LIMITS, type EndpointName } from '../../src/exchange/endpoints.ts';
import { createGate } from '../../src/exchange/gate.ts';
import { SILENT } from '../../src/exchange/logger.ts';
import { VenueError, type VenuePort } from '../../src/exchange/port.ts';
import { createReads } from '../../src/exchange/reads.ts';
import { replyFrom } from '../../src/exchange/reply.ts';
import { createVenueCalls } from '../../src/exchange/venue-calls.ts';
import { setStop } from '../../src/exchange/writes.ts';
import { fixture, instrumentRow, positionRow } from '../exchange/fixtures.ts';
import { asText, broken, casesOf, parsedOrNothing, SEED } from '../support/fuzz.ts';
import { oracleOf } from '../support/venue-oracle.ts';

const CASES = casesOf(20_000);
const NOW = 1_700_000_000_000;

/** One answer for each list, as text on the wire. */
type Bytes = Readonly<
  Record<'usdt' | 'usdc' | 'instruments' | 'tickers' | 'account' | 'orders' | 'written' | 'time', string>
>;

/** The account as sound answers show it: a stop that is right, one that is passed, none, and an empty leg beside. */
const SOUND = {
  usdt: answer([
    positionRow({ stopLoss: '41000.50', updatedTime: String(NOW - 5_000) }),
    positionRow({ symbol: 'ETHUSDT', positionIdx: 1, stopLoss: '43000' }),
    positionRow({ symbol: 'ETHUSDT', positionIdx: 2, side: 'Sell', stopLoss: '46000', liqPrice: '' }),
    positionRow({ symbol: 'SOLUSDT', side: 'Sell', stopLoss: '43000', liqPrice: '60000' }),
    positionRow({ symbol: 'XRPUSDT' }),
    ...fixture('position-hedge-empty-leg-second').result.list.map((row) => ({ ...row, symbol: 'ADAUSDT' })),
  ]),
  usdc: answer([
    positionRow({ symbol: 'ETHPERP', leverage: '', positionIM: '', liqPrice: '', stopLoss: '41500' }),
  ]),
  instruments: answer(
    ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'XRPUSDT', 'ADAUSDT', 'ETHPERP'].map((symbol) => instrumentRow(symbol)),
  ),
  tickers: answer(
    ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'XRPUSDT', 'ADAUSDT', 'ETHPERP'].map((symbol) => ({
      symbol,
      lastPrice: '44001.5',
    })),
  ),
  account: {
    retCode: 0,
    retMsg: 'OK',
    result: { marginMode: 'REGULAR_MARGIN', unifiedMarginStatus: 6 },
    time: NOW,
  },
  orders: answer(fixture('order-realtime').result.list),
  written: { retCode: 0, retMsg: 'OK', result: {}, retExtInfo: {}, time: NOW },
  time: { retCode: 0, retMsg: 'OK', result: { timeSecond: String(NOW / 1_000) }, time: NOW },
} as const satisfies Record<keyof Bytes, unknown>;

function answer(list: readonly unknown[]): unknown {
  return {
    retCode: 0,
    retMsg: 'OK',
    result: { category: 'linear', list, nextPageCursor: '' },
    retExtInfo: {},
    time: NOW,
  };
}

const LEGS: readonly Leg[] = [
  { symbol: 'BTCUSDT', positionIdx: 0 },
  { symbol: 'ETHUSDT', positionIdx: 1 },
  { symbol: 'ETHUSDT', positionIdx: 2 },
  { symbol: 'SOLUSDT', positionIdx: 0 },
  { symbol: 'XRPUSDT', positionIdx: 0 },
  { symbol: 'ADAUSDT', positionIdx: 1 },
  { symbol: 'ETHPERP', positionIdx: 0 },
];

const bytes: fc.Arbitrary<Bytes> = fc.record({
  usdt: asText(broken(SOUND.usdt, { least: 0, most: 5 })),
  usdc: asText(broken(SOUND.usdc, { least: 0, most: 1 })),
  instruments: fc.oneof(
    { weight: 4, arbitrary: fc.constant(JSON.stringify(SOUND.instruments)) },
    asText(broken(SOUND.instruments)),
  ),
  tickers: fc.oneof(
    { weight: 1, arbitrary: fc.constant(JSON.stringify(SOUND.tickers)) },
    asText(broken(SOUND.tickers)),
  ),
  account: asText(broken(SOUND.account, { least: 0, most: 1 })),
  orders: asText(broken(SOUND.orders, { least: 0, most: 2 })),
  written: asText(broken(SOUND.written, { least: 0, most: 2 })),
  time: fc.constant(JSON.stringify(SOUND.time)),
});

const ANSWERS: Partial<Record<EndpointName, keyof Bytes>> = {
  time: 'time',
  instruments: 'instruments',
  tickers: 'tickers',
  accountInfo: 'account',
  openOrders: 'orders',
  setStop: 'written',
};

/** The product's own way from bytes to observations; only the socket is not there. */
function readerOf(shown: Bytes): Reader {
  let mono = 0;
  const time = { wall: () => NOW, mono: () => (mono += 1) };
  const calls = createVenueCalls({
    client: () => ({
      call: async (name, params) => {
        const list = params['settleCoin'] === 'USDC' ? 'usdc' : 'usdt';
        const body = shown[name === 'positions' ? list : (ANSWERS[name] ?? 'time')];
        return replyFrom(200, {}, body, parsedOrNothing(body), (text) => text);
      },
    }),
    gate: createGate({ time }),
    limits: LANE_LIMITS,
    time,
    logger: SILENT,
  });
  const reads = createReads(calls, time, SILENT, 120);
  const port: Partial<VenuePort> = {
    account: 'main',
    ...reads.port,
    setStop: (request, urgency) => setStop(calls, reads.knownInstrument(request.symbol), request, urgency),
  };
  // Nothing else of the port is asked for by a check without bands, gaps and closings.
  return { port: port as VenuePort, volatility: new VolatilityCache(() => NOW), now: () => NOW };
}

describe(`over broken answers of the venue (seed ${SEED}, ${CASES} cases)`, () => {
  it('nothing is protected, proven or flat that the bytes do not show', { timeout: 600_000 }, async () => {
    const seen = { cases: 0, protected: 0, flat: 0, unreadable: 0, open: 0, proofs: 0 };
    await fc.assert(
      fc.asyncProperty(
        bytes,
        fc.constantFrom(...LEGS),
        fc.constantFrom('routine' as const, 'confirm' as const, 'write' as const),
        fc.constantFrom<Policy['triggerBy']>('MarkPrice', 'MarkPrice', 'LastPrice'),
        async (shown, leg, mode, triggerBy) => {
          seen.cases += 1;
          const policy = { ...DEFAULT_POLICY, triggerBy };
          // The answer to a question by symbol is one list.
          const positions = mode === 'confirm' ? [shown.usdt] : [shown.usdt, shown.usdc];
          const oracle = oracleOf({ positions, tickers: shown.tickers, triggerBy, now: NOW });
          const reader = readerOf(shown);
          if (mode === 'write') {
            seen.proofs += await writes(reader, leg, policy, oracle);
            return;
          }
          const observation = await observeLeg(reader, {
            account: 'main',
            leg,
            mode,
            triggerBy,
            bands: false,
            maxAgeMs: 60_000,
            withStopOrders: true,
            known: KNOWS_NOTHING,
          });
          seen[observation.kind] += 1;
          if (observation.kind === 'flat')
            expect(oracle.flat(leg, observation.confirmed), `${leg.symbol} flat`).toBe(true);
          const book = evolve(newBook('main', leg), { kind: 'observed', observation }, policy);
          const { state } = book;
          if (state.kind === 'protected') {
            seen.protected += 1;
            expect(oracle.whyNot(leg, state.stop), `guard of ${leg.symbol} claims ${state.stop}`).toBeNull();
          }
          const session = sessionLeg('main', leg, observation, policy);
          if (session.planned !== null || session.problem !== null) return;
          const outcome = {
            book: session.book,
            events: [],
            failure: null,
            guard: 'running',
            guardProblem: null,
          } as const;
          const facts = legFacts('main', session, outcome);
          if (facts?.report.provenAt != null)
            expect(oracle.whyNot(leg, facts.report.stop ?? ''), `report on ${leg.symbol}`).toBeNull();
        },
      ),
      { numRuns: CASES, seed: SEED },
    );
    console.log(`fuzz: ${JSON.stringify(seen)}`);
    expect(seen.cases).toBeGreaterThanOrEqual(CASES);
    // The property would hold of a product that believes nothing.
    if (CASES >= 1_000) {
      for (const count of Object.values(seen)) expect(count).toBeGreaterThan(CASES / 200);
    }
  });

  it(
    'a position that the bytes show is read, named as unreadable, or the whole read fails',
    { timeout: 600_000 },
    async () => {
      const cases = casesOf(4_000);
      await fc.assert(
        fc.asyncProperty(bytes, async (shown) => {
          const { port } = readerOf(shown);
          const { usdt, usdc, tickers } = shown;
          const oracle = oracleOf({ positions: [usdt, usdc], tickers, triggerBy: 'MarkPrice', now: NOW });
          try {
            const { positions, unreadable } = await port.snapshot({ fresh: true });
            const named = new Set([...positions, ...unreadable].map(({ symbol }) => symbol));
            for (const symbol of oracle.open()) expect(named, symbol).toContain(symbol);
          } catch (error) {
            expect(error).toBeInstanceOf(VenueError);
          }
        }),
        { numRuns: cases, seed: SEED },
      );
    },
  );
});

/** One attempt of a write against these bytes: what it logs as proven, and what its events fold to, must be in them. */
async function writes(
  reader: Reader,
  leg: Leg,
  policy: Policy,
  oracle: ReturnType<typeof oracleOf>,
): Promise<number> {
  const book = newBook('main', leg);
  const proven: { stop: string; shown: string }[] = [];
  const log = {
    debug: () => undefined,
    warn: () => undefined,
    error: () => undefined,
    info: (fields: object, event: string) => {
      if (event === 'stop.proven') proven.push(fields as (typeof proven)[number]);
    },
  };
  try {
    const { events } = await attemptStop({
      reader,
      input: { account: 'main', book, policy, rewrite: true },
      earlier: [],
      first: true,
      signal: new AbortController().signal,
      remember: () => undefined,
      sleep: () => Promise.resolve(),
      log,
      audit: () => undefined,
    });
    const { state } = evolveAll(book, events, policy);
    if (state.kind === 'protected')
      expect(oracle.whyNot(leg, state.stop), `after a write on ${leg.symbol}`).toBeNull();
  } catch (error) {
    expect(String(error), 'a failure has a type').toMatch(/ApplicationFailure|VenueError/);
  }
  for (const { stop, shown } of proven) {
    expect(oracle.whyNot(leg, shown), `proof of ${stop} on ${leg.symbol}`).toBeNull();
  }
  return proven.length;
}
