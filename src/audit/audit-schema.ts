/** Entries of the audit log as they are read back: what an older or another program wrote is refused by name, not guessed. */
import { z } from 'zod';
import type { AuditEntry } from '../domain/audit.ts';

const text = z.string();
const nullable = text.nullable();
const idx = z.union([z.literal(0), z.literal(1), z.literal(2)]);
const leg = z.object({ symbol: text, positionIdx: idx });
const side = z.enum(['long', 'short']);

const report = z.object({
  reason: z.enum([
    'stop-loss',
    'trailing-stop',
    'take-profit',
    'manual',
    'stopkeeper',
    'liquidation',
    'adl',
    'settlement',
    'unexplained',
  ]),
  episode: nullable,
  side: side.nullable(),
  size: nullable,
  entryPrice: nullable,
  exitPrice: nullable,
  pnl: nullable,
  stop: nullable,
  slippage: nullable,
  closedAt: z.number().nullable(),
  unprotectedSeconds: text,
});

const alert = z.object({
  id: text,
  level: z.enum(['INFO', 'WARNING', 'CRITICAL', 'EMERGENCY', 'RESOLVED']),
  // Any: a newer build may know more kinds.
  kind: text,
  account: text,
  leg: leg.nullable(),
  message: text,
  todo: text,
  unprotectedSeconds: nullable,
  at: z.number(),
});

const source = {
  v: z.literal(1),
  id: text,
  at: z.iso.datetime().transform((iso) => Date.parse(iso)),
  account: text,
  workflowId: text,
  runId: text,
};

/** One line of the file; `at` becomes ms again. */
export const auditEntrySchema = z.discriminatedUnion('kind', [
  z.object({
    ...source,
    kind: z.literal('stop-written'),
    leg,
    stop: text,
    previous: nullable,
    stopKind: z.enum(['fixed', 'trailing']),
    rule: text,
    urgency: text,
    outcome: z.enum(['applied', 'unchanged', 'refused', 'unknown']),
    answer: nullable,
  }),
  z.object({ ...source, kind: z.literal('stop-proven'), leg, stop: text, provenAt: text }),
  z.object({ ...source, kind: z.literal('close-order'), leg, size: text, outcome: text }),
  z.object({ ...source, kind: z.literal('episode-ended'), leg, report }),
  z.object({ ...source, kind: z.literal('released'), leg, reason: text }),
  z.object({ ...source, kind: z.literal('message'), leg: leg.nullable(), name: text, input: z.unknown() }),
  z.object({ ...source, kind: z.literal('alert'), alert }),
]);

type Read = z.infer<typeof auditEntrySchema>;
/** What is read is what was written, kind by kind. */
export type AuditRead = Read & { readonly kind: AuditEntry['kind'] };
