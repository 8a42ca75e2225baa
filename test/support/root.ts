/** The project's folder, from wherever this code runs: the sources under vitest, or compiled beside the benchmarks and the soak. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function rootAbove(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder;
  const above = dirname(folder);
  if (above === folder) throw new Error('no package.json above this file');
  return rootAbove(above);
}

export const ROOT = rootAbove(dirname(fileURLToPath(import.meta.url)));
