/** What is wrong with the way the product was started, said in full: every problem by name, each with what to do. */

export interface Problem {
  /** Name of the variable, option, file key or part that is wrong: `STOPKEEPER_VENUE`, `policy accounts.main.minMovePct`. */
  readonly setting: string;
  /** What is wrong and what was expected; never the value of a secret (I9). */
  readonly message: string;
  /** What to check or do. */
  readonly hint: string;
}

/** Bad configuration; carries every problem that was found, not only the first. */
export class ConfigError extends Error {
  readonly type = 'InvalidInput';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], options?: { cause?: unknown }) {
    super(problems.map((problem) => `${problem.setting}: ${problem.message}`).join('; '), options);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** One screen of text: a title with the number of problems, then each with its hint on the next line. */
export function formatProblems(title: string, problems: readonly Problem[]): string {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  const lines = problems.flatMap((problem) => [
    `  ${problem.setting}: ${problem.message}`,
    `      ${problem.hint}`,
  ]);
  return [`${title} (${count})`, ...lines].join('\n');
}

/** So much of a long value is shown, with the quote before it. */
export const SHOWN_CHARACTERS = 57;

/** A value as an error may show it: quoted and cut, so that a pasted file does not fill the screen. */
export function shown(value: unknown): string {
  // undefined and functions have no JSON, whatever the declaration says.
  const text = (JSON.stringify(value) as string | undefined) ?? String(value);
  return text.length > 60 ? `${text.slice(0, SHOWN_CHARACTERS)}..."` : text;
}
