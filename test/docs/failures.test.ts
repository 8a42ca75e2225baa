/** The table of failures and the fault tests know each other: every test that a row names exists, every fault test has its row. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

/** `file: name` as a row gives it; with a folder the file is the path of one that is not a fault test. */
interface Named {
  readonly file: string;
  readonly name: string;
  readonly text: string;
}

interface Row {
  readonly line: string;
  readonly cells: readonly string[];
  readonly tests: readonly Named[];
}

function rowsOf(page: string): readonly Row[] {
  const lines = page.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| ---'));
  return lines.map((line) => {
    const cells = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    const tests = [...(cells.at(-1) ?? '').matchAll(/`(?<file>[\w./-]+): (?<name>[^`]+)`/g)].map(
      ({ groups }) => ({
        file: groups?.['file'] ?? '',
        name: groups?.['name'] ?? '',
        text: `${groups?.['file']}: ${groups?.['name']}`,
      }),
    );
    return { line, cells, tests };
  });
}

const page = readFileSync(join(ROOT, 'docs/failures.md'), 'utf8');
const rows = rowsOf(page).filter(({ cells }) => cells.at(-1) !== 'tests');
const named = rows.flatMap(({ tests }) => tests);
const isFault = ({ file }: Named): boolean => !file.includes('/');

/** `*` stands for any text. */
function matches(name: string, title: string): boolean {
  const parts = name.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(title);
}

let faults: readonly { readonly file: string; readonly title: string }[] = [];

beforeAll(async () => {
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const config = join(ROOT, 'test/docs/fault-names.config.ts');
  const args = [vitest, 'list', '--root', ROOT, '--config', config, '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT, maxBuffer: 10_000_000 });
  const list = JSON.parse(stdout.slice(stdout.indexOf('['))) as readonly { name: string; file: string }[];
  faults = list.map(({ name, file }) => ({ file: basename(file, '.test.ts'), title: name }));
}, 60_000);

/** A row may give the name of the test alone, or with that of its group before it. */
function meant({ file, name }: Named, test: { readonly file: string; readonly title: string }): boolean {
  const own = test.title.slice(test.title.indexOf(' > ') + 3);
  return file === test.file && (matches(name, own) || matches(name, test.title));
}

describe('the table of failures', () => {
  it('has rows that are complete, each with a test', () => {
    expect(rows.length).toBeGreaterThan(30);
    for (const { line, cells, tests } of rows) {
      expect(cells, line).toHaveLength(5);
      expect(
        cells.filter((cell) => cell === ''),
        line,
      ).toEqual([]);
      expect(tests.length, line).toBeGreaterThan(0);
    }
  });

  it('names only fault tests that exist', () => {
    expect(faults.length).toBeGreaterThan(60);
    const unknown = named.filter((one) => isFault(one) && !faults.some((test) => meant(one, test)));
    expect(unknown.map(({ text }) => text)).toEqual([]);
  });

  it('leaves no fault test out', () => {
    const left = faults.filter((test) => !named.some((one) => meant(one, test)));
    expect(left.map(({ file, title }) => `${file}: ${title}`)).toEqual([]);
  });

  it('names only tests of other folders that stand in their files', () => {
    const others = named.filter((one) => !isFault(one));
    expect(others.length).toBeGreaterThan(5);
    const missing = others.filter(({ file, name }) => !readFileSync(join(ROOT, file), 'utf8').includes(name));
    expect(missing.map(({ text }) => text)).toEqual([]);
  });
});
