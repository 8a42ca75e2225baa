/** One set-up at a time: a lock file that names its owner, outlived by no crash. */
import { randomUUID } from 'node:crypto';
import {
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onInterrupt } from './interrupt.mjs';

const POLL_MS = 200;
const BEAT_MS = 5_000;
/** On another host (a shared home, a container on the same checkout) the owner's pid says nothing; its heartbeat does. */
const FOREIGN_STALE_MS = 60_000;

/** @typedef {{ readonly pid: number, readonly bornAt: string }} ProcessName */
/** @typedef {ProcessName & { readonly id: string, readonly host: string, readonly since: string, readonly child?: ProcessName }} Owner */

/**
 * Runs `work` while holding the lock `file`; waits while a living process holds it, takes it over from a dead one.
 * @template T
 * @param {string} file
 * @param {(keepFor: (pid: number) => void) => Promise<T>} work `keepFor` names a child that does the work: killed without it, this
 *   process leaves the lock to the child, which may still be writing
 * @param {(owner: Owner) => void} [onWait] called once, before the first wait
 * @returns {Promise<T>}
 */
export async function withLock(file, work, onWait = () => undefined) {
  mkdirSync(dirname(file), { recursive: true });
  const owner = {
    id: randomUUID(),
    pid: process.pid,
    host: hostname(),
    bornAt: bornAt(process.pid),
    since: new Date().toISOString(),
  };
  let told = false;
  while (!take(file, owner)) {
    const holder = readOwner(file);
    if (holder !== undefined && isStale(file, holder)) {
      evict(file, holder);
      continue;
    }
    if (!told && holder !== undefined) {
      told = true;
      onWait(holder);
    }
    await sleep(POLL_MS);
  }
  const release = () => {
    if (readOwner(file)?.id === owner.id) rmSync(file, { force: true });
  };
  const forget = onInterrupt(release);
  const beat = setInterval(() => touch(file), BEAT_MS);
  beat.unref();
  try {
    return await work((pid) => replace(file, { ...owner, child: { pid, bornAt: bornAt(pid) } }));
  } finally {
    clearInterval(beat);
    forget();
    release();
  }
}

/**
 * Written apart and linked, so that the lock never exists without its owner's name in it.
 * @param {string} file @param {Owner} owner @returns {boolean}
 */
function take(file, owner) {
  const draft = `${file}.${owner.id}`;
  writeFileSync(draft, JSON.stringify(owner));
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** @param {string} file @param {Owner} owner */
function replace(file, owner) {
  const draft = `${file}.${owner.id}`;
  writeFileSync(draft, JSON.stringify(owner));
  renameSync(draft, file);
}

/**
 * Moves a dead owner's lock away. Should another process have taken it over in between, its lock is put back.
 * @param {string} file @param {Owner} holder
 */
function evict(file, holder) {
  const aside = `${file}.${randomUUID()}`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  if (readOwner(aside)?.id !== holder.id) {
    try {
      linkSync(aside, file);
    } catch {
      // A third process holds it by now.
    }
  }
  rmSync(aside, { force: true });
}

/** @param {string} file @param {Owner} holder @returns {boolean} */
function isStale(file, holder) {
  if (holder.host !== hostname()) return Date.now() - (mtimeMs(file) ?? Date.now()) > FOREIGN_STALE_MS;
  return !isAlive(holder) && (holder.child === undefined || !isAlive(holder.child));
}

/** @param {ProcessName} name @returns {boolean} */
function isAlive(name) {
  try {
    process.kill(name.pid, 0);
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH';
  }
  // The pid lives, but is it the same process? Pids come round again.
  return name.bornAt === bornAt(name.pid);
}

/** @param {string} file @returns {Owner | undefined} */
function readOwner(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Start time of a process in clock ticks since boot (Linux); elsewhere empty, and the pid alone decides. @param {number} pid */
function bornAt(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

/** @param {string} file */
function mtimeMs(file) {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return undefined;
  }
}

/** @param {string} file */
function touch(file) {
  try {
    utimesSync(file, new Date(), new Date());
  } catch {
    // Removed by hand: the next beat or the release finds out.
  }
}
