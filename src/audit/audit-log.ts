/**
 * Writes the audit log for a process: entries in batches, each once, synced before a caller goes on. A disk that fails or hangs
 * costs a line of the other log and an alert, and never holds up what protects a position (I7).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditEntry } from '../domain/audit.ts';
import { appendSynced, type AuditFileOptions } from './audit-file.ts';

/** A caller waits so long for the disk; a healthy one takes some ms. */
const WAIT_MS = 1_000;
const RETRY_MS = 5_000;
/** So many entries wait for a disk that fails; the oldest go first, and their number is told. */
const MOST_WAITING = 5_000;
const REMEMBERED = 10_000;

export interface AuditTrouble {
  /** When the spell began, ms. */
  readonly since: number;
  readonly reason: string;
}

export interface AuditLogOptions {
  readonly file: AuditFileOptions;
  readonly log: {
    info(fields: object, event: string): void;
    error(fields: object, event: string): void;
  };
  /** Once at the beginning of a spell in which nothing can be written, and once with `null` at its end. */
  readonly troubled: (trouble: AuditTrouble | null, before: AuditTrouble | null) => void;
  /** Takes known secrets out of a line, as the other log does (I9). */
  readonly scrub: (line: string) => string;
  readonly now: () => number;
}

export interface AuditLog {
  /** Returns when the disk has the entries, or after 1 s, or at once while the disk is in trouble; never throws. */
  readonly record: (entries: readonly AuditEntry[]) => Promise<void>;
  /** Writes what waits, for at most 2 s. */
  readonly close: () => Promise<void>;
}

export const NO_AUDIT: AuditLog = { record: async () => undefined, close: async () => undefined };

/** An entry as a line; the time as people read it. */
export function lineOf({ id, at, ...rest }: AuditEntry): string {
  return `${JSON.stringify({ v: 1, id, at: new Date(at).toISOString(), ...rest })}\n`;
}

export function createAuditLog(options: AuditLogOptions): AuditLog {
  const writer = new AuditWriter(options);
  // Whether the path can be written shows at the start, not with the first stop.
  writer.pump();
  return {
    record: (entries) => writer.record(entries),
    close: async () => {
      writer.pump();
      await Promise.race([writer.idle(), sleep(2 * WAIT_MS, undefined, { ref: false })]);
    },
  };
}

class AuditWriter {
  readonly #options: AuditLogOptions;
  /** Insertion order; what is written leaves. */
  readonly #waiting = new Map<string, string>();
  readonly #written = new Set<string>();
  #running: Promise<void> | null = null;
  #trouble: AuditTrouble | null = null;
  #lost = 0;

  constructor(options: AuditLogOptions) {
    this.#options = options;
  }

  async record(entries: readonly AuditEntry[]): Promise<void> {
    for (const entry of entries) {
      if (!this.#written.has(entry.id)) this.#waiting.set(entry.id, this.#options.scrub(lineOf(entry)));
    }
    while (this.#waiting.size > MOST_WAITING) {
      const [oldest] = this.#waiting.keys();
      this.#waiting.delete(oldest ?? '');
      this.#lost += 1;
    }
    if (this.#trouble !== null) return;
    this.pump();
    const late = await Promise.race([this.idle(), sleep(WAIT_MS, 'late' as const, { ref: false })]);
    if (late === 'late') this.#fails(`no answer from the disk within ${WAIT_MS} ms`);
  }

  /** Starts writing what waits, if nothing is being written. */
  pump(): void {
    this.#running ??= this.#write().finally(() => {
      this.#running = null;
    });
  }

  /** Returns when nothing is being written and nothing waits, or when the disk is in trouble. */
  async idle(): Promise<void> {
    while (this.#running !== null) {
      await this.#running;
      if (this.#waiting.size === 0 || this.#trouble !== null) return;
      this.pump();
    }
  }

  /** One batch: what comes meanwhile goes with the next. Never rejects. */
  async #write(): Promise<void> {
    const batch = [...this.#waiting];
    try {
      await appendSynced(this.#options.file, batch.map(([, line]) => line).join(''));
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      this.#fails(code ?? message);
      setTimeout(() => this.pump(), RETRY_MS).unref();
      return;
    }
    for (const [id] of batch) {
      this.#waiting.delete(id);
      this.#remember(id);
    }
    this.#works();
  }

  /** A retry of an activity brings the same entries again; how far back they are known is bounded. */
  #remember(id: string): void {
    this.#written.add(id);
    if (this.#written.size <= REMEMBERED) return;
    const [oldest] = this.#written;
    this.#written.delete(oldest ?? '');
  }

  #fails(reason: string): void {
    if (this.#trouble !== null) return;
    const { log, troubled, file, now } = this.#options;
    this.#trouble = { since: now(), reason };
    log.error({ file: file.path, reason, waiting: this.#waiting.size }, 'audit.failed');
    troubled(this.#trouble, null);
  }

  #works(): void {
    const before = this.#trouble;
    if (before === null) return;
    const { log, troubled, file } = this.#options;
    this.#trouble = null;
    log.info({ file: file.path, lost: this.#lost }, 'audit.recovered');
    this.#lost = 0;
    troubled(null, before);
    if (this.#waiting.size > 0) this.pump();
  }
}
