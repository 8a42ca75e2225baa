/** What can be made to go wrong between a client and the paper exchange, as a scenario or the control endpoint says it. */
import { z } from 'zod';

const common = {
  /** Path of the request, or `*`. */
  path: z
    .string()
    .regex(/^(?:\*|\/v5\/[a-z0-9/-]+)$/, 'expected a path such as "/v5/position/list", or "*"')
    .default('*'),
  /** Only requests that name this symbol. */
  symbol: z.string().min(1).optional(),
  times: z
    .union([z.number().int().min(1), z.literal('always')], { error: 'expected a number above 0 or "always"' })
    .default(1),
  /** So many matching requests pass unharmed first. */
  skip: z.number().int().min(0).default(0),
  /** Counted from when the fault was laid. */
  afterMs: z.number().int().min(0).default(0),
  forMs: z.number().int().min(1).optional(),
};

/** Whether the request took effect before its answer was spoiled. */
const applied = (standard: boolean) => z.boolean().default(standard);

export const faultSchema = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({ ...common, kind: z.literal('delay'), ms: z.number().int().min(1) }),
    z.strictObject({ ...common, kind: z.literal('drop') }),
    z.strictObject({ ...common, kind: z.literal('apply-then-timeout') }),
    z.strictObject({ ...common, kind: z.literal('apply-then-drop') }),
    z.strictObject({ ...common, kind: z.literal('stall'), applied: applied(true) }),
    z.strictObject({ ...common, kind: z.literal('reset-mid-body'), applied: applied(true) }),
    z.strictObject({
      ...common,
      kind: z.literal('status'),
      code: z.number().int().min(200).max(599),
      body: z.string().optional(),
      applied: applied(false),
    }),
    z.strictObject({
      ...common,
      kind: z.literal('ret-code'),
      code: z.number().int(),
      message: z.string().default(''),
      headers: z.record(z.string(), z.string()).optional(),
      applied: applied(false),
    }),
    z.strictObject({ ...common, kind: z.literal('not-json'), applied: applied(true) }),
    z.strictObject({ ...common, kind: z.literal('truncate'), applied: applied(true) }),
    z.strictObject({ ...common, kind: z.literal('ok-without-effect') }),
    z.strictObject({ ...common, kind: z.literal('unchanged-without-effect') }),
    z.strictObject({ ...common, kind: z.literal('empty-list') }),
    z.strictObject({ ...common, kind: z.literal('stale') }),
  ],
  { error: 'expected a fault kind such as "drop"' },
);

export type Fault = z.infer<typeof faultSchema>;
