/** `npm test`: every check and every test project in order, one summary, one truthful closing line. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt } from './build.mjs';
import { run } from './child.mjs';
import { figuresTable } from './fault-figures.mjs';
import { handOver } from './hand-over.mjs';
import { elapsed, say, step } from './progress.mjs';
import { SetupError } from './setup-error.mjs';
import { findTemporalCli } from './temporal-cli.mjs';
import { findTestServer } from './test-server.mjs';
import { closingLine, exitCode, tally } from './test-summary.mjs';

const CHECK_MS = 10 * 60_000;

/** Each check with the program of `node_modules` and its arguments. @type {Readonly<Record<string, readonly string[]>>} */
const CHECK_PROGRAMS = {
  format: ['prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'],
  lint: ['oxlint/bin/oxlint', '--type-aware', '--deny-warnings'],
  types: ['typescript/bin/tsc', '-p', 'tsconfig.json', '--pretty', 'false'],
  unused: ['knip/bin/knip.js', '--no-progress'],
};
/** Written by the fault tests, one line for each fault. */
const FIGURES = 'unprotected.jsonl';
const PROJECTS = ['unit', 'workflow', 'integration', 'replay', 'faults'];

/** Everything, in order. @type {readonly string[]} */
export const STAGES = [...Object.keys(CHECK_PROGRAMS), 'build', ...PROJECTS];
/** The half that needs no server. @type {readonly string[]} */
export const CHECKS = [...Object.keys(CHECK_PROGRAMS), 'unit'];

/** With the part that a command of its own finds the programs for: not every machine has what that needs. */
const ALL = [...STAGES, 'postgres'];

/** @typedef {import('./test-summary.mjs').Stage} Stage */

/**
 * @param {string} root @param {readonly string[]} wanted names of stages
 * @param {Readonly<Record<string, string>>} [found] programs that were found for the tests, by the variable that hands them on
 * @returns {Promise<number>} 0 all green and something ran, 1 something failed, 2 a server is missing
 */
export async function runTests(root, wanted, found = {}) {
  const known = Object.keys(found).length === 0 ? STAGES : ALL;
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new SetupError(
      `No such part of the tests: ${unknown.join(', ')}.`,
      [],
      [`use any of: ${STAGES.join(', ')}`],
    );
  }
  const results = mkdtempSync(join(tmpdir(), 'stopkeeper-tests-'));
  /** @type {Stage[]} */
  const stages = [];
  let figures = '';
  try {
    for (const name of ALL.filter((stage) => wanted.includes(stage))) {
      const began = Date.now();
      const stage = await runStage(root, name, { results, found });
      stages.push(stage);
      if (stage.kind === 'tests')
        say(`${name}: ${stage.ok ? 'ok' : 'FAILED'} in ${elapsed(Date.now() - began)}\n`);
    }
    const file = join(results, FIGURES);
    if (existsSync(file)) figures = figuresTable(readFileSync(file, 'utf8'));
  } finally {
    rmSync(results, { recursive: true, force: true });
  }
  if (figures !== '') process.stdout.write(`${figures}\n`);
  const width = Math.max(...stages.map(({ name }) => name.length));
  for (const stage of stages)
    process.stdout.write(`${stage.name.padEnd(width)}  ${stage.ok ? 'ok    ' : 'FAILED'}  ${stage.note}\n`);
  process.stdout.write(`${closingLine(stages)}\n`);
  return exitCode(stages);
}

/** @typedef {{ readonly results: string, readonly found: Readonly<Record<string, string>> }} Place `results`: folder of the reports */

/** @param {string} root @param {string} name @param {Place} place @returns {Promise<Stage>} */
async function runStage(root, name, place) {
  const check = CHECK_PROGRAMS[name];
  try {
    if (check !== undefined) return await runCheck(root, name, check);
    if (name === 'build') {
      const built = await ensureBuilt(root);
      return { name, ok: true, note: built === 'built' ? 'built anew' : 'up to date', kind: 'check' };
    }
    return await runProject(root, name, place);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    const kind = error instanceof SetupError ? 'setup' : 'check';
    return { name, ok: false, note: 'see above', kind };
  }
}

/** @param {string} root @param {string} name @param {readonly string[]} program @returns {Promise<Stage>} */
async function runCheck(root, name, [file = '', ...args]) {
  const options = { cwd: root, deadlineMs: CHECK_MS, keepLines: 400 };
  const result = await step(
    name,
    () => run(process.execPath, [join(root, 'node_modules', file), ...args], options),
    ({ ok }) => (ok ? 'ok in' : 'FAILED after'),
  );
  if (!result.ok) say(`${result.output}\n${result.why}`);
  return { name, ok: result.ok, note: result.ok ? '' : 'see above', kind: 'check' };
}

/** @param {string} root @param {string} name @param {Place} place @returns {Promise<Stage>} */
async function runProject(root, name, { results, found }) {
  const file = join(results, `${name}.json`);
  const measured = { STOPKEEPER_FAULT_FIGURES: join(results, FIGURES) };
  const env = name === 'unit' ? process.env : { ...process.env, ...found, ...(await servers()), ...measured };
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const code = await handOver(
    process.execPath,
    [vitest, 'run', '--root', root, '--project', name, '--passWithNoTests', ...reporters],
    env,
  );
  const counts = tally(readReport(file), code);
  const { passed, failed, skipped } = counts;
  const note =
    passed + failed + skipped === 0 ? 'no tests' : `${passed} passed, ${failed} failed, ${skipped} skipped`;
  return { name, ok: failed === 0, note, kind: 'tests', counts };
}

/** Found once and handed on, so that no test process looks again. @returns {Promise<Record<string, string>>} */
async function servers() {
  return { STOPKEEPER_TEMPORAL_CLI: await findTemporalCli(), STOPKEEPER_TEST_SERVER: await findTestServer() };
}

/** @param {string} file @returns {unknown} undefined when vitest wrote none */
function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
