/** What prevented a start, as problems that a person can act on. */
import { ConfigError, formatProblems, type Problem } from '../config-error.ts';
import { UnreadablePayloadError } from '../encryption/payload-codec.ts';
import { TemporalConnectionError } from '../temporal-connection.ts';

/** Something that had to run does not; nothing that was started is left behind. */
export class StartError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], options?: { cause?: unknown }) {
    super(problems.map((problem) => `${problem.setting}: ${problem.message}`).join('; '), options);
    this.name = 'StartError';
    this.problems = problems;
  }
}

/** The person pressed Ctrl-C, or the process was told to end, before there was a report. */
export class Interrupted extends Error {
  constructor() {
    super('interrupted');
    this.name = 'Interrupted';
  }
}

/** The problems behind an error of a start; `null` for an error that nobody foresaw. */
function problemsOf(error: unknown): readonly Problem[] | null {
  if (error instanceof ConfigError || error instanceof StartError) return error.problems;
  if (error instanceof TemporalConnectionError) return [error.problem];
  if (error instanceof UnreadablePayloadError) return [unreadable(error)];
  return null;
}

function unreadable({ message }: UnreadablePayloadError): Problem {
  const hint = 'Programs that read what a worker writes need its payload keys (docs/encryption.md).';
  return { setting: 'STOPKEEPER_PAYLOAD_KEYS', message: `what Temporal stores is ${message}`, hint };
}

/** One screen for a person; an unforeseen error with its stack, since it is a bug. */
export function describeFailure(what: string, error: unknown): string {
  const problems = problemsOf(error);
  if (problems !== null) return formatProblems(what, problems);
  return `${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
