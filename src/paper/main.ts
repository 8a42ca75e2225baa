/** Runs the paper exchange as a process of its own: `--port --host --scenario --state --reset`. */
import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { hostClock } from './clock.ts';
import type { Engine } from './engine.ts';
import { openFresh, openWithState } from './opening.ts';
import { serve, type PaperServer } from './server.ts';
import { readScenario, ScenarioError } from './setup.ts';
import { StateFileError } from './state-file.ts';
import { lockState } from './state-lock.ts';

const standardPort = 8090;
const standardScenario = fileURLToPath(new URL('../../scenarios/default.json', import.meta.url));
const usage = 'usage: paper [--port PORT] [--host 127.0.0.1] [--scenario FILE] [--state FILE [--reset]]';

/** What the command line asks for is not possible; every problem on its own line. */
class StartError extends Error {
  override readonly name = 'StartError';
}

interface Options {
  readonly port: number;
  readonly scenario: string;
  readonly state: string | undefined;
  readonly reset: boolean;
}

function optionsOf(args: readonly string[]): Options {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        port: { type: 'string' },
        host: { type: 'string' },
        scenario: { type: 'string' },
        state: { type: 'string' },
        reset: { type: 'boolean', default: false },
      },
    }));
  } catch (cause) {
    throw new StartError(`${cause instanceof Error ? cause.message : String(cause)}\n${usage}`);
  }
  const problems: string[] = [];
  const port = values.port === undefined ? standardPort : Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535 || values.port === '') {
    problems.push(`--port: expected 0 (any free port) to 65535, got ${JSON.stringify(values.port)}`);
  }
  if (values.host !== undefined && values.host !== '127.0.0.1' && values.host !== 'localhost') {
    problems.push(`--host: the paper exchange listens on 127.0.0.1 only, not on ${values.host}`);
  }
  if (values.reset && values.state === undefined) problems.push('--reset: there is no --state FILE to reset');
  if (problems.length > 0) throw new StartError(`${problems.join('\n')}\n${usage}`);
  return {
    port,
    scenario: values.scenario ?? standardScenario,
    state: values.state === undefined ? undefined : resolve(values.state),
    reset: values.reset,
  };
}

interface Exchange {
  readonly engine: Engine;
  readonly close: () => void;
}

function exchangeOf(options: Options): Exchange {
  const setup = readScenario(options.scenario);
  if (options.state === undefined) return { engine: openFresh(setup, hostClock), close: () => undefined };
  mkdirSync(dirname(options.state), { recursive: true });
  const unlock = lockState(options.state);
  try {
    const opened = openWithState(setup, hostClock, { path: options.state, reset: options.reset });
    return {
      engine: opened.engine,
      close: () => {
        opened.close();
        unlock();
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
}

async function run(options: Options): Promise<void> {
  const exchange = exchangeOf(options);
  let server: PaperServer;
  try {
    server = await serve(exchange.engine, options.port);
  } catch (error) {
    exchange.close();
    throw error;
  }
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    void server.stop().finally(() => {
      exchange.close();
      process.exit(0);
    });
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.stdout.write(`${JSON.stringify({ listening: server.url })}\n`);
}

const mostProblemsShown = 20;

/** One screen: what is wrong and what to do. */
function messageOf(error: unknown, args: readonly string[]): string {
  if (error instanceof ScenarioError) {
    const shown = error.problems.slice(0, mostProblemsShown).map((problem) => `  ${problem}`);
    const rest = error.problems.length - shown.length;
    const which = args.includes('--scenario') ? '' : ` ${standardScenario}`;
    return [
      `the scenario${which} cannot be run:`,
      ...shown,
      ...(rest > 0 ? [`  and ${rest} more`] : []),
      'correct this and start again',
    ].join('\n');
  }
  if (error instanceof StartError || error instanceof StateFileError) return error.message;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') return `${String(error)}\nchoose another --port, or --port 0 for any free one`;
  if (code === 'EACCES')
    return `${String(error)}\nchoose a --port above 1023 and a --state FILE that may be written`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

try {
  await run(optionsOf(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`paper exchange: ${messageOf(error, process.argv)}\n`);
  process.exitCode = 2;
}
