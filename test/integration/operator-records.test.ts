/** What outlives a guard, with real processes: audit log, history, export, daily session; and a disk that cannot be written. */
import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAudit } from '../../src/audit/audit-reader.ts';
import type { AuditRead } from '../../src/audit/audit-schema.ts';
import type { GuardStatus } from '../../src/domain/board.ts';
import type { GuardHistory } from '../../src/operator/guard-history.ts';
import { AlertReceiver } from '../support/alert-receiver.ts';
import { startSystem, until, type System } from '../support/system.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const GUARD = 'guard:main:BTCUSDT';

const SCENARIO = {
  seed: 1,
  account: { wallet: '2000' },
  instruments: [{ symbol: 'BTCUSDT', tickSize: '0.10', price: '43500' }],
  positions: [{ symbol: 'BTCUSDT', side: 'Buy', size: '0.01', entryPrice: '43462.5', leverage: '10' }],
};
const POLICY = { defaults: { checkEveryMs: 1_000, discoverEveryMs: 1_000, continueAsNewAfterChecks: 5 } };

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of `npm run …` as a process against a system. */
async function run(
  system: System,
  env: Readonly<Record<string, string>>,
  name: string,
  ...args: string[]
): Promise<Ran> {
  const file = join(ROOT, 'dist/operator', `${name}.js`);
  const options = { env: { ...process.env, TEMPORAL_ADDRESS: system.address, ...env }, cwd: system.folder };
  try {
    const ran = await promisify(execFile)(process.execPath, [file, ...args], options);
    return { code: 0, ...ran };
  } catch (error) {
    // What `execFile` throws for an exit code above 0.
    return error as Ran;
  }
}

describe('a guard whose position ran into profit and was closed', () => {
  let system: System;
  let folder: string;
  let audit: string;
  let env: Record<string, string>;

  const status = (): Promise<GuardStatus> =>
    system.client.workflow.getHandle(GUARD).query<GuardStatus>('status');
  const audited = async (): Promise<readonly AuditRead[]> => {
    const entries: AuditRead[] = [];
    await readAudit(audit, (entry) => entries.push(entry));
    return entries;
  };
  const history = async (): Promise<GuardHistory> => {
    const { code, stdout, stderr } = await run(system, env, 'history', '--json');
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    return JSON.parse(stdout) as GuardHistory;
  };
  /** The stop moves up behind the price. */
  const rise = async (price: string): Promise<void> => {
    const before = Number((await status()).stop);
    await system.paper.price({ symbol: 'BTCUSDT', price });
    await until(`a tighter stop at ${price}`, async () => Number((await status()).stop) > before);
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stopkeeper-records-'));
    audit = join(folder, 'audit', 'audit.jsonl');
    env = { STOPKEEPER_AUDIT: audit, STOPKEEPER_DATA: folder };
    system = await startSystem({ scenario: SCENARIO, policy: POLICY, env });
    await system.client.workflow.execute('startSession', {
      workflowId: 'session:main',
      taskQueue: 'stopkeeper',
      args: [{ account: 'main' }],
    });
  });

  afterAll(async () => {
    await system.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('has each stop and its proof in the audit log, and the message of an operator', async () => {
    for (const price of ['44100', '44400', '44700']) await rise(price);
    await system.temporal('workflow', 'signal', '-w', GUARD, '--name', 'acknowledge', '-i', '{"by":"Ann"}');
    await until('the message in the audit log', async () =>
      (await audited()).some((entry) => entry.kind === 'message' && entry.name === 'acknowledge'),
    );
    const entries = await audited();
    const written = entries.filter((entry) => entry.kind === 'stop-written');
    const proven = entries.filter((entry) => entry.kind === 'stop-proven');
    const sent = (await system.paper.requests()).filter(({ path }) => path === '/v5/position/trading-stop');
    expect(written).toHaveLength(sent.length);
    expect(written.map(({ outcome }) => outcome)).toEqual(sent.map(() => 'applied'));
    for (const { stop } of written) expect(proven.map((entry) => Number(entry.stop))).toContain(Number(stop));
  });

  it('is exported while it runs: every check of all its runs with its price, and a page that asks nothing of anybody', async () => {
    const out = join(folder, 'out');
    const ran = await run(system, env, 'export', GUARD, '--out', out);
    expect([ran.code, ran.stderr]).toEqual([0, expect.any(String)]);
    const lines = (await readFile(join(out, 'guard-main-BTCUSDT.jsonl'), 'utf8')).trim().split('\n');
    const rows = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const decisions = rows.filter(({ kind }) => kind === 'decision');
    const seen = new Set(decisions.map(({ price }) => Number(price)));
    for (const price of [43_500, 44_100, 44_400, 44_700]) expect(seen).toContain(price);
    const { checks } = await status();
    expect(decisions.length).toBeGreaterThan(checks / 2);
    const stops = new Set(
      (await audited()).flatMap((one) => (one.kind === 'stop-written' ? [one.stop] : [])),
    );
    const exported = new Set(
      decisions.filter(({ answer }) => answer === 'applied').map(({ request }) => request),
    );
    expect(exported).toEqual(stops);
    expect(rows.filter(({ kind }) => kind === 'gap')).toEqual([]);
    const message = rows.find(({ kind, name }) => kind === 'message' && name === 'acknowledge');
    expect(message).toMatchObject({ input: { by: 'Ann' }, by: expect.stringContaining('temporal-cli') });
    const page = await readFile(join(out, 'guard-main-BTCUSDT.html'), 'utf8');
    expect(page).toContain('<svg');
    expect(page).not.toMatch(/https?:|<script|src=|@import|url\(/);
  });

  it('in the export is as the guard itself tells of it', async () => {
    const own = await system.client.workflow
      .getHandle(GUARD)
      .query<readonly { request: string | null }[]>('decisions');
    const out = join(folder, 'again');
    await run(system, env, 'export', GUARD, '--out', out);
    const lines = (await readFile(join(out, 'guard-main-BTCUSDT.jsonl'), 'utf8')).trim().split('\n');
    const decisions = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const moves = (list: readonly { readonly request?: string | null }[]): readonly string[] => [
      ...new Set(list.flatMap(({ request }) => (request == null ? [] : [request]))),
    ];
    const exported = moves(decisions);
    for (const stop of moves(own)) expect(exported).toContain(stop);
  });

  it('that does not exist is refused by name, with those that do', async () => {
    const unknown = await run(system, env, 'export', 'guard:main:ETHUSDT');
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('knows no such guard') });
    expect(unknown.stderr).toContain(GUARD);
    const wrong = await run(system, env, 'export', 'BTCUSDT; rm');
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('Expected the id of a guard') });
  });

  it('is in the history with its end, also when the server has forgotten it, and once', async () => {
    await system.paper.position({ symbol: 'BTCUSDT', action: 'close' });
    await until('the end in the audit log', async () =>
      (await audited()).some(({ kind }) => kind === 'episode-ended'),
    );
    await until('the guard to end', async () => {
      const { status: now } = await system.client.workflow.getHandle(GUARD).describe();
      return now.name === 'COMPLETED';
    });
    const both = await until('the end in the list', async () => {
      const found = await history();
      return found.episodes.some(({ source }) => source === 'temporal') && found;
    });
    expect(both.episodes).toHaveLength(1);
    expect(both.episodes[0]).toMatchObject({ reason: 'manual', symbol: 'BTCUSDT', side: 'long' });
    const closed = await run(system, env, 'export', GUARD, '--out', join(folder, 'closed'));
    expect(closed.code).toBe(0);
    expect(await readFile(join(folder, 'closed', 'guard-main-BTCUSDT.jsonl'), 'utf8')).toContain(
      '"episode-ended"',
    );

    for await (const { workflowId, runId } of system.client.workflow.list({ query: `WorkflowId="${GUARD}"` }))
      await system.temporal('workflow', 'delete', '-w', workflowId, '-r', runId);
    const left = await until('the server to forget it', async () => {
      const found = await history();
      return found.episodes.every(({ source }) => source === 'audit') && found;
    });
    expect(left.episodes).toMatchObject([{ reason: 'manual', pnl: both.episodes[0]?.pnl, source: 'audit' }]);
  });

  it('is in the history although the last line is torn and no server answers', async () => {
    await appendFile(audit, '{"v":1,"id":"guard:main:BTC');
    const without = await run(system, { ...env, TEMPORAL_ADDRESS: '127.0.0.1:1' }, 'history');
    expect(without.code).toBe(0);
    expect(without.stdout).toContain('manual');
    expect(without.stdout).toContain('its last line is cut off');
    expect(without.stdout).toContain('not asked');
  });
});

describe('the daily session', () => {
  let system: System;

  beforeAll(async () => {
    system = await startSystem({ scenario: SCENARIO, policy: POLICY });
  });

  afterAll(async () => {
    await system.close();
  });

  it('is made, changed, shown, begun and deleted by its command, each also when there is nothing to do', async () => {
    const schedule = (...args: string[]): Promise<Ran> =>
      run(system, { STOPKEEPER_DATA: system.folder }, 'schedule', ...args);
    expect(await schedule('show')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('there is none'),
    });
    const made = await schedule('create', '--at', '06:30', '--time-zone', 'Europe/Berlin');
    expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining('daily-session:main: created') });
    const changed = await schedule('create', '--at', '07:15', '--json');
    const [outcome] = JSON.parse(changed.stdout) as [{ outcome: string; schedule: { next: string[] } }];
    expect(outcome.outcome).toBe('changed');
    expect(outcome.schedule.next[0]).toMatch(/T07:15:00/);
    expect(await schedule('run')).toMatchObject({ code: 0, stdout: expect.stringContaining(': begun') });
    const begun = await until('the session that it began', async () => {
      const { stdout } = await schedule('show', '--json');
      const [{ schedule: view }] = JSON.parse(stdout) as [
        { schedule: { recent: readonly { workflowId: string }[] } },
      ];
      return view.recent.at(-1)?.workflowId;
    });
    expect(begun).toMatch(/^session:main:daily-\d{4}-/);
    const report = await system.client.workflow.getHandle(begun).result();
    expect(report).toMatchObject({ status: 'SUCCESS', account: 'main', protection: { total: 1 } });
    const described = await system.temporal('schedule', 'describe', '-s', 'daily-session:main', '-o', 'json');
    expect(JSON.parse(described)).toMatchObject({
      schedule: { policies: { overlapPolicy: 'SCHEDULE_OVERLAP_POLICY_SKIP', catchupWindow: '3600s' } },
    });
    expect(await schedule('delete')).toMatchObject({ code: 0, stdout: expect.stringContaining('deleted') });
    expect(await schedule('delete')).toMatchObject({ code: 1 });
    expect(await schedule('create', '--at', '25:00')).toMatchObject({ code: 2 });
  });
});

describe('an audit log on a disk that cannot be written', () => {
  let system: System;
  let hook: AlertReceiver;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stopkeeper-records-'));
    await writeFile(join(folder, 'audit'), 'a file where the folder should be');
    hook = await AlertReceiver.start();
    system = await startSystem({
      scenario: SCENARIO,
      policy: POLICY,
      env: { STOPKEEPER_AUDIT: join(folder, 'audit', 'audit.jsonl'), STOPKEEPER_ALERT_WEBHOOK: hook.url },
    });
  });

  afterAll(async () => {
    await system.close();
    await hook.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('protects as before, and somebody hears of the disk, once, and of its end', async () => {
    const report = await system.client.workflow.execute('startSession', {
      workflowId: 'session:main',
      taskQueue: 'stopkeeper',
      args: [{ account: 'main' }],
    });
    expect(report).toMatchObject({ status: 'SUCCESS', protection: { newlyProtected: 1, failures: 0 } });
    const told = (level: string): number =>
      hook.received.filter(({ body }) => {
        const alert = JSON.parse(body) as { kind: string; level: string };
        return alert.kind === 'audit-failed' && alert.level === level;
      }).length;
    await until('the alert', async () => told('WARNING') === 1);
    expect(system.programs.workers[0]?.log).toContain('audit.failed');
    await rm(join(folder, 'audit'));
    await until('the end of it', async () => told('INFO') === 1);
    expect(told('WARNING')).toBe(1);
    const written = await readFile(join(folder, 'audit', 'audit.jsonl'), 'utf8');
    expect(written).toContain('"kind":"stop-written"');
  });
});
