/** What each npm script needs before it can run, and what it then runs: install, build, find a Temporal server, hand over. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BuildError, ensureBenchBuilt, ensureBuilt } from './build.mjs';
import { handOver } from './hand-over.mjs';
import { ensureInstalled } from './install.mjs';
import { say } from './progress.mjs';
import { exitWith, SetupError } from './setup-error.mjs';
import { findTemporalCli } from './temporal-cli.mjs';
import { findPostgres, findTemporalServer } from './temporal-on-postgres.mjs';
import { CHECKS, runTests, STAGES } from './test-run.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** @typedef {(args: readonly string[]) => Promise<number>} Command answers the exit code */

/** Each program of `dist` that has a command. @type {Readonly<Record<string, string>>} */
const PROGRAMS = {
  start: 'operator/start.js',
  status: 'operator/status.js',
  plan: 'operator/plan.js',
  history: 'operator/history.js',
  export: 'operator/export.js',
  schedule: 'operator/schedule.js',
  doctor: 'operator/doctor.js',
  worker: 'worker.js',
  paper: 'paper/main.js',
  'codec-server': 'encryption/main.js',
};

/** @type {Readonly<Record<string, Command>>} */
const COMMANDS = {
  ...Object.fromEntries(
    Object.keys(PROGRAMS).map((name) => [
      name,
      (/** @type {readonly string[]} */ args) => program(name, args),
    ]),
  ),
  test: (args) => tests(args.length === 0 ? STAGES : args),
  check: () => tests(CHECKS),
  'test:postgres': postgres,
  build: async () => {
    await prepare();
    return 0;
  },
  format: async () => {
    await ensureInstalled(ROOT);
    return handOver(
      process.execPath,
      [join(ROOT, 'node_modules/prettier/bin/prettier.cjs'), '--write', '--log-level=warn', '.'],
      process.env,
    );
  },
  temporal,
  bench: (args) => measure('bench', args),
  soak: (args) => measure('soak', args),
  mutants: (args) => measure('mutants', args),
};

/** @param {readonly string[]} argv */
export async function main([name = '', ...args]) {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  try {
    if (command === undefined) {
      throw new SetupError(
        `There is no command ${JSON.stringify(name)}.`,
        [],
        [`use one of: ${Object.keys(COMMANDS).join(', ')}`],
      );
    }
    process.exit(await command(args));
  } catch (error) {
    if (error instanceof BuildError) {
      say(error.message);
      process.exit(1);
    }
    exitWith(error);
  }
}

async function prepare() {
  await ensureInstalled(ROOT);
  await ensureBuilt(ROOT);
}

/** @param {string} name @param {readonly string[]} args */
async function program(name, args) {
  await prepare();
  const file = join(ROOT, 'dist', PROGRAMS[name] ?? '');
  if (!existsSync(file)) {
    throw new SetupError(
      `This version has no \`${name}\`: ${file} is not part of the build.`,
      [],
      ['update the checkout'],
    );
  }
  // A server that runs already needs no program; without one `start` gets the path as if it had been named by hand.
  const named = isSet(process.env['TEMPORAL_ADDRESS']) || isSet(process.env['TEMPORAL_PROFILE']);
  const needsServer = name === 'start' && !named;
  const env = needsServer
    ? { ...process.env, STOPKEEPER_TEMPORAL_CLI: await findTemporalCli() }
    : process.env;
  return handOver(process.execPath, ['--enable-source-maps', file, ...args], env);
}

/** @param {readonly string[]} stages */
async function tests(stages) {
  await ensureInstalled(ROOT);
  return runTests(ROOT, stages);
}

/** Apart from `npm test`: it needs a PostgreSQL that is installed, and a server that takes minutes to build. @type {Command} */
async function postgres() {
  const programs = await onPostgres();
  await ensureInstalled(ROOT);
  return runTests(ROOT, ['postgres'], programs);
}

/** A Temporal server on PostgreSQL: its programs, found or built, as environment. */
async function onPostgres() {
  const bin = findPostgres();
  const { server, tools } = await findTemporalServer();
  return {
    STOPKEEPER_POSTGRES_BIN: bin,
    STOPKEEPER_TEMPORAL_SERVER: server,
    STOPKEEPER_TEMPORAL_TOOLS: tools,
  };
}

/** Programs with a folder of their own beside `src`. @param {'bench' | 'soak' | 'mutants'} name @param {readonly string[]} args */
async function measure(name, args) {
  await prepare();
  const built = await ensureBenchBuilt(ROOT);
  return handOver(process.execPath, ['--enable-source-maps', join(built, name, `${name}.js`), ...args], {
    ...process.env,
    STOPKEEPER_TEMPORAL_CLI: await findTemporalCli(),
    ...(name === 'bench' && args.includes('--postgres') ? await onPostgres() : {}),
  });
}

/**
 * The CLI with the address of the system that `npm start` runs here; TEMPORAL_ADDRESS and the CLI's own flags win.
 * @type {Command}
 */
async function temporal(args) {
  const cli = await findTemporalCli();
  const env = { ...process.env };
  if (!isSet(env['TEMPORAL_ADDRESS'])) {
    const running = runningSystem();
    if (running !== undefined) {
      env['TEMPORAL_ADDRESS'] = running.temporalAddress;
      if (!isSet(env['TEMPORAL_NAMESPACE']) && running.temporalNamespace !== undefined)
        env['TEMPORAL_NAMESPACE'] = running.temporalNamespace;
    }
  }
  return handOver(cli, args, env);
}

/** What `npm start` wrote down about itself. @returns {{ readonly temporalAddress: string, readonly temporalNamespace?: string } | undefined} */
function runningSystem() {
  const data = process.env['STOPKEEPER_DATA'];
  const file = join(isSet(data) ? resolve(ROOT, data ?? '') : join(ROOT, '.stopkeeper'), 'system.json');
  try {
    const system = JSON.parse(readFileSync(file, 'utf8'));
    return typeof system.temporalAddress === 'string' ? system : undefined;
  } catch {
    return undefined;
  }
}

/** @param {string | undefined} value */
function isSet(value) {
  return value !== undefined && value !== '';
}
