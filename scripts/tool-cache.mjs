/** The per-user cache of server programs: keyed by version, filled aside and renamed, so that no half-written program is ever used. */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { onInterrupt } from './interrupt.mjs';
import { withLock } from './lock.mjs';
import { say } from './progress.mjs';
import { SetupError } from './setup-error.mjs';

/** @typedef {Readonly<Record<string, string | undefined>>} Env */
/** @typedef {{ readonly way: string, readonly why: string }} Attempt */
/**
 * @typedef {object} Way
 * @property {string} way what it is called in the error
 * @property {string} key folder of the cache under the tool's name
 * @property {(folder: string) => Promise<string>} fill puts the program into an empty folder; '' or why it could not
 */

/** @param {Env} env @returns {string} */
function cacheRoot(env) {
  const xdg = env['XDG_CACHE_HOME'];
  // The specification says that a relative XDG_CACHE_HOME is to be ignored.
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, 'stopkeeper');
  const local = env['LOCALAPPDATA'];
  if (process.platform === 'win32' && local !== undefined) return join(local, 'stopkeeper', 'cache');
  const home = env['HOME'] ?? homedir();
  return process.platform === 'darwin'
    ? join(home, 'Library', 'Caches', 'stopkeeper')
    : join(home, '.cache', 'stopkeeper');
}

/**
 * Looks through the cache, then tries each way in order until one fills it.
 * @param {{ readonly tool: string, readonly program: string, readonly env: Env, readonly ways: readonly Way[] }} wanted
 * @returns {Promise<{ readonly path: string } | { readonly tried: readonly Attempt[] }>}
 */
export async function fromCache({ tool, program, env, ways }) {
  const folder = join(cacheRoot(env), tool);
  const find = () => ways.map(({ key }) => join(folder, key, program)).find((path) => existsSync(path));
  const cached = find();
  if (cached !== undefined) return { path: cached };
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new SetupError(
      `The cache folder ${folder} cannot be written (${error instanceof Error ? error.message : String(error)}).`,
      [],
      ['set XDG_CACHE_HOME to a folder that can be written'],
    );
  }
  return withLock(
    join(folder, 'lock'),
    async () => {
      const made = find();
      if (made !== undefined) return { path: made };
      removeLeftovers(folder);
      /** @type {Attempt[]} */
      const tried = [{ way: `the cache ${folder}`, why: 'empty' }];
      for (const way of ways) {
        const why = await fillAside(folder, way);
        if (why === '') return { path: join(folder, way.key, program) };
        tried.push({ way: way.way, why });
      }
      return { tried };
    },
    (owner) =>
      say(
        `waiting for process ${owner.pid}, which is getting ${tool} since ${owner.since} (lock: ${join(folder, 'lock')})`,
      ),
  );
}

/** @param {string} folder @param {Way} way @returns {Promise<string>} */
async function fillAside(folder, way) {
  const aside = join(folder, `.aside-${randomUUID()}`);
  const remove = () => rmSync(aside, { recursive: true, force: true });
  const forget = onInterrupt(remove);
  mkdirSync(aside);
  try {
    const why = await way.fill(aside);
    if (why !== '') return why;
    const target = join(folder, way.key);
    rmSync(target, { recursive: true, force: true });
    renameSync(aside, target);
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    forget();
    remove();
  }
}

/** What a killed run left; called under the lock, so nobody is filling them. @param {string} folder */
function removeLeftovers(folder) {
  for (const name of readdirSync(folder)) {
    if (name.startsWith('.aside-')) rmSync(join(folder, name), { recursive: true, force: true });
  }
}
