/** `npm run status`: dashboard and board of a running system, once or redrawn until Ctrl-C. */
import { Command, InvalidArgumentError } from 'commander';
import { boardSignature, isQuiet, renderBoard } from './board-text.ts';
import { showLiveBoard } from './live-board.ts';
import { pause } from './pause.ts';
import { EXIT, runProgram, type ProgramContext } from './program.ts';
import { connectToRunning, operatorSettings, type Connected } from './running-connection.ts';
import { readSystemView, type SystemView } from './system-view.ts';
import { terminalOf } from './terminal.ts';

interface StatusOptions {
  readonly watch: boolean;
  readonly json: boolean;
  /** Seconds. */
  readonly interval: number;
  readonly triggers: boolean;
  readonly trailing: boolean;
}

function parseArguments(argv: readonly string[]): StatusOptions {
  return new Command('npm run status --')
    .description('Show the dashboard and every position (exit code 0 all protected, 1 not, 2 no system).')
    .option('--watch', 'stay and redraw until Ctrl-C', false)
    .option('--json', 'print JSON; with --watch one line for each change', false)
    .option('--interval <seconds>', 'time between two looks with --watch', seconds, 1)
    .option('--no-triggers', 'hide the distance to the trailing trigger')
    .option('--no-trailing', 'hide the best price of trailing stops')
    .exitOverride()
    .parse(argv, { from: 'user' })
    .opts<StatusOptions>();
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 0.2 && value <= 3_600)) throw new InvalidArgumentError('Expected 0.2 to 3600.');
  return value;
}

async function status(context: ProgramContext): Promise<number> {
  const options = parseArguments(context.argv);
  const settings = operatorSettings(context.env);
  const connected = await connectToRunning(settings);
  try {
    if (options.watch && !options.json) return await watch(connected, settings.accounts, options, context);
    if (options.watch) return await streamJson(connected, settings.accounts, options, context.signal);
    const views = await viewsOf(connected, settings.accounts);
    const terminal = terminalOf(process.stdout, context.env);
    const { triggers, trailing } = options;
    const board = { nowMs: Date.now(), triggers, trailing, stale: null };
    const text = options.json
      ? JSON.stringify(oneOrAll(views), null, 2)
      : views.map((view) => renderBoard(view, terminal, board)).join('\n');
    process.stdout.write(`${text}\n`);
    return views.every(isQuiet) ? EXIT.ok : EXIT.failed;
  } finally {
    await connected.connection.close();
  }
}

async function watch(
  { client }: Connected,
  accounts: readonly string[],
  options: StatusOptions,
  { env, signal }: ProgramContext,
): Promise<number> {
  const { triggers, trailing } = options;
  const intervalMs = options.interval * 1_000;
  const stream = process.stdout;
  await showLiveBoard({ client, accounts, stream, env, intervalMs, triggers, trailing, signal, notices: [] });
  return EXIT.ok;
}

async function streamJson(
  connected: Connected,
  accounts: readonly string[],
  options: StatusOptions,
  signal: AbortSignal,
): Promise<number> {
  let shown = '';
  const stopped = (): boolean => signal.aborted;
  while (!stopped()) {
    const views = await viewsOf(connected, accounts);
    const signature = views.map(boardSignature).join('\n');
    if (signature !== shown) process.stdout.write(`${JSON.stringify(oneOrAll(views))}\n`);
    shown = signature;
    await pause(options.interval * 1_000, signal);
  }
  return EXIT.ok;
}

function viewsOf({ client }: Connected, accounts: readonly string[]): Promise<readonly SystemView[]> {
  return Promise.all(accounts.map((account) => readSystemView(client, account)));
}

function oneOrAll(views: readonly SystemView[]): SystemView | readonly SystemView[] | undefined {
  return views.length === 1 ? views[0] : views;
}

await runProgram('The status cannot be shown', status);
