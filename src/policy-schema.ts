/** The policy file as zod reads it: defaults, by account, by symbol; every number with its range (DESIGN §3). */
import { z } from 'zod';

const DAY_MS = 86_400_000;

const pct = (min: number, max: number) => z.number().min(min).max(max);
const ms = (min: number) => z.int().min(min).max(DAY_MS);
const count = (min: number, max: number) => z.int().min(min).max(max);

const SYMBOL = /^[A-Z0-9][A-Z0-9-]{1,31}$/;
const symbol = z.string().regex(SYMBOL, 'expected a symbol in capitals, such as BTCUSDT');

const band = z.strictObject({
  belowAtrPct: z.number().positive().max(100).nullable().describe('ATR % bound; null in the last band'),
  triggerPct: pct(0, 50),
  distancePct: pct(0.05, 50),
});

const bands = z
  .array(band)
  .min(1)
  .max(10)
  .refine((list) => list.at(-1)?.belowAtrPct === null, 'the last band must have "belowAtrPct": null')
  .refine(
    (list) =>
      list.slice(0, -1).every((item, index) => {
        const before = index === 0 ? 0 : (list[index - 1]?.belowAtrPct ?? Infinity);
        return item.belowAtrPct !== null && item.belowAtrPct > before;
      }),
    'bands before the last must have rising "belowAtrPct"',
  );

const trailing = z.strictObject({
  mode: z.enum(['off', 'fixed', 'bands']).optional(),
  triggerPct: pct(0, 50).optional().describe('% of price above breakeven at which trailing starts'),
  distancePct: pct(0.05, 50).optional().describe('% of the best price'),
  bands: bands.optional().describe('used with mode "bands"'),
});

const liquidation = z.strictObject({
  bufferPct: pct(0, 10).optional().describe('% of price between stop and liquidation price'),
  isolated: z.enum(['tighten', 'alert']).optional(),
  cross: z.enum(['tighten', 'alert']).optional(),
});

const escalation = z.strictObject({
  emergencyAfterMs: ms(100).optional().describe('ms from CRITICAL to EMERGENCY'),
  repeatEveryMs: ms(1_000).optional().describe('ms between EMERGENCY alerts'),
  closeAfterMs: ms(1_000).nullable().optional().describe('ms unprotected before a market close; null: never'),
  fastCheckMs: ms(200).optional().describe('ms between checks while unprotected'),
});

/** Keys that may differ from symbol to symbol. */
const bySymbol = {
  fixedStopPct: pct(0.1, 50).optional().describe('% of the entry price'),
  feeAllowancePct: pct(0, 1).optional().describe('% of the entry price that fees take'),
  trailing: trailing.optional(),
  minMovePct: pct(0, 5).optional().describe('smallest move of a resting trailing stop, % of price'),
  triggerBy: z.enum(['MarkPrice', 'LastPrice']).optional(),
  existingStop: z.enum(['tighten', 'respect']).optional(),
  liquidation: liquidation.optional(),
  checkEveryMs: ms(200).optional().describe('ms between checks of a leg'),
  priceMaxAgeMs: ms(1_000).optional().describe('ms after which a price is stale'),
  escalation: escalation.optional(),
  continueAsNewAfterChecks: count(5, 500).optional(),
};

/** Keys that belong to an account as a whole. */
const byAccount = {
  discoverEveryMs: ms(200).optional().describe('ms between searches for new positions'),
  requestsPerMinute: count(10, 3_600).optional().describe('routine venue requests, for each account'),
  maxAllocationPct: pct(1, 100).optional().describe('% of the balance that trades may use'),
  minNotionalUsd: z.number().min(0).max(1e9).optional(),
  maxPositions: count(1, 10_000).optional(),
  ignore: z.array(symbol).max(500).optional().describe('symbols left to others'),
};

const accountWideKeys = Object.keys(byAccount);

const accountOverrides = z.strictObject({ ...bySymbol, ...byAccount });
const symbolOverrides = z.strictObject(bySymbol, {
  error: (issue) => {
    if (issue.code !== 'unrecognized_keys') return undefined;
    const keys = issue.keys as readonly string[];
    const wide = keys.filter((key) => accountWideKeys.includes(key));
    if (wide.length < keys.length) return undefined;
    return `${wide.join(', ')}: belongs to a whole account, set it under "defaults" or "accounts"`;
  },
});

/** The whole file. `$schema` lets an editor find the published JSON Schema. */
export const policyFileSchema = z.strictObject({
  $schema: z.string().optional(),
  defaults: accountOverrides.optional().describe('for every account and symbol'),
  accounts: z.record(z.string(), accountOverrides).optional().describe('by account alias, over the defaults'),
  symbols: z.record(symbol, symbolOverrides).optional().describe('by symbol, over defaults and accounts'),
});

export type PolicyFile = z.infer<typeof policyFileSchema>;
export type PolicyOverrides = z.infer<typeof accountOverrides>;

/** The published JSON Schema (draft 2020-12) of the policy file, as an object. */
export function policyJsonSchema(): object {
  return {
    title: 'Stopkeeper policy',
    ...z.toJSONSchema(policyFileSchema, { io: 'input' }),
  };
}
