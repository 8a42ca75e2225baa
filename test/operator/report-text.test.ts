/** The report and the plan as text: pictures at 80 and 140 columns (`vitest -u` rewrites them), and what each must show. */
import pc from 'picocolors';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { renderPlan } from '../../src/operator/plan-text.ts';
import { renderReport } from '../../src/operator/report-text.ts';
import { plainTerminal, terminalOf, widthOf } from '../../src/operator/terminal.ts';
import { BTC, DOGE, ETH, SOL, emptyReport, failedReport, report } from './view-data.ts';

const picture = (name: string): string => `../fixtures/views/${name}.txt`;

describe.each([80, 140])('at %d columns', (width) => {
  test.each([
    ['report', report()],
    ['report-failed', failedReport()],
    ['report-empty', emptyReport()],
  ])('the %s is as pictured, and no line is wider', async (name, data) => {
    const text = renderReport(data, plainTerminal(width));
    expect(widthOf(text)).toBeLessThanOrEqual(width);
    await expect(text).toMatchFileSnapshot(picture(`${name}-${width}`));
  });

  test('the plan is as pictured, and no line is wider', async () => {
    const planned = { ...BTC, state: 'UNPROTECTED', provenAt: null, guard: null };
    const tightened = { ...ETH, state: 'UNPROTECTED', provenAt: null, guard: null };
    const text = renderPlan(
      report({
        dryRun: true,
        criteria: [{ id: 'plan', level: 'ok', message: 'a session would write 2 stops' }],
        positions: [planned, tightened, SOL],
      }),
      plainTerminal(width),
    );
    expect(widthOf(text)).toBeLessThanOrEqual(width);
    await expect(text).toMatchFileSnapshot(picture(`plan-${width}`));
  });
});

test('a position without proof comes first and says so', () => {
  const text = renderReport(failedReport(), plainTerminal(140));
  expect(text.indexOf('DOGEUSDT')).toBeLessThan(text.indexOf('BTCUSDT'));
  expect(text).toMatch(/DOGEUSDT.*none.*UNPROTECTED.*not proven/);
});

test('a report without a balance shows the error and its hint', () => {
  const error = { type: 'VenueAuth', code: '33004', message: 'API key has expired', hint: 'Make a new key.' };
  const text = renderReport(report({ status: 'FAILED', balance: { error } }), plainTerminal(80));
  expect(text).toContain('not available');
  expect(text).toContain('API key has expired (VenueAuth, code 33004)');
  expect(text).toContain('Make a new key.');
});

test('positions that could not be read are not called none', () => {
  const criteria = [{ id: 'positions-read', level: 'failure' as const, message: 'key rejected' }];
  const unread = { ...emptyReport(), criteria };
  for (const text of [renderReport(unread, plainTerminal(80)), renderPlan(unread, plainTerminal(80))]) {
    expect(text).toContain('Not known: the list of positions could not be read.');
    expect(text).not.toContain('No open positions');
  }
});

test('an unreadable position is a row of dashes with its reason, not an error', () => {
  const blank = { side: null, size: null, entryPrice: null, markPrice: null, leverage: null, pnlUsd: null };
  const none = { pnlPct: null, trigger: null, liqPrice: null, episode: null };
  const unreadable = { ...DOGE, ...blank, ...none, state: 'UNREADABLE', warnings: ['markPrice is ""'] };
  const text = renderReport(report({ positions: [unreadable] }), plainTerminal(140));
  expect(text).toMatch(/DOGEUSDT\s+-\s+-\s+-\s+-/);
  expect(text).toContain('markPrice is ""');
});

test('figures too long for any table are shown whole, one block for each position', () => {
  const long = {
    ...SOL,
    symbol: '1000000BABYDOGEUSDT',
    entryPrice: '0.00000000123456',
    markPrice: '0.00000000123999',
  };
  const text = renderReport(report({ positions: [long] }), plainTerminal(50));
  expect(text).toContain('0.00000000123456, mark 0.00000000123999');
});

describe('colours', () => {
  const coloured = { width: 80, paint: pc.createColors(true) };

  test('on a terminal they change nothing but colour', () => {
    const text = renderReport(failedReport(), coloured);
    expect(text).toContain('\u001b[31m');
    expect(stripVTControlCharacters(text)).toBe(renderReport(failedReport(), plainTerminal(80)));
  });

  test.each([
    [{ isTTY: true, columns: 100 }, {}, 100, true],
    [{ isTTY: true, columns: 100 }, { NO_COLOR: '1' }, 100, false],
    [{ isTTY: true, columns: 100 }, { TERM: 'dumb' }, 100, false],
    [{}, {}, 140, false],
    [{}, { COLUMNS: '90', FORCE_COLOR: '1' }, 90, true],
  ])('%j with %j is %d columns wide, coloured: %s', (stream, env, width, expected) => {
    const terminal = terminalOf(stream, env);
    expect(terminal.width).toBe(width);
    expect(terminal.paint.isColorSupported).toBe(expected);
  });
});
