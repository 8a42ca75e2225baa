/** `npm run mutants`: its patches fit the sources of now, and its operators change what they say they change. */
import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { NAMED } from '../../mutants/named.ts';
import { mutantsOf } from '../../mutants/operators.ts';
import { patched } from '../../mutants/patch.ts';
import { sampleOf } from '../../mutants/sample.ts';

const source = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

/** Every mutant of a text, as the text with the change in it. */
function changed(text: string): readonly string[] {
  return mutantsOf('x.ts', text).map(({ start, end, put }) => text.slice(0, start) + put + text.slice(end));
}

describe('a named mutant', () => {
  it.each(NAMED)('$name fits the sources of now, and its tests are there', (mutant) => {
    const files = patched(source, mutant);
    for (const [file, text] of files) expect(text).not.toBe(source(file));
    for (const file of mutant.stages.flatMap(({ files: tests }) =>
      tests.filter((one) => one.endsWith('.ts')),
    ))
      expect(source(file)).toContain('expect');
  });

  it('that no longer fits is an error with its name', () => {
    const stale = {
      ...NAMED[0],
      name: 'stale',
      breaks: '',
      stages: [],
      patches: [{ file: 'x.ts', find: 'gone', put: '' }],
    };
    expect(() => patched(() => 'other text', stale)).toThrow('stale: the patch of x.ts fits 0 times');
  });
});

describe('the systematic set', () => {
  it.each([
    [
      'const f = () => { if (a < b) return 1; };',
      ['true) return 1', 'false) return 1', 'a <= b) return 1', 'a >= b) return 1', 'a < b) return 2'].map(
        (end) => `const f = () => { if (${end}; };`,
      ),
    ],
    ['x = a && !b;', ['x = a || !b;', 'x = a && b;']],
    [
      'x = price.minus(stop).abs().lte(tick);',
      [
        'x = price.plus(stop).abs().lte(tick);',
        'x = price.minus(stop).lte(tick);',
        'x = price.minus(stop).abs().lt(tick);',
        'x = price.minus(stop).abs().gt(tick);',
      ],
    ],
    ['x = stop.eq(sent);', ['x = !stop.eq(sent);']],
    ['x = -pct ?? 0;', ['x = -pct && 0;', 'x = pct ?? 0;', 'x = -pct ?? 1;']],
  ])('of %j is every change of an operator, a condition and a constant', (text, expected) => {
    expect(changed(text).toSorted()).toEqual(expected.toSorted());
  });

  it.each(["x = 'a' + name;", "import { a } from './b.ts';", 'type A = 1 | 2;', "const kind = 'open';"])(
    'leaves %j alone',
    (text) => {
      expect(changed(text)).toEqual([]);
    },
  );

  it('says where a mutant is', () => {
    expect(mutantsOf('x.ts', 'x = 1;\ny = a > b;')[1]).toMatchObject({
      file: 'x.ts',
      line: 2,
      change: '> → >=',
    });
  });
});

test('a sample depends on its seed alone', () => {
  const all = Array.from({ length: 100 }, (_, at) => at);
  expect(sampleOf(all, 10, 1)).toEqual(sampleOf(all, 10, 1));
  expect(sampleOf(all, 10, 1)).not.toEqual(sampleOf(all, 10, 2));
  expect(sampleOf(all, 1_000, 1)).toEqual(all);
});
