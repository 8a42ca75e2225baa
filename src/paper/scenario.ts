/** The scenario file: what a paper exchange starts with. Unknown fields are refused by name; every field but `symbol` has a default. */
import { z } from 'zod';
import { faultSchema } from './fault-kinds.ts';
import { isDecimal } from './decimals.ts';

const decimalMessage = 'expected a decimal string such as "0.10"';
const decimal = z.string({ error: decimalMessage }).refine(isDecimal, decimalMessage);
/** A decimal above zero. */
export const positiveDecimal = decimal.refine(
  (value) => !value.startsWith('-') && Number(value) > 0,
  'must be above 0',
);
/** A decimal of zero or more. */
const nonNegativeDecimal = decimal.refine((value) => !value.startsWith('-'), 'must not be negative');
/** A price, or `""` for none. */
export const priceOrNone = z.union([z.literal(''), positiveDecimal], {
  error: 'expected a positive decimal string, or "" for none',
});
const milliseconds = z
  .number()
  .int()
  .min(0)
  .max(10 * 365 * 86_400_000);
export const symbolName = z
  .string()
  .regex(/^[A-Z0-9]{2,20}(?:-[A-Z0-9]{5,10})?$/, 'expected a symbol such as "BTCUSDT"');
export const positionIdx = z.union([z.literal(0), z.literal(1), z.literal(2)], {
  error: 'expected 0, 1 or 2',
});
export const side = z.enum(['Buy', 'Sell']);
export const triggerBy = z.enum(['LastPrice', 'MarkPrice', 'IndexPrice']);
export const positionMode = z.enum(['one-way', 'hedge']);
export const instrumentStatus = z.enum(['PreLaunch', 'Trading', 'Delivering', 'Closed']);

const keySchema = z.strictObject({
  /** 1: the key may not write. */
  readOnly: z.union([z.literal(0), z.literal(1)]).default(0),
  permissions: z
    .array(z.enum(['Order', 'Position', 'Withdraw', 'AccountTransfer', 'SubMemberTransfer']))
    .default(['Order', 'Position']),
  ips: z.array(z.string()).default(['*']),
  expiresAt: z.iso.datetime({ offset: true }).nullable().default(null),
});

const accountSchema = z.strictObject({
  apiKey: z.string().min(1).max(64).default('paper-key'),
  apiSecret: z.string().min(1).max(128).default('paper-secret'),
  /** USDT, or one amount for each coin. */
  wallet: z
    .union([
      nonNegativeDecimal,
      z.strictObject({ USDT: nonNegativeDecimal.optional(), USDC: nonNegativeDecimal.optional() }),
    ])
    .default('1000'),
  positionMode: positionMode.default('one-way'),
  marginMode: z.enum(['REGULAR_MARGIN', 'ISOLATED_MARGIN', 'PORTFOLIO_MARGIN']).default('REGULAR_MARGIN'),
  /** Laid over the account row of wallet-balance as it is sent; `null` removes a field, `coin` reaches into the coins. */
  walletFields: z
    .strictObject({ coin: z.record(z.string(), z.record(z.string(), z.string().nullable())).optional() })
    .catchall(z.string().nullable())
    .default({}),
  key: keySchema.prefault({}),
  takerFeeRate: nonNegativeDecimal.default('0.00055'),
  makerFeeRate: nonNegativeDecimal.default('0.0002'),
  /** Language of refusals: retMsg is localised on real accounts too. */
  language: z.enum(['en', 'pt', 'zh']).default('en'),
});

const instrumentSchema = z.strictObject({
  symbol: symbolName,
  status: instrumentStatus.optional(),
  positionMode: positionMode.optional(),
  tickSize: positiveDecimal.optional(),
  qtyStep: positiveDecimal.optional(),
  price: positiveDecimal.optional(),
  minOrderQty: positiveDecimal.optional(),
  maxOrderQty: positiveDecimal.optional(),
  maxMktOrderQty: positiveDecimal.optional(),
  minNotionalValue: nonNegativeDecimal.optional(),
  minPrice: positiveDecimal.optional(),
  maxPrice: positiveDecimal.optional(),
  maxLeverage: positiveDecimal.optional(),
  maintenanceMarginRate: positiveDecimal.optional(),
  fundingRate: decimal.optional(),
  fundingInterval: z.number().int().min(1).max(1440).optional(),
  deliveryTime: milliseconds.optional(),
});

const positionSchema = z.strictObject({
  symbol: symbolName,
  positionIdx: positionIdx.optional(),
  side: side.default('Buy'),
  size: positiveDecimal.optional(),
  entryPrice: positiveDecimal.optional(),
  leverage: positiveDecimal.default('10'),
  stopLoss: priceOrNone.default(''),
  stopLossTriggerBy: triggerBy.default('LastPrice'),
  /** Who is said to have set the stops of this position. */
  stopBy: z.enum(['human', 'api', 'scenario']).default('human'),
  takeProfit: priceOrNone.default(''),
  trailingStop: priceOrNone.default(''),
  partialStops: z
    .array(
      z.strictObject({
        price: positiveDecimal,
        size: positiveDecimal,
        triggerBy: triggerBy.default('LastPrice'),
      }),
    )
    .max(20)
    .default([]),
  openedAgoMs: milliseconds.default(3_600_000),
});

const pricePoint = z.union(
  [
    z.strictObject({ atMs: milliseconds, price: positiveDecimal }),
    z.strictObject({
      atMs: milliseconds,
      last: positiveDecimal,
      mark: positiveDecimal,
      index: positiveDecimal.optional(),
    }),
  ],
  { error: 'expected { "atMs": 0, "price": "2600" } or { "atMs": 0, "last": "2600", "mark": "2601" }' },
);

const priceSchema = z
  .strictObject({
    symbol: symbolName,
    constant: positiveDecimal.optional(),
    /** Each step moves the price by up to `stepPct` percent, either way, drawn from the seed. */
    walk: z
      .strictObject({
        stepPct: positiveDecimal.default('0.02'),
        everyMs: z.number().int().min(10).default(1000),
      })
      .optional(),
    script: z.array(pricePoint).min(1).max(100_000).optional(),
    /** How far the mark and index price stand from the last price, percent. */
    markOffsetPct: decimal.default('0'),
    indexOffsetPct: decimal.default('0'),
    /** Range of an hour's candle before the exchange started, percent of price. */
    historyRangePct: positiveDecimal.default('0.8'),
  })
  .refine(
    (entry) => [entry.constant, entry.walk, entry.script].filter((kind) => kind !== undefined).length <= 1,
    'give one of "constant", "walk" and "script"',
  );

const limitsSchema = z.strictObject({
  /** Requests a second by path, over the venue's own numbers; 0 lifts the limit. */
  perSecond: z.record(z.string(), z.number().int().min(0)).default({}),
  /** Requests in 5 s from one address before it is banned; 0 lifts the limit. */
  ipRequests: z.number().int().min(0).default(600),
  banMs: milliseconds.default(600_000),
});

const executionSchema = z.strictObject({
  /** Time between the acknowledgement of an order and its first fill. */
  fillDelayMs: milliseconds.default(10),
  /** Time between a stop's trigger and its fill. */
  triggerDelayMs: milliseconds.default(0),
  /** How much worse than the touch a market order fills, percent. */
  slippagePct: nonNegativeDecimal.default('0'),
  /** A market order fills in so many executions, each one tick worse. */
  parts: z.number().int().min(1).max(50).default(1),
  partDelayMs: milliseconds.default(0),
  /** Share of a market order for which there is liquidity; the rest is cancelled. */
  fillRatio: positiveDecimal.refine((value) => Number(value) <= 1, 'must not be above 1').default('1'),
  /** How long a liquidation or deleveraging is visible in `positionStatus` before it takes the position. */
  liquidationDelayMs: milliseconds.default(0),
});

/** What the venue does where its documentation is silent. */
const quirksSchema = z.strictObject({
  /** The same stop price with another trigger type: a change, or 34040. */
  triggerTypeAlone: z.enum(['applied', 'unchanged']).default('applied'),
  /** How a row shows that there is no stop. */
  noStop: z.enum(['', '0', '0.00']).default(''),
});

export const scenarioSchema = z.strictObject({
  about: z.string().optional(),
  seed: z.number().int().min(0).max(4_294_967_295).default(7),
  latencyMs: z.number().min(0).max(60_000).default(0),
  account: accountSchema.prefault({}),
  instruments: z.array(instrumentSchema).default([]),
  positions: z.array(positionSchema).default([]),
  prices: z.array(priceSchema).default([]),
  faults: z.array(faultSchema).default([]),
  limits: limitsSchema.prefault({}),
  execution: executionSchema.prefault({}),
  quirks: quirksSchema.prefault({}),
});

export type Scenario = z.infer<typeof scenarioSchema>;
export type ScenarioPosition = Scenario['positions'][number];
export type ScenarioPrice = Scenario['prices'][number];

/** Every problem of a failed parse as one line, `path: message`, unknown fields by name. */
export function problemsOf(error: z.ZodError): readonly string[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map(String).join('.');
    const at = path === '' ? '' : `${path}: `;
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => `${path === '' ? '' : `${path}.`}${key}: unknown field`);
    }
    return [`${at}${issue.message}`];
  });
}
