/**
 * Temporal's codec protocol over HTTP: the UI and the CLI hand in what the server stores and get it back readable. Whoever may ask sees what the keys
 * protect, so it answers the origins it was told of and programs without one, and with a token nobody else.
 */
import { timingSafeEqual, createHash } from 'node:crypto';
import type { Payload } from '@temporalio/common';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Logger } from '../logging.ts';
import type { Secret } from '../secret.ts';
import { EncryptionCodec, UnreadablePayloadError } from './payload-codec.ts';
import type { PayloadKeys } from './payload-keys.ts';

export interface CodecServerOptions {
  readonly keys: PayloadKeys;
  /** Origins of pages whose scripts may ask: those of the Temporal UI. */
  readonly origins: readonly string[];
  /** Asked for as `Authorization: Bearer TOKEN`; `null`: not asked for. */
  readonly token: Secret | null;
  readonly log: Pick<Logger, 'warn' | 'error'>;
}

/** A payload is at most 2 MB on the server; a page of a history holds many, in base64. */
const BODY_LIMIT = 32 * 1024 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;

/** Payloads as protobuf's JSON writes them: bytes in base64. */
const payloadsSchema = z.object({
  payloads: z
    .array(
      z.object({
        metadata: z.record(z.string(), z.string()).optional(),
        data: z.string().optional(),
      }),
    )
    .default([]),
});

type WirePayload = z.infer<typeof payloadsSchema>['payloads'][number];

/** Not listening yet: `app.listen` is the caller's. */
export function createCodecServer(options: CodecServerOptions): FastifyInstance {
  const codec = new EncryptionCodec(options.keys);
  const app = fastify({ logger: false, bodyLimit: BODY_LIMIT, requestTimeout: REQUEST_TIMEOUT_MS });
  app.addHook('onRequest', async (request, reply) => admit(request, reply, options));
  app.options('/*', async (_request, reply) => reply.code(204).send());
  app.post('/encode', async (request) => answer(request, (payloads) => codec.encode(payloads)));
  app.post('/decode', async (request) => answer(request, (payloads) => codec.decode(payloads)));
  app.setErrorHandler(async (error: Error & { statusCode?: number }, _request, reply) => {
    const { status, message } = refusalOf(error);
    if (status === 500) options.log.error({ error }, 'codec.failed');
    else options.log.warn({ message }, 'codec.refused');
    return reply.code(status).type('text/plain').send(message);
  });
  return app;
}

/** Refuses pages of other origins and, where a token is asked for, whoever lacks it. */
async function admit(
  request: FastifyRequest,
  reply: FastifyReply,
  { origins, token }: CodecServerOptions,
): Promise<void> {
  const { origin, authorization } = request.headers;
  if (origin !== undefined) {
    if (!origins.includes(origin)) {
      const message = `the origin ${origin} is not in STOPKEEPER_CODEC_ORIGINS\n`;
      return reply.code(403).type('text/plain').send(message);
    }
    reply.headers({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'POST, OPTIONS',
      'access-control-allow-headers': 'authorization, content-type, x-namespace',
      vary: 'Origin',
    });
  }
  // A browser sends no token with its preflight.
  const preflight = request.method === 'OPTIONS';
  if (token === null || preflight || same(authorization ?? '', `Bearer ${token.reveal()}`)) return undefined;
  const message = 'expected the header Authorization: Bearer TOKEN, with STOPKEEPER_CODEC_TOKEN\n';
  return reply.code(401).type('text/plain').send(message);
}

/** Takes as long whatever differs, the lengths included. */
function same(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

async function answer(
  request: FastifyRequest,
  work: (payloads: Payload[]) => Promise<Payload[]>,
): Promise<{ readonly payloads: readonly WirePayload[] }> {
  const { payloads } = payloadsSchema.parse(request.body);
  return { payloads: (await work(payloads.map(fromWire))).map(toWire) };
}

function fromWire({ metadata = {}, data = '' }: WirePayload): Payload {
  const entries = Object.entries(metadata).map(
    ([name, text]) => [name, Buffer.from(text, 'base64')] as const,
  );
  return { metadata: Object.fromEntries(entries), data: Buffer.from(data, 'base64') };
}

function toWire({ metadata, data }: Payload): WirePayload {
  const entries = Object.entries(metadata ?? {}).map(([name, bytes]) => [name, base64(bytes)] as const);
  return { metadata: Object.fromEntries(entries), data: base64(data ?? new Uint8Array()) };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

/** The body of a refusal is what the CLI prints. */
function refusalOf(error: Error & { readonly statusCode?: number }): {
  readonly status: number;
  readonly message: string;
} {
  if (error instanceof UnreadablePayloadError) return { status: 400, message: `${error.message}\n` };
  if (error instanceof z.ZodError) {
    return { status: 400, message: 'expected {"payloads": [{"metadata": {...}, "data": "..."}]}\n' };
  }
  const status = error.statusCode ?? 500;
  // What went wrong inside is for the log.
  return { status, message: status < 500 ? `${error.message}\n` : 'the codec server failed\n' };
}
