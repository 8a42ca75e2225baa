/** Reading a system and showing it live: who does not answer is named, and a lost view stays, marked as stale. */
import type { Client } from '@temporalio/client';
import { describe, expect, test } from 'vitest';
import { showLiveBoard, topOf } from '../../src/operator/live-board.ts';
import { readSystemView } from '../../src/operator/system-view.ts';
import { BTC, DASHBOARD, guardStatus, systemView } from './view-data.ts';

type Answers = Record<string, unknown>;

/** Stands for a Temporal server on which the workflows answer as given; what is not given is not there. */
function server(answers: () => Answers): Client {
  const client = {
    withDeadline: (_deadline: number, call: () => unknown) => call(),
    workflow: {
      getHandle: (workflowId: string) => ({
        query: (name: string) => {
          const key = `${workflowId} ${name}`;
          const all = answers();
          return key in all ? Promise.resolve(all[key]) : Promise.reject(new Error('workflow not found'));
        },
      }),
    },
  };
  // Only what the views use of the client is there.
  return client as unknown as Client;
}

const healthy: Answers = {
  'watch:main board': systemView().board,
  'ledger:main summary': DASHBOARD,
  'guard:main:BTCUSDT status': guardStatus(BTC),
  'guard:main:ETHUSDT status': guardStatus({ ...BTC, symbol: 'ETHUSDT', guard: 'guard:main:ETHUSDT' }),
  'guard:main:SOLUSDT status': guardStatus({ ...BTC, symbol: 'SOLUSDT', guard: 'guard:main:SOLUSDT' }),
};

const without = (key: string): Answers =>
  Object.fromEntries(Object.entries(healthy).filter(([name]) => name !== key));

describe('reading a system', () => {
  test('asks watcher, ledger and every guard on the board', async () => {
    const view = await readSystemView(
      server(() => healthy),
      'main',
    );
    expect(view.guards.map((guard) => guard.symbol)).toEqual(['BTCUSDT', 'ETHUSDT', 'SOLUSDT']);
    expect(view).toMatchObject({ account: 'main', dashboard: DASHBOARD, silent: [] });
  });

  test('a guard that does not answer is named and does not hide the others', async () => {
    const view = await readSystemView(
      server(() => without('guard:main:ETHUSDT status')),
      'main',
    );
    expect(view.guards).toHaveLength(2);
    expect(view.silent).toEqual([{ workflowId: 'guard:main:ETHUSDT', reason: 'workflow not found' }]);
  });
});

describe('a board longer than the terminal', () => {
  test.each([
    [5, 'a\nb\nc'],
    [4, 'a\nb\nc'],
    [3, 'a\n... 2 more lines: enlarge the terminal'],
    [1, 'a\n... 2 more lines: enlarge the terminal'],
  ])('with %d rows it shows its top and counts the rest', (rows, expected) => {
    expect(topOf('a\nb\nc\n', rows)).toBe(expected);
  });
});

describe('the live board where it cannot be redrawn', () => {
  /** Runs the board over a list of answers, one for each look, and gives what was printed. */
  async function printed(looks: readonly Answers[]): Promise<readonly string[]> {
    const stopping = new AbortController();
    const texts: string[] = [];
    let look = -1;
    const client = server(() => looks[look] ?? {});
    const getHandle = client.workflow.getHandle.bind(client.workflow);
    const workflow = {
      getHandle: (workflowId: string) => {
        if (workflowId.startsWith('watch:')) look += 1;
        if (look >= looks.length) stopping.abort();
        return getHandle(workflowId);
      },
    };
    await showLiveBoard({
      client: Object.assign(client, { workflow }),
      accounts: ['main'],
      stream: { isTTY: false, write: (text: string) => texts.push(text) } as unknown as NodeJS.WriteStream,
      env: {},
      intervalMs: 1,
      triggers: true,
      trailing: true,
      signal: stopping.signal,
      notices: [],
    });
    return texts;
  }

  test('a fresh table comes at each change and only then', async () => {
    const moved = { ...healthy, 'guard:main:BTCUSDT status': guardStatus({ ...BTC, stop: '43700' }) };
    const texts = await printed([healthy, healthy, moved, moved]);
    expect(texts).toHaveLength(2);
    expect(texts[1]).toContain('43700');
  });

  test('when nothing answers any more the last view stays, marked as stale', async () => {
    const texts = await printed([healthy, {}, {}]);
    expect(texts).toHaveLength(2);
    expect(texts[1]).toMatch(/STALE: shown as of .*workflow not found/);
    expect(texts[1]).toContain('BTCUSDT');
  });
});
