/** `npm start` from the built output, as a person runs it: the report, its exit codes, Ctrl-C, crashes, and errors that leave nothing. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { SessionReport } from '../../src/domain/report.ts';
import { stopProcess } from '../../src/operator/child-process.ts';
import { isAlive } from '../../src/operator/process-identity.ts';
import { readSystemFile, type SystemFile } from '../../src/operator/system-file.ts';
import { scratchFolder } from '../support/scratch.ts';

const DIST = fileURLToPath(new URL('../../dist/operator/', import.meta.url));

interface Run {
  readonly process: ChildProcess;
  out: string;
  err: string;
  readonly ended: Promise<number | null>;
}

/** Runs one of the operator's programs on a data folder; it and what it started are gone when the test has ended. */
function run(
  program: string,
  args: readonly string[],
  dataDir: string,
  env: Record<string, string> = {},
): Run {
  const child = spawn(process.execPath, [join(DIST, `${program}.js`), ...args], {
    cwd: dataDir,
    env: {
      PATH: process.env['PATH'],
      STOPKEEPER_TEMPORAL_CLI: process.env['STOPKEEPER_TEMPORAL_CLI'],
      STOPKEEPER_DATA: join(dataDir, 'data'),
      STOPKEEPER_METRICS: '127.0.0.1:0',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  const result: Run = { process: child, out: '', err: '', ended };
  child.stdout.on('data', (chunk: Buffer) => (result.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (result.err += chunk.toString()));
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
    for (const left of systemOf(dataDir)?.processes ?? []) await stopProcess(left, 5_000);
  });
  return result;
}

function systemOf(dataDir: string): SystemFile | null {
  return readSystemFile(join(dataDir, 'data'));
}

function running(dataDir: string, name: string): SystemFile['processes'][number] {
  const found = systemOf(dataDir)?.processes.find((part) => part.name === name);
  if (found === undefined) throw new Error(`${name} is not running`);
  return found;
}

function until<T>(probe: () => T): Promise<T> {
  return vi.waitFor(probe, { timeout: 90_000, interval: 100 });
}

describe('a session', () => {
  test('--once --json prints one document with every stop proven, ends with 0, and leaves nothing running', async () => {
    const dataDir = scratchFolder();
    const start = run('start', ['--once', '--json'], dataDir);
    let seen: SystemFile | null = null;
    await until(() => {
      seen = systemOf(dataDir) ?? seen;
      expect(seen?.processes.length).toBe(3);
    });
    expect(await start.ended).toBe(0);
    const report = JSON.parse(start.out) as SessionReport;
    expect(['SUCCESS', 'WARNING']).toContain(report.status);
    expect(report.positions.length).toBeGreaterThanOrEqual(3);
    for (const position of report.positions) expect(position.provenAt).not.toBeNull();
    expect((seen as unknown as SystemFile).processes.filter(isAlive)).toEqual([]);
    expect(systemOf(dataDir)).toBeNull();
    expect(existsSync(join(dataDir, 'data', 'lock'))).toBe(false);
  });

  test('the next start resumes the same guards, and a healthy account is not written again', async () => {
    const dataDir = scratchFolder();
    const scenario = join(dataDir, 'still.json');
    writeFileSync(
      scenario,
      JSON.stringify({
        instruments: [{ symbol: 'BTCUSDT', price: '44000' }],
        positions: [{ symbol: 'BTCUSDT', side: 'Buy', size: '0.01', entryPrice: '43900', leverage: '10' }],
        prices: [{ symbol: 'BTCUSDT', constant: '44000' }],
      }),
    );
    const args = ['--once', '--json', '--scenario', scenario];
    const first = run('start', args, dataDir);
    expect(await first.ended).toBe(0);
    const second = run('start', args, dataDir);
    expect(await second.ended).toBe(0);
    const [before, after] = [first, second].map((one) => JSON.parse(one.out) as SessionReport);
    expect(before?.protection).toMatchObject({ total: 1, newlyProtected: 1 });
    expect(after?.protection).toMatchObject({ total: 1, newlyProtected: 0, alreadyProtected: 1 });
    expect(after?.positions[0]?.episode).toBe(before?.positions[0]?.episode);
  });
});

describe('in the foreground', () => {
  test('a killed worker is reported and comes back, status sees the board, and Ctrl-C stops everything', async () => {
    const dataDir = scratchFolder();
    const start = run('start', [], dataDir);
    await until(() => expect(start.out).toContain('If every stop fires'));
    const worker = running(dataDir, 'worker');
    process.kill(worker.pid, 'SIGKILL');
    await until(() => expect(running(dataDir, 'worker').pid).not.toBe(worker.pid));
    expect(start.err).toContain('worker was ended by SIGKILL; it is started again in 1 s');
    const status = run('status', [], dataDir);
    await until(() => expect(status.out).toContain('PROTECTED'));
    const doctor = run('doctor', ['--json'], dataDir);
    expect(await doctor.ended).toBe(0);
    expect(doctor.out).toContain('the API key may set stops');
    expect(doctor.out).toContain('keeps closed histories for 14 days');
    const second = run('start', ['--once'], dataDir);
    expect(await second.ended).toBe(2);
    expect(second.err).toContain(`process ${start.process.pid} runs a system`);
    const { processes } = systemOf(dataDir) ?? { processes: [] };
    start.process.kill('SIGINT');
    expect(await start.ended).toBe(0);
    expect(processes).toHaveLength(3);
    expect(processes.filter(isAlive)).toEqual([]);
  });

  test('kill -9 of the start leaves the worker guarding, and the next start takes its place', async () => {
    const dataDir = scratchFolder();
    const start = run('start', [], dataDir);
    await until(() => expect(start.out).toContain('If every stop fires'));
    const { processes } = systemOf(dataDir) ?? { processes: [] };
    start.process.kill('SIGKILL');
    await start.ended;
    expect(processes.filter(isAlive)).toHaveLength(3);
    const next = run('start', ['--once', '--json'], dataDir);
    expect(await next.ended).toBe(0);
    expect(next.err).toContain(`stopping the worker (process ${processes[0]?.pid})`);
    expect(processes.filter(isAlive)).toEqual([]);
  });
});

test('the plan brings up a system of its own, writes no stop, and starts no guard', async () => {
  const dataDir = scratchFolder();
  const plan = run('plan', ['--json'], dataDir);
  expect(await plan.ended).toBe(0);
  const report = JSON.parse(plan.out) as SessionReport;
  expect(report.dryRun).toBe(true);
  expect(report.positions.map((position) => position.guard)).toEqual([null, null, null]);
  expect(systemOf(dataDir)).toBeNull();
});

describe('what prevents a start: exit code 2, every problem named, nothing left', () => {
  async function refused(
    args: readonly string[],
    env: Record<string, string>,
    files: Record<string, string> = {},
  ) {
    const dataDir = scratchFolder();
    for (const [name, text] of Object.entries(files)) writeFileSync(join(dataDir, name), text);
    const start = run('start', ['--once', ...args], dataDir, env);
    expect(await start.ended).toBe(2);
    expect(start.out).toBe('');
    expect(systemOf(dataDir)).toBeNull();
    expect(existsSync(join(dataDir, 'data', 'lock'))).toBe(false);
    return start.err;
  }

  test('configuration: an unknown venue, a missing key and a bad policy together', async () => {
    const env = { STOPKEEPER_VENUE: 'bybit-demo', STOPKEEPER_LOG_LEVEL: 'loud' };
    const err = await refused([], env, { 'stopkeeper.json': '{"defaults": {"fixedStopPct": 99}}' });
    expect(err).toContain('(4 problems)');
    for (const name of ['LOG_LEVEL', 'BYBIT_API_KEY:', 'BYBIT_API_SECRET:', 'fixedStopPct'])
      expect(err).toContain(name);
  });

  test('a Temporal server that does not answer', async () => {
    const err = await refused([], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
    expect(err).toContain('no Temporal server answers at 127.0.0.1:1');
  });

  test('a scenario that is malformed, with the words of the paper exchange', async () => {
    const err = await refused(
      ['--scenario', 'bad.json'],
      {},
      { 'bad.json': '{"nonsense": 1, "latencyMs": -5}' },
    );
    expect(err).toContain('paper exchange: ended with exit code 2');
    for (const name of ['nonsense', 'latencyMs']) expect(err).toContain(name);
  });

  test.each([
    ['a key that the venue does not know', { BYBIT_API_KEY: 'wrong-key' }, '10003'],
    ['a secret that does not fit the key', { BYBIT_API_SECRET: 'wrong-secret' }, '10004'],
  ])('%s', async (_what, env, code) => {
    const err = await refused([], env);
    expect(err).toContain('BYBIT_API_KEY, BYBIT_API_SECRET: paper rejects the key of account main');
    expect(err).toContain(code);
    expect(err).not.toMatch(/wrong-(key|secret)/);
  });

  test('a scenario that nothing would read', async () => {
    const env = {
      STOPKEEPER_VENUE: 'bybit-demo',
      BYBIT_API_KEY: 'some-key',
      BYBIT_API_SECRET: 'some-secret',
    };
    expect(await refused(['--scenario', 'x.json'], env)).toContain(
      '--scenario: no paper exchange is started',
    );
  });

  test('a metrics port that was chosen and is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    onTestFinished(() => void server.close());
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await refused([], { STOPKEEPER_METRICS: address })).toContain(`${address} cannot be listened on`);
  });

  test('a paper exchange that somebody else should run and does not', async () => {
    expect(await refused([], { STOPKEEPER_VENUE_URL: 'http://127.0.0.1:1' })).toContain(
      'STOPKEEPER_VENUE_URL: no paper exchange answers at http://127.0.0.1:1',
    );
  });

  test('a version for workers that are started and stopped together', async () => {
    const env = { STOPKEEPER_DEPLOYMENT: 'stopkeeper', STOPKEEPER_BUILD_ID: '0.1.0' };
    expect(await refused([], env)).toContain('worker versioning is for workers that run by themselves');
  });

  test('an option that does not exist', async () => {
    expect(await refused(['--twice'], {})).toContain("unknown option '--twice'");
  });

  test('status without a system says how to start one', async () => {
    const status = run('status', [], scratchFolder());
    expect(await status.ended).toBe(2);
    expect(status.err).toContain('no system runs on');
    expect(status.err).toContain('npm start');
  });
});
