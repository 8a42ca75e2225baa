/** `npm start`: brings the system up, runs a session on each account, prints the report, and stays with the live board until Ctrl-C. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import { loadConfig, type Config } from '../config.ts';
import type { SessionReport } from '../domain/report.ts';
import { showLiveBoard } from './live-board.ts';
import { EXIT, runProgram, type ProgramContext } from './program.ts';
import { renderReport } from './report-text.ts';
import type { RunningSystem } from './running-system.ts';
import { runSession } from './session-run.ts';
import { StartError } from './start-error.ts';
import { terminalOf } from './terminal.ts';
import { unlessStopped, withSystem } from './with-system.ts';

const BOARD_EVERY_MS = 1_000;

interface StartOptions {
  readonly once: boolean;
  readonly json: boolean;
  readonly scenario: string | null;
}

function parseArguments(argv: readonly string[]): StartOptions {
  const command = new Command('npm start --')
    .description('Protect every open position of the configured accounts, and watch over them.')
    .option('--once', 'end after the report (exit code 0 SUCCESS or WARNING, 1 FAILED, 2 not started)', false)
    .option(
      '--json',
      'print the report as JSON on standard output and everything else on standard error',
      false,
    )
    .option('--scenario <file>', 'scenario of the paper exchange')
    .exitOverride()
    .parse(argv, { from: 'user' });
  const given = command.opts<{ once: boolean; json: boolean; scenario?: string }>();
  const scenario = given.scenario === undefined ? null : resolve(given.scenario);
  return { once: given.once, json: given.json, scenario };
}

async function start(context: ProgramContext): Promise<number> {
  const { env, progress, signal } = context;
  const options = parseArguments(context.argv);
  const { scenario } = options;
  const config = loadConfig(env, { paperUrlLater: true });
  checkScenario(scenario, config);
  const redraws = process.stdout.isTTY && !options.once && !options.json;
  const notices: string[] = [];
  const notice = (text: string): void => {
    notices.push(`${new Date().toISOString().slice(11, 19)} ${text}`);
    // A board that is redrawn shows them itself.
    if (!redraws) progress.note(text);
  };
  return withSystem({ config, env, scenario, progress, signal, notice }, async (system) => {
    const reports = await reportsOf(system, config, context);
    printReports(reports, options.json, context);
    if (!options.once) {
      await stay(system, config, context, { json: options.json, notices });
      progress.note('stopping; the stops stay on the venue');
    }
    return reports.some((report) => report.status === 'FAILED') ? EXIT.failed : EXIT.ok;
  });
}

async function reportsOf(
  system: RunningSystem,
  config: Config,
  { progress, signal }: ProgramContext,
): Promise<readonly SessionReport[]> {
  const accounts = config.accounts.map((account) => account.alias);
  const step = progress.step(`session of ${accounts.join(', ')}`);
  try {
    const sessions = accounts.map((account) => runSession(system.client, { account, dryRun: false }));
    const reports = await unlessStopped(Promise.all(sessions), signal, system.broken);
    step.done(`session: ${reports.map((report) => `${report.account} ${report.status}`).join(', ')}`);
    return reports;
  } catch (error) {
    step.failed();
    throw error;
  }
}

/** One document on standard output: the report, or a list of them where there are several accounts. */
function printReports(reports: readonly SessionReport[], json: boolean, { env }: ProgramContext): void {
  if (json) {
    const [only, ...others] = reports;
    process.stdout.write(`${JSON.stringify(others.length === 0 ? only : reports, null, 2)}\n`);
    return;
  }
  const terminal = terminalOf(process.stdout, env);
  for (const report of reports) process.stdout.write(`\n${renderReport(report, terminal)}\n`);
}

function stay(
  system: RunningSystem,
  config: Config,
  { env, signal }: ProgramContext,
  view: { readonly json: boolean; readonly notices: readonly string[] },
): Promise<void> {
  return showLiveBoard({
    client: system.client,
    accounts: config.accounts.map((account) => account.alias),
    // With --json standard output holds the report and nothing else.
    stream: view.json ? process.stderr : process.stdout,
    env,
    intervalMs: BOARD_EVERY_MS,
    triggers: true,
    trailing: true,
    signal,
    notices: view.notices,
  });
}

/** A scenario that nothing would read is a mistake, not a wish. */
function checkScenario(scenario: string | null, config: Config): void {
  const read = config.accounts.some((account) => account.venue === 'paper' && account.venueUrl === null);
  if (scenario === null || read) return;
  throw new StartError([
    {
      setting: '--scenario',
      message: 'no paper exchange is started here that could read it',
      hint: 'Leave it out, or unset STOPKEEPER_VENUE and STOPKEEPER_VENUE_URL.',
    },
  ]);
}

await runProgram('Stopkeeper could not start', start);
