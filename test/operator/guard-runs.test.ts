/** Exports of recorded guards: what is judged again from histories is what the guards themselves had decided. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defaultDataConverter } from '@temporalio/common';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { describe, expect, it } from 'vitest';
import type { GuardInput } from '../../src/domain/messages.ts';
import { retrace, type Happened, type Traced } from '../../src/domain/retrace.ts';
import { exportPage } from '../../src/operator/export-page.ts';
import { happenedOf } from '../../src/operator/guard-runs.ts';

const FOLDER = fileURLToPath(new URL('../replay/histories/0.1.0/', import.meta.url));
const GUARDS = readdirSync(FOLDER).filter((name) => name.startsWith('guard-'));
const FACTS = {
  guard: 'guard:main:BTCUSDT',
  runs: 1,
  leftOut: 0,
  running: false,
  exportedAt: '2026-11-22T12:00:00.000Z',
};

async function recorded(name: string): Promise<readonly Happened[]> {
  const { history } = JSON.parse(readFileSync(`${FOLDER}${name}`, 'utf8')) as { history: unknown };
  return happenedOf(defaultDataConverter, historyFromJSON(history), name);
}

const decisionsOf = (traced: readonly Traced[]) => traced.filter((one) => one.kind === 'decision');

describe('a recorded guard', () => {
  it.each(GUARDS)('%s is retraced without a gap, each read with its price', async (name) => {
    const happened = await recorded(name);
    const traced = retrace(happened);
    expect(traced.filter(({ kind }) => kind === 'gap')).toEqual([]);
    const reads = happened.filter((one) => one.kind === 'observed');
    expect(decisionsOf(traced).length).toBeGreaterThanOrEqual(reads.length);
    const prices = new Set(decisionsOf(traced).map(({ price }) => price));
    const seen = reads.flatMap(({ observation }) => (observation.kind === 'open' ? [observation.price] : []));
    for (const price of seen) expect(prices).toContain(price);
  });

  it('has in its retraced run the decisions that it handed to its next run', async () => {
    const first = await recorded('guard-continued-run-1.json');
    const next = await recorded('guard-continued-run-2.json');
    const handed = next.find((one) => one.kind === 'started')?.input as GuardInput;
    const own = (handed.book?.log ?? []).map(({ at, state, reason, resting }) => ({
      at,
      state,
      reason,
      resting,
    }));
    expect(own.length).toBeGreaterThan(0);
    const traced = decisionsOf(retrace(first)).map(({ at, state, reason, resting }) => ({
      at,
      state,
      reason,
      resting,
    }));
    for (const entry of own) expect(traced).toContainEqual(entry);
  });

  it('over several runs is one list in the order of time, without what runs hand to each other', async () => {
    const runs = await Promise.all([1, 2, 3].map((run) => recorded(`guard-continued-run-${run}.json`)));
    const times = decisionsOf(retrace(runs.flat())).map(({ at }) => at);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    const alone = decisionsOf(retrace(runs[0] ?? [])).length;
    expect(times.length).toBeGreaterThan(alone);
  });
});

describe('the page', () => {
  it('draws the guard that trailed: its price, its stop, its best price and its stops sent', async () => {
    const page = exportPage(retrace(await recorded('guard-trailing.json')), FACTS);
    for (const part of ['class="line price"', 'class="line stop"', 'class="line best"', 'class="sent"'])
      expect(page).toContain(part);
    expect(page).not.toContain('NaN');
    expect(page).not.toMatch(/https?:|<script|src=|@import|url\(/);
  });

  it('shows words of the venue and of people as text, whatever they contain', () => {
    const evil = `<script>alert("1")</script>`;
    const traced: readonly Traced[] = [
      { kind: 'message', at: 1_000, name: 'release', input: { reason: evil }, by: evil },
      { kind: 'gap', at: 2_000, reason: evil },
    ];
    const page = exportPage(traced, { ...FACTS, guard: evil });
    expect(page).not.toContain('<script');
    expect(page).toContain('&lt;script&gt;');
    expect(page).toContain('nothing to draw');
  });

  it('of a month stays small, and says that the oldest rows are beside it', () => {
    const at = (index: number): number => Date.parse('2026-11-01T00:00:00.000Z') + index * 30_000;
    const traced = Array.from({ length: 86_400 }, (_, index): Traced => ({
      kind: 'decision',
      at: at(index),
      state: 'protected',
      rule: 'trailing',
      price: String(44_000 + (index % 997)),
      resting: String(43_000 + Math.floor(index / 10)),
      request: null,
      answer: null,
      provenAt: at(index),
      reason: 'in place',
      episode: '1',
      side: 'long',
      trigger: '43923',
      best: '45000',
    }));
    const page = exportPage(traced, FACTS);
    process.stdout.write(`a page of 86,400 checks: ${(page.length / 1_000).toFixed(0)} kB\n`);
    expect(page.length).toBeLessThan(1_500_000);
    expect(page).toContain('The newest 3000 of 8640 rows');
  });

  it('of a history that another version wrote has a gap, not an end', () => {
    const started = { kind: 'started', at: 1, runId: 'r', input: {} as GuardInput } as const;
    const message = { kind: 'message', at: 2, name: 'setPolicy', input: { policy: 'x' }, by: '' } as const;
    const ended = { kind: 'ended', at: 3, how: 'closed', ending: null } as const;
    const kinds = retrace([started, message, ended]).map(({ kind }) => kind);
    expect(kinds).toContain('gap');
    expect(kinds.at(-1)).toBe('guard-ended');
  });
});
