/** `npm run history`: how the last episodes ended: reason, PnL, slippage, duration. Reads Temporal and the audit log; no keys needed. */
import { Command, InvalidArgumentError } from 'commander';
import { readAuditedEpisodes } from './audited-episodes.ts';
import { auditHistory, readGuardHistory, type GuardHistory } from './guard-history.ts';
import { renderHistory } from './history-text.ts';
import { EXIT, runProgram, type ProgramContext } from './program.ts';
import { connectToRunning, operatorSettings, type OperatorSettings } from './running-connection.ts';
import { StartError } from './start-error.ts';
import { TemporalConnectionError } from '../temporal-connection.ts';
import { terminalOf } from './terminal.ts';

/** Each row costs one request; more than these are the venue's own records' matter. */
const MOST = 1_000;

function rows(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > MOST)
    throw new InvalidArgumentError(`Expected a whole number from 1 to ${MOST}.`);
  return value;
}

async function history(context: ProgramContext): Promise<number> {
  const { limit, json } = new Command('npm run history --')
    .description('Show how the last episodes ended, newest first (exit code 0, or 2 where no system runs).')
    .option('--limit <count>', 'at most so many of each account', rows, 20)
    .option('--json', 'print JSON', false)
    .exitOverride()
    .parse(context.argv, { from: 'user' })
    .opts<{ limit: number; json: boolean }>();
  const settings = operatorSettings(context.env);
  const all = await readAll(settings, limit);
  const terminal = terminalOf(process.stdout, context.env);
  const text = json
    ? JSON.stringify(all.length === 1 ? all[0] : all, null, 2)
    : all.map((one) => renderHistory(one, terminal)).join('\n');
  process.stdout.write(`${text}\n`);
  return EXIT.ok;
}

/** Both sources as one; the audit log alone where no system runs, as after the server's database was lost. */
async function readAll(settings: OperatorSettings, limit: number): Promise<readonly GuardHistory[]> {
  const { accounts, audit } = settings;
  const audited = audit === null ? null : await readAuditedEpisodes(audit.path, accounts);
  let connected;
  try {
    connected = await connectToRunning(settings);
  } catch (error) {
    const absent = error instanceof StartError || error instanceof TemporalConnectionError;
    if (!absent || audited === null) throw error;
    const why = error instanceof StartError ? error.message : error.problem.message;
    return accounts.map((account) => auditHistory(account, limit, audited(account), why));
  }
  const { client, connection } = connected;
  try {
    return await Promise.all(
      accounts.map((account) => readGuardHistory(client, account, limit, audited?.(account) ?? null)),
    );
  } finally {
    await connection.close();
  }
}

await runProgram('The history cannot be shown', history);
