/** Programs as processes: lock, ports, start, readiness, supervision, ending; with tiny real processes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { describeEnding, startChild, stopProcess, type Child } from '../../src/operator/child-process.ts';
import { lockDataFolder } from '../../src/operator/data-lock.ts';
import { freePort, isFree } from '../../src/operator/ports.ts';
import { identityOf, isAlive } from '../../src/operator/process-identity.ts';
import { announced, whenReady } from '../../src/operator/readiness.ts';
import { Interrupted, StartError } from '../../src/operator/start-error.ts';
import { supervise } from '../../src/operator/supervision.ts';
import { readSystemFile } from '../../src/operator/system-file.ts';
import { SystemParts } from '../../src/operator/system-parts.ts';

let folder = '';
let children: Child[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stopkeeper-test-'));
  children = [];
});

afterEach(async () => {
  for (const child of children) await child.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a line of JavaScript as a process. */
function run(code: string, graceMs = 5_000): Child {
  const child = startChild({
    name: 'worker',
    command: process.execPath,
    args: ['-e', code],
    env: { PATH: process.env['PATH'] },
    logFile: join(folder, 'logs', 'worker.log'),
    graceMs,
  });
  children.push(child);
  return child;
}

const FOREVER = 'setInterval(() => {}, 1000);';

function until<T>(probe: () => T): Promise<T> {
  return vi.waitFor(probe, { timeout: 30_000, interval: 20 });
}

async function problemOf(promise: Promise<unknown>): Promise<StartError> {
  const error = await promise.catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(StartError);
  return error as StartError;
}

describe('the lock of a data folder', () => {
  test('is refused while another process holds it, with its pid and what to do', async () => {
    const other = run(FOREVER);
    const owner = { id: 'other', ...other.identity, since: '2025-01-02T12:00:00.000Z' };
    writeFileSync(join(folder, 'lock'), JSON.stringify(owner));
    const error = await problemOf(Promise.resolve().then(() => lockDataFolder(folder)));
    expect(error.problems[0]?.message).toContain(`process ${other.identity.pid} runs a system on ${folder}`);
    expect(error.problems[0]?.hint).toContain('Ctrl-C');
  });

  test('is taken over from a dead process, and from a pid that came round again', async () => {
    const dead = run('');
    await dead.exited;
    const owner = { id: 'dead', ...dead.identity, since: '2025-01-02T12:00:00.000Z' };
    writeFileSync(join(folder, 'lock'), JSON.stringify(owner));
    lockDataFolder(folder)();
    const recycled = { ...owner, pid: process.pid, bornAt: 'another time' };
    writeFileSync(join(folder, 'lock'), JSON.stringify(recycled));
    lockDataFolder(folder)();
    expect(() => readFileSync(join(folder, 'lock'))).toThrow('ENOENT');
  });

  test('is taken over when it is not a lock at all', () => {
    writeFileSync(join(folder, 'lock'), 'half a li');
    const release = lockDataFolder(folder);
    expect(() => lockDataFolder(folder)).toThrow(StartError);
    release();
  });

  test('cannot be taken in a folder that cannot be made', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => lockDataFolder(join(folder, 'file', 'data'))).toThrow(/cannot be made \(ENOTDIR\)/);
  });
});

describe('ports', () => {
  test('the usual port is used where it is free and another where it is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expect(await isFree(port, '127.0.0.1')).toBe(false);
    expect(await freePort(port)).not.toBe(port);
    server.close();
    await once(server, 'close');
    expect(await freePort(port)).toBe(port);
  });

  test('any other comes from below those that a system gives away by chance', async () => {
    for (let time = 0; time < 20; time += 1) {
      const port = await freePort(null);
      expect(port).toBeLessThan(32_768);
      expect(await isFree(port, '127.0.0.1')).toBe(true);
    }
  });
});

describe('a process', () => {
  test('is identified by pid and birth, and is dead once it ended', async () => {
    const child = run(FOREVER);
    expect(isAlive(child.identity)).toBe(true);
    expect(isAlive({ ...child.identity, bornAt: 'another time' })).toBe(false);
    await child.stop();
    expect(isAlive(child.identity)).toBe(false);
  });

  test.each([0, -1, Number.NaN])('the pid %d is never taken for one', async (pid) => {
    expect(isAlive({ pid, bornAt: '' })).toBe(false);
    await stopProcess({ pid, bornAt: '' }, 10);
  });

  test('another process is stopped by its identity only', async () => {
    const stranger = spawn(process.execPath, ['-e', FOREVER], { stdio: 'ignore' });
    const exited = once(stranger, 'exit');
    const identity = identityOf(stranger.pid ?? -1);
    await stopProcess({ ...identity, bornAt: 'another time' }, 10);
    expect(isAlive(identity)).toBe(true);
    await stopProcess(identity, 5_000);
    expect((await exited)[1]).toBe('SIGTERM');
  });

  test.runIf(process.platform === 'linux')(
    'runs in a process group of its own: Ctrl-C in the terminal does not reach it',
    async () => {
      const child = run(`console.log('up'); ${FOREVER}`);
      await until(() => expect(child.output()).toContain('up'));
      const stat = readFileSync(`/proc/${child.identity.pid}/stat`, 'utf8');
      const group = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2];
      expect(group).toBe(String(child.identity.pid));
    },
  );

  test('ends on SIGTERM in its own time', async () => {
    const child = run(`process.on('SIGTERM', () => process.exit(7)); console.log('up'); ${FOREVER}`);
    await until(() => expect(child.output()).toContain('up'));
    await child.stop();
    expect(child.ending()).toEqual({ code: 7, signal: null });
  });

  test('is killed when it does not end within its grace', async () => {
    const child = run(`process.on('SIGTERM', () => {}); console.log('up'); ${FOREVER}`, 100);
    await until(() => expect(child.output()).toContain('up'));
    await child.stop();
    expect(child.ending()).toEqual({ code: null, signal: 'SIGKILL' });
  });

  test('keeps its log bounded while it runs, one generation aside', async () => {
    const logFile = join(folder, 'logs', 'chatty.log');
    const line = 'x'.repeat(99);
    const child = startChild({
      name: 'chatty',
      command: process.execPath,
      args: ['-e', `setInterval(() => console.error('${line}'), 1);`],
      env: { PATH: process.env['PATH'] },
      logFile,
      graceMs: 5_000,
      logLimit: { bytes: 5_000, everyMs: 20 },
    });
    children.push(child);
    await until(() => expect(statSync(`${logFile}.1`).size).toBeGreaterThan(5_000));
    // What it writes from then on goes to the emptied file, from its beginning.
    await until(() => {
      const text = readFileSync(logFile, 'utf8');
      expect(text.startsWith(line)).toBe(true);
      expect(child.logTail(1)).toBe(line);
    });
  });

  test('that does not exist is an ending with its reason, not an exception', async () => {
    const missing = { name: 'x', command: join(folder, 'no-such-program'), args: [], env: {}, graceMs: 100 };
    const child = startChild({ ...missing, logFile: join(folder, 'x.log') });
    expect(describeEnding(await child.exited)).toContain('could not be started: spawn');
    await child.stop();
  });
});

describe('readiness', () => {
  const wait = (over: { deadlineMs?: number; signal?: AbortSignal } = {}) => ({
    deadlineMs: 30_000,
    signal: new AbortController().signal,
    logFile: join(folder, 'logs', 'worker.log'),
    ...over,
  });

  test('comes with the first JSON line that has the key, whatever stands before it', async () => {
    const child = run(`console.log('hello'); console.log('{"listening":"http://127.0.0.1:1"}'); ${FOREVER}`);
    const line = await whenReady(child, () => announced(child, 'listening'), wait());
    expect(line).toEqual({ listening: 'http://127.0.0.1:1' });
  });

  test('a program that ends first is an error with its last words and its log', async () => {
    const child = run(`console.error('STOPKEEPER_VENUE: is "kraken"'); process.exitCode = 2;`);
    const error = await problemOf(whenReady(child, () => announced(child, 'ready'), wait()));
    expect(error.problems[0]).toMatchObject({
      setting: 'worker',
      message: expect.stringMatching(
        /ended with exit code 2 before it was ready; it said:\n\s+STOPKEEPER_VENUE/,
      ),
      hint: expect.stringContaining('worker.log'),
    });
  });

  test('only what this run wrote to the log is quoted', async () => {
    const first = run(`console.error('old words')`);
    await first.exited;
    const child = run(`console.error('new words')`);
    const error = await problemOf(whenReady(child, () => null, wait()));
    expect(error.message).toContain('new words');
    expect(error.message).not.toContain('old words');
  });

  test('a program that never gets ready is an error after the deadline', async () => {
    const error = await problemOf(whenReady(run(FOREVER), () => null, wait({ deadlineMs: 100 })));
    expect(error.message).toContain('was not ready after 0.1 s');
  });

  test('Ctrl-C ends the wait', async () => {
    const stopping = new AbortController();
    const waiting = whenReady(run(FOREVER), () => null, wait({ signal: stopping.signal }));
    stopping.abort();
    await expect(waiting).rejects.toBeInstanceOf(Interrupted);
  });
});

describe('supervision', () => {
  test('a program that ends is reported and started again, until it is stopped', async () => {
    const notices: string[] = [];
    const early: number[] = [];
    const start = (): Child => run(FOREVER);
    const events = {
      notice: (text: string) => void notices.push(text),
      restarted: () => undefined,
      endedEarly: (times: number) => void early.push(times),
    };
    const supervision = supervise(start(), start, events, 10);
    const first = supervision.current().identity;
    process.kill(first.pid, 'SIGKILL');
    await until(() => expect(supervision.current().identity.pid).not.toBe(first.pid));
    const second = supervision.current().identity;
    expect(isAlive(second)).toBe(true);
    expect(notices[0]).toContain('worker was ended by SIGKILL; it is started again in 0.01 s');
    expect(early).toEqual([1]);
    await supervision.stop();
    expect(isAlive(second)).toBe(false);
    expect(children).toHaveLength(2);
  });

  test('a program that cannot stay up is counted in a row', async () => {
    const early: number[] = [];
    const start = (): Child => run('process.exit(1)');
    const endedEarly = (times: number): void => void early.push(times);
    const supervision = supervise(
      start(),
      start,
      { notice: () => undefined, restarted: () => undefined, endedEarly },
      1,
    );
    await until(() => expect(early.length).toBeGreaterThanOrEqual(3));
    await supervision.stop();
    expect(early.slice(0, 3)).toEqual([1, 2, 3]);
  });
});

describe('the parts of a system', () => {
  test('are written down, and stopped last in first out', async () => {
    const order: string[] = [];
    const parts = new SystemParts(folder, () => undefined);
    parts.know({ temporalAddress: '127.0.0.1:1', uiUrl: 'http://127.0.0.1:2' });
    for (const name of ['temporal', 'paper', 'worker']) {
      const child = run(FOREVER);
      void child.exited.then(() => order.push(name));
      parts.keep(child, () => child);
    }
    expect(readSystemFile(folder)).toMatchObject({
      temporalAddress: '127.0.0.1:1',
      uiUrl: 'http://127.0.0.1:2',
      processes: children.toReversed().map((child) => child.identity),
    });
    await parts.stop();
    expect(order).toEqual(['worker', 'paper', 'temporal']);
    expect(readSystemFile(folder)).toBeNull();
    await parts.stop();
  });

  test('a system file that is damaged is none', () => {
    writeFileSync(join(folder, 'system.json'), '{"temporalAddress": 5');
    expect(readSystemFile(folder)).toBeNull();
  });
});
