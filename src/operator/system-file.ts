/** `system.json` in the data folder: where the running system listens and which processes it started. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const systemSchema = z.object({
  /** ISO 8601 */
  startedAt: z.string(),
  /** The process that started the others. */
  pid: z.number(),
  temporalAddress: z.string(),
  temporalNamespace: z.string(),
  /** `null` for a server that was not started here. */
  uiUrl: z.string().nullable(),
  /** Of the first account on the paper exchange; `null` where there is none. */
  paperUrl: z.string().nullable(),
  /** By account alias. */
  paperUrls: z.record(z.string(), z.string()),
  /** In the order in which they are stopped. */
  processes: z.array(z.object({ name: z.string(), pid: z.number(), bornAt: z.string() })),
});

export type SystemFile = z.infer<typeof systemSchema>;

const path = (dataDir: string): string => join(dataDir, 'system.json');

/** Replaces the file at once: a reader sees the old or the new one, never half of it. */
export function writeSystemFile(dataDir: string, system: SystemFile): void {
  const draft = `${path(dataDir)}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(system, null, 2)}\n`);
  renameSync(draft, path(dataDir));
}

/** `null` where there is none or it cannot be read. */
export function readSystemFile(dataDir: string): SystemFile | null {
  try {
    return systemSchema.parse(JSON.parse(readFileSync(path(dataDir), 'utf8')));
  } catch {
    return null;
  }
}

export function removeSystemFile(dataDir: string): void {
  rmSync(path(dataDir), { force: true });
}
