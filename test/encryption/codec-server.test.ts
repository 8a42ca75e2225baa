/** The codec server at its socket: the protocol, who may ask, and what is said of data that it cannot read. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FastifyInstance } from 'fastify';
import { createCodecServer, type CodecServerOptions } from '../../src/encryption/codec-server.ts';
import { parsePayloadKeys } from '../../src/encryption/payload-keys.ts';
import { Secret } from '../../src/secret.ts';

const UI = 'http://127.0.0.1:8233';
const KEY = 'c0ffee11'.repeat(8);
const KEYS = parsePayloadKeys(`k2:${KEY}`).keys;

const wire = (text: string) => Buffer.from(text).toString('base64');
const PLAIN = { metadata: { encoding: wire('json/plain') }, data: wire('{"stop":"43210.5"}') };

let app: FastifyInstance;
let logged: object[] = [];

function server(options: Partial<CodecServerOptions> = {}): FastifyInstance {
  if (KEYS === null) throw new Error('the key is refused');
  const note = (fields: object): void => void logged.push(fields);
  const log = { warn: note, error: note } as unknown as CodecServerOptions['log'];
  return createCodecServer({ keys: KEYS, origins: [UI], token: null, log, ...options });
}

async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const url = app.listeningOrigin;
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

beforeEach(async () => {
  logged = [];
  app = server();
  await app.listen({ host: '127.0.0.1', port: 0 });
});

afterEach(async () => {
  await app.close();
});

async function restart(options: Partial<CodecServerOptions>): Promise<void> {
  await app.close();
  app = server(options);
  await app.listen({ host: '127.0.0.1', port: 0 });
}

describe('the protocol', () => {
  it('what it encodes it decodes again, in order, with plain text left alone', async () => {
    const second = { ...PLAIN, data: wire('2') };
    const encoded = JSON.parse((await post('/encode', { payloads: [PLAIN, second] })).text) as {
      payloads: object[];
    };
    expect(encoded.payloads).toHaveLength(2);
    expect(JSON.stringify(encoded)).not.toContain(PLAIN.data.slice(0, 12));
    const { status, text } = await post('/decode', { payloads: [...encoded.payloads, PLAIN] });
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual({ payloads: [PLAIN, second, PLAIN] });
  });

  it('no payloads are answered with none', async () => {
    expect((await post('/decode', {})).text).toBe('{"payloads":[]}');
  });

  it('data of another key is refused by its name, in words that the CLI prints', async () => {
    const locked = {
      metadata: { encoding: wire('binary/encrypted'), 'encryption-key-id': wire('k1') },
      data: 'AAAA',
    };
    const { status, text } = await post('/decode', { payloads: [PLAIN, locked] });
    expect(status).toBe(400);
    expect(text).toContain('the payload key "k1", which this process does not have (it has k2)');
    expect(logged).toEqual([{ message: expect.stringContaining('"k1"') }]);
  });

  it.each([
    ['a list', []],
    ['payloads that are none', { payloads: [{ data: 7 }] }],
    ['no JSON', '{"payloads":'],
  ])('%s is refused as 400', async (_, body) => {
    expect((await post('/decode', body)).status).toBe(400);
  });

  it('a body over 32 MiB is refused as 413', async () => {
    expect((await post('/decode', 'x'.repeat(33 * 1024 * 1024))).status).toBe(413);
  });

  it('other paths and methods are not there', async () => {
    expect((await post('/keys', {})).status).toBe(404);
    expect((await fetch(`${app.listeningOrigin}/decode`)).status).toBe(404);
  });
});

describe('who may ask', () => {
  it('the page of an allowed origin, by the headers that its browser wants', async () => {
    const preflight = await fetch(`${app.listeningOrigin}/decode`, {
      method: 'OPTIONS',
      headers: { origin: UI, 'access-control-request-method': 'POST' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe(UI);
    expect(preflight.headers.get('access-control-allow-headers')).toContain('x-namespace');
    const asked = await post('/decode', { payloads: [PLAIN] }, { origin: UI });
    expect(asked.status).toBe(200);
    expect(asked.headers.get('access-control-allow-origin')).toBe(UI);
  });

  it.each(['http://evil.example', 'http://127.0.0.1:8234', 'null'])(
    'a page of %s gets nothing, not even an answer that it could not read',
    async (origin) => {
      const asked = await post('/decode', { payloads: [PLAIN] }, { origin });
      expect(asked.status).toBe(403);
      expect(asked.headers.get('access-control-allow-origin')).toBeNull();
      expect(asked.text).not.toContain(PLAIN.data);
    },
  );

  it('with a token only who has it, whatever the origin', async () => {
    await restart({ token: new Secret('token-of-16-chars') });
    expect((await post('/decode', { payloads: [PLAIN] })).status).toBe(401);
    expect((await post('/decode', {}, { authorization: 'Bearer token-of-16-char' })).status).toBe(401);
    expect((await post('/decode', {}, { authorization: 'Bearer token-of-16-chars' })).status).toBe(200);
    const preflight = await fetch(`${app.listeningOrigin}/decode`, {
      method: 'OPTIONS',
      headers: { origin: UI },
    });
    expect(preflight.status).toBe(204);
  });
});
