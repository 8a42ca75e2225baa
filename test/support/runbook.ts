/** The runbook as a test reads it: sections, their command blocks, and what each block is said to show. */

export interface Block {
  readonly script: string;
  /** Line of the document, from 1. */
  readonly line: number;
  readonly expectation: Expectation;
}

export type Expectation =
  /** Exit code 0, and each fragment somewhere in the output. */
  | { readonly kind: 'shows'; readonly fragments: readonly string[] }
  /** Exit code 0, and nothing on standard output. */
  | { readonly kind: 'shows-nothing' }
  | { readonly kind: 'fails'; readonly fragments: readonly string[] }
  /** A block that says itself why no test runs it. */
  | { readonly kind: 'not-run'; readonly reason: string };

export interface Section {
  readonly title: string;
  /** Anchor that links use. */
  readonly anchor: string;
  readonly text: string;
  readonly blocks: readonly Block[];
}

/** Throws where a block does not say what it shows, or why it is not run. */
export function parseRunbook(markdown: string): readonly Section[] {
  const sections: { title: string; lines: string[]; from: number }[] = [];
  let fenced = false;
  for (const [at, line] of markdown.split('\n').entries()) {
    if (/^\s*```/.test(line)) fenced = !fenced;
    const title = fenced ? undefined : /^#{1,6} (.+)$/.exec(line)?.[1];
    if (title !== undefined) sections.push({ title, lines: [], from: at + 2 });
    else sections.at(-1)?.lines.push(line);
  }
  return sections.map(({ title, lines, from }) => ({
    title,
    anchor: anchorOf(title),
    text: lines.join('\n'),
    blocks: blocksOf(lines, from),
  }));
}

/** As GitHub makes them. */
export function anchorOf(title: string): string {
  const words = title.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, '');
  return words.replaceAll(' ', '-');
}

function blocksOf(lines: readonly string[], from: number): readonly Block[] {
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const open = /^(\s*)```sh( no-run)?$/.exec(lines[at] ?? '');
    if (open === null) continue;
    const indent = open[1] ?? '';
    const length = lines.slice(at + 1).findIndex((line) => line === `${indent}\`\`\``);
    const script = lines.slice(at + 1, at + 1 + length).map((line) => line.slice(indent.length));
    const after = lines.slice(at + 2 + length).join('\n');
    const paragraph = after.trimStart().split(/\n\s*\n/)[0] ?? '';
    const expectation = expectationOf(paragraph, open[2] !== undefined);
    if (expectation === null)
      throw new Error(`line ${from + at}: the block does not say what it shows: ${script.join(' ')}`);
    blocks.push({ script: script.join('\n'), line: from + at, expectation });
    at += length + 1;
  }
  return blocks;
}

function expectationOf(paragraph: string, notRun: boolean): Expectation | null {
  if (notRun) {
    const reason = /^Not run: ([^]+)$/.exec(paragraph)?.[1];
    return reason === undefined ? null : { kind: 'not-run', reason };
  }
  const fragments = [...paragraph.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);
  if (/^Shows nothing\b/.test(paragraph)) return { kind: 'shows-nothing' };
  if (fragments.length === 0) return null;
  if (paragraph.startsWith('Shows ')) return { kind: 'shows', fragments };
  return paragraph.startsWith('Fails with ') ? { kind: 'fails', fragments } : null;
}

/** What became of a block. */
export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** What the document says of a block and its run does not bear out; empty when all of it holds. */
export function broken({ script, line, expectation }: Block, { code, out, err }: Ran): readonly string[] {
  const problem = (what: string): string[] => [`runbook.md:${line}: ${what}: ${script}\n${out}${err}`];
  if ((code === 0) === (expectation.kind === 'fails')) return problem(`exit code ${String(code)}`);
  switch (expectation.kind) {
    case 'shows-nothing':
      return out.trim() === '' ? [] : problem('it shows something');
    case 'shows':
    case 'fails':
      return expectation.fragments
        .filter((fragment) => !`${out}${err}`.includes(fragment))
        .flatMap((fragment) => problem(`it does not show ${fragment}`));
    case 'not-run':
      return problem('it was run');
  }
}
