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

/** What a file that was put aside is called behind the name of the first: the time of it, sortable as text. */
const ASIDE = /^\.\d{8}T\d{9}Z(-\d+)?$/;

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

/** Two processes that find the file full at once put a full and a nearly empty one aside: nothing is lost. */
async function putAside({ path, files, now }: AuditFileOptions): Promise<void> {
  const stamp = new Date(now()).toISOString().replaceAll(/[-:.]/g, '');
  const taken = new Set(await auditFiles(path));
  const name = (turn: number): string => `${path}.${stamp}${turn === 0 ? '' : `-${turn}`}`;
  let turn = 0;
  while (taken.has(name(turn))) turn += 1;
  await rename(path, name(turn)).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  });
  const aside = (await auditFiles(path)).filter((one) => one !== path);
  for (const old of aside.slice(0, Math.max(0, aside.length - (files - 1)))) await rm(old, { force: true });
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
