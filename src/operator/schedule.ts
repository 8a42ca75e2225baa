/** `npm run schedule`: a session every day by a Temporal Schedule, for each account: create, show, run, delete. */
import { Command, InvalidArgumentError } from 'commander';
import type { Client } from '@temporalio/client';
import { EXIT, runProgram, type ProgramContext } from './program.ts';
import { connectToRunning, operatorSettings } from './running-connection.ts';
import {
  deleteSchedule,
  ensureSchedule,
  readSchedule,
  scheduleId,
  triggerSchedule,
  type ScheduleView,
} from './session-schedule.ts';

interface ScheduleOptions {
  readonly at: { readonly hour: number; readonly minute: number };
  readonly timeZone: string;
  readonly json: boolean;
}

const ACTIONS = ['create', 'show', 'run', 'delete'] as const;
type Action = (typeof ACTIONS)[number];

function actionOf(text: string): Action {
  const found = ACTIONS.find((action) => action === text);
  if (found === undefined) throw new InvalidArgumentError(`Expected one of ${ACTIONS.join(', ')}.`);
  return found;
}

function timeOfDay(text: string): ScheduleOptions['at'] {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  if (match === null) throw new InvalidArgumentError('Expected a time such as 06:30.');
  return { hour: Number(match[1]), minute: Number(match[2]) };
}

function timeZone(text: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    throw new InvalidArgumentError('Expected a time zone such as UTC or Europe/Berlin.');
  }
}

async function schedule(context: ProgramContext): Promise<number> {
  const command = new Command('npm run schedule --')
    .description(
      'A session every day, by a Temporal Schedule (exit code 0, 1 where there is none to show, run or delete, 2 no system).',
    )
    .argument('[action]', ACTIONS.join(', '), actionOf, 'show')
    .option('--at <time>', 'with create: time of day', timeOfDay, { hour: 6, minute: 0 })
    .option('--time-zone <name>', 'with create: of that time', timeZone, 'UTC')
    .option('--json', 'print JSON', false)
    .exitOverride()
    .parse(context.argv, { from: 'user' });
  const options = command.opts<ScheduleOptions>();
  const action = command.processedArgs[0] as Action;
  const settings = operatorSettings(context.env);
  const { client, connection } = await connectToRunning(settings);
  try {
    const outcomes: Outcome[] = [];
    for (const account of settings.accounts) outcomes.push(await perform(client, account, action, options));
    const text = options.json ? JSON.stringify(outcomes, null, 2) : outcomes.map(outcomeText).join('\n');
    process.stdout.write(`${text}\n`);
    return outcomes.some(({ outcome }) => outcome === 'none') ? EXIT.failed : EXIT.ok;
  } finally {
    await connection.close();
  }
}

interface Outcome {
  readonly account: string;
  readonly outcome: 'created' | 'changed' | 'shown' | 'begun' | 'deleted' | 'none';
  readonly schedule: ScheduleView | null;
}

async function perform(
  client: Client,
  account: string,
  action: Action,
  { at, timeZone: zone }: ScheduleOptions,
): Promise<Outcome> {
  switch (action) {
    case 'create': {
      const outcome = await ensureSchedule(client, account, { ...at, timeZone: zone });
      return { account, outcome, schedule: await readSchedule(client, account) };
    }
    case 'show': {
      const view = await readSchedule(client, account);
      return { account, outcome: view === null ? 'none' : 'shown', schedule: view };
    }
    case 'run': {
      const begun = await triggerSchedule(client, account);
      return { account, outcome: begun ? 'begun' : 'none', schedule: await readSchedule(client, account) };
    }
    case 'delete':
      return {
        account,
        outcome: (await deleteSchedule(client, account)) ? 'deleted' : 'none',
        schedule: null,
      };
  }
}

function outcomeText({ account, outcome, schedule: view }: Outcome): string {
  const id = scheduleId(account);
  if (view === null) {
    return outcome === 'deleted'
      ? `${id}: deleted; no daily session of ${account} any more`
      : `${id}: there is none; make one with: npm run schedule -- create --at 06:00`;
  }
  const last = view.recent.at(-1);
  return [
    `${id}: ${outcome}${view.paused ? ', PAUSED: it begins nothing' : ''}`,
    `  next     ${view.next.length === 0 ? 'none' : view.next.join(', ')}`,
    `  last     ${last === undefined ? 'none' : `${last.workflowId}, begun ${last.startedAt}`}`,
    `  begun    ${view.started}; left out: ${view.skipped.overlap} while one ran, ${view.skipped.late} too late`,
  ].join('\n');
}

await runProgram('The schedule cannot be changed', schedule);
