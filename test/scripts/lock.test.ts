import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, utimesSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { withLock } from '../../scripts/lock.mjs';
import { scratchFolder, writeText } from '../support/scratch.ts';

const LOCK_MODULE = pathToFileURL(join(import.meta.dirname, '../../scripts/lock.mjs')).href;

describe('a lock', () => {
  it('lets one holder in at a time and is gone afterwards', async () => {
    const file = join(scratchFolder(), 'deep', 'lock');
    let inside = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setTimeout(resolve, 20));
      inside -= 1;
    };
    await Promise.all([1, 2, 3].map(() => withLock(file, work)));
    expect(most).toBe(1);
    expect(existsSync(file)).toBe(false);
  });

  it('is released when the work fails', async () => {
    const file = join(scratchFolder(), 'lock');
    await expect(withLock(file, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await withLock(file, () => Promise.resolve('yes'))).toBe('yes');
  });

  it('makes a second process wait and tells it once who holds it', async () => {
    const file = join(scratchFolder(), 'lock');
    const holder = await holdInAnotherProcess(file);
    const told: number[] = [];
    const second = withLock(
      file,
      () => Promise.resolve(holder.exitCode),
      (owner) => {
        told.push(owner.pid);
        holder.stdin.end();
      },
    );
    // The work ran only after the first process was asked to end, which released its lock.
    await second;
    expect(told).toEqual([holder.pid]);
  });

  it('is taken over from a process that was killed', async () => {
    const file = join(scratchFolder(), 'lock');
    const holder = await holdInAnotherProcess(file);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    expect(existsSync(file)).toBe(true);
    expect(await withLock(file, () => Promise.resolve('taken'))).toBe('taken');
    expect(existsSync(file)).toBe(false);
  });

  it('is taken over once by many that find it stale', async () => {
    const file = join(scratchFolder(), 'lock');
    writeOwner(file, { pid: 2 ** 22 + 1 });
    let inside = 0;
    let most = 0;
    await Promise.all(
      [1, 2, 3, 4].map(() =>
        withLock(file, async () => {
          inside += 1;
          most = Math.max(most, inside);
          await new Promise((resolve) => setTimeout(resolve, 5));
          inside -= 1;
        }),
      ),
    );
    expect(most).toBe(1);
  });

  it.runIf(process.platform === 'linux')(
    'is taken over when its pid now belongs to another process',
    async () => {
      const file = join(scratchFolder(), 'lock');
      writeOwner(file, { pid: process.pid, bornAt: '1' });
      expect(await withLock(file, () => Promise.resolve('taken'))).toBe('taken');
    },
  );

  it('of another host is taken over only when its heartbeat is old', async () => {
    const file = join(scratchFolder(), 'lock');
    writeOwner(file, { host: 'elsewhere', pid: 1 });
    let waited = false;
    const result = withLock(
      file,
      () => Promise.resolve('taken'),
      () => {
        waited = true;
        const longAgo = new Date(Date.now() - 3_600_000);
        utimesSync(file, longAgo, longAgo);
      },
    );
    expect(await result).toBe('taken');
    expect(waited).toBe(true);
  });
});

function writeOwner(
  file: string,
  owner: { readonly pid: number; readonly host?: string; readonly bornAt?: string },
): void {
  writeText(
    file,
    JSON.stringify({ id: 'old', host: hostname(), bornAt: '', since: '2026-01-01T00:00:00.000Z', ...owner }),
  );
}

/** A process that holds the lock until its standard input ends. */
async function holdInAnotherProcess(file: string) {
  const code = `import { withLock } from ${JSON.stringify(LOCK_MODULE)};
    await withLock(${JSON.stringify(file)}, () => new Promise((resolve) => {
      process.stdout.write('held');
      process.stdin.on('end', resolve).resume();
    }));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  await once(child.stdout, 'data');
  expect(readFileSync(file, 'utf8')).toContain(String(child.pid));
  return child;
}
