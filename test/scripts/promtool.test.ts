/** Where promtool comes from, and what is said when there is no way to get it. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findPromtool } from '../../scripts/promtool.mjs';
import { scratchFolder, writeScript, writeText } from '../support/scratch.ts';

/** An environment with no program in it and an empty cache. */
const bare = (folder: string) => ({ PATH: '/nowhere', XDG_CACHE_HOME: join(folder, 'cache') });
const saying = (path: string, words: string): string => writeScript(path, [`echo '${words}'`]);

describe('promtool', () => {
  it('is the one that STOPKEEPER_PROMTOOL names', async () => {
    const folder = scratchFolder();
    const path = saying(join(folder, 'mine'), 'promtool, version 2.42.0');
    expect(await findPromtool({ ...bare(folder), STOPKEEPER_PROMTOOL: path })).toBe(path);
  });

  it('that is named and is something else is refused', async () => {
    const folder = scratchFolder();
    const path = saying(join(folder, 'other'), 'prometheus, version 2.42.0');
    await expect(findPromtool({ ...bare(folder), STOPKEEPER_PROMTOOL: path })).rejects.toThrow(
      `STOPKEEPER_PROMTOOL is ${JSON.stringify(path)}, but that is no working promtool`,
    );
  });

  it('is the one on the PATH', async () => {
    const folder = scratchFolder();
    const path = saying(join(folder, 'bin', 'promtool'), 'promtool, version 3.5.0');
    expect(await findPromtool({ ...bare(folder), PATH: join(folder, 'bin') })).toBe(path);
  });

  it('is the one in the cache, where none is on the PATH', async () => {
    const folder = scratchFolder();
    const path = writeText(join(folder, 'cache/stopkeeper/promtool/debian/promtool'), '');
    expect(await findPromtool(bare(folder))).toBe(path);
  });

  it('that cannot be had is an error with each way and what to do', async () => {
    const error: unknown = await findPromtool(bare(scratchFolder())).catch((reason: unknown) => reason);
    const text = (error as Error).message;
    for (const words of ['on the PATH', "Debian's package", 'with Go', 'STOPKEEPER_PROMTOOL'])
      expect(text).toContain(words);
  });
});
