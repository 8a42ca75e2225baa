/** The state file: grows by lines, is replaced when it has outgrown itself, and refuses what it cannot trust. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ManualClock } from '../../src/paper/clock.ts';
import { openWithState } from '../../src/paper/opening.ts';
import { setUp } from '../../src/paper/setup.ts';
import { StateFileError } from '../../src/paper/state-file.ts';
import { startMs } from './account-under-test.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'paper-state-file-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const many = Array.from({ length: 200 }, (_, index) => ({ symbol: `T${index}USDT` }));
const setup = setUp({
  instruments: many,
  prices: many.map((entry) => ({ ...entry, walk: { stepPct: '0.1', everyMs: 1000 } })),
});

function open(name: string, reset = false) {
  const clock = new ManualClock(startMs);
  const opened = openWithState(setup, clock, { path: join(folder, name), reset });
  return { clock, ...opened, store: opened.engine.venue.store };
}

test('when it has outgrown its snapshot it is written anew, and nothing is lost', () => {
  const path = join(folder, 'grows.json');
  const on = open('grows.json');
  let largest = 0;
  let replaced = 0;
  for (let second = 0; second < 180; second += 1) {
    on.clock.advance(1000);
    on.engine.advance();
    const { size } = statSync(path);
    if (size < largest) replaced += 1;
    largest = size < largest ? size : Math.max(largest, size);
  }
  on.close();
  expect(replaced).toBeGreaterThan(0);
  expect(existsSync(`${path}.tmp`)).toBe(false);
  const again = open('grows.json');
  again.close();
  expect(again.store.dump()).toEqual(on.store.dump());
  expect(again.engine.venue.elapsedMs).toBe(180_000);
});

test('a snapshot that was being written when it crashed is not looked at', () => {
  const on = open('aside.json');
  on.clock.advance(5000);
  on.engine.advance();
  on.close();
  writeFileSync(join(folder, 'aside.json.tmp'), '{"half":');
  const again = open('aside.json');
  again.close();
  expect(again.store.dump()).toEqual(on.store.dump());
});

test('a line damaged in the middle is refused by its number', () => {
  const path = join(folder, 'damaged.json');
  const on = open('damaged.json');
  on.clock.advance(5000);
  on.engine.advance();
  on.close();
  const lines = readFileSync(path, 'utf8').split('\n');
  lines[2] = '{"e":1,"c":[["legs"]]}';
  writeFileSync(path, lines.join('\n'));
  expect(() => open('damaged.json')).toThrow(
    new StateFileError(`${path}: line 3 is damaged; start with --reset to begin afresh`),
  );
  const afresh = open('damaged.json', true);
  afresh.close();
  expect(afresh.resumed).toBe(false);
});

test('a transaction that throws leaves no trace, in memory or on disk', () => {
  const on = open('thrown.json');
  const before = on.store.dump();
  const bytes = statSync(join(folder, 'thrown.json')).size;
  expect(() =>
    on.engine.act(() => {
      on.engine.venue.nextOrderId();
      on.engine.setPrices(new Map([['T0USDT', { last: '50', mark: '50', index: '50' }]]));
      throw new Error('taken back');
    }),
  ).toThrow('taken back');
  on.close();
  expect(on.store.dump()).toEqual(before);
  expect(statSync(join(folder, 'thrown.json')).size).toBe(bytes);
});
