/** The live board as text: pictures at 80 and 140 columns (`vitest -u` rewrites them), and what it must never hide. */
import { describe, expect, test } from 'vitest';
import { barText, boardSignature, isQuiet, renderBoard } from '../../src/operator/board-text.ts';
import { plainTerminal, widthOf } from '../../src/operator/terminal.ts';
import { BTC, ETH, NOW_MS, boardLeg, guardStatus, systemView, troubledView } from './view-data.ts';

const FRESH = { nowMs: NOW_MS, triggers: true, trailing: true, stale: null };

describe.each([80, 140])('at %d columns', (width) => {
  test.each([
    ['board', systemView()],
    ['board-troubled', troubledView()],
    ['board-empty', systemView({ guards: [] }, { legs: [] })],
  ])('the %s is as pictured, and no line is wider', async (name, view) => {
    const text = renderBoard(view, plainTerminal(width), FRESH);
    expect(widthOf(text)).toBeLessThanOrEqual(width);
    await expect(text).toMatchFileSnapshot(`../fixtures/views/${name}-${width}.txt`);
  });
});

describe('trouble', () => {
  const text = renderBoard(troubledView(), plainTerminal(140), FRESH);

  test('anything but PROTECTED comes first, the missing stop before all', () => {
    const order = ['DOGEUSDT', 'ADAUSDT', 'SOLUSDT', 'BTCUSDT'].map((symbol) => text.indexOf(symbol));
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(text).toContain('3 NOT PROTECTED');
  });

  test('a leg without an answer, without a guard, released or not covered is named', () => {
    expect(text).toMatch(/SOLUSDT long\s+NO ANSWER/);
    expect(text).toMatch(/ADAUSDT long\s+UNGUARDED/);
    expect(text).toContain('released: hedged elsewhere, until 18:00:00 UTC');
    expect(text).toContain('not covered: inverse');
    expect(text).toContain('guard:main:SOLUSDT  does not answer: query timed out');
    expect(text).toContain('without a proven stop since 11:58:00 UTC');
  });

  test('positions without a known stop are left out of the sum, and it says so', () => {
    expect(text).toContain('3 positions without a known stop not counted');
  });
});

test('the sum of the stops is a share of equity: balance and unrealised PnL', () => {
  const text = renderBoard(systemView(), plainTerminal(140), FRESH);
  // 1.85 - 78 - 20 = -96.15 of 1000 + 5.37 - 5 + 20 = 1020.37.
  expect(text).toContain('-96.15 USDT, -9.42 % of equity');
});

describe('stale data', () => {
  const lines = (view = systemView(), stale: string | null = null, laterMs = 0): string =>
    renderBoard(view, plainTerminal(140), { ...FRESH, stale, nowMs: NOW_MS + laterMs });

  test('a view that could not be read again says since when and why', () => {
    expect(lines(systemView(), 'no worker answers', 9_000)).toContain(
      'STALE: shown as of 12:00:20 (9 s ago): no worker answers',
    );
  });

  test('a watcher that stopped finishing rounds is told', () => {
    expect(lines(systemView(), null, 60_000)).toContain(
      "STALE: the watcher's last complete round was 68 s ago",
    );
    expect(lines()).not.toContain('STALE');
  });

  test('a watcher or ledger that does not answer is told', () => {
    const text = lines(systemView({ board: null, dashboard: null, guards: [] }));
    expect(text).toContain('STALE: the watcher does not answer');
    expect(text).toMatch(/ledger\s+does not answer/);
  });
});

test('before the first round, an empty board claims nothing', () => {
  const view = systemView({ guards: [] }, { legs: [], roundAt: null });
  const text = renderBoard(view, plainTerminal(140), FRESH);
  expect(text).toContain('positions not known yet');
  expect(text).not.toMatch(/No open positions|SECURE/);
  expect(isQuiet(view)).toBe(false);
});

describe('options', () => {
  test('without triggers there is neither trigger nor bar', () => {
    const text = renderBoard(systemView(), plainTerminal(140), { ...FRESH, triggers: false });
    expect(text).not.toMatch(/TRIGGER|●|43923/);
  });

  test('without trailing there is no best price', () => {
    const [leg, guard] = [boardLeg(BTC), guardStatus({ ...BTC, bestPrice: '44123.4' })];
    const view = systemView({ guards: [guard] }, { legs: [leg] });
    expect(renderBoard(view, plainTerminal(140), FRESH)).toContain('44123.4');
    expect(renderBoard(view, plainTerminal(140), { ...FRESH, trailing: false })).not.toContain('44123.4');
  });
});

describe('the bar', () => {
  test.each([
    ['in the middle', { stop: '94', markPrice: '100', trigger: '106' }, 'SL ───●─── trigger'],
    ['at the stop', { stop: '94', markPrice: '94', trigger: '106' }, 'SL ●────── trigger'],
    ['beyond the trigger', { stop: '94', markPrice: '120', trigger: '106' }, 'SL ──────● trigger'],
    ['of a short', { stop: '106', markPrice: '97', trigger: '94' }, 'SL ─────●─ trigger'],
    [
      'while trailing',
      { stop: '94', markPrice: '100', stopKind: 'trailing' as const, bestPrice: '100' },
      'SL ──────● best',
    ],
    ['without a stop', { stop: null, markPrice: '100', trigger: '106' }, ''],
    ['with stop and trigger equal', { stop: '100', markPrice: '100', trigger: '100' }, ''],
  ])('%s', (_where, over, expected) => {
    expect(barText({ ...ETH, stopKind: 'fixed', ...over }, 7)).toBe(expected);
  });
});

describe('what is worth a fresh table', () => {
  test('a price is not', () => {
    const moved = systemView(
      { guards: [guardStatus({ ...BTC, markPrice: '44010', pnlUsd: '5.47' })] },
      { legs: [boardLeg(BTC)] },
    );
    const before = systemView({ guards: [guardStatus(BTC)] }, { legs: [boardLeg(BTC)] });
    expect(boardSignature(moved)).toBe(boardSignature(before));
  });

  test.each([{ stop: '43700' }, { state: 'UNPROTECTED' }, { size: '0.02' }, { stopKind: 'human' as const }])(
    'a change of %j is',
    (over) => {
      const changed = systemView({ guards: [guardStatus({ ...BTC, ...over })] }, { legs: [boardLeg(BTC)] });
      const before = systemView({ guards: [guardStatus(BTC)] }, { legs: [boardLeg(BTC)] });
      expect(boardSignature(changed)).not.toBe(boardSignature(before));
    },
  );
});
