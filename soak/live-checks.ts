/** Checks that need the system to be up: claims against the venue's log, the ledger's book, ended workflows, graceful stops, replay. */
import type { LedgerSummary } from '../src/domain/ledger-view.ts';
import { ledgerId } from '../src/domain/names.ts';
import {
  endedOverOpenPositions,
  falseReports,
  falseStatuses,
  type Circumstances,
} from '../test/support/claims.ts';
import { historiesOf, replayEach, type RunHistory } from '../test/support/server-histories.ts';
import type { System } from '../test/support/system.ts';
import type { Life } from '../test/support/venue-log.ts';
import { problemsOf, type Problem } from './evidence.ts';
import type { Operators } from './operators.ts';
import { runFacts, type Run } from './run-facts.ts';

export async function liveProblems(
  system: System,
  lives: readonly Life[],
  operators: Operators,
  circumstances: Circumstances,
): Promise<readonly Problem[]> {
  const { client } = system;
  return [
    ...problemsOf(
      'I4, I5: a guard ended over an open position',
      await endedOverOpenPositions(client, lives, circumstances),
    ),
    ...problemsOf(
      'I2, I7: a report claims what the venue does not show',
      await falseReports(client, lives, circumstances),
    ),
    ...problemsOf('I2: a guard claims what the venue does not show', await falseStatuses(client, lives)),
    ...problemsOf('the ledger book', await ledgerProblems(system, operators)),
    ...problemsOf('a workflow ended that nobody ended', await wrongEndings(system, operators)),
  ];
}

/** Nothing that was granted is lost, and nothing is held twice. */
async function ledgerProblems({ client }: System, operators: Operators): Promise<readonly string[]> {
  const summary = await client.workflow.getHandle(ledgerId('main')).query<LedgerSummary>('summary');
  const granted = [...operators.allocations.values()].reduce((sum, amount) => sum + amount, 0);
  if (operators.ledgerUnknown > 0 || Number(summary.allocatedMargin) === granted) return [];
  return [`holds ${summary.allocatedMargin} in ${summary.openAllocations}; its answers add up to ${granted}`];
}

async function wrongEndings({ client }: System, { endedByHand }: Operators): Promise<readonly string[]> {
  const ids = new Set(endedByHand.map(({ workflowId }) => workflowId));
  const wrong: string[] = [];
  for await (const { workflowId, status } of client.workflow.list()) {
    const byHand = ids.has(workflowId) && (status.name === 'TERMINATED' || status.name === 'CANCELLED');
    const right = ['RUNNING', 'COMPLETED', 'CONTINUED_AS_NEW'].includes(status.name);
    if (!right && !byHand) wrong.push(`${workflowId}: ${status.name}`);
  }
  return wrong;
}

/** Ends the workers as an init system would: each leaves in order. */
export async function stopWorkers({ programs }: System): Promise<readonly Problem[]> {
  const codes = await Promise.all(programs.workers.map((worker) => worker.kill('SIGTERM')));
  const wrong = codes.flatMap((code, at) =>
    code === 0 ? [] : [`worker-${at} ended with ${code ?? 'a signal'}`],
  );
  return problemsOf('a worker stops in order on SIGTERM', wrong);
}

export interface Replayed {
  readonly runs: readonly Run[];
  readonly count: number;
  readonly problems: readonly Problem[];
}

/** Replays every history that the server holds, and keeps what each says. */
export async function replayEverything(
  { client }: System,
  secrets: Readonly<Record<string, string>>,
): Promise<Replayed> {
  const runs: Run[] = [];
  const read = async function* (): AsyncGenerator<RunHistory> {
    for await (const one of historiesOf(client)) {
      runs.push(runFacts(one, secrets));
      yield one;
    }
  };
  const { count, problems } = await replayEach(read());
  return { runs, count, problems: problemsOf('I11: every history replays', problems) };
}
