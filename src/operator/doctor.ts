/** `npm run doctor`: configuration, keys, clock, venue and Temporal, checked without a session; nothing is written. */
import { Command } from 'commander';
import { loadConfig, type Config } from '../config.ts';
import type { Criterion } from '../domain/report.ts';
import { TemporalConnectionError } from '../temporal-connection.ts';
import { checkAudit } from './audit-check.ts';
import { checkAlerts } from './alert-check.ts';
import { checkTemporal, checkVenue } from './doctor-checks.ts';
import { EXIT, runProgram, type ProgramContext } from './program.ts';
import { checkPayloads } from './payload-check.ts';
import { criteriaText } from './report-text.ts';
import { connectToRunning, operatorSettings, workerPolls } from './running-connection.ts';
import { readSystemFile } from './system-file.ts';
import { section } from './table.ts';
import { terminalOf } from './terminal.ts';
import { withVenuePort } from './venue-port.ts';

interface Examined {
  readonly subject: string;
  readonly criteria: readonly Criterion[];
}

async function doctor(context: ProgramContext): Promise<number> {
  const { json } = new Command('npm run doctor --')
    .description(
      'Check keys, clock, venue and Temporal (exit code 0 nothing wrong, 1 a failure, 2 bad configuration).',
    )
    .option('--json', 'print JSON', false)
    .exitOverride()
    .parse(context.argv, { from: 'user' })
    .opts<{ json: boolean }>();
  const config = loadConfig(context.env, { paperUrlLater: true });
  const examined = [
    ...(await venues(config)),
    await temporal(context),
    { subject: 'Alerts and audit log', criteria: [...checkAlerts(config), checkAudit(config)] },
  ];
  const terminal = terminalOf(process.stdout, context.env);
  const text = json
    ? JSON.stringify(examined, null, 2)
    : examined
        .flatMap(({ subject, criteria }) => section(subject, criteriaText(criteria, terminal), terminal))
        .join('\n');
  process.stdout.write(`${text}\n`);
  const failed = examined.some(({ criteria }) => criteria.some(({ level }) => level === 'failure'));
  return failed ? EXIT.failed : EXIT.ok;
}

/** Each account on its venue; one that cannot be reached does not hide the others. */
async function venues(config: Config): Promise<readonly Examined[]> {
  const paperUrls = readSystemFile(config.dataDir)?.paperUrls ?? {};
  return Promise.all(
    config.accounts.map(async (account): Promise<Examined> => {
      const baseUrl = account.venueUrl ?? paperUrls[account.alias] ?? null;
      const subject = `Account ${account.alias} on ${account.venue}${baseUrl === null ? '' : ` (${baseUrl})`}`;
      if (account.venue === 'paper' && baseUrl === null) return { subject, criteria: [noPaper()] };
      const criteria = await withVenuePort(account, baseUrl, (port) => checkVenue(port, Date.now));
      return { subject, criteria };
    }),
  );
}

function noPaper(): Criterion {
  return {
    id: 'venue',
    level: 'ok',
    message: 'the paper exchange does not run; "npm start" starts it, and there is no key to check',
  };
}

async function temporal({ env }: ProgramContext): Promise<Examined> {
  const settings = operatorSettings(env);
  if (settings.temporalEnv === null) {
    const message = 'no system runs here; "npm start" brings up a server of its own';
    return { subject: 'Temporal', criteria: [{ id: 'temporal', level: 'ok', message }] };
  }
  try {
    const connected = await connectToRunning(settings);
    const { namespace } = connected.client.options;
    const polls = await workerPolls(connected);
    const criteria = [
      ...(await checkTemporal(connected.connection, namespace, polls)),
      ...(await checkPayloads(connected.client, settings.accounts, settings.payloadKeys)),
    ];
    await connected.connection.close();
    const address = connected.connection.options.address;
    return { subject: `Temporal at ${address}, namespace ${namespace}`, criteria };
  } catch (error) {
    if (!(error instanceof TemporalConnectionError)) throw error;
    const message = `${error.problem.message}. ${error.problem.hint}`;
    return { subject: 'Temporal', criteria: [{ id: 'temporal', level: 'failure', message }] };
  }
}

await runProgram('The check cannot be made', doctor);
