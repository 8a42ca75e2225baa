/** The one error that a person sees when a set-up step cannot be done: what was tried, why it failed, what to do. */

export class SetupError extends Error {
  /**
   * @param {string} what one sentence
   * @param {readonly { readonly way: string, readonly why: string }[]} tried in order
   * @param {readonly string[]} remedies any one of them helps
   */
  constructor(what, tried, remedies) {
    const ways = tried.map(({ way, why }, index) => `  ${index + 1}. ${way}: ${indent(why)}`);
    const todo = remedies.map((remedy) => `  - ${remedy}`);
    super(
      [
        what,
        ...(ways.length === 0 ? [] : ['Tried, in this order:', ...ways]),
        remedies.length === 1 ? 'What to do:' : 'What to do, any one of these:',
        ...todo,
      ].join('\n'),
    );
    this.name = 'SetupError';
    this.tried = tried;
    this.remedies = remedies;
  }
}

/** @param {string} text */
function indent(text) {
  return text.trim().replaceAll('\n', '\n       ');
}

/**
 * For a script's last line: prints the error and ends with 2 for bad set-up, 1 for a bug (with its stack).
 * @param {unknown} error
 * @returns {never}
 */
export function exitWith(error) {
  if (error instanceof SetupError) {
    process.stderr.write(`\n${error.message}\n`);
    process.exit(2);
  }
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}
