/** The pictures in the README are those that the renderers make of fixed data; `vitest run test/operator/readme.test.ts -u` renews them. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const README = fileURLToPath(new URL('../../README.md', import.meta.url));
const BEGIN = '<!-- pictures: begin -->';
const END = '<!-- pictures: end -->';

const PICTURES = [
  ['The report of a session, on a terminal of 80 columns:', 'report-80'],
  ['The same at 140 columns:', 'report-140'],
  ['The board of `npm start` and `npm run status -- --watch`, at 80 columns:', 'board-80'],
  ['The same at 140 columns:', 'board-140'],
] as const;

/** Pinned to the renderers by `report-text.test.ts` and `board-text.test.ts`. */
function picture(name: string): string {
  const path = fileURLToPath(new URL(`../fixtures/views/${name}.txt`, import.meta.url));
  return readFileSync(path, 'utf8').trimEnd();
}

test('the README shows the report and the board as they are drawn, at 80 and 140 columns', async () => {
  const readme = readFileSync(README, 'utf8');
  expect(readme).toContain(BEGIN);
  expect(readme).toContain(END);
  const before = readme.slice(0, readme.indexOf(BEGIN) + BEGIN.length);
  const after = readme.slice(readme.indexOf(END));
  const pictures = PICTURES.map(([caption, name]) => `${caption}\n\n\`\`\`text\n${picture(name)}\n\`\`\``);
  await expect(`${before}\n\n${pictures.join('\n\n')}\n\n${after}`).toMatchFileSnapshot(README);
});
