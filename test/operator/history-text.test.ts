/** Ended episodes as text: pictures at 80 and 140 columns, the figures of a closing report, and what is not known. */
import { describe, expect, test } from 'vitest';
import type { ClosingReport } from '../../src/domain/closing.ts';
import {
  endedEpisode,
  legOfGuard,
  mergedEpisodes,
  pnlSum,
  type EndedGuard,
} from '../../src/domain/history.ts';
import type { GuardHistory } from '../../src/operator/guard-history.ts';
import { renderHistory, span } from '../../src/operator/history-text.ts';
import { plainTerminal, widthOf } from '../../src/operator/terminal.ts';

const BTC = { symbol: 'BTCUSDT', positionIdx: 0 } as const;
const ETH_SHORT = { symbol: 'ETHUSDT', positionIdx: 2 } as const;
const SOL = { symbol: 'SOLUSDT', positionIdx: 0 } as const;
const XRP = { symbol: 'XRPUSDT', positionIdx: 0 } as const;

/** A long from 09:00:00 to 11:59:58 whose trailing stop at 43648 was filled 2 below it. */
const STOPPED: ClosingReport = {
  reason: 'stop-loss',
  episode: String(Date.parse('2025-01-02T09:00:00.000Z')),
  side: 'long',
  size: '0.01',
  entryPrice: '43462.5',
  exitPrice: '43646',
  pnl: '1.3571',
  stop: '43648',
  slippage: '2',
  closedAt: Date.parse('2025-01-02T11:59:58.000Z'),
  unprotectedSeconds: '0.4',
};

const guard = (id: string, endedAt = '2025-01-02T12:00:03.000Z'): EndedGuard => ({
  guard: `guard:main:${id}`,
  runId: 'a-run',
  endedAt,
});

const closed = (over: Partial<ClosingReport> = {}) => ({
  ended: 'closed' as const,
  report: { ...STOPPED, ...over },
});

const EPISODES = [
  endedEpisode(BTC, guard('BTCUSDT'), closed()),
  endedEpisode(
    ETH_SHORT,
    guard('ETHUSDT:short'),
    closed({
      reason: 'manual',
      side: 'short',
      size: '0.5',
      entryPrice: '2600',
      exitPrice: '2610',
      pnl: '-6.43275',
      stop: '2756',
      slippage: null,
      unprotectedSeconds: '0.0',
    }),
  ),
  endedEpisode(
    SOL,
    guard('SOLUSDT'),
    closed({
      reason: 'unexplained',
      exitPrice: null,
      pnl: null,
      slippage: null,
      closedAt: null,
      size: '20',
      entryPrice: '150',
      stop: '149',
    }),
  ),
  endedEpisode(XRP, guard('XRPUSDT'), { ended: 'released', reason: 'hedged elsewhere' }),
];

const HISTORY: GuardHistory = {
  account: 'main',
  episodes: EPISODES,
  known: 57,
  audit: null,
  withoutServer: null,
  ended: 1,
  retentionDays: 14,
};

describe.each([80, 140])('at %d columns', (width) => {
  test.each([
    ['history', HISTORY],
    ['history-empty', { ...HISTORY, episodes: [], known: 0, ended: 0 }],
  ])('the %s is as pictured, and no line is wider', async (name, history) => {
    const text = renderHistory(history, plainTerminal(width));
    expect(widthOf(text)).toBeLessThanOrEqual(width);
    await expect(text).toMatchFileSnapshot(`../fixtures/views/${name}-${width}.txt`);
  });
});

describe('an ended episode', () => {
  test('lasted from its opening to the last closing fill, and its slippage is a share of the stop', () => {
    expect(EPISODES[0]).toMatchObject({
      openedAt: '2025-01-02T09:00:00.000Z',
      closedAt: '2025-01-02T11:59:58.000Z',
      durationMs: 10_798_000,
      // 2 of 43648.
      slippagePct: '0.0046',
    });
    const wide = endedEpisode(BTC, guard('BTCUSDT'), closed({ stop: '100', slippage: '1.5' }));
    expect(wide.slippagePct).toBe('1.5');
  });

  test('without a closing record has no duration, no PnL and no closing time', () => {
    const none = { closedAt: null, pnl: null, durationMs: null };
    expect(EPISODES[2]).toMatchObject({ reason: 'unexplained', ...none });
  });

  test('without an episode of its own has no duration', () => {
    const unseen = endedEpisode(BTC, guard('BTCUSDT'), closed({ episode: null }));
    expect(unseen).toMatchObject({ openedAt: null, durationMs: null });
  });

  test('that an operator released is told as released, with the reason, and claims no closing', () => {
    const none = { closedAt: null, pnl: null, exitPrice: null };
    expect(EPISODES[3]).toMatchObject({ reason: 'released', note: 'hedged elsewhere', ...none });
  });

  test('whose result cannot be read is listed with the reason', () => {
    const lost = endedEpisode(BTC, guard('BTCUSDT'), null, 'its result cannot be read: gone');
    expect(lost).toMatchObject({ reason: 'unknown', note: 'its result cannot be read: gone', pnl: null });
    const text = renderHistory({ ...HISTORY, episodes: [lost] }, plainTerminal(140));
    expect(text).toContain('! BTCUSDT: its result cannot be read: gone');
    expect(text).not.toContain('Together');
  });
});

describe('history and audit log together', () => {
  const later = '2025-01-02T13:00:00.000Z';
  const fromAudit = (report: Partial<ClosingReport>, runId = 'a-run') =>
    endedEpisode(BTC, { ...guard('BTCUSDT', later), runId }, closed(report), null, 'audit');

  test('an episode that both know is listed once, by the word of the server', () => {
    const [temporal] = EPISODES;
    expect(mergedEpisodes(EPISODES.slice(0, 1), [fromAudit({})])).toEqual([temporal]);
  });

  test('another episode of the same guard is another one, and the newest comes first', () => {
    const merged = mergedEpisodes(EPISODES.slice(0, 1), [fromAudit({ episode: '1735810000000' })]);
    expect(merged.map(({ source }) => source)).toEqual(['audit', 'temporal']);
  });

  test('what the server cannot read any more is taken from the log', () => {
    const lost = endedEpisode(BTC, guard('BTCUSDT'), null, 'its result cannot be read: gone');
    expect(mergedEpisodes([lost], [fromAudit({})])).toMatchObject([{ reason: 'stop-loss', source: 'audit' }]);
    expect(mergedEpisodes([lost], [fromAudit({}, 'another-run')])).toHaveLength(2);
  });

  test('what the log cannot tell is said', () => {
    const audit = { files: 3, entries: 1, duplicates: 2, unreadable: 4, torn: true };
    const text = renderHistory({ ...HISTORY, audit, withoutServer: 'no answer' }, plainTerminal(140));
    for (const words of [
      '1 entry in 3 files, 2 written twice',
      'cut off',
      '4 of its lines',
      'not asked: no answer',
    ])
      expect(text).toContain(words);
  });
});

test('the sum names how many episodes had no figure, and counts no released leg', () => {
  expect(pnlSum(EPISODES)).toEqual({ pnl: '-5.07565', counted: 2, without: 1 });
});

test.each([
  ['guard:main:BTCUSDT', { symbol: 'BTCUSDT', positionIdx: 0 }],
  ['guard:main:BTCUSDT-26DEC25:long', { symbol: 'BTCUSDT-26DEC25', positionIdx: 1 }],
  ['guard:main:BTCUSDT:short', { symbol: 'BTCUSDT', positionIdx: 2 }],
  ['guard:main2:BTCUSDT', null],
  ['guard:main:BTCUSDT:both', null],
  ['guard:main:', null],
])('the leg of %s is %j', (id, leg) => {
  expect(legOfGuard('main', id)).toEqual(leg);
});

test.each([
  [0, '0 s'],
  [45_000, '45 s'],
  [725_000, '12 min 5 s'],
  [7_200_000, '2 h'],
  [187_200_000, '2 d 4 h'],
])('%d ms is written %s', (ms, text) => {
  expect(span(ms)).toBe(text);
});
