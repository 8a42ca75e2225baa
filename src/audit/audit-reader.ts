/** Reads the audit log back over all its files: every entry once, and what could not be read, counted and said. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { auditFiles } from './audit-file.ts';
import { auditEntrySchema, type AuditRead } from './audit-schema.ts';

export interface AuditReading {
  readonly files: number;
  /** Entries that were handed over. */
  readonly entries: number;
  /** Lines with the id of an entry that was read before: an activity's retry wrote them again. */
  readonly duplicates: number;
  /** Lines that are no entry, the torn last one apart. */
  readonly unreadable: number;
  /** The last line is a part of an entry: a process is writing it now, or died while it did. */
  readonly torn: boolean;
}

/** Calls `take` with each entry in the order of writing; throws the system's error for a file that cannot be read. */
export async function readAudit(path: string, take: (entry: AuditRead) => void): Promise<AuditReading> {
  const files = await auditFiles(path);
  const ids = new Set<string>();
  let [entries, duplicates, unreadable] = [0, 0, 0];
  let torn = false;
  for (const file of files) {
    for await (const line of createInterface({
      input: createReadStream(file, 'utf8'),
      crlfDelay: Infinity,
    })) {
      if (line.trim() === '') continue;
      const json = jsonOf(line);
      torn = json === undefined;
      const entry = json === undefined ? undefined : auditEntrySchema.safeParse(json).data;
      if (entry === undefined) {
        unreadable += 1;
      } else if (ids.has(entry.id)) {
        duplicates += 1;
      } else {
        ids.add(entry.id);
        entries += 1;
        take(entry);
      }
    }
  }
  return { files: files.length, entries, duplicates, unreadable: unreadable - Number(torn), torn };
}

/** `undefined` where the line is no JSON: a part of an entry, as a rule. */
function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
