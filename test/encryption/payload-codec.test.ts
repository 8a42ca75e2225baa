/** What is encrypted, what opens it, and what is said when nothing does. */
import { describe, expect, it } from 'vitest';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { EncryptionCodec, UnreadablePayloadError } from '../../src/encryption/payload-codec.ts';
import { parsePayloadKeys, type PayloadKeys } from '../../src/encryption/payload-keys.ts';

const OLD = `2026-07:${'0a1b2c3d'.repeat(8)}`;
const NEW = `2027-01:${'4e5f6071'.repeat(8)}`;

function keys(...entries: readonly string[]): PayloadKeys {
  const { keys: parsed, problems } = parsePayloadKeys(entries.join(','));
  if (parsed === null) throw new Error(problems.join());
  return parsed;
}

const codec = (...entries: readonly string[]): EncryptionCodec => new EncryptionCodec(keys(...entries));

const payload = defaultPayloadConverter.toPayload({ symbol: 'BTCUSDT', stop: '43210.5' });

async function one(work: Promise<Payload[]>): Promise<Payload> {
  const [only] = await work;
  if (only === undefined) throw new Error('no payload');
  return only;
}

function valueOf(given: Payload): unknown {
  return defaultPayloadConverter.fromPayload(given);
}

function metadataOf(given: Payload): Record<string, string> {
  return Object.fromEntries(
    Object.entries(given.metadata ?? {}).map(([name, bytes]) => [name, Buffer.from(bytes).toString()]),
  );
}

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  );

describe('with keys', () => {
  it('what is written can be read again and shows nothing but its key id', async () => {
    const written = await one(codec(NEW).encode([payload]));
    expect(metadataOf(written)).toEqual({
      encoding: 'binary/encrypted',
      'encryption-cipher': 'aes-256-gcm',
      'encryption-key-id': '2027-01',
    });
    expect(Buffer.from(written.data ?? []).toString('latin1')).not.toMatch(/BTCUSDT|43210|json/);
    expect(valueOf(await one(codec(NEW).decode([written])))).toEqual({ symbol: 'BTCUSDT', stop: '43210.5' });
  });

  it('the same text is never written twice alike', async () => {
    const [first, second] = await codec(NEW).encode([payload, payload]);
    expect(Buffer.from(first?.data ?? []).equals(Buffer.from(second?.data ?? []))).toBe(false);
  });

  it('an absent value survives', async () => {
    const nothing = defaultPayloadConverter.toPayload(undefined);
    expect(valueOf(await one(codec(NEW).decode(await codec(NEW).encode([nothing]))))).toBeUndefined();
  });

  it('the first key writes and every key reads: a new one goes first, the old one stays', async () => {
    const before = await codec(OLD).encode([payload]);
    const rotated = codec(NEW, OLD);
    expect(valueOf(await one(rotated.decode(before)))).toEqual({ symbol: 'BTCUSDT', stop: '43210.5' });
    expect(metadataOf(await one(rotated.encode([payload])))).toMatchObject({
      'encryption-key-id': '2027-01',
    });
  });

  it('plain text, from before or from an operator, is left as it is', async () => {
    expect(await codec(NEW).decode([payload])).toEqual([payload]);
  });
});

describe('what no key opens', () => {
  it('names the missing key, those that are there and where to put it', async () => {
    const written = await codec(OLD).encode([payload]);
    const error = await failure(codec(NEW).decode(written));
    expect(error).toBeInstanceOf(UnreadablePayloadError);
    expect(error).toMatchObject({ keyId: '2026-07' });
    expect((error as Error).message).toBe(
      'encrypted with the payload key "2026-07", which this process does not have (it has 2027-01): add it to STOPKEEPER_PAYLOAD_KEYS, after the first key',
    );
  });

  it('is named also by a process without any key', async () => {
    const written = await codec(OLD).encode([payload]);
    const error = await failure(new EncryptionCodec(null).decode(written));
    expect((error as Error).message).toContain('"2026-07", which this process does not have (it has none)');
  });

  it.each([
    ['another key under the same id', (data: Buffer) => data, `2026-07:${'99887766'.repeat(8)}`],
    [
      'a changed byte',
      (data: Buffer) => Buffer.concat([data.subarray(0, -1), Buffer.from([data.at(-1) === 0 ? 1 : 0])]),
      OLD,
    ],
    ['data that was cut', (data: Buffer) => data.subarray(0, 20), OLD],
    ['no data', () => Buffer.alloc(0), OLD],
  ])('is told of %s', async (_, spoil, key) => {
    const written = await one(codec(OLD).encode([payload]));
    const spoilt = { ...written, data: spoil(Buffer.from(written.data ?? [])) };
    const error = await failure(codec(key).decode([spoilt]));
    expect((error as Error).message).toContain('the payload key "2026-07" does not open');
  });

  it("passes as no other key's: the id is authenticated", async () => {
    const written = await one(codec(OLD).encode([payload]));
    const renamed = {
      ...written,
      metadata: { ...written.metadata, 'encryption-key-id': Buffer.from('2027-01') },
    };
    const sameKey = `2027-01:${'0a1b2c3d'.repeat(8)}`;
    expect(await failure(codec(sameKey).decode([renamed]))).toBeInstanceOf(UnreadablePayloadError);
  });

  it("is told and left for the workflow where it is a workflow's, and refused where it is an activity's", async () => {
    const written = await codec(OLD).encode([payload]);
    const told: (string | null)[] = [];
    const worker = new EncryptionCodec(keys(NEW), ({ keyId }) => void told.push(keyId));
    const place = { namespace: 'default', workflowId: 'guard:main:BTCUSDT' };
    expect(await worker.decode(written, { type: 'workflow', ...place })).toEqual(written);
    expect(told).toEqual(['2026-07']);
    const activity = { type: 'activity', isLocal: false, ...place } as const;
    expect(await failure(worker.decode(written, activity))).toBeInstanceOf(UnreadablePayloadError);
    expect(await failure(worker.decode(written))).toBeInstanceOf(UnreadablePayloadError);
  });
});

describe('the setting', () => {
  it('takes commas, spaces and lines', () => {
    expect(keys(`${NEW}\n${OLD} `).map(({ id }) => id)).toEqual(['2027-01', '2026-07']);
  });

  const secret = 'f00dfeed'.repeat(8);

  it.each([
    ['', ['has no key in it']],
    [secret, [expect.stringMatching(/^entry 1 is not ID:KEY/)]],
    [`${secret}:a`, [expect.stringMatching(/^entry 1 is not ID:KEY/)]],
    [
      `a:${secret}0, b:${secret.slice(1)}`,
      [expect.stringMatching(/^entry 1 /), expect.stringMatching(/^entry 2 /)],
    ],
    [`a:${secret}, a:${'12345678'.repeat(8)}`, ['entry 2 has the id of an earlier one']],
    [`a:${secret}, b:${secret.toUpperCase()}`, ['entry 2 has the key of an earlier one under another id']],
    [`a:${'0'.repeat(64)}`, ['entry 1 has a key that nobody drew at random']],
  ])('%j is refused with every problem and without the key', (text, expected) => {
    const { keys: parsed, problems } = parsePayloadKeys(text);
    expect(parsed).toBeNull();
    expect(problems).toEqual(expected);
    expect(problems.join()).not.toContain('f00dfeed');
  });
});
