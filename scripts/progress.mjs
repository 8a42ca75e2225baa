/** Says on standard error what a set-up step is doing and for how long; standard output belongs to the program that follows. */

const TTY_EVERY_MS = 250;
/** A log file is read by people: a line every 15 s says "still alive" without drowning the rest. */
const PLAIN_EVERY_MS = 15_000;

/** @param {string} line */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/** @param {number} ms @returns {string} `0.4 s`, `12 s`, `3 min 05 s` */
export function elapsed(ms) {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

/**
 * As `step`, for work that answers '' or why it could not be done, which is no error yet: another way may follow.
 * @param {string} title
 * @param {(note: (text: string) => void) => Promise<string>} work
 * @returns {Promise<string>}
 */
export function attempt(title, work) {
  return step(title, work, (why) => (why === '' ? 'done in' : `not this way (${firstLine(why)}), after`));
}

/** @param {string} text */
function firstLine(text) {
  return text.split('\n')[0] ?? '';
}

/**
 * Runs `work` under a title. On a terminal one line is kept up to date; elsewhere a line at the start, every 15 s, and at the end.
 * @template T
 * @param {string} title
 * @param {(note: (text: string) => void) => Promise<T>} work `note` sets what stands beside the elapsed time
 * @param {(result: T) => string} [verdict] the word before the elapsed time at the end
 * @returns {Promise<T>}
 */
export async function step(title, work, verdict = () => 'done in') {
  const began = Date.now();
  const tty = process.stderr.isTTY === true;
  let note = '';
  const tail = () => `${elapsed(Date.now() - began)}${note === '' ? '' : `  ${note}`}`;
  const paint = () => {
    const width = Math.max(20, (process.stderr.columns || 80) - 1);
    process.stderr.write(`\r\x1b[2K${`${title} … ${tail()}`.slice(0, width)}`);
  };
  const finish = (/** @type {string} */ word) => {
    clearInterval(timer);
    say(`${tty ? '\r\x1b[2K' : ''}${title}: ${word} ${elapsed(Date.now() - began)}`);
  };
  const timer = setInterval(
    () => (tty ? paint() : say(`${title} … ${tail()}`)),
    tty ? TTY_EVERY_MS : PLAIN_EVERY_MS,
  );
  if (tty) paint();
  else say(`${title} …`);
  try {
    const result = await work((text) => {
      note = text;
    });
    finish(verdict(result));
    return result;
  } catch (error) {
    finish('failed after');
    throw error;
  }
}
