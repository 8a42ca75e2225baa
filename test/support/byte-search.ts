/** Looks for texts in bytes as a curious person would: as they are, and in base64 wherever they begin in it. */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface Found {
  readonly text: string;
  readonly as: 'plain' | 'base64';
  /** Where: bytes from the beginning. */
  readonly at: number;
  /** What stands around it, with dots for what cannot be printed. */
  readonly around: string;
}

/** Under this, other data would hold the text by chance. */
const SHORTEST = 5;
const AROUND = 90;

/** Every place where one of `texts` stands. */
export function findTexts(bytes: Buffer, texts: readonly string[]): readonly Found[] {
  return texts.flatMap((text) => {
    if (text.length < SHORTEST) throw new Error(`"${text}" is too short to be looked for`);
    const plain = placesOf(bytes, text).map((at) => ({
      text,
      as: 'plain' as const,
      at,
      around: around(bytes, at),
    }));
    const coded = base64Forms(text).flatMap((form) =>
      placesOf(bytes, form).map((at) => ({ text, as: 'base64' as const, at, around: around(bytes, at) })),
    );
    return [...plain, ...coded];
  });
}

/** What the text becomes within base64, by how far from a group of three bytes it begins. */
function base64Forms(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  return [0, 1, 2].map((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes]);
    const first = Math.ceil((before * 8) / 6);
    const last = Math.floor((whole.length * 8) / 6);
    return whole.toString('base64').slice(first, last);
  });
}

function placesOf(bytes: Buffer, text: string): readonly number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + 1)) places.push(at);
  return places;
}

function around(bytes: Buffer, at: number): string {
  return bytes
    .subarray(Math.max(0, at - AROUND), at + AROUND)
    .toString('latin1')
    .replace(/[^\x20-\x7e]/g, '.');
}

/** A database with what SQLite keeps beside it: its write-ahead log holds pages that the file does not have yet, and old ones. */
export function databaseBytes(path: string): Buffer {
  const parts = ['', '-wal', '-shm', '-journal'].map((end) => `${path}${end}`);
  return Buffer.concat(parts.filter((part) => existsSync(part)).map((part) => readFileSync(part)));
}

/** Paths of all files under a folder. */
export function filesUnder(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}
