/** The audit log on a real disk: each entry once, rotation, torn lines, a disk that fails, is full of trouble, and works again. */
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { auditFiles } from '../../src/audit/audit-file.ts';
import {
  createAuditLog,
  lineOf,
  type AuditLogOptions,
  type AuditTrouble,
} from '../../src/audit/audit-log.ts';
import { readAudit } from '../../src/audit/audit-reader.ts';
import type { AuditRead } from '../../src/audit/audit-schema.ts';
import type { AuditEntry, AuditFact } from '../../src/domain/audit.ts';
import { unexplained } from '../../src/domain/closing.ts';
import { anAlert, keptLog } from '../support/alert-data.ts';
import { scratchFolder } from '../support/scratch.ts';

const leg = { symbol: 'BTCUSDT', positionIdx: 0 } as const;
const PROVEN: AuditFact = { kind: 'stop-proven', leg, stop: '94', provenAt: '2026-11-22T12:00:00.000Z' };

function anEntry(id: string, fact: AuditFact = PROVEN): AuditEntry {
  return {
    ...fact,
    id,
    at: 1_795_000_000_000,
    account: 'main',
    workflowId: 'guard:main:BTCUSDT',
    runId: 'r1',
  };
}

/** A log in a folder of its own, with what it said beside it. */
function aLog(over: Partial<AuditLogOptions['file']> = {}) {
  const path = over.path ?? join(scratchFolder(), 'audit', 'audit.jsonl');
  const lines = keptLog();
  const troubles: (AuditTrouble | null)[] = [];
  const log = createAuditLog({
    file: { path, maxBytes: 1_000_000, files: 3, now: Date.now, ...over },
    log: lines,
    troubled: (trouble) => troubles.push(trouble),
    scrub: (line) => line.replaceAll('key-4711', '[secret]'),
    now: Date.now,
  });
  return { path, log, lines: lines.lines, troubles };
}

async function read(path: string) {
  const entries: AuditRead[] = [];
  const reading = await readAudit(path, (entry) => entries.push(entry));
  return { entries, reading, ids: entries.map(({ id }) => id) };
}

describe('writing', () => {
  it('has every kind of entry on the disk when it returns, and reads it back as it was', async () => {
    const { path, log } = aLog();
    const facts: readonly AuditFact[] = [
      {
        kind: 'stop-written',
        leg,
        stop: '94',
        previous: null,
        stopKind: 'fixed',
        rule: 'fixed',
        urgency: 'no-stop',
        outcome: 'applied',
        answer: null,
      },
      PROVEN,
      { kind: 'close-order', leg, size: '1', outcome: 'applied' },
      { kind: 'episode-ended', leg, report: unexplained(null, 1_200) },
      { kind: 'released', leg, reason: 'mine' },
      { kind: 'message', leg, name: 'acknowledge', input: { by: 'Ann', reason: 'línea "ñ"\n' } },
      { kind: 'alert', alert: anAlert() },
    ];
    const entries = facts.map((fact, at) => anEntry(`e${at}`, fact));
    await log.record(entries);
    const found = await read(path);
    expect(found.entries.map(({ v: _version, ...entry }) => entry)).toEqual(entries);
    expect(found.reading).toEqual({ files: 1, entries: 7, duplicates: 0, unreadable: 0, torn: false });
  });

  it('writes an entry that a retry brings again once, and a reader counts one that another process wrote again', async () => {
    const { path, log } = aLog();
    await log.record([anEntry('a')]);
    await log.record([anEntry('a'), anEntry('b')]);
    expect(readFileSync(path, 'utf8').trim().split('\n')).toHaveLength(2);
    const other = aLog({ path });
    await other.log.record([anEntry('b'), anEntry('c')]);
    const { ids, reading } = await read(path);
    expect(ids).toEqual(['a', 'b', 'c']);
    expect(reading.duplicates).toBe(1);
  });

  it('keeps entries that come all at once, in their order', async () => {
    const { path, log } = aLog();
    const names = Array.from({ length: 500 }, (_, at) => `n${at}`);
    await Promise.all(names.map((name) => log.record([anEntry(name)])));
    expect((await read(path)).ids).toEqual(names);
  });

  it('takes known secrets out of what others wrote', async () => {
    const { path, log } = aLog();
    await log.record([anEntry('a', { kind: 'released', leg, reason: 'the venue said key-4711' })]);
    expect(readFileSync(path, 'utf8')).toContain('the venue said [secret]');
  });

  it('is readable by its owner only', async () => {
    const { path, log } = aLog();
    await log.record([anEntry('a')]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});

describe('rotation', () => {
  it('puts a full file aside and keeps the newest files only', async () => {
    const line = lineOf(anEntry('n00')).length;
    const { path, log } = aLog({ maxBytes: 3 * line, files: 3, now: () => 1_795_000_000_000 });
    const names = Array.from({ length: 20 }, (_, at) => `n${String(at).padStart(2, '0')}`);
    for (const name of names) await log.record([anEntry(name)]);
    expect(await auditFiles(path)).toHaveLength(3);
    const { ids, reading } = await read(path);
    expect(reading.files).toBe(3);
    // 20 lines, 3 a file: the newest file holds two, the two before it three each.
    expect(ids).toEqual(names.slice(-8));
  });

  it('by two processes at once loses nothing', async () => {
    const path = join(scratchFolder(), 'audit.jsonl');
    const line = lineOf(anEntry('n00')).length;
    const logs = [1, 2].map(() => aLog({ path, maxBytes: 4 * line, files: 1_000 }).log);
    const names = Array.from({ length: 60 }, (_, at) => `n${String(at).padStart(2, '0')}`);
    await Promise.all(names.map(async (name, at) => logs[at % 2]?.record([anEntry(name)])));
    for (const name of names.slice(0, 20)) await logs[0]?.record([anEntry(`m${name}`)]);
    const { ids } = await read(path);
    expect(new Set(ids)).toEqual(new Set([...names, ...names.slice(0, 20).map((name) => `m${name}`)]));
  });

  it('leaves other files of the folder alone', async () => {
    const { path, log } = aLog({ maxBytes: 1, files: 2 });
    mkdirSync(dirname(path), { recursive: true });
    for (const name of ['audit.jsonl.bak', 'audit.jsonl.20261122T120000000Z.gz', 'other.jsonl'])
      writeFileSync(join(dirname(path), name), 'mine');
    for (let at = 0; at < 6; at += 1) await log.record([anEntry(`n${at}`)]);
    expect(readdirSync(dirname(path))).toHaveLength(5);
    expect((await read(path)).ids).toEqual(['n4', 'n5']);
  });
});

describe('what a power cut leaves', () => {
  it('a torn last line is said and costs its own entry only', async () => {
    const { path, log } = aLog();
    await log.record([anEntry('a'), anEntry('b')]);
    const torn = lineOf(anEntry('c')).slice(0, 60);
    appendFileSync(path, torn);
    const cut = await read(path);
    expect(cut.ids).toEqual(['a', 'b']);
    expect(cut.reading).toMatchObject({ torn: true, unreadable: 0 });
    await aLog({ path }).log.record([anEntry('d')]);
    const after = await read(path);
    expect(after.ids).toEqual(['a', 'b', 'd']);
    expect(after.reading).toMatchObject({ torn: false, unreadable: 1 });
  });

  it('no log at all is an empty one', async () => {
    const { reading } = await read(join(scratchFolder(), 'nowhere', 'audit.jsonl'));
    expect(reading).toEqual({ files: 0, entries: 0, duplicates: 0, unreadable: 0, torn: false });
  });

  it('lines that are no entries of this version are counted, not guessed', async () => {
    const { path, log } = aLog();
    await log.record([anEntry('a')]);
    const later = JSON.stringify({ ...JSON.parse(lineOf(anEntry('x'))), v: 2 });
    const nameless = JSON.stringify({ v: 1, kind: 'stop-proven' });
    appendFileSync(path, `${later}\n${nameless}\n`);
    expect((await read(path)).reading).toMatchObject({ entries: 1, unreadable: 2, torn: false });
  });
});

describe('a disk that cannot be written', () => {
  /** A file stands where the folder should be: no user may write there. */
  function broken() {
    const folder = scratchFolder();
    const block = join(folder, 'audit');
    writeFileSync(block, '');
    return { block, ...aLog({ path: join(block, 'audit.jsonl') }) };
  }

  it('throws nothing, says so once, and a caller waits no more', async () => {
    const { log, lines, troubles } = broken();
    await log.record([anEntry('a')]);
    const began = performance.now();
    for (let at = 0; at < 50; at += 1) await log.record([anEntry(`n${at}`)]);
    process.stdout.write(`50 records on a broken disk: ${(performance.now() - began).toFixed(1)} ms\n`);
    expect(lines.filter(({ event }) => event === 'audit.failed')).toHaveLength(1);
    expect(troubles).toMatchObject([{ reason: expect.stringMatching(/ENOTDIR|EEXIST/) }]);
  });

  it('has everything that waited once it works again', async () => {
    const { path, block, log, lines, troubles } = broken();
    await log.record([anEntry('a'), anEntry('b')]);
    rmSync(block);
    await log.close();
    expect((await read(path)).ids).toEqual(['a', 'b']);
    expect(lines.map(({ event }) => event)).toEqual(['audit.failed', 'audit.recovered']);
    expect(troubles).toMatchObject([{ since: expect.any(Number) }, null]);
  });

  it('tries again by itself', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    try {
      const { path, block, log } = broken();
      await log.record([anEntry('a')]);
      rmSync(block);
      await vi.advanceTimersByTimeAsync(5_000);
      await vi.waitFor(async () => expect((await read(path)).ids).toEqual(['a']));
    } finally {
      vi.useRealTimers();
    }
  });

  it.runIf(process.getuid?.() !== 0)('is noticed also by its permissions', async () => {
    const folder = join(scratchFolder(), 'closed');
    mkdirSync(folder);
    chmodSync(folder, 0o500);
    const { log, lines } = aLog({ path: join(folder, 'audit.jsonl') });
    await log.record([anEntry('a')]);
    expect(lines[0]?.event).toBe('audit.failed');
  });
});
