/** One running system for each data folder: a lock that names its owner and that a dead owner does not hold. */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { identityOf, isAlive } from './process-identity.ts';
import { StartError } from './start-error.ts';

const ownerSchema = z.object({
  id: z.string(),
  pid: z.number(),
  bornAt: z.string(),
  /** ISO 8601 */
  since: z.string(),
});
type Owner = z.infer<typeof ownerSchema>;

/** Attempts at taking a dead owner's lock over: another process may be doing the same. */
const TAKE_OVER_ATTEMPTS = 5;

/** Takes the lock of a data folder and answers its release; throws `StartError` while a living process holds it. */
export function lockDataFolder(dataDir: string): () => void {
  try {
    mkdirSync(dataDir, { recursive: true });
  } catch (error) {
    throw new StartError(
      [
        {
          setting: 'STOPKEEPER_DATA',
          message: `the data folder ${dataDir} cannot be made (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
          hint: 'Set STOPKEEPER_DATA to a folder that can be written.',
        },
      ],
      { cause: error },
    );
  }
  const file = join(dataDir, 'lock');
  const owner: Owner = { id: randomUUID(), ...identityOf(process.pid), since: new Date().toISOString() };
  for (let attempt = 1; attempt <= TAKE_OVER_ATTEMPTS; attempt += 1) {
    if (take(file, owner)) return () => release(file, owner);
    const holder = readOwner(file);
    if (holder !== null && isAlive(holder)) throw heldBy(holder, dataDir);
    evict(file, holder);
  }
  throw new StartError([
    {
      setting: 'STOPKEEPER_DATA',
      message: `the lock ${file} cannot be taken`,
      hint: 'Another start is taking it at this moment: try again.',
    },
  ]);
}

function heldBy(holder: Owner, dataDir: string): StartError {
  return new StartError([
    {
      setting: 'STOPKEEPER_DATA',
      message: `process ${holder.pid} runs a system on ${dataDir} since ${holder.since}`,
      hint: 'See it with "npm run status"; end it with Ctrl-C, or set STOPKEEPER_DATA to another folder for a second one.',
    },
  ]);
}

/** Written aside and linked, so that the lock never exists without its owner in it. */
function take(file: string, owner: Owner): boolean {
  const draft = `${file}.${owner.id}`;
  writeFileSync(draft, JSON.stringify(owner));
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Moves a dead owner's lock away; if it turns out to be another's by now, it is put back. */
function evict(file: string, holder: Owner | null): void {
  const aside = `${file}.${randomUUID()}`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  const moved = readOwner(aside);
  if (moved !== null && moved.id !== holder?.id) {
    try {
      linkSync(aside, file);
    } catch {
      // A third process holds it by now.
    }
  }
  rmSync(aside, { force: true });
}

function release(file: string, owner: Owner): void {
  if (readOwner(file)?.id === owner.id) rmSync(file, { force: true });
}

/** `null` for a lock that is gone or that no start of ours wrote. */
function readOwner(file: string): Owner | null {
  try {
    return ownerSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return null;
  }
}
