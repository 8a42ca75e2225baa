/** Schemas of exactly the fields that are read from the venue; unknown ones are ignored, what is needed is named when missing (I8). */
import { z } from 'zod';
import { isDecimalString, isPositive } from '../domain/decimal.ts';
import { integer } from './reply.ts';

/** The venue's spellings of "no value" beside the empty string: `"0"`, `"0.00"`. */
const isZero = (text: string): boolean => /^-?0+(?:\.0*)?$/.test(text);

const refuse = (expected: string) => ({
  error: (issue: { readonly input?: unknown }) => `expected ${expected}, got ${shown(issue.input)}`,
});

/** Anything, also absence: zod refuses a missing key unless the schema says that it may be missing. */
const raw = z.unknown().optional();
const text = z.string(refuse('text'));
const filledText = text.min(1, refuse('text that is not empty'));
const positive = z.custom<string>(isPositive, refuse('a positive decimal'));
const decimal = z.custom<string>(isDecimalString, refuse('a decimal'));
/** Size: zero or more. */
const size = z.custom<string>((v) => isDecimalString(v) && !v.startsWith('-'), refuse('a size of 0 or more'));
/** A price that must be told, where "none" has several spellings. */
const priceOrNone = z
  .custom<string>(
    (v) => v === '' || (typeof v === 'string' && isZero(v)) || isPositive(v),
    refuse('a price or none'),
  )
  .transform((v) => (isPositive(v) ? v : null));
/** A figure that decides nothing: whatever cannot be read counts as "none". */
const positiveOrNull = raw.transform((v) => (isPositive(v) ? v : null));
const decimalOrNull = raw.transform((v) => (isDecimalString(v) ? v : null));
const textOrNull = raw.transform((v) => (typeof v === 'string' && v !== '' ? v : null));
/** The venue writes `"UNKNOWN"` as well as `""` where an order is no stop. */
const stopType = raw.transform((v) => (typeof v === 'string' && v !== '' && v !== 'UNKNOWN' ? v : null));
/** ms; `0`, `"0"`, `""` and absence mean that the venue does not say. */
const momentOrNull = raw.transform((v) => {
  const ms = integer(v);
  return ms !== null && ms > 0 ? ms : null;
});
const moment = raw.transform((v, context) => {
  const ms = integer(v);
  if (ms !== null && ms > 0) return ms;
  context.addIssue({ code: 'custom', message: `expected a time in ms, got ${shown(v)}` });
  return z.NEVER;
});
const count = raw.transform((v, context) => {
  const found = integer(v);
  if (found !== null) return found;
  context.addIssue({ code: 'custom', message: `expected an integer, got ${shown(v)}` });
  return z.NEVER;
});
/** 0, 1 or 2, also as a string (an answer with one integer beyond 2^53 has all its numbers quoted). */
const positionIdx = raw.transform((v, context) => {
  const index = integer(v);
  if (index === 0 || index === 1 || index === 2) return index;
  context.addIssue({ code: 'custom', message: `expected 0, 1 or 2, got ${shown(v)}` });
  return z.NEVER;
});
const side = z.enum(['Buy', 'Sell'], refuse('"Buy" or "Sell"'));

export const listPage = z.object({
  list: z.array(z.unknown(), refuse('a list')),
  nextPageCursor: z.string(refuse('text')).nullish(),
});

export const nameOfRow = z.object({ symbol: filledText });
/** All that a row needs to count as flat: rows of size 0 carry no prices. */
export const legOfRow = z.object({ symbol: filledText, positionIdx, size });

export const openPositionRow = z.object({
  symbol: filledText,
  positionIdx,
  side,
  size: positive,
  avgPrice: positive,
  markPrice: positive,
  stopLoss: priceOrNone,
  liqPrice: priceOrNone.nullish().transform((v) => v ?? null),
  takeProfit: positiveOrNull,
  trailingStop: positiveOrNull,
  leverage: positiveOrNull,
  positionStatus: textOrNull,
  unrealisedPnl: decimalOrNull,
  positionIM: decimalOrNull,
  openTime: momentOrNull,
  updatedTime: momentOrNull,
});
export type OpenPositionRow = z.infer<typeof openPositionRow>;

export const instrumentRow = z.object({
  symbol: filledText,
  status: filledText,
  contractType: filledText,
  settleCoin: filledText,
  priceFilter: z.object({ tickSize: positive, minPrice: positive, maxPrice: positive }),
  lotSizeFilter: z.object({
    qtyStep: positive,
    minOrderQty: positive,
    maxMktOrderQty: raw.transform((v) => (isPositive(v) ? v : null)),
    maxOrderQty: raw.transform((v) => (isPositive(v) ? v : null)),
  }),
});

export const tickerRow = z.object({ symbol: filledText, lastPrice: positive });

export const orderRow = z.object({
  orderId: filledText,
  orderLinkId: z.string().catch(''),
  symbol: filledText,
  positionIdx,
  orderStatus: filledText,
  stopOrderType: stopType,
  tpslMode: textOrNull,
  triggerPrice: positiveOrNull,
  triggerBy: textOrNull,
  qty: size,
  cumExecQty: z.union([size, z.literal('').transform(() => '0')], refuse('a size of 0 or more')),
  avgPrice: positiveOrNull,
});
export type OrderRow = z.infer<typeof orderRow>;

export const executionRow = z.object({
  symbol: filledText,
  side,
  orderId: text,
  orderLinkId: z.string().catch(''),
  execId: filledText,
  execPrice: decimal,
  execQty: size,
  execFee: decimalOrNull,
  execType: filledText,
  createType: textOrNull,
  stopOrderType: stopType,
  closedSize: decimalOrNull,
  execTime: moment,
});

export const closedPnlRow = z.object({
  symbol: filledText,
  orderId: text,
  side,
  closedSize: size,
  avgEntryPrice: decimal,
  avgExitPrice: decimal,
  closedPnl: decimal,
  execType: filledText,
  createdTime: moment,
  updatedTime: moment,
});

/** Start, open, high, low, close; volume and turnover follow on traded-price candles. */
export const candleRow = z.tuple([moment, positive, positive, positive, positive]).rest(z.unknown());

export const accountInfoResult = z.object({
  marginMode: z.enum(['ISOLATED_MARGIN', 'REGULAR_MARGIN', 'PORTFOLIO_MARGIN'], refuse('a margin mode')),
  unifiedMarginStatus: count,
});

export const keyInfoResult = z.object({
  readOnly: count,
  permissions: z.record(z.string(), z.array(z.string()).nullish().catch(null)).nullish(),
  ips: z.array(z.string()).nullish(),
  expiredAt: textOrNull,
  uta: raw.transform(integer),
  unified: raw.transform(integer),
});

/** `"avgPrice: expected a positive decimal, got \"\""`, every problem of a value in one line. */
export function problemsOf(error: z.ZodError): string {
  return error.issues
    .map((issue) => (issue.path.length > 0 ? `${issue.path.map(String).join('.')}: ` : '') + issue.message)
    .join('; ')
    .slice(0, 300);
}

/** A value as short text that cannot fail. */
function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  try {
    // Functions and symbols have no JSON, whatever its type says.
    return String(JSON.stringify(value)).slice(0, 60);
  } catch {
    return typeof value;
  }
}
