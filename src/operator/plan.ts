/** `npm run plan`: what a session would do, on the system that runs, or on one brought up for it. Nothing is written to the venue. */
import { Command } from 'commander';
import { loadConfig } from '../config.ts';
import type { SessionReport } from '../domain/report.ts';
import { renderPlan } from './plan-text.ts';
import { EXIT, runProgram, type ProgramContext } from './program.ts';
import {
  connectToRunning,
  operatorSettings,
  workerPolls,
  type OperatorSettings,
} from './running-connection.ts';
import { runSession } from './session-run.ts';
import { StartError } from './start-error.ts';
import { terminalOf } from './terminal.ts';
import { unlessStopped, withSystem } from './with-system.ts';

async function plan(context: ProgramContext): Promise<number> {
  const { json } = new Command('npm run plan --')
    .description('Show what a session would write, with the rule and the USD at risk; write nothing.')
    .option('--json', 'print the plan as JSON on standard output', false)
    .exitOverride()
    .parse(context.argv, { from: 'user' })
    .opts<{ json: boolean }>();
  const settings = operatorSettings(context.env);
  const reports =
    settings.temporalEnv === null ? await onOwnSystem(context) : await onRunningSystem(settings, context);
  const terminal = terminalOf(process.stdout, context.env);
  const text = json
    ? JSON.stringify(reports.length === 1 ? reports[0] : reports, null, 2)
    : reports.map((report) => renderPlan(report, terminal)).join('\n');
  process.stdout.write(`${text}\n`);
  return reports.some((report) => report.status === 'FAILED') ? EXIT.failed : EXIT.ok;
}

async function onRunningSystem(
  settings: OperatorSettings,
  { signal }: ProgramContext,
): Promise<readonly SessionReport[]> {
  const connected = await connectToRunning(settings);
  try {
    if (!(await workerPolls(connected))) {
      throw new StartError([
        {
          setting: 'worker',
          message: 'no worker polls the task queue "stopkeeper"',
          hint: 'Start one with "npm run worker", or the whole system with "npm start".',
        },
      ]);
    }
    const plans = settings.accounts.map((account) => runSession(connected.client, { account, dryRun: true }));
    return await unlessStopped(Promise.all(plans), signal, null);
  } finally {
    await connected.connection.close();
  }
}

function onOwnSystem({ env, progress, signal }: ProgramContext): Promise<readonly SessionReport[]> {
  const config = loadConfig(env, { paperUrlLater: true });
  const notice = (text: string): void => progress.note(text);
  return withSystem({ config, env, scenario: null, progress, signal, notice }, (system) => {
    const plans = config.accounts.map(({ alias }) =>
      runSession(system.client, { account: alias, dryRun: true }),
    );
    return unlessStopped(Promise.all(plans), signal, system.broken);
  });
}

await runProgram('The plan cannot be made', plan);
