/** What a benchmark must not leave behind, however it ends: processes and folders. */
import { rmSync } from 'node:fs';
import process from 'node:process';
import type { Child } from '../../src/operator/child-process.ts';

/** Interrupts whatever is being brought up; what runs already is stopped by its owner. */
export const interrupted = new AbortController();

export const folders = new Set<string>();
export const pids = new Set<number>();

// A benchmark that ends in any way leaves no process and no file behind.
process.once('exit', () => {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

/** Kills it when this process ends, should it then still run. */
export function remembered(child: Child): Child {
  const { pid } = child.identity;
  pids.add(pid);
  void child.exited.then(() => pids.delete(pid));
  return child;
}
