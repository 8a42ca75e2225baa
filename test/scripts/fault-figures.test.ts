/** The table of unprotected seconds under a run of the fault tests. */
import { expect, test } from 'vitest';
import { figuresTable } from '../../scripts/fault-figures.mjs';

const figure = (fault: string, longestS: number): string =>
  JSON.stringify({ fault, longestS, sumS: 2 * longestS, spells: 2, stopsSent: 3 });

test('figures stand in a table in their order', () => {
  const lines = `${figure('worker killed', 12.34)}\n${figure('10016', 0)}\n`;
  expect(figuresTable(lines)).toBe(
    [
      "Unprotected seconds of the fault tests, from the venue's log:",
      'fault          longest  in all  spells  stops set',
      'worker killed   12.3 s  24.7 s       2          3',
      '10016            0.0 s   0.0 s       2          3',
      '',
    ].join('\n'),
  );
});

test('no figures make no table', () => {
  expect(figuresTable('')).toBe('');
});

test('a line that was cut off is counted and costs no other', () => {
  const table = figuresTable(`${figure('a', 1)}\n{"fault":"b","long`);
  expect(table).toContain('1 figures could not be read');
  expect(table).toContain('a        1.0 s');
});
