/** Installs the packages when they are missing or the lockfile asks for others: `npm ci`, once, however many commands start together. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { onPath, run } from './child.mjs';
import { withLock } from './lock.mjs';
import { say, step } from './progress.mjs';
import { SetupError } from './setup-error.mjs';

const INSTALL_MS = 30 * 60_000;
const SHOWN_LINES = 15;

/** @typedef {{ readonly packages?: Readonly<Record<string, { readonly version?: string, readonly optional?: boolean, readonly devOptional?: boolean }>> }} Lockfile */

/**
 * @param {string} root folder of package.json
 * @param {Readonly<Record<string, string | undefined>>} [env]
 * @throws {SetupError} with npm's own words
 */
export async function ensureInstalled(root, env = process.env) {
  if (isInstalled(root)) return;
  await withLock(
    join(root, '.stopkeeper', 'locks', 'install'),
    async (keepFor) => {
      if (!isInstalled(root)) await install(root, env, keepFor);
    },
    (owner) =>
      say(
        `waiting for process ${owner.child?.pid ?? owner.pid}, which is installing the packages since ${owner.since}`,
      ),
  );
}

/** @param {string} root @param {Readonly<Record<string, string | undefined>>} env @param {(pid: number) => void} onStart */
async function install(root, env, onStart) {
  const [command, ...first] = npm(env);
  // Set for npm run's children: `--silent` would hide why an install failed, `production` would leave out the compiler.
  const args = [...first, 'ci', '--loglevel=error', '--no-progress', '--include=dev', '--include=optional'];
  const result = await step('installing the packages (npm ci)', (note) =>
    run(command, args, { cwd: root, env, deadlineMs: INSTALL_MS, onStart, keepLines: 500, onLine: note }),
  );
  if (!result.ok) {
    throw new SetupError(
      'The packages could not be installed.',
      [{ way: '`npm ci`', why: `${result.why}\n${firstLines(result.output)}` }],
      ['run `npm ci` by hand and follow what it says: it needs the network, or a filled npm cache'],
    );
  }
  writeFileSync(stampFile(root), fingerprint(root));
}

/** npm says what is wrong first, and how it is used at length after that. @param {string} output */
function firstLines(output) {
  return output.split('\n').slice(0, SHOWN_LINES).join('\n');
}

/**
 * The npm that runs us, else the one on the PATH.
 * @param {Readonly<Record<string, string | undefined>>} env
 * @returns {readonly [string, ...string[]]}
 */
function npm(env) {
  const running = env['npm_execpath'];
  if (running !== undefined && /npm-cli\.c?js$/u.test(running)) return [process.execPath, running];
  const found = onPath('npm', env);
  if (found === undefined)
    throw new SetupError('`npm` is not on the PATH.', [], ['install Node.js with npm (https://nodejs.org)']);
  return [found];
}

/** @param {string} root @returns {boolean} */
function isInstalled(root) {
  const wanted = fingerprint(root);
  if (read(stampFile(root)) === wanted) return true;
  if (!matchesLockfile(root)) return false;
  // Installed by hand, as `npm install` does: as good as ours.
  mkdirSync(dirname(stampFile(root)), { recursive: true });
  writeFileSync(stampFile(root), wanted);
  return true;
}

/**
 * npm writes `node_modules/.package-lock.json` last, so it is absent after an interrupted install.
 * @param {string} root
 */
function matchesLockfile(root) {
  const wanted = parse(read(join(root, 'package-lock.json')));
  const there = parse(read(join(root, 'node_modules', '.package-lock.json')));
  if (wanted?.packages === undefined || there?.packages === undefined) return false;
  for (const [path, entry] of Object.entries(wanted.packages)) {
    if (path === '') continue;
    const found = there.packages[path];
    if (
      found === undefined
        ? entry.optional !== true && entry.devOptional !== true
        : found.version !== entry.version
    )
      return false;
  }
  return true;
}

/** Optional packages hold programs for one platform: a checkout shared with a container installs anew. @param {string} root */
function fingerprint(root) {
  const lockfile = read(join(root, 'package-lock.json')) ?? '';
  return `${createHash('sha256').update(lockfile).digest('hex')} ${process.platform} ${process.arch}\n`;
}

/** @param {string} root */
function stampFile(root) {
  return join(root, 'node_modules', '.stopkeeper-installed');
}

/** @param {string} file */
function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** @param {string | undefined} text @returns {Lockfile | undefined} */
function parse(text) {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
