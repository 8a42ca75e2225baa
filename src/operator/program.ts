/** What the operator's programs share: their exit codes, Ctrl-C, and how a failure is told. */
import { CommanderError } from 'commander';
import { withoutBlanks, type Environment } from '../config-environment.ts';
import { progressOn, type Progress } from './progress.ts';
import { describeFailure, Interrupted } from './start-error.ts';
import { onStopSignals } from './stop-signals.ts';
import { terminalOf } from './terminal.ts';

export const EXIT = { ok: 0, failed: 1, notStarted: 2, interrupted: 130 } as const;

export interface ProgramContext {
  readonly argv: readonly string[];
  /** Without blanks. */
  readonly env: Environment;
  /** On standard error. */
  readonly progress: Progress;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Runs a program to its exit code; `failure` begins the sentence when it cannot do its work. */
export async function runProgram(
  failure: string,
  work: (context: ProgramContext) => Promise<number>,
): Promise<void> {
  const env = withoutBlanks(process.env);
  const progress = progressOn(process.stderr, terminalOf(process.stderr, env));
  const stopping = onStopSignals((text) => progress.note(text));
  try {
    process.exitCode = await work({ argv: process.argv.slice(2), env, progress, signal: stopping.signal });
  } catch (error) {
    process.exitCode = explain(failure, error, progress);
  } finally {
    stopping.ignore();
  }
}

function explain(failure: string, error: unknown, progress: Progress): number {
  // commander has printed its message; help is no error.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.notStarted;
  if (error instanceof Interrupted) {
    progress.note('interrupted; what was started is stopped');
    return EXIT.interrupted;
  }
  progress.note(describeFailure(failure, error));
  return EXIT.notStarted;
}
