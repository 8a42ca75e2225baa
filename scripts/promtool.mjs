/**
 * Finds promtool, or gets it: the tests check alert rules and their configuration with it (`node scripts/promtool.mjs` prints its path).
 *
 * In this order: STOPKEEPER_PROMTOOL, the PATH, the per-user cache, Debian's package unpacked without installing it, a build with Go.
 */
import { copyFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isExecutable, onPath, run } from './child.mjs';
import { attempt } from './progress.mjs';
import { exitWith, SetupError } from './setup-error.mjs';
import { fromCache } from './tool-cache.mjs';

const PROGRAM = process.platform === 'win32' ? 'promtool.exe' : 'promtool';
/** The module's version of Prometheus 2.54.1. */
const MODULE = 'github.com/prometheus/prometheus/cmd/promtool@v0.54.1';
const VERSION_MS = 30_000;
const PACKAGE_MS = 5 * 60_000;
const GO_BUILD_MS = 30 * 60_000;

/** @typedef {import('./tool-cache.mjs').Env} Env */

/**
 * @param {Env} [env]
 * @returns {Promise<string>} absolute path of a program that runs
 * @throws {SetupError} naming each way tried
 */
export async function findPromtool(env = process.env) {
  const given = env['STOPKEEPER_PROMTOOL'];
  if (given !== undefined && given !== '') {
    const why = await problemOf(given, env);
    if (why === '') return given;
    throw new SetupError(
      `STOPKEEPER_PROMTOOL is ${JSON.stringify(given)}, but that is no working promtool: ${why}`,
      [],
      ['set it to the path of a `promtool` program', 'unset it, and one is found, downloaded or built'],
    );
  }
  const found = onPath('promtool', env);
  const why = found === undefined ? 'not found' : await problemOf(found, env);
  if (found !== undefined && why === '') return found;
  const result = await fromCache({
    tool: 'promtool',
    program: PROGRAM,
    env,
    ways: [
      { way: "Debian's package `prometheus`", key: 'debian', fill: (folder) => unpackPackage(folder, env) },
      { way: `building ${MODULE} with Go`, key: '2.54.1', fill: (folder) => goBuild(folder, env) },
    ],
  });
  if ('path' in result) return result.path;
  throw new SetupError(
    'No promtool could be found, downloaded or built: the alert rules cannot be checked.',
    [{ way: '`promtool` on the PATH', why }, ...result.tried],
    [
      'install Prometheus (https://prometheus.io/download) so that `promtool` is on the PATH, or name it in STOPKEEPER_PROMTOOL',
      'on Debian or Ubuntu: run `apt-get update`, so that its package can be fetched',
      'install Go 1.22 or newer (https://go.dev/dl); promtool is then built once, which takes minutes',
    ],
  );
}

/** Why the program is no working promtool; '' where it is. @param {string} path @param {Env} env @returns {Promise<string>} */
async function problemOf(path, env) {
  if (!isExecutable(path)) return 'no executable file is there';
  const result = await run(path, ['--version'], { env, deadlineMs: VERSION_MS });
  if (!result.ok) return `\`promtool --version\` failed: ${result.why} ${result.output}`.trim();
  return result.output.startsWith('promtool, version')
    ? ''
    : `\`promtool --version\` said ${JSON.stringify(result.output.slice(0, 200))}`;
}

/** Needs no root: the package is fetched and unpacked, not installed. @param {string} folder @param {Env} env @returns {Promise<string>} */
async function unpackPackage(folder, env) {
  const [apt, dpkg] = [onPath('apt-get', env), onPath('dpkg-deb', env)];
  if (apt === undefined || dpkg === undefined) return '`apt-get` and `dpkg-deb` are not on the PATH';
  return attempt("getting promtool out of Debian's package", async () => {
    const options = { env, cwd: folder, deadlineMs: PACKAGE_MS };
    const fetched = await run(apt, ['download', 'prometheus'], options);
    const name = readdirSync(folder).find((file) => file.endsWith('.deb'));
    if (!fetched.ok || name === undefined) return `${fetched.why}\n${fetched.output}`.trim();
    const unpacked = await run(dpkg, ['--extract', name, 'package'], options);
    if (!unpacked.ok) return `${unpacked.why}\n${unpacked.output}`;
    const program = join(folder, PROGRAM);
    copyFileSync(join(folder, 'package', 'usr', 'bin', 'promtool'), program);
    for (const left of [name, 'package']) rmSync(join(folder, left), { recursive: true });
    return problemOf(program, env);
  });
}

/** By a module of our own: `go install` refuses a module with `replace` in its go.mod. @param {string} folder @param {Env} env @returns {Promise<string>} */
async function goBuild(folder, env) {
  const go = onPath('go', env);
  if (go === undefined) return '`go` is not on the PATH';
  return attempt('building promtool with Go (takes minutes, once)', async (note) => {
    const onLine = (/** @type {string} */ line) => note(line.replace(/^go: /u, ''));
    const options = { env, cwd: folder, deadlineMs: GO_BUILD_MS, onLine };
    const [path = ''] = MODULE.split('@');
    for (const args of [
      ['mod', 'init', 'promtool'],
      ['get', MODULE],
      ['build', '-o', PROGRAM, path],
    ]) {
      const result = await run(go, args, options);
      if (!result.ok) return `${result.why}\n${result.output}`;
    }
    return problemOf(join(folder, PROGRAM), env);
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  findPromtool().then((path) => process.stdout.write(`${path}\n`), exitWith);
}
