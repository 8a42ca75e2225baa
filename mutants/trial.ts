/** Runs tests in a copy of the tree, stops at the first that fails, and says which one noticed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestStage } from './named.ts';
import type { TreeCopy } from './tree-copy.ts';

export type Outcome =
  | { readonly kind: 'survived' }
  /** `by`: the full name of the test that failed. */
  | { readonly kind: 'caught'; readonly by: string; readonly file: string }
  /** Ran into the limit: a loop without an end is noticed too. */
  | { readonly kind: 'timeout' }
  /** No test ran to its end: the patch does not apply, does not compile or does not load. */
  | { readonly kind: 'broken'; readonly why: string };

export interface TrialOptions {
  readonly limitMs: number;
  /** Runs of each property and its seed, so that a result can be repeated. */
  readonly propertyRuns: number;
  readonly seed: number;
}

interface Ended {
  readonly code: number | null;
  readonly timedOut: boolean;
  readonly output: string;
}

const running = new Set<ChildProcess>();

/** Ends every test run that is under way, with all that it started. */
export function endTrials(): void {
  for (const child of running) endGroup(child);
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself meanwhile.
  }
}

function run(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv, limitMs: number): Promise<Ended> {
  return new Promise((resolve) => {
    // A group of its own: vitest's workers and the servers of a test end with it.
    const child = spawn(process.execPath, args, {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    let output = '';
    let timedOut = false;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output = (output + chunk.toString()).slice(-4_000);
      });
    const timer = setTimeout(() => {
      timedOut = true;
      endGroup(child);
    }, limitMs);
    child.once('close', (code) => {
      clearTimeout(timer);
      running.delete(child);
      endGroup(child);
      resolve({ code, timedOut, output });
    });
  });
}

const BUILD =
  "const { ensureBuilt } = await import('./scripts/build.mjs'); await ensureBuilt(process.cwd());";
const BUILD_LIMIT_MS = 10 * 60_000;

/** Builds the copy where the tests of this stage run the built program; answers with why it does not build, `null` when it does. */
async function built(copy: TreeCopy, { project }: TestStage): Promise<string | null> {
  if (project === 'unit') return null;
  const ended = await run(['--input-type=module', '-e', BUILD], copy.root, process.env, BUILD_LIMIT_MS);
  return ended.code === 0 ? null : `does not build: ${ended.output.trim().slice(-600)}`;
}

/** Runs one stage of tests against the copy as it is now. */
export async function tried(copy: TreeCopy, stage: TestStage, options: TrialOptions): Promise<Outcome> {
  const problem = await built(copy, stage);
  if (problem !== null) return { kind: 'broken', why: problem };
  const report = join(copy.root, '.mutant-report.json');
  rmSync(report, { force: true });
  // Unit tests of the domain share nothing, so one process loads the sources once for all of them.
  const together = stage.project === 'unit' ? ['--no-isolate', '--maxWorkers=1'] : [];
  const { code, timedOut, output } = await run(
    [
      join(copy.root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--root',
      copy.root,
      '--project',
      stage.project,
      '--bail=1',
      '--reporter=json',
      `--outputFile=${report}`,
      ...together,
      ...(stage.only === undefined ? [] : ['-t', stage.only]),
      ...stage.files,
    ],
    copy.root,
    { ...process.env, FC_RUNS: String(options.propertyRuns), FC_SEED: String(options.seed) },
    options.limitMs,
  );
  if (timedOut) return { kind: 'timeout' };
  return outcomeOf(copy.root, readReport(report), code, output);
}

/** The part of vitest's JSON report that is read. */
interface Report {
  readonly numTotalTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

function readReport(path: string): Report | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Report;
  } catch {
    return null;
  }
}

function outcomeOf(root: string, report: Report | null, code: number | null, output: string): Outcome {
  for (const { name, assertionResults } of report?.testResults ?? []) {
    const failed = assertionResults.find(({ status }) => status === 'failed');
    if (failed !== undefined)
      return { kind: 'caught', by: failed.fullName, file: name.replace(`${root}/`, '') };
  }
  const unloaded = report?.testResults.find(({ status }) => status === 'failed');
  if (unloaded !== undefined)
    return { kind: 'broken', why: `does not load: ${unloaded.message ?? unloaded.name}` };
  if (report === null || report.numTotalTests === 0)
    return { kind: 'broken', why: `no test ran: ${output.trim().slice(-300)}` };
  // Every test passed, and something beside them did not.
  if (code !== 0)
    return { kind: 'caught', by: `vitest ends with ${code}: ${output.trim().slice(-200)}`, file: '' };
  return { kind: 'survived' };
}
