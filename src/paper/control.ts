/** The unsigned control calls under `/paper`: prices, a human's hand, faults, the clock, and what was seen and done. */
import { z } from 'zod';
import { walletRow } from './account-rows.ts';
import { isMultiple } from './decimals.ts';
import { faultSchema } from './fault-kinds.ts';
import type { FaultBook } from './faults.ts';
import { settleFunding } from './funding.ts';
import type { Gateway } from './gateway.ts';
import { ControlError, handSchema, lendHand } from './hand.ts';
import { startDeleveraging } from './liquidation.ts';
import { pricesAround, type Prices } from './price-paths.ts';
import type { PriceRecord } from './records.ts';
import type { RequestLog } from './request-log.ts';
import { instrumentStatus, positionIdx, positiveDecimal, problemsOf, symbolName } from './scenario.ts';

/** What control works on. */
export interface Controlled {
  readonly gateway: Gateway;
  readonly faults: FaultBook;
  readonly log: RequestLog;
}

/** An answer of control: plain JSON. */
export interface ControlAnswer {
  readonly status: number;
  readonly body: unknown;
}

const ok: ControlAnswer = { status: 200, body: { ok: true } };

const priceSchema = z
  .strictObject({
    symbol: symbolName,
    /** All three prices, with the offsets of the scenario. */
    price: positiveDecimal.optional(),
    mark: positiveDecimal.optional(),
    last: positiveDecimal.optional(),
    index: positiveDecimal.optional(),
  })
  .refine(
    ({ price, mark, last, index }) => (price === undefined) !== ((mark ?? last ?? index) === undefined),
    'give price, or mark, last or index',
  );
const clockSchema = z.strictObject({ offsetMs: z.number().int().min(-86_400_000).max(86_400_000) });
const instrumentSchema = z.strictObject({ symbol: symbolName, status: instrumentStatus });
const fundingSchema = z.strictObject({ symbol: symbolName });
const adlSchema = z.strictObject({
  symbol: symbolName,
  positionIdx: positionIdx.default(0),
  size: positiveDecimal.optional(),
  delayMs: z.number().int().min(0).default(0),
});

/** Answers a control call; malformed input is refused by name with HTTP 400 and changes nothing. */
export function control(
  on: Controlled,
  method: string,
  path: string,
  query: string,
  body: string,
): ControlAnswer {
  try {
    return performed(on, `${method} ${path}`, new URLSearchParams(query), body);
  } catch (error) {
    if (error instanceof ControlError)
      return { status: 400, body: { error: error.message, problems: error.problems } };
    throw error;
  }
}

function performed(on: Controlled, call: string, query: URLSearchParams, body: string): ControlAnswer {
  const { engine } = on.gateway;
  switch (call) {
    case 'POST /paper/price':
      return setPrice(on, parsed(priceSchema, body));
    case 'POST /paper/position':
      lendHand(engine, parsed(handSchema, body));
      return ok;
    case 'POST /paper/fault': {
      const id = on.faults.lay(parsed(faultSchema, body), engine.venue.hostMs());
      return { status: 200, body: { ok: true, id } };
    }
    case 'DELETE /paper/fault':
      on.faults.clear();
      return ok;
    case 'GET /paper/fault':
      return { status: 200, body: { faults: on.faults.view(engine.venue.hostMs()) } };
    case 'POST /paper/clock': {
      const { offsetMs } = parsed(clockSchema, body);
      engine.act(() => engine.venue.setAccount({ clockOffsetMs: offsetMs }));
      return ok;
    }
    case 'POST /paper/instrument':
      return setStatus(on, parsed(instrumentSchema, body));
    case 'POST /paper/funding': {
      const { symbol } = parsed(fundingSchema, body);
      requireSymbol(on, symbol);
      engine.act(() => settleFunding(engine.venue, symbol));
      return ok;
    }
    case 'POST /paper/adl':
      return deleverage(on, parsed(adlSchema, body));
    case 'GET /paper/state':
      return { status: 200, body: stateOf(on) };
    case 'GET /paper/executions':
      engine.advance();
      return { status: 200, body: { executions: [...engine.venue.store.executions.values()] } };
    case 'GET /paper/requests':
      return { status: 200, body: requestsOf(on, query) };
    default:
      return { status: 404, body: { error: `no control call ${call}` } };
  }
}

function parsed<T extends z.ZodType>(schema: T, body: string): z.infer<T> {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    throw new ControlError(['the body is not JSON']);
  }
  const result = schema.safeParse(json);
  if (!result.success) throw new ControlError(problemsOf(result.error));
  return result.data;
}

function requireSymbol(on: Controlled, symbol: string): void {
  if (on.gateway.engine.venue.instrument(symbol) === undefined)
    throw new ControlError([`symbol: unknown symbol ${symbol}`]);
}

function setPrice(on: Controlled, asked: z.infer<typeof priceSchema>): ControlAnswer {
  const { engine } = on.gateway;
  const { venue } = engine;
  requireSymbol(on, asked.symbol);
  const contract = venue.contract(asked.symbol);
  const { symbol: _, ...given } = asked;
  const problems = Object.entries(given).flatMap(([field, price]) =>
    price === undefined || isMultiple(price, contract.tickSize)
      ? []
      : [`${field}: ${price} is not a multiple of tickSize ${contract.tickSize}`],
  );
  if (problems.length > 0) throw new ControlError(problems);
  engine.act(() => {
    const path = venue.setup.paths.get(asked.symbol);
    const prices =
      asked.price === undefined
        ? partly(venue.price(asked.symbol), asked)
        : pricesAround(asked.price, contract, path);
    engine.setPrices(new Map([[asked.symbol, prices]]));
  });
  return ok;
}

function partly(before: PriceRecord, asked: { readonly [K in keyof Prices]?: string | undefined }): Prices {
  return {
    last: asked.last ?? before.last,
    mark: asked.mark ?? before.mark,
    index: asked.index ?? before.index,
  };
}

function setStatus(on: Controlled, asked: z.infer<typeof instrumentSchema>): ControlAnswer {
  const { engine } = on.gateway;
  requireSymbol(on, asked.symbol);
  engine.act(() => {
    const { venue } = engine;
    venue.store.symbols.set(asked.symbol, { ...venue.settings(asked.symbol), status: asked.status });
  });
  return ok;
}

function deleverage(on: Controlled, asked: z.infer<typeof adlSchema>): ControlAnswer {
  const { engine } = on.gateway;
  requireSymbol(on, asked.symbol);
  engine.act(() => {
    const leg = engine.venue.leg(asked.symbol, asked.positionIdx);
    if (leg.side === '') throw new ControlError([`${asked.symbol}: no position on leg ${asked.positionIdx}`]);
    startDeleveraging(engine.venue, leg, asked.size ?? leg.size, asked.delayMs);
  });
  return ok;
}

function stateOf(on: Controlled): unknown {
  const { engine, views } = on.gateway;
  engine.advance();
  const { venue } = engine;
  const { store } = venue;
  return {
    time: venue.hostMs(),
    venueTime: venue.timeMs,
    account: { ...venue.account, apiKey: venue.setup.scenario.account.apiKey },
    positions: views.held().map((leg) => views.positionRow(leg)),
    wallet: walletRow(venue, views.account(), []),
    prices: Object.fromEntries(
      [...store.prices.values()].map(({ symbol, last, mark, index }) => [symbol, { last, mark, index }]),
    ),
    modes: Object.fromEntries([...store.symbols.values()].map(({ symbol, mode }) => [symbol, mode])),
    stops: [...store.stopEvents.values()],
    unheard: [...store.unheard.values()],
    faults: on.faults.view(venue.hostMs()),
  };
}

function requestsOf(on: Controlled, query: URLSearchParams): unknown {
  const number = (name: string, standard: number): number => {
    const text = query.get(name);
    if (text === null) return standard;
    const value = Number(text);
    if (!Number.isFinite(value) || value < 0)
      throw new ControlError([`${name}: expected a number of 0 or more, got ${text}`]);
    return value;
  };
  const limit = Math.floor(number('limit', 100_000));
  const filter = { sinceMs: number('since', 0), path: query.get('path') ?? '', limit };
  return { total: on.log.total, counts: on.log.counts(), requests: on.log.list(filter) };
}
