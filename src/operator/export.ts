/** `npm run export`: a guard's decisions over all its runs, as JSON lines and as one HTML page with a chart. Needs no keys and no worker. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Client } from '@temporalio/client';
import { Command, InvalidArgumentError } from 'commander';
import { retrace, type Traced } from '../domain/retrace.ts';
import { counted } from './figures.ts';
import { exportPage } from './export-page.ts';
import { readGuardRuns, type GuardRuns } from './guard-runs.ts';
import { EXIT, runProgram, type ProgramContext } from './program.ts';
import { connectToRunning, operatorSettings } from './running-connection.ts';
import { StartError } from './start-error.ts';

interface ExportOptions {
  readonly out?: string;
  readonly runs: number;
}

/** At 30 s and 40 checks a run this is a week; with more than 250 legs runs are shorter. */
const DEFAULT_RUNS = 600;
const MOST_RUNS = 20_000;
const NAMED = 10;

function guardId(text: string): string {
  if (!/^guard:[a-z][a-z0-9-]{0,31}:[A-Z0-9][A-Z0-9-]{1,31}(:long|:short)?$/.test(text))
    throw new InvalidArgumentError('Expected the id of a guard, such as guard:main:BTCUSDT.');
  return text;
}

function runCount(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > MOST_RUNS)
    throw new InvalidArgumentError(`Expected a whole number from 1 to ${MOST_RUNS}.`);
  return value;
}

async function exportGuard(context: ProgramContext): Promise<number> {
  const command = new Command('npm run export --')
    .description("Write a guard's decisions as JSON lines and as an HTML page (exit code 0, or 2).")
    .argument('<guard>', 'workflow id, e.g. guard:main:BTCUSDT', guardId)
    .option('--out <folder>', 'where to write (default: exports in the data folder)')
    .option('--runs <count>', 'at most so many of the newest runs', runCount, DEFAULT_RUNS)
    .exitOverride()
    .parse(context.argv, { from: 'user' });
  const { out, runs: most } = command.opts<ExportOptions>();
  const guard = String(command.processedArgs[0]);
  const settings = operatorSettings(context.env);
  const { client, connection } = await connectToRunning(settings);
  try {
    const read = await readGuardRuns(client, guard, most);
    if (read === null) throw await unknownGuard(client, guard);
    const traced = retrace(read.happened);
    const folder = out === undefined ? join(settings.dataDir, 'exports') : resolve(out);
    const files = write(folder, guard, read, traced);
    const older = read.leftOut === 0 ? '' : ` (${read.leftOut} older ones left out; see --runs)`;
    const found = `${counted(read.runs, 'run')}${older}, ${counted(traced.length, 'line')}`;
    process.stdout.write(`${guard}: ${found}\n${files.join('\n')}\n`);
    return EXIT.ok;
  } finally {
    await connection.close();
  }
}

function write(folder: string, guard: string, read: GuardRuns, traced: readonly Traced[]): readonly string[] {
  const { runs, leftOut, running } = read;
  const base = join(folder, guard.replaceAll(':', '-'));
  const facts = { guard, runs, leftOut, running, exportedAt: new Date().toISOString() };
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${base}.jsonl`, traced.map((one) => lineOf(one)).join(''));
  writeFileSync(`${base}.html`, exportPage(traced, facts));
  return [`${base}.jsonl`, `${base}.html`];
}

function lineOf({ kind, at, ...rest }: Traced): string {
  return `${JSON.stringify({ kind, at: new Date(at).toISOString(), ...rest })}\n`;
}

async function unknownGuard(client: Client, guard: string): Promise<StartError> {
  const known = new Set<string>();
  for await (const { workflowId } of client.workflow.list({ query: 'WorkflowType="guardPosition"' })) {
    known.add(workflowId);
    if (known.size === NAMED) break;
  }
  const names = [...known].toSorted().join(', ');
  return new StartError([
    {
      setting: guard,
      message: 'the Temporal server knows no such guard',
      hint:
        known.size === 0
          ? 'It knows no guard at all: run a session first.'
          : `Guards that it knows: ${names}.`,
    },
  ]);
}

await runProgram('The guard cannot be exported', exportGuard);
