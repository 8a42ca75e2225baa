/** What `doctor` says of the audit log. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkAudit } from '../../src/operator/audit-check.ts';
import { scratchFolder, writeText } from '../support/scratch.ts';

const settings = (path: string) => ({ audit: { path, maxBytes: 16_000_000, files: 20 } });

describe('the audit log', () => {
  it('may be off', () => {
    expect(checkAudit({ audit: null })).toMatchObject({
      level: 'ok',
      message: expect.stringContaining('STOPKEEPER_AUDIT'),
    });
  });

  it('may stand in a folder that is not there yet', () => {
    const path = join(scratchFolder(), 'a', 'b', 'audit.jsonl');
    expect(checkAudit(settings(path))).toEqual({
      id: 'audit',
      level: 'ok',
      message: `the audit log is ${path}, 20 files of 16 MB`,
    });
  });

  it('is a failure where a file stands in the way of its folder', () => {
    const block = writeText(join(scratchFolder(), 'file'), '');
    const found = checkAudit(settings(join(block, 'audit.jsonl')));
    expect(found).toMatchObject({ level: 'failure', message: expect.stringContaining('cannot be written') });
  });
});
