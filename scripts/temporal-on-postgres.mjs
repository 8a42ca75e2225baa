/**
 * Finds what `npm run test:postgres` stands on: PostgreSQL as installed, and the Temporal server and its schema tool, built once with Go
 * and kept in the per-user cache. None of the three is needed by anything else.
 */
import { existsSync, readdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isExecutable, onPath, run } from './child.mjs';
import { attempt } from './progress.mjs';
import { SetupError } from './setup-error.mjs';
import { fromCache } from './tool-cache.mjs';

/** The server that the compose file runs. */
const SERVER_VERSION = '1.29.1';
const MODULES = ['cmd/server', 'cmd/tools/sql'].map(
  (path) => `go.temporal.io/server/${path}@v${SERVER_VERSION}`,
);
const SCHEMA_TOOL = 'temporal-sql-tool';
const SERVER = 'temporal-server';
const GO_BUILD_MS = 30 * 60_000;
/** Debian and its kind keep each major version's programs out of the PATH. */
const DEBIAN = '/usr/lib/postgresql';
const NEEDED = /** @type {const} */ (['initdb', 'postgres', 'pg_isready', 'pg_dump', 'pg_restore', 'psql']);

/** @typedef {import('./tool-cache.mjs').Env} Env */

/**
 * @param {Env} [env]
 * @returns {Promise<{ readonly server: string, readonly tools: string }>} the server's path, and the folder that holds `temporal-sql-tool`
 * @throws {SetupError} naming each way tried
 */
export async function findTemporalServer(env = process.env) {
  const result = await fromCache({
    tool: 'temporal-server',
    program: SCHEMA_TOOL,
    env,
    ways: [
      {
        way: `go install ${MODULES.join(' and ')}`,
        key: SERVER_VERSION,
        fill: (folder) => goInstall(folder, env),
      },
    ],
  });
  if (!('path' in result)) {
    throw new SetupError(`The Temporal server ${SERVER_VERSION} could not be built.`, result.tried, [
      'install Go 1.24 or newer (https://go.dev/dl) and give this machine access to the Go module proxy',
    ]);
  }
  const tools = dirname(result.path);
  return { server: join(tools, SERVER), tools };
}

/** @param {string} folder @param {Env} env @returns {Promise<string>} */
async function goInstall(folder, env) {
  const go = onPath('go', env);
  if (go === undefined) return '`go` is not on the PATH';
  return attempt(
    `building the Temporal server ${SERVER_VERSION} with Go (takes minutes, once)`,
    async (note) => {
      const onLine = (/** @type {string} */ line) => note(line.replace(/^go: /u, ''));
      for (const module of MODULES) {
        const options = { env: { ...env, GOBIN: folder }, deadlineMs: GO_BUILD_MS, onLine };
        const result = await run(go, ['install', module], options);
        if (!result.ok) return `${module}: ${result.why}\n${result.output}`;
      }
      renameSync(join(folder, 'server'), join(folder, SERVER));
      renameSync(join(folder, 'sql'), join(folder, SCHEMA_TOOL));
      return '';
    },
  );
}

/**
 * Folder of PostgreSQL's own programs: POSTGRES_BIN, the PATH, or the newest of Debian's.
 * @param {Env} [env] @param {string} [debian] another place to look, for tests
 * @returns {string}
 * @throws {SetupError}
 */
export function findPostgres(env = process.env, debian = DEBIAN) {
  const given = env['POSTGRES_BIN'];
  const onThePath = onPath('postgres', env);
  const folders = [
    ...(given === undefined || given === '' ? [] : [given]),
    ...(onThePath === undefined ? [] : [dirname(onThePath)]),
    ...debianFolders(debian),
  ];
  const found = folders.find((folder) => NEEDED.every((name) => isExecutable(join(folder, name))));
  if (found !== undefined) return found;
  throw new SetupError(
    'PostgreSQL is not installed here: its server programs (initdb, postgres) were not found.',
    [
      {
        way: 'POSTGRES_BIN',
        why: given === undefined || given === '' ? 'not set' : `${given} lacks some of ${NEEDED.join(', ')}`,
      },
      { way: '`postgres` on the PATH', why: onThePath ?? 'not found' },
      { way: `${debian}/*/bin`, why: 'no complete installation' },
    ],
    [
      'install PostgreSQL 12 or newer (Debian, Ubuntu: `apt install postgresql`)',
      'set POSTGRES_BIN to the folder that holds `initdb` and `postgres`',
    ],
  );
}

/** Newest first. @param {string} root @returns {readonly string[]} */
function debianFolders(root) {
  if (!existsSync(root)) return [];
  const versions = readdirSync(root).filter((name) => /^\d+$/u.test(name));
  return versions.toSorted((a, b) => Number(b) - Number(a)).map((version) => join(root, version, 'bin'));
}
