/** What `npm run doctor` says of the audit log: whether one is kept, and whether its folder can be written. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Config } from '../config.ts';
import type { Criterion } from '../domain/report.ts';

export function checkAudit({ audit }: Pick<Config, 'audit'>): Criterion {
  const id = 'audit';
  if (audit === null) {
    const message = 'no audit log is kept beside Temporal; STOPKEEPER_AUDIT names its file';
    return { id, level: 'ok', message };
  }
  const { path, files, maxBytes } = audit;
  const problem = problemWith(path);
  if (problem !== null) {
    return { id, level: 'failure', message: `the audit log ${path} cannot be written (${problem})` };
  }
  return {
    id,
    level: 'ok',
    message: `the audit log is ${path}, ${files} files of ${maxBytes / 1_000_000} MB`,
  };
}

/** The worker makes folders that are missing, so the nearest that is there must take them; `null` where nothing is wrong. */
function problemWith(path: string): string | null {
  let place = path;
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  if (statSync(place).isDirectory() === (place === path)) return place === path ? 'EISDIR' : 'ENOTDIR';
  try {
    accessSync(place, constants.W_OK);
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'not writable';
  }
}
