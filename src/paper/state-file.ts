/**
 * The state file: one line with a snapshot, then one line for each committed transaction, so that after `kill -9` at any
 * moment a reload equals the last state that anybody was told about. A line is handed to the operating system before its
 * answer is sent; the file is replaced by a fresh snapshot (written aside, synced, renamed) when it has grown.
 */
import {
  closeSync,
  existsSync,
  fdatasync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { Change, Dump, Journal, Store } from './store.ts';

const format = 'stopkeeper-paper-state';
const formatVersion = 1;
/** Below this many journal bytes a snapshot is not worth its write; above, it is when the journal outgrew the snapshot twice. */
const compactAboveBytes = 4_000_000;
/** How much a power cut (not a killed process) may take back. */
const syncEveryMs = 1000;

const headerSchema = z.object({
  format: z.literal(format),
  version: z.literal(formatVersion),
  scenario: z.unknown(),
  dump: z.object({
    elapsedMs: z.number(),
    tables: z.record(z.string(), z.array(z.tuple([z.string(), z.unknown()]))),
  }),
});
const lineSchema = z.object({ e: z.number(), c: z.array(z.tuple([z.string(), z.string(), z.unknown()])) });

/** The file cannot be used as it is; the message says what to do. */
export class StateFileError extends Error {
  override readonly name = 'StateFileError';
}

/** What a state file holds: the scenario it began with and the records as last acknowledged. */
export interface SavedState {
  readonly scenario: unknown;
  readonly dump: Dump;
  readonly transactions: readonly { readonly elapsedMs: number; readonly changes: readonly Change[] }[];
}

/** Reads a state file; `undefined` when there is none; `StateFileError` when it is not one of ours or damaged inside. */
export function readStateFile(path: string): SavedState | undefined {
  if (!existsSync(path)) return undefined;
  const lines = readFileSync(path, 'utf8').split('\n');
  // What follows the last line break is empty, or a transaction cut off by a crash before its answer was sent.
  lines.pop();
  const header = headerSchema.safeParse(parsed(lines[0]));
  if (!header.success) {
    throw new StateFileError(
      `${path} is not a state file of the paper exchange; give another --state, or --reset`,
    );
  }
  const transactions = lines.slice(1).map((line, index) => {
    const transaction = lineSchema.safeParse(parsed(line));
    if (!transaction.success) {
      throw new StateFileError(`${path}: line ${index + 2} is damaged; start with --reset to begin afresh`);
    }
    return { elapsedMs: transaction.data.e, changes: transaction.data.c };
  });
  return { scenario: header.data.scenario, dump: header.data.dump, transactions };
}

function parsed(line: string | undefined): unknown {
  try {
    return JSON.parse(line ?? '');
  } catch {
    return undefined;
  }
}

/** Keeps the file behind a store. */
export class StateFile implements Journal {
  readonly #path: string;
  readonly #scenario: unknown;
  readonly #store: Store;
  #file = -1;
  #snapshotBytes = 0;
  #journalBytes = 0;
  #unsynced = false;
  #timer: NodeJS.Timeout | undefined;

  /** Writes the first snapshot and journals the store from then on. */
  constructor(path: string, scenario: unknown, store: Store) {
    this.#path = path;
    this.#scenario = scenario;
    this.#store = store;
    this.#compact();
    store.journalTo(this);
    this.#timer = setInterval(() => this.#sync(), syncEveryMs);
    this.#timer.unref();
  }

  append(elapsedMs: number, changes: readonly Change[]): void {
    if (this.#journalBytes > Math.max(compactAboveBytes, 2 * this.#snapshotBytes)) this.#compact();
    const line = `{"e":${elapsedMs},"c":${JSON.stringify(changes)}}\n`;
    this.#journalBytes += writeAll(this.#file, line);
    this.#unsynced = true;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#file < 0) return;
    fsyncSync(this.#file);
    closeSync(this.#file);
    this.#file = -1;
  }

  /** The store at this point lacks the transaction that is being appended: its line comes right behind the snapshot. */
  #compact(): void {
    const aside = `${this.#path}.tmp`;
    const file = openSync(aside, 'w', 0o600);
    const header = {
      format,
      version: formatVersion,
      scenario: this.#scenario,
      dump: this.#store.dumpCommitted(),
    };
    this.#snapshotBytes = writeAll(file, `${JSON.stringify(header)}\n`);
    fsyncSync(file);
    renameSync(aside, this.#path);
    syncFolder(dirname(this.#path));
    if (this.#file >= 0) closeSync(this.#file);
    this.#file = file;
    this.#journalBytes = 0;
  }

  #sync(): void {
    if (!this.#unsynced || this.#file < 0) return;
    this.#unsynced = false;
    // A failure shows again, loudly, at the next append; the descriptor may also have been replaced meanwhile.
    fdatasync(this.#file, () => undefined);
  }
}

function writeAll(file: number, line: string): number {
  const bytes = Buffer.from(line, 'utf8');
  let written = 0;
  while (written < bytes.length) written += writeSync(file, bytes, written);
  return bytes.length;
}

/** A rename is durable only when its folder is. */
function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
