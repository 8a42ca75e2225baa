/** What a view needs to know of the terminal it is shown on: width and colours (NO_COLOR honoured, plain when piped). */
import pc from 'picocolors';
import stringWidth from 'string-width';
import type { Environment } from '../config-environment.ts';

export type Paint = ReturnType<typeof pc.createColors>;

export interface Terminal {
  /** Columns. */
  readonly width: number;
  readonly paint: Paint;
}

/** Width of text that is piped into a file or another program. */
const PIPED_WIDTH = 140;

/** The terminal behind a stream; `COLUMNS` sets the width of piped text, `FORCE_COLOR` its colours. */
export function terminalOf(
  stream: { readonly isTTY?: boolean; readonly columns?: number },
  env: Environment,
): Terminal {
  const given = Number(env['COLUMNS']);
  const piped = Number.isInteger(given) && given >= 20 ? given : PIPED_WIDTH;
  const width = stream.isTTY === true && stream.columns !== undefined ? stream.columns : piped;
  return { width, paint: pc.createColors(coloured(stream.isTTY === true, env)) };
}

function coloured(isTTY: boolean, env: Environment): boolean {
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false;
  const force = env['FORCE_COLOR'];
  if (force !== undefined && force !== '') return force !== '0' && force !== 'false';
  return isTTY && env['TERM'] !== 'dumb';
}

/** A terminal of fixed width without colours: for files and tests. */
export function plainTerminal(width: number): Terminal {
  return { width, paint: pc.createColors(false) };
}

/** Widest line of a text, in columns, colours apart. */
export function widthOf(text: string): number {
  return Math.max(0, ...text.split('\n').map((line) => stringWidth(line)));
}

/** Words of `text` in lines of at most `width` columns; a word that is longer stands alone. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && stringWidth(`${last} ${word}`) <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => line.trimEnd());
}
