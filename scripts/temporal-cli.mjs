/**
 * Finds a Temporal CLI (which is also the development server), or gets one: DESIGN §9 gives the order.
 *
 * `node scripts/temporal-cli.mjs` prints the path on standard output. `npm start` and the tests' global set-up hand the path on as
 * STOPKEEPER_TEMPORAL_CLI, which is the first way here, so every later process finds the same program at once.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isExecutable, onPath, run } from './child.mjs';
import { download } from './download.mjs';
import { attempt, say } from './progress.mjs';
import { exitWith, SetupError } from './setup-error.mjs';
import { fromCache } from './tool-cache.mjs';

/** The newest release that `go install` can build: later ones carry a `replace` in their go.mod. */
const CLI_VERSION = '1.5.1';
/** Older servers lack updates with start and the dynamic configuration that the ledger counts on. */
const OLDEST_SERVER = /** @type {const} */ ([1, 29]);
const MODULE = `github.com/temporalio/cli/cmd/temporal@v${CLI_VERSION}`;
const PROGRAM = process.platform === 'win32' ? 'temporal.exe' : 'temporal';
const GO_BUILD_MS = 30 * 60_000;
const VERSION_MS = 30_000;

/** @typedef {import('./tool-cache.mjs').Attempt} Attempt */
/** @typedef {import('./tool-cache.mjs').Env} Env */

/**
 * @param {{ readonly env?: Env, readonly downloadBase?: string }} [options]
 * @returns {Promise<string>} absolute path of a program that runs
 * @throws {SetupError} naming each way tried
 */
export async function findTemporalCli({ env = process.env, downloadBase } = {}) {
  /** @type {Attempt[]} */
  const tried = [];
  const given = env['STOPKEEPER_TEMPORAL_CLI'];
  if (given !== undefined && given !== '') {
    const checked = await checkCli(given, env);
    if (!checked.runs) {
      throw new SetupError(
        `STOPKEEPER_TEMPORAL_CLI is ${JSON.stringify(given)}, but that is no working Temporal CLI: ${checked.why}`,
        [],
        [
          'set STOPKEEPER_TEMPORAL_CLI to the path of a `temporal` program',
          'unset it, and one is found, downloaded or built',
        ],
      );
    }
    if (checked.why !== '')
      say(`warning: ${given} ${checked.why}; it is used because STOPKEEPER_TEMPORAL_CLI names it`);
    return given;
  }
  tried.push({ way: 'STOPKEEPER_TEMPORAL_CLI', why: 'not set' });
  const found = onPath('temporal', env);
  if (found === undefined) {
    tried.push({ way: '`temporal` on the PATH', why: 'not found' });
  } else {
    const checked = await checkCli(found, env);
    if (checked.runs && checked.why === '') return found;
    tried.push({ way: `\`temporal\` on the PATH (${found})`, why: checked.why });
  }
  const result = await fromCache({
    tool: 'temporal-cli',
    program: PROGRAM,
    env,
    ways: ways(env, downloadBase),
  });
  if ('path' in result) return result.path;
  throw new SetupError(
    'No Temporal server could be found, downloaded or built.',
    [...tried, ...result.tried],
    [
      'install the Temporal CLI (https://docs.temporal.io/cli) so that `temporal` is on the PATH, or name it in STOPKEEPER_TEMPORAL_CLI',
      'give this machine access to temporal.download',
      'install Go 1.24 or newer (https://go.dev/dl); the CLI is then built once, which takes minutes',
      'set TEMPORAL_ADDRESS to a Temporal server that runs already (for `npm start`)',
    ],
  );
}

/**
 * @param {Env} env @param {string | undefined} base
 * @returns {readonly import('./tool-cache.mjs').Way[]}
 */
function ways(env, base) {
  return [
    {
      way: `the official download of temporal ${CLI_VERSION}`,
      key: CLI_VERSION,
      fill: (folder) =>
        attempt(`downloading the Temporal CLI ${CLI_VERSION}`, async (note) => {
          const target = join(folder, PROGRAM);
          const why = await download({
            artifact: 'cli',
            version: `v${CLI_VERSION}`,
            target,
            note,
            ...(base === undefined ? {} : { base }),
          });
          return why === '' ? (await checkCli(target, env)).why : why;
        }),
    },
    { way: `go install ${MODULE}`, key: CLI_VERSION, fill: (folder) => goInstall(folder, env) },
  ];
}

/** @param {string} folder @param {Env} env @returns {Promise<string>} */
async function goInstall(folder, env) {
  const go = onPath('go', env);
  if (go === undefined) return '`go` is not on the PATH';
  return attempt(`building the Temporal CLI ${CLI_VERSION} with Go (takes minutes, once)`, async (note) => {
    const onLine = (/** @type {string} */ line) => note(line.replace(/^go: /u, ''));
    const result = await run(go, ['install', MODULE], {
      env: { ...env, GOBIN: folder },
      deadlineMs: GO_BUILD_MS,
      onLine,
    });
    if (!result.ok) return `${result.why}\n${result.output}`;
    return (await checkCli(join(folder, PROGRAM), env)).why;
  });
}

/**
 * Runs the program to learn its version: what stands on a PATH may be for another machine, or another program of that name.
 * @param {string} path @param {Env} env
 * @returns {Promise<{ readonly runs: boolean, readonly why: string }>}
 */
async function checkCli(path, env) {
  if (!isExecutable(path)) return { runs: false, why: 'no executable file is there' };
  const result = await run(path, ['--version'], { env, deadlineMs: VERSION_MS });
  if (!result.ok)
    return { runs: false, why: `\`temporal --version\` failed: ${result.why} ${result.output}`.trim() };
  const version = /Server (\d+)\.(\d+)/u.exec(result.output);
  if (version === null)
    return { runs: false, why: `\`temporal --version\` said ${JSON.stringify(result.output.slice(0, 200))}` };
  const [major, minor] = [Number(version[1]), Number(version[2])];
  const old = major < OLDEST_SERVER[0] || (major === OLDEST_SERVER[0] && minor < OLDEST_SERVER[1]);
  return {
    runs: true,
    why: old ? `is too old: server ${major}.${minor}, wanted ${OLDEST_SERVER.join('.')} or newer` : '',
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  findTemporalCli().then((path) => process.stdout.write(`${path}\n`), exitWith);
}
