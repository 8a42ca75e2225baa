/** The unprotected seconds that the fault tests measured, as a table under their run. */

/**
 * @typedef {object} Figure
 * @property {string} fault
 * @property {number} longestS longest time that a position was open without a stop, by the venue's log, seconds
 * @property {number} sumS all such times together, seconds
 * @property {number} spells how many there were
 * @property {number} stopsSent
 */

const HEADS = ['fault', 'longest', 'in all', 'spells', 'stops set'];

/**
 * @param {string} lines one JSON object for each line, as `test/support/verdict.ts` writes them
 * @returns {string} empty where there are none; a line that cannot be read is left out and counted
 */
export function figuresTable(lines) {
  const given = lines.split('\n').filter((line) => line.trim() !== '');
  const figures = given.flatMap((line) => figureOf(line) ?? []);
  if (given.length === 0) return '';
  const rows = figures.map((one) => [
    one.fault,
    `${one.longestS.toFixed(1)} s`,
    `${one.sumS.toFixed(1)} s`,
    String(one.spells),
    String(one.stopsSent),
  ]);
  const widths = HEADS.map((head, at) => Math.max(head.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (/** @type {readonly string[]} */ cells) =>
    cells
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ');
  const broken = given.length - figures.length;
  return [
    "Unprotected seconds of the fault tests, from the venue's log:",
    line(HEADS),
    ...rows.map(line),
    ...(broken === 0 ? [] : [`${broken} figures could not be read`]),
    '',
  ].join('\n');
}

/** @param {string} line @returns {Figure | undefined} */
function figureOf(line) {
  try {
    const value = JSON.parse(line);
    const numbers = [value.longestS, value.sumS, value.spells, value.stopsSent];
    return typeof value.fault === 'string' && numbers.every(Number.isFinite) ? value : undefined;
  } catch {
    return undefined;
  }
}
