/** Broken answers of every kind: each parser gives sound figures or a `VenueError`, and a code is a success only where the bytes say so (I3, I8). */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBalance, type BalanceOutcome } from '../../src/domain/balance.ts';
import { isDecimalString, isPositive } from '../../src/domain/decimal.ts';
import type { WriteOutcome } from '../../src/domain/failure.ts';
import { ENDPOINTS } from '../../src/exchange/endpoints.ts';
import { balanceShape, parseAccountInfo, parseKeyInfo } from '../../src/exchange/parse-account.ts';
import { parseCandles, parseInstruments, parseLastPrices } from '../../src/exchange/parse-market.ts';
import {
  parseClosedPnl,
  parseExecutions,
  parseOrder,
  parseStopOrders,
} from '../../src/exchange/parse-orders.ts';
import { reconcilePositions } from '../../src/exchange/parse-positions.ts';
import { VenueError } from '../../src/exchange/port.ts';
import { isRecord, replyFrom, type Reply } from '../../src/exchange/reply.ts';
import { answerOf, judge, outcomeOf, type Answer } from '../../src/exchange/verdict.ts';
import { fixture, instrumentRow, positionRow } from '../exchange/fixtures.ts';
import { asText, broken, brokenOneOf, casesOf, parsedOrNothing, SEED } from '../support/fuzz.ts';

const NOW = 1_700_000_000_000;
const FAILURES = [
  'VenueRefused',
  'VenueUnknown',
  'VenueUnavailable',
  'VenueRateLimited',
  'VenueClock',
  'VenueAuth',
];

/** What `work` gives; `null` where it fails as the venue's failures do. Anything else thrown is a crash. */
function orRefused<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof VenueError)) throw error;
    expect(FAILURES).toContain(error.info.type);
    expect(error.info.message).not.toBe('');
    expect(error.info.message.length, 'a message that an alert can carry').toBeLessThan(1_000);
    expect(error.info.hint).not.toBe('');
    return null;
  }
}

function rowsOf(result: unknown): readonly unknown[] {
  const list = isRecord(result) ? result['list'] : undefined;
  return Array.isArray(list) ? list : [result];
}

function expectPositive(values: readonly (string | null)[]): void {
  for (const value of values) expect(value === null || isPositive(value), String(value)).toBe(true);
}

const PARSERS: Readonly<
  Record<string, { readonly from: unknown; readonly parse: (result: unknown) => void }>
> = {
  'positions of a hedge symbol': positions('position-hedge-empty-leg-second'),
  'positions in portfolio margin': positions('position-portfolio-margin'),
  'positions with quoted numbers': positions('position-quoted-numbers'),
  'stop orders': {
    from: {
      list: [
        ...fixture('order-realtime').result.list,
        ...fixture('order-realtime').result.list.map((row) => ({
          ...row,
          orderStatus: 'Untriggered',
          stopOrderType: 'StopLoss',
          tpslMode: 'Full',
          triggerPrice: '1500.00',
          triggerBy: 'MarkPrice',
        })),
      ],
    },
    parse: (result) => {
      const stops = orRefused(() => parseStopOrders(rowsOf(result))) ?? [];
      for (const stop of stops) {
        expectPositive([stop.triggerPrice]);
        expect([0, 1, 2]).toContain(stop.positionIdx);
        expect(isDecimalString(stop.qty)).toBe(true);
      }
      for (const row of rowsOf(result)) orRefused(() => parseOrder(row));
    },
  },
  executions: {
    from: fixture('execution-list').result,
    parse: (result) => {
      const found = orRefused(() => parseExecutions(rowsOf(result))) ?? [];
      for (const { at, price, qty } of found) {
        expect(Number.isSafeInteger(at) && at > 0).toBe(true);
        expect(isDecimalString(price) && isDecimalString(qty)).toBe(true);
      }
    },
  },
  'closing records': {
    from: fixture('closed-pnl').result,
    parse: (result) => {
      const found = orRefused(() => parseClosedPnl(rowsOf(result))) ?? [];
      for (const { pnl, closedSize } of found)
        expect(isDecimalString(pnl) && isDecimalString(closedSize)).toBe(true);
    },
  },
  instruments: {
    from: { list: [...fixture('instruments-info-linear').result.list, instrumentRow('ETHUSDT')] },
    parse: (result) => {
      const { bySymbol, unreadable } = parseInstruments(rowsOf(result));
      for (const { tickSize, qtyStep, minPrice, maxPrice } of bySymbol.values())
        expectPositive([tickSize, qtyStep, minPrice, maxPrice]);
      for (const reason of unreadable.values()) expect(reason).not.toBe('');
    },
  },
  'last prices': {
    from: {
      list: [
        { symbol: 'BTCUSDT', lastPrice: '44000.5' },
        { symbol: 'ETHUSDT', lastPrice: '2600' },
      ],
    },
    parse: (result) => expectPositive([...parseLastPrices(rowsOf(result)).values()]),
  },
  candles: {
    from: fixture('kline').result,
    parse: (result) => {
      const found = orRefused(() => parseCandles(rowsOf(result))) ?? [];
      for (const { startAt, open, high, low, close } of found) {
        expect(startAt).toBeGreaterThan(0);
        expectPositive([open, high, low, close]);
      }
    },
  },
  'account info': {
    from: fixture('account-info').result,
    parse: (result) => void orRefused(() => parseAccountInfo(result)),
  },
  'key info': {
    from: fixture('query-api').result,
    parse: (result) => {
      const key = orRefused(() => parseKeyInfo(result));
      if (key?.expiresAt != null) expect(Date.parse(key.expiresAt)).toBeGreaterThan(0);
    },
  },
  balance: {
    from: fixture('wallet-balance').result,
    parse: (result) => {
      const answer: Answer = { retCode: 0, retMsg: 'OK', result, time: NOW };
      expectBalance(readBalance(balanceShape(answer)));
      expectBalance(readBalance(result));
    },
  },
};

function positions(name: string): { readonly from: unknown; readonly parse: (result: unknown) => void } {
  return {
    from: { list: [...fixture(name).result.list, positionRow({ stopLoss: '41000' })] },
    parse: (result) => {
      const rows = rowsOf(result);
      const { positions: open, flat, unreadable } = reconcilePositions(rows);
      expect(open.length + flat.length + unreadable.length).toBeLessThanOrEqual(rows.length);
      for (const each of open) {
        expectPositive([
          each.size,
          each.entryPrice,
          each.markPrice,
          each.stopLoss,
          each.liqPrice,
          each.leverage,
        ]);
        expect(each.positionIdx === 0 || (each.positionIdx === 1) === (each.side === 'long')).toBe(true);
      }
    },
  };
}

function expectBalance(outcome: BalanceOutcome): void {
  if (outcome.kind !== 'read') return;
  expect(/^\d+(?:\.\d+)?$/.test(outcome.total), outcome.total).toBe(true);
  expect(outcome.tried.at(-1)?.outcome).toBe('used');
}

describe(`over broken answers (seed ${SEED})`, () => {
  const part = casesOf(2_500);
  it.each(Object.entries(PARSERS))(`%s are read soundly or refused (${part} cases)`, (_, { from, parse }) => {
    fc.assert(fc.property(broken(from), parse), { numRuns: part, seed: SEED });
  });

  const replies = casesOf(11_000);
  it(`an envelope is a success only where its bytes say so (${replies} cases)`, () => {
    const counts = { applied: 0, unchanged: 0, refused: 0, unknown: 0, thrown: 0 };
    fc.assert(
      fc.property(reply, ({ status, headers, body }) => {
        const parsed = parsedOrNothing(body);
        const got = replyFrom(status, headers, body, parsed, (text) => text);
        counts[expectOutcome(got, status, parsed)] += 1;
        orRefused(() => answerOf(judge(got, ENDPOINTS.positions, NOW)));
      }),
      { numRuns: replies, seed: SEED },
    );
    console.log(`fuzz: answers to writes ${JSON.stringify(counts)}`);
    if (replies >= 1_000) for (const count of Object.values(counts)) expect(count).toBeGreaterThan(0);
  });
});

const code = fc.oneof(
  fc.constantFrom(
    0,
    0,
    34040,
    10001,
    10002,
    10003,
    10006,
    10016,
    33004,
    110001,
    110017,
    110072,
    '0',
    '34040',
    -1,
    null,
  ),
  fc.integer({ min: -2, max: 200_000 }),
);
const envelope = fc
  .record({
    retCode: code,
    retMsg: fc.oneof(
      fc.constantFrom(
        'OK',
        'not modified',
        'zero position',
        'position idx not match position mode',
        'base_price: 1',
      ),
      fc.string(),
    ),
    result: fc.constantFrom<unknown>({}, null, [], { list: [] }),
    time: fc.constantFrom<unknown>(NOW, String(NOW), null, 'soon', NOW - 100_000),
  })
  .chain((sound) => broken(sound, { least: 0, most: 2 }));
const reply = fc.record({
  status: fc.oneof(
    { weight: 4, arbitrary: fc.constant(200) },
    { weight: 1, arbitrary: fc.constantFrom(201, 204, 301, 400, 401, 403, 404, 429, 500, 502, 503, 504) },
  ),
  headers: fc.dictionary(
    fc.constantFrom('X-Bapi-Limit', 'x-bapi-limit-status', 'X-BAPI-LIMIT-RESET-TIMESTAMP', 'Content-Type'),
    fc.constantFrom('0', '10', String(NOW + 500), '9'.repeat(30), '-1', 'x', ''),
  ),
  body: asText(
    fc.oneof({ weight: 5, arbitrary: envelope }, brokenOneOf(['<html>502</html>', '', [], 7, null])),
  ),
});

/** Codes that say "it was so before", from the table that was written apart from the code. */
const UNCHANGED = (
  JSON.parse(
    readFileSync(new URL('../exchange/fixtures/return-codes.json', import.meta.url), 'utf8'),
  ) as readonly { readonly code: number; readonly class: string }[]
)
  .filter((known) => known.class === 'unchanged')
  .map((known) => known.code);

/** What a writer of a stop concludes, held against the status and the code in the bytes. */
function expectOutcome(got: Reply, status: number, parsed: unknown): WriteOutcome['kind'] | 'thrown' {
  const outcome = orRefused(() => outcomeOf(judge(got, ENDPOINTS.setStop, NOW)));
  const said = isRecord(parsed) ? parsed['retCode'] : undefined;
  const is = (wanted: number): boolean =>
    said === wanted || (typeof said === 'string' && /^-?0*\d+$/.test(said) && Number(said) === wanted);
  const fine = status >= 200 && status < 300;
  if (outcome === null) return 'thrown';
  if (outcome.kind === 'applied') expect(fine && is(0), JSON.stringify(parsed)).toBe(true);
  if (outcome.kind === 'unchanged') expect(UNCHANGED.some(is), JSON.stringify(parsed)).toBe(true);
  // A refusal says "not executed": only a code or a status of the client's own fault may say that.
  if (outcome.kind === 'refused') expect(status < 500 && !(fine && is(0)), JSON.stringify(parsed)).toBe(true);
  return outcome.kind;
}
