/**
 * Encrypts what Temporal stores with AES-256-GCM and reads it back, whichever of the known keys it was written with. Text that was
 * stored before encryption was turned on, or typed by an operator, passes through as it is.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec, SerializationContext } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { PayloadKeys } from './payload-keys.ts';

/** Temporal's samples use the same encoding name and metadata; the UI shows it where it has no codec server. */
const ENCODING = 'binary/encrypted';
const CIPHER = 'aes-256-gcm';
/** Bytes; both are GCM's standard lengths. */
const NONCE = 12;
const TAG = 16;

const { Payload: PayloadMessage } = proto.temporal.api.common.v1;

/** Encrypted data that cannot be read here; the message names the key and what to do, never what is in the data. */
export class UnreadablePayloadError extends Error {
  readonly type = 'UnreadablePayload';
  /** `null` where the data does not say. */
  readonly keyId: string | null;

  constructor(keyId: string | null, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'UnreadablePayloadError';
    this.keyId = keyId;
  }
}

/**
 * Told of data that no key here opens and that belongs to a workflow. It stays as it is, so that an update that nobody can read is rejected by the
 * workflow (`src/workflows/payload-converter.ts`) and does not hold its task up; what belongs to an activity is still refused.
 */
export type LeaveMessages = (error: UnreadablePayloadError) => void;

interface CipherKey {
  readonly id: string;
  readonly bytes: Buffer;
}

export class EncryptionCodec implements PayloadCodec {
  /** `null`: nothing is encrypted. */
  readonly #first: CipherKey | null;
  readonly #keys: ReadonlyMap<string, CipherKey>;
  readonly #leaveMessages: LeaveMessages | null;

  /** Without keys nothing is encrypted, and what was encrypted is told by its key's id. */
  constructor(keys: PayloadKeys | null, leaveMessages: LeaveMessages | null = null) {
    const held = (keys ?? []).map(({ id, hex }) => ({ id, bytes: Buffer.from(hex.reveal(), 'hex') }));
    this.#keys = new Map(held.map((key) => [key.id, key]));
    this.#first = held[0] ?? null;
    this.#leaveMessages = leaveMessages;
  }

  encode(payloads: Payload[]): Promise<Payload[]> {
    const first = this.#first;
    return Promise.resolve(first === null ? payloads : payloads.map((payload) => encrypted(payload, first)));
  }

  /** Throws `UnreadablePayloadError`. */
  async decode(payloads: Payload[], context?: SerializationContext): Promise<Payload[]> {
    return payloads.map((payload) => {
      if (textOf(payload, 'encoding') !== ENCODING) return payload;
      try {
        return this.#decrypt(payload);
      } catch (error) {
        const leave = context?.type === 'workflow' && error instanceof UnreadablePayloadError;
        if (this.#leaveMessages === null || !leave) throw error;
        this.#leaveMessages(error);
        return payload;
      }
    });
  }

  #decrypt(payload: Payload): Payload {
    const id = textOf(payload, 'encryption-key-id');
    if (id === null) throw new UnreadablePayloadError(null, 'encrypted data without a key id');
    const key = this.#keys.get(id);
    if (key === undefined) {
      throw new UnreadablePayloadError(
        id,
        `encrypted with the payload key ${JSON.stringify(id)}, which this process does not have (it has ${this.#held()}): ` +
          'add it to STOPKEEPER_PAYLOAD_KEYS, after the first key',
      );
    }
    const data = Buffer.from(payload.data ?? []);
    try {
      const decipher = createDecipheriv(CIPHER, key.bytes, data.subarray(0, NONCE), { authTagLength: TAG });
      decipher.setAAD(Buffer.from(id));
      decipher.setAuthTag(data.subarray(-TAG));
      const plain = Buffer.concat([decipher.update(data.subarray(NONCE, -TAG)), decipher.final()]);
      const { metadata, data: content } = PayloadMessage.decode(plain);
      return { metadata, data: content };
    } catch (cause) {
      throw new UnreadablePayloadError(
        id,
        `encrypted data that the payload key ${JSON.stringify(id)} does not open: it was damaged, or another key had this id`,
        { cause },
      );
    }
  }

  #held(): string {
    return this.#keys.size === 0 ? 'none' : [...this.#keys.keys()].join(', ');
  }
}

function encrypted(payload: Payload, { id, bytes }: CipherKey): Payload {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv(CIPHER, bytes, nonce);
  // The id is authenticated: data cannot be passed off as another key's.
  cipher.setAAD(Buffer.from(id));
  const plain = PayloadMessage.encode(payload).finish();
  const data = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  const metadata = { encoding: ENCODING, 'encryption-cipher': CIPHER, 'encryption-key-id': id };
  const bytesOf = ([name, text]: [string, string]) => [name, Buffer.from(text)] as const;
  return { metadata: Object.fromEntries(Object.entries(metadata).map(bytesOf)), data };
}

function textOf(payload: Payload, name: string): string | null {
  const bytes = payload.metadata?.[name];
  return bytes === undefined ? null : Buffer.from(bytes).toString('utf8');
}
