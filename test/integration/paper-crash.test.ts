/** The paper exchange as a process: killed at any moment it comes back with what it last acknowledged; bad starts say why. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signedHeaders, type Payload } from '../paper/account-under-test.ts';
import { failToStart, startPaper, type PaperProcess } from './paper-process.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'paper-crash-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

async function post(paper: PaperProcess, path: string, body: object): Promise<Payload> {
  const payload = JSON.stringify(body);
  const response = await fetch(`${paper.url}${path}`, {
    method: 'POST',
    headers: signedHeaders(payload, Date.now()),
    body: payload,
  });
  return response.json();
}

async function stateOf(paper: PaperProcess): Promise<Payload> {
  return (await fetch(`${paper.url}/paper/state`)).json();
}

test('killed in the middle of writes, again and again, it remembers each acknowledged stop and no other', async () => {
  const scenario = file('crash.json', {
    limits: { ipRequests: 0, perSecond: { '*': 0 } },
    positions: [{ symbol: 'BTCUSDT', size: '0.01', entryPrice: '44000' }],
    prices: [{ symbol: 'BTCUSDT', constant: '44000' }],
  });
  const args = ['--scenario', scenario, '--state', join(folder, 'crash-state.json')];
  const stopOf = (count: number): string => (count === 0 ? '' : (40_000 + count / 10).toFixed(1));
  let acknowledged = 0;
  let sent = 0;
  const refusedAlive: number[] = [];
  for (let round = 0; round < 8; round += 1) {
    const paper = await startPaper(args);
    const [row] = (await stateOf(paper)).positions;
    // The one write that was under way may have been applied without being acknowledged.
    expect([stopOf(acknowledged), stopOf(sent)].map(Number)).toContain(Number(row.stopLoss));
    const killAtMs = Date.now() + 60 + round * 37;
    let killed: Promise<unknown> | undefined;
    while (killed === undefined) {
      sent += 1;
      const answer = post(paper, '/v5/position/trading-stop', {
        category: 'linear',
        symbol: 'BTCUSDT',
        positionIdx: 0,
        tpslMode: 'Full',
        stopLoss: stopOf(sent),
      });
      if (Date.now() >= killAtMs) killed = paper.kill('SIGKILL');
      const retCode = await answer.then(
        (reply) => Number(reply.retCode),
        () => undefined,
      );
      if (retCode === 0) acknowledged = sent;
      else if (killed === undefined) refusedAlive.push(sent);
    }
    await killed;
  }
  expect(refusedAlive).toEqual([]);
  expect(sent).toBeGreaterThan(8);
});

test('records, wallet and prices survive, and time goes on where it was', async () => {
  const scenario = file('walk.json', {
    positions: [
      { symbol: 'BTCUSDT', size: '0.01', entryPrice: '44000', stopLoss: '43000' },
      { symbol: 'ETHUSDT' },
    ],
    prices: [
      {
        symbol: 'SOLUSDT',
        script: [
          { atMs: 0, price: '150' },
          { atMs: 3_600_000, price: '151' },
        ],
      },
    ],
  });
  const args = ['--scenario', scenario, '--state', join(folder, 'walk-state.json')];
  const first = await startPaper(args);
  await post(first, '/paper/price', { symbol: 'BTCUSDT', price: '42900' });
  const before = await stateOf(first);
  await first.kill('SIGKILL');
  const second = await startPaper(args);
  const after = await stateOf(second);
  expect(await second.kill('SIGTERM')).toBe(0);
  for (const field of ['positions', 'wallet', 'prices', 'stops', 'modes', 'account'])
    expect(after[field]).toEqual(before[field]);
  const reset = await startPaper([...args, '--reset']);
  expect((await stateOf(reset)).positions).toHaveLength(2);
  await reset.kill('SIGTERM');
});

describe('a start that cannot be', () => {
  test('names every problem of a scenario and ends with 2', async () => {
    const scenario = file('bad.json', { foo: 1, positions: [{ symbol: 'BTCUSDT', size: -1 }] });
    const { code, stderr } = await failToStart(['--port', '0', '--scenario', scenario]);
    expect(code).toBe(2);
    expect(stderr).toContain('foo: unknown field');
    expect(stderr).toContain('positions.0.size: expected a decimal string such as "0.10"');
  });

  test.each([
    [['--port', 'x'], '--port: expected 0 (any free port) to 65535, got "x"'],
    [['--host', '0.0.0.0'], '--host: the paper exchange listens on 127.0.0.1 only, not on 0.0.0.0'],
    [['--reset'], '--reset: there is no --state FILE to reset'],
    [['--nope'], 'usage: paper'],
    [['--scenario', '/nonexistent/x.json'], 'cannot read /nonexistent/x.json'],
  ])('%s', async (args, problem) => {
    const { code, stderr } = await failToStart(args);
    expect(code).toBe(2);
    expect(stderr).toContain(problem);
    expect(stderr).not.toContain('    at ');
  });

  test('says that a port is in use and what to do', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const address = holder.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const { code, stderr } = await failToStart(['--port', String(port)]);
    holder.close();
    expect(code).toBe(2);
    expect(stderr).toContain('EADDRINUSE');
    expect(stderr).toContain('choose another --port');
  });

  test('a state file of another scenario, one that is not ours, and one that is in use', async () => {
    const one = file('one.json', { seed: 1 });
    const other = file('other.json', { seed: 2 });
    const state = join(folder, 'owned.json');
    const holder = await startPaper(['--scenario', one, '--state', state]);
    const inUse = await failToStart(['--port', '0', '--scenario', one, '--state', state]);
    await holder.kill('SIGTERM');
    expect([inUse.code, inUse.stderr]).toEqual([2, expect.stringContaining('is in use by process')]);
    const mixed = await failToStart(['--port', '0', '--scenario', other, '--state', state]);
    expect([mixed.code, mixed.stderr]).toEqual([
      2,
      expect.stringContaining('was begun with another scenario; use --reset'),
    ]);
    const foreign = await failToStart([
      '--port',
      '0',
      '--scenario',
      one,
      '--state',
      file('foreign.json', '{"a":1}\n'),
    ]);
    expect([foreign.code, foreign.stderr]).toEqual([
      2,
      expect.stringContaining('is not a state file of the paper exchange'),
    ]);
  });
});
