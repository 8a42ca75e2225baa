/** The keys that payloads are encrypted with, as `STOPKEEPER_PAYLOAD_KEYS` gives them; no text of a key is ever in a problem (I9). */
import { Secret } from '../secret.ts';

export interface PayloadKey {
  /** Stands readable beside everything that was encrypted with the key. */
  readonly id: string;
  /** 64 hexadecimal digits. */
  readonly hex: Secret;
}

/** The first encrypts, all of them decrypt. */
export type PayloadKeys = readonly [PayloadKey, ...PayloadKey[]];

const ENTRY = /^([A-Za-z0-9][A-Za-z0-9._-]{0,31}):([0-9a-fA-F]{64})$/;
const MOST_KEYS = 32;

/**
 * Reads `2027-01:3f…, 2026-07:9a…`, separated by commas, spaces or lines. Every problem is named by the entry's place: what was meant as an
 * id may be a key.
 *
 * @example parsePayloadKeys('k1') // problems: ['entry 1 is not ID:KEY ...']
 */
export function parsePayloadKeys(text: string): {
  readonly keys: PayloadKeys | null;
  readonly problems: readonly string[];
} {
  const entries = text.split(/[\s,]+/).filter((entry) => entry !== '');
  const problems: string[] = [];
  const keys: PayloadKey[] = [];
  for (const [at, entry] of entries.entries()) {
    const [, id, hex] = ENTRY.exec(entry) ?? [];
    if (id === undefined || hex === undefined) {
      problems.push(
        `entry ${at + 1} is not ID:KEY with an id of letters, digits, ".", "_", "-" (at most 32) and a key of 64 hexadecimal digits (value not shown)`,
      );
      continue;
    }
    const key = { id, hex: new Secret(hex.toLowerCase()) };
    if (keys.some((other) => other.id === id)) problems.push(`entry ${at + 1} has the id of an earlier one`);
    else if (keys.some((other) => other.hex.reveal() === key.hex.reveal())) {
      problems.push(`entry ${at + 1} has the key of an earlier one under another id`);
    } else if (new Set(hex).size < 4) problems.push(`entry ${at + 1} has a key that nobody drew at random`);
    else keys.push(key);
  }
  if (entries.length > MOST_KEYS) problems.push(`has ${entries.length} keys, expected at most ${MOST_KEYS}`);
  const [first, ...others] = keys;
  if (first === undefined && problems.length === 0) problems.push('has no key in it');
  return { keys: first === undefined || problems.length > 0 ? null : [first, ...others], problems };
}
