/** The audit log's files: lines appended and synced to the disk, a full file put aside, the oldest of those removed. */
import { mkdir, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export interface AuditFileOptions {
  /** Path of the file that is written. */
  readonly path: string;
  /** A file that has reached this size is put aside before the next line. */
  readonly maxBytes: number;
  /** Files in all, the one that is written included; at least 2. */
  readonly files: number;
  /** ms since the epoch. */
  readonly now: () => number;
}

/** What a file that was put aside is called behind the name of the first: its time, sortable as text, and the process. */
const ASIDE = /^\.\d{8}T\d{9}Z-\d+$/;

/** `audit.jsonl` and what was put aside of it, oldest first, as they are now; none where there is no such folder. */
export async function auditFiles(path: string): Promise<readonly string[]> {
  const [folder, name] = [dirname(path), basename(path)];
  const found = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  const aside = found.filter((one) => one.startsWith(name) && ASIDE.test(one.slice(name.length)));
  return [...aside.toSorted(), ...found.filter((one) => one === name)].map((one) => join(folder, one));
}

/**
 * Appends `text`, whole lines, and returns when the disk has it; throws the system's error. Opens the file anew each time, so that
 * several processes may write to one path and a file that somebody moved away is begun again.
 */
export async function appendSynced(options: AuditFileOptions, text: string): Promise<void> {
  await mkdir(dirname(options.path), { recursive: true });
  let file = await open(options.path, 'a+', 0o600);
  try {
    let { size } = await file.stat();
    if (size >= options.maxBytes) {
      await file.close();
      await putAside(options);
      file = await open(options.path, 'a+', 0o600);
      ({ size } = await file.stat());
    }
    // A line that a power cut has torn stays a line of its own.
    const begin = (await endsInside(file, size)) ? '\n' : '';
    if (begin + text !== '') await file.appendFile(begin + text);
    await file.sync();
    if (size === 0) await syncFolder(dirname(options.path));
  } finally {
    await file.close();
  }
}

async function endsInside(file: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  await file.read(last, 0, 1, size - 1);
  return last.toString('latin1') !== '\n';
}

/**
 * Two processes that find the file full at once put a full and a nearly empty one aside, under names of their own: nothing is lost. A
 * name is later than all that are there, also where the clock went back: the oldest by name is the one that goes.
 */
async function putAside({ path, files, now }: AuditFileOptions): Promise<void> {
  const last = (await auditFiles(path)).findLast((one) => one !== path);
  const stamp = Math.max(now(), last === undefined ? 0 : timeOf(last.slice(path.length + 1)) + 1);
  const name = `${path}.${new Date(stamp).toISOString().replaceAll(/[-:.]/g, '')}-${process.pid}`;
  await rename(path, name).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  });
  const aside = (await auditFiles(path)).filter((one) => one !== path);
  for (const old of aside.slice(0, Math.max(0, aside.length - (files - 1)))) await rm(old, { force: true });
}

/** `20261122T210407123Z-4711` as ms. */
function timeOf(stamp: string): number {
  const iso = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z/;
  return Date.parse(stamp.replace(iso, '$1-$2-$3T$4:$5:$6.$7Z').replace(/-\d+$/, ''));
}

/** A new name is in the folder for good only when the folder itself is on the disk. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
