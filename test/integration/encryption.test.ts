/** What stands in Temporal's database with and without encryption, read from its bytes; who can read it; and what a missing key does. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client, WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseBytes, filesUnder, findTexts, type Found } from '../support/byte-search.ts';
import { FAST_POLICY, PATIENCE_MS, quietly, runSession, settled, stopShown } from '../support/fault-world.ts';
import { Program } from '../support/program.ts';
import { startSystem, until, type System } from '../support/system.ts';
import { statusOf } from '../support/verdict.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const OLD = `2026-07:${'0a1b2c3d'.repeat(8)}`;
const NEW = `2027-01:${'4e5f6071'.repeat(8)}`;

/** Figures that stand nowhere by chance. */
const SCENARIO = {
  seed: 3,
  account: { wallet: '98765.4321' },
  instruments: [
    { symbol: 'QUARTZUSDT', tickSize: '0.01', qtyStep: '0.001', price: '4321.37' },
    { symbol: 'OPALUSDT', tickSize: '0.01', qtyStep: '0.001', price: '812.93' },
  ],
  positions: [
    { symbol: 'QUARTZUSDT', side: 'Buy', size: '7.713', entryPrice: '4321.37', leverage: '10' },
    { symbol: 'OPALUSDT', side: 'Sell', size: '31.977', entryPrice: '812.93', leverage: '10' },
  ],
  // A refusal in the words of a venue, so that there is a failure with figures in its text.
  faults: [
    {
      path: '/v5/position/trading-stop',
      symbol: 'OPALUSDT',
      kind: 'ret-code',
      code: 110017,
      message: 'rejected at 86170.55',
      times: 1,
    },
  ],
};
const SYMBOLS = ['QUARTZUSDT', 'OPALUSDT'];
/** Every kind of figure: entries, sizes, wallet, a new price, a margin, words of the venue. */
const FIGURES = ['4321.37', '812.93', '7.713', '31.977', '98765.4321', '4471.83', '234.567', '86170.55'];
const TOKEN = 'codec-token-0123456789';
const POLICY = { defaults: { ...FAST_POLICY.defaults, continueAsNewAfterChecks: 5 } };

/** A day of a trader in a minute: session, refusal, trailing, messages, a margin book, a closing, a failed workflow. */
async function live(system: System): Promise<void> {
  await runSession(system);
  await settled(system, SYMBOLS);
  await system.paper.price({ symbol: 'QUARTZUSDT', price: '4471.83' });
  await stopShown(system, 'QUARTZUSDT', '4436.06');
  await settled(system, SYMBOLS);
  const { workflow } = system.client;
  await workflow
    .getHandle('guard:main:QUARTZUSDT')
    .executeUpdate('reprotectNow', { args: [{ reason: 'looked at 4471.83' }] });
  const allocate = { requestId: 'bot-1', amount: '234.567', symbol: 'QUARTZUSDT' };
  await workflow.getHandle('ledger:main').executeUpdate('allocateMargin', { args: [allocate] });
  await system.paper.position({ symbol: 'OPALUSDT', action: 'close' });
  await workflow.getHandle('guard:main:OPALUSDT').result();
  const nonsense = workflow.execute('startSession', {
    taskQueue: 'stopkeeper',
    workflowId: 'session:nonsense',
    args: [{ account: 'QUARTZUSDT at 4321.37' }],
  });
  await expect(nonsense).rejects.toSatisfy(
    (error) =>
      error instanceof WorkflowFailedError && (error.cause?.message ?? '').includes('QUARTZUSDT at 4321.37'),
  );
}

/** All that the venue knows of the positions, and what was said of them: nothing short enough to stand somewhere by chance. */
async function figuresOf(system: System): Promise<readonly string[]> {
  const { positions, stops } = await system.paper.state();
  const rows = positions.flatMap((row) => [row.avgPrice, row.markPrice, row.size, row.stopLoss]);
  const texts = [...FIGURES, ...rows, ...stops.map(({ price }) => price)];
  return [...new Set(texts)].filter((text) => text.length >= 5);
}

/** The server's own times are blanked: their digits would be found as the figures that they are not. */
function database(system: System): Buffer {
  const bytes = databaseBytes(join(system.folder, 'temporal.db')).toString('latin1');
  const times = /\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?/g;
  return Buffer.from(
    bytes.replace(times, (time) => time.slice(0, 10).padEnd(time.length)),
    'latin1',
  );
}

/**
 * Workflow ids and search attributes name the leg (docs/encryption.md); nothing else may. The server stores its attributes as `Keyword01`
 * and so on: in JSON for visibility, as typed values in histories, and in its indexes between the namespace's id and a time.
 */
function named({ around, text }: Found): boolean {
  const allowed = [
    `guard:main:${text}`,
    `"Keyword\\d\\d":"${text}"`,
    `Keyword\\d\\d.{0,70}"${text}"`,
    `[0-9a-f]{4}-[0-9a-f]{12}${text}\\d{4}-\\d\\d-\\d\\d`,
  ];
  return allowed.some((form) => new RegExp(form).test(around));
}

describe('without keys', { timeout: 300_000 }, () => {
  const env = { STOPKEEPER_PAYLOAD_KEYS: '' };
  let system: System;

  beforeAll(async () => {
    // The client and the replay have the key at once, the worker is given it later.
    system = await startSystem({ scenario: SCENARIO, policy: POLICY, payloadKeys: NEW, env });
    await live({ ...system, client: new Client({ connection: system.client.connection }) });
  });

  afterAll(async () => {
    await system.close();
  });

  it('the database shows every figure and symbol: the search that the next test relies on finds them', async () => {
    const bytes = database(system);
    const missed = [...FIGURES, ...SYMBOLS].filter((text) => findTexts(bytes, [text]).length === 0);
    expect(missed).toEqual([]);
    expect(findTexts(bytes, SYMBOLS).filter((found) => !named(found))).not.toEqual([]);
  });

  it('a worker that is given a key goes on with its guards and reads what was written in plain text', async () => {
    const [worker] = system.programs.workers;
    const plain = new Client({ connection: system.client.connection });
    const before = (await statusOf(plain, 'guard:main:QUARTZUSDT'))?.episode;
    await worker?.kill('SIGTERM');
    env.STOPKEEPER_PAYLOAD_KEYS = NEW;
    await worker?.start();
    await settled(system, ['QUARTZUSDT']);
    const after = await statusOf(system.client, 'guard:main:QUARTZUSDT');
    expect(after).toMatchObject({ state: 'PROTECTED', episode: before });
    expect(await system.client.workflow.getHandle('session:main').result()).toMatchObject({
      status: 'FAILED',
    });
  });
});

describe('with keys', { timeout: 300_000 }, () => {
  const env = { STOPKEEPER_PAYLOAD_KEYS: OLD };
  let system: System;
  let codecServer: Program;
  let home: string;

  beforeAll(async () => {
    system = await startSystem({ scenario: SCENARIO, policy: POLICY, payloadKeys: `${OLD},${NEW}`, env });
    home = await mkdtemp(join(tmpdir(), 'stopkeeper-codec-'));
    codecServer = new Program(
      'codec-server',
      home,
      () => ({
        command: process.execPath,
        args: [join(ROOT, 'dist/encryption/main.js')],
        env: {
          ...process.env,
          STOPKEEPER_PAYLOAD_KEYS: `${OLD},${NEW}`,
          STOPKEEPER_CODEC: '127.0.0.1:0',
          STOPKEEPER_CODEC_TOKEN: TOKEN,
        },
      }),
      (output) => output.includes('listening'),
    );
    await Promise.all([live(system), codecServer.start()]);
  });

  afterAll(async () => {
    await codecServer.kill('SIGTERM');
    await rm(home, { recursive: true, force: true });
    await system.close();
  });

  it('no figure stands in the database, and a symbol only in workflow ids and search attributes', async () => {
    const figures = await figuresOf(system);
    const bytes = database(system);
    expect(findTexts(bytes, figures)).toEqual([]);
    expect(findTexts(bytes, ['VenueRefused', 'binary/encrypted']).length).toBeGreaterThan(1);
    const symbols = findTexts(bytes, SYMBOLS);
    expect(symbols.filter((found) => !named(found))).toEqual([]);
    console.log(
      `encryption: ${bytes.length} bytes of database, ${figures.length} figures looked for, none found; ` +
        `symbols ${symbols.length} times, all in workflow ids and search attributes`,
    );
  });

  const codec = (): readonly string[] => {
    const { listening } = JSON.parse(codecServer.output) as { listening: string };
    return ['--codec-endpoint', listening, '--codec-auth', `Bearer ${TOKEN}`];
  };

  it('the CLI reads histories, results and queries through the codec server, and nothing without it', async () => {
    // In base64, as the CLI prints payloads.
    const show = async (...more: readonly string[]) =>
      Buffer.from(await system.temporal(...'workflow show -w session:main -o json'.split(' '), ...more));
    expect(findTexts(await show(), ['86170.55'])).toEqual([]);
    expect(findTexts(await show(...codec()), ['86170.55'])).not.toEqual([]);
    const query = 'workflow query -w guard:main:QUARTZUSDT --type status'.split(' ');
    expect(await system.temporal(...query)).not.toContain('4436.06');
    expect(await system.temporal(...query, ...codec())).toContain('4436.06');
    const result = 'workflow result -w session:main'.split(' ');
    expect(await system.temporal(...result, ...codec())).toContain('98765.4321');
    await expect(system.temporal(...query, ...codec().slice(0, 2))).rejects.toThrow(/Authorization: Bearer/);
  });

  it('signals and updates of the CLI are taken in plain text and, by way of the codec server, encrypted', async () => {
    const update = 'workflow update execute -w guard:main:QUARTZUSDT --name reprotectNow -i'.split(' ');
    const plainly = await system.temporal(...update, '{"reason":"typed 555.111"}', ...codec());
    expect(plainly).toContain('PROTECTED');
    // A refusal is encrypted too: without the codec server the CLI shows that there was one, and its type.
    const refusal = (...more: readonly string[]) =>
      system.temporal(...update, '{"rezon":"x"}', ...more).catch((error: Error) => error.message);
    expect(await refusal()).toContain('Encoded failure (type: InvalidInput');
    expect(await refusal(...codec())).toContain('rezon: unknown field');
    const signal = 'workflow signal -w guard:main:QUARTZUSDT --name reprotect --input'.split(' ');
    await system.temporal(...signal, '{"reason":"typed 777.333"}');
    await settled(system, ['QUARTZUSDT']);
    expect(findTexts(database(system), ['typed 777.333'])).not.toEqual([]);
  });

  it('the keys themselves and the token stand in no file, log or output', async () => {
    const secrets = [...[OLD, NEW].map((entry) => entry.slice(entry.indexOf(':') + 1)), TOKEN];
    const files = [...filesUnder(system.folder), ...filesUnder(home)];
    const leaks = files.filter((path) => findTexts(readFileSync(path), secrets).length > 0);
    expect(files.length).toBeGreaterThan(4);
    expect(leaks).toEqual([]);
    const printed = system.programs.workers.map(({ output }) => output).join('') + codecServer.output;
    expect(findTexts(Buffer.from(printed), secrets)).toEqual([]);
  });

  it('the operator programs read with the keys, and without them name the key', async () => {
    const run = (program: string, keys: string, args = ['--json']) =>
      promisify(execFile)(process.execPath, [join(ROOT, `dist/operator/${program}.js`), ...args], {
        env: {
          ...process.env,
          TEMPORAL_ADDRESS: system.address,
          STOPKEEPER_PAYLOAD_KEYS: keys,
          STOPKEEPER_DATA: home,
        },
      }).catch((error: { stdout: string; stderr: string }) => error);
    expect((await run('status', OLD)).stdout).toContain('4436.06');
    expect((await run('history', `${NEW},${OLD}`)).stdout).toContain('OPALUSDT');
    expect((await run('status', '')).stdout).toContain('encrypted with the payload key \\"2026-07\\"');
    const doctor = async (keys: string) => (await run('doctor', keys)).stdout;
    expect(await doctor(OLD)).toContain('is encrypted with the payload key 2026-07; 1 key');
    expect(await doctor(NEW)).toContain(
      'watcher of main cannot be read: its answer is encrypted with the payload key \\"2026-07\\"',
    );
    const refused = await run('history', NEW);
    expect(refused.stderr + refused.stdout).toContain('"2026-07"');
    const exported = ['guard:main:QUARTZUSDT', '--out', join(home, 'exports')];
    const withNone = await run('export', '', exported);
    expect(withNone.stderr + withNone.stdout).toContain('"2026-07"');
    expect((await run('export', OLD, exported)).stdout).toContain('guard:main:QUARTZUSDT: ');
    const lines = readFileSync(join(home, 'exports', 'guard-main-QUARTZUSDT.jsonl'), 'utf8');
    expect(lines).toContain('4436.06');
  });

  it('a worker without the key loses nothing: it names the key, and one that has it goes on', async () => {
    const [worker] = system.programs.workers;
    const guard = system.client.workflow.getHandle('guard:main:QUARTZUSDT');
    await worker?.kill();
    env.STOPKEEPER_PAYLOAD_KEYS = NEW;
    await worker?.start();
    await guard.signal('reprotect', { reason: 'while the key was away' });
    await until(
      'the log names the key',
      async () => worker?.log.includes('payload key \\"2026-07\\"'),
      PATIENCE_MS,
    );
    expect((await guard.describe()).status.name).toBe('RUNNING');
    for (const id of ['watch:main', 'ledger:main']) {
      expect((await system.client.workflow.getHandle(id).describe()).status.name, id).toBe('RUNNING');
    }
    await worker?.kill('SIGTERM');
    // Rotation as documented: the new key first, the old one behind it.
    env.STOPKEEPER_PAYLOAD_KEYS = `${OLD},${NEW}`;
    await worker?.start();
    await settled(system, ['QUARTZUSDT']);
    expect(await quietly(() => guard.query('status'))).toMatchObject({ state: 'PROTECTED' });
  });
});
