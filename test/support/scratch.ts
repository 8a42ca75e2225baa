/** Temporary folders and stand-in programs for tests of what runs outside this process. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder that is gone when the running test has ended. */
export function scratchFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'stopkeeper-test-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

/** Writes a file and the folders above it; answers its path. */
export function writeText(path: string, text: string, mode = 0o644): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode });
  return path;
}

/** An executable shell script. */
export function writeScript(path: string, lines: readonly string[]): string {
  return writeText(path, `#!/bin/sh\n${lines.join('\n')}\n`, 0o755);
}
