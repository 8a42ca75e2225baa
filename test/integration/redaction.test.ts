/** A whole system with known keys and secrets, run as a person runs it, and a search for them wherever something is kept or shown (I9). */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stopProcess } from '../../src/operator/child-process.ts';
import { readSystemFile } from '../../src/operator/system-file.ts';
import { AlertReceiver } from '../support/alert-receiver.ts';
import { filesUnder, findTexts } from '../support/byte-search.ts';
import { PATIENCE_MS } from '../support/fault-world.ts';
import { Program } from '../support/program.ts';
import { until } from '../support/system.ts';

const DIST = fileURLToPath(new URL('../../dist/operator/', import.meta.url));

/** Found wherever they come to stand: nothing else looks like them. */
const SECRETS = {
  key: 'Kq7ExchangeKey00001',
  secret: 'Sx9ExchangeSecret0000000002',
  hookPath: 'hook-token-0000000003',
  hookSecret: 'whsec-0000000000000004',
  botToken: '55000005:Telegram-bot-token-5',
  heartbeat: 'ping-id-0000000000006',
  codecToken: 'codec-token-00000000007',
} as const;

const SCENARIO = {
  seed: 5,
  account: { apiKey: SECRETS.key, apiSecret: SECRETS.secret, wallet: '5000' },
  instruments: [
    { symbol: 'ETHUSDT', tickSize: '0.01', price: '2600' },
    { symbol: 'SOLUSDT', tickSize: '0.01', price: '150' },
  ],
  positions: [
    { symbol: 'ETHUSDT', side: 'Buy', size: '0.1', entryPrice: '2600', leverage: '5' },
    { symbol: 'SOLUSDT', side: 'Sell', size: '2', entryPrice: '150', leverage: '5' },
  ],
  // A venue that says the key back, in a refusal of a signature and in an answer that is none.
  faults: [
    {
      path: '/v5/position/trading-stop',
      symbol: 'SOLUSDT',
      kind: 'ret-code',
      code: 10004,
      message: `error sign! origin_string[1700000000000${SECRETS.key}5000{}]`,
      times: 2,
    },
    {
      path: '/v5/position/trading-stop',
      symbol: 'ETHUSDT',
      kind: 'status',
      code: 502,
      body: `<html>proxy saw X-BAPI-API-KEY: ${SECRETS.key}</html>`,
      times: 1,
    },
  ],
};

/** One thing that was kept or shown, by a name that says what. */
interface Kept {
  readonly name: string;
  readonly bytes: Buffer;
}

/** What processes are called and were called with, as anybody on the machine can list it. What is in their environment is the documented exception. */
function processTitles(): readonly Kept[] {
  if (!existsSync('/proc/self/cmdline')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) =>
      ['cmdline', 'comm'].flatMap((file) => {
        try {
          return [{ name: `process ${pid} ${file}`, bytes: readFileSync(`/proc/${pid}/${file}`) }];
        } catch {
          // Ended in between.
          return [];
        }
      }),
    );
}

describe('keys and secrets', { timeout: 300_000 }, () => {
  let folder: string;
  let receiver: AlertReceiver;
  let start: Program;
  let client: Client;
  let env: NodeJS.ProcessEnv;
  const dataDir = (): string => join(folder, 'data');

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stopkeeper-redaction-'));
    await writeFile(join(folder, 'scenario.json'), JSON.stringify(SCENARIO));
    await writeFile(join(folder, 'key'), SECRETS.key);
    receiver = await AlertReceiver.start();
    // Refused by the channels, so that they have something to say about it.
    receiver.react = () => ({ kind: 'answer', status: 403, body: `not for ${SECRETS.botToken}` });
    env = {
      PATH: process.env['PATH'],
      STOPKEEPER_TEMPORAL_CLI: process.env['STOPKEEPER_TEMPORAL_CLI'],
      STOPKEEPER_DATA: dataDir(),
      STOPKEEPER_METRICS: '127.0.0.1:0',
      STOPKEEPER_LOG_LEVEL: 'trace',
      BYBIT_API_KEY_FILE: join(folder, 'key'),
      BYBIT_API_SECRET: SECRETS.secret,
      STOPKEEPER_ALERT_WEBHOOK: `${receiver.url}/${SECRETS.hookPath}`,
      STOPKEEPER_ALERT_WEBHOOK_SECRET: SECRETS.hookSecret,
      TELEGRAM_BOT_TOKEN: SECRETS.botToken,
      TELEGRAM_CHAT_ID: '-100',
      TELEGRAM_API_URL: receiver.url,
      STOPKEEPER_CODEC_TOKEN: SECRETS.codecToken,
      STOPKEEPER_HEARTBEAT_URL: `${receiver.url}/${SECRETS.heartbeat}`,
    };
    start = new Program(
      'start',
      folder,
      () => ({
        command: process.execPath,
        args: [join(DIST, 'start.js'), '--scenario', join(folder, 'scenario.json')],
        env,
      }),
      (output) => output.includes('If every stop fires'),
    );
    await start.start();
    const system = readSystemFile(dataDir());
    const connection = await Connection.connect({ address: system?.temporalAddress ?? '' });
    client = new Client({ connection });
    const seen = (path: string) => receiver.received.some((request) => request.path.includes(path));
    await until(
      'the channels were tried',
      async () => [SECRETS.hookPath, SECRETS.botToken, SECRETS.heartbeat].every(seen),
      PATIENCE_MS,
    );
    await until(
      'their refusals were logged',
      async () => /alert\.undelivered/.test(workerLog()) && /heartbeat\.failed/.test(workerLog()),
      PATIENCE_MS,
    );
  });

  afterAll(async () => {
    await client.connection.close();
    const left = readSystemFile(dataDir())?.processes ?? [];
    await start.kill('SIGTERM');
    for (const one of left) await stopProcess(one, 5_000);
    await receiver.close();
    await rm(folder, { recursive: true, force: true });
  });

  const workerLog = (): string => readFileSync(join(dataDir(), 'logs', 'worker.log'), 'utf8');

  /** Everything that a person, a log shipper, a backup or another user of the machine could read. */
  async function everything(): Promise<readonly Kept[]> {
    const files = filesUnder(dataDir()).map((path) => ({
      name: relative(folder, path),
      bytes: readFileSync(path),
    }));
    const outputs = [
      { name: 'output of start', bytes: Buffer.from(start.output + start.log) },
      ...(await Promise.all(['status', 'history', 'plan', 'doctor'].map(outputOf))),
    ];
    return [...files, ...outputs, await metrics(), ...(await histories()), ...processTitles()];
  }

  async function outputOf(program: string): Promise<Kept> {
    const run = promisify(execFile)(process.execPath, [join(DIST, `${program}.js`), '--json'], { env });
    const { stdout, stderr } = await run.catch((error: { stdout: string; stderr: string }) => error);
    return { name: `output of ${program}`, bytes: Buffer.from(stdout + stderr) };
  }

  async function metrics(): Promise<Kept> {
    const url = /metrics (http:\S+)/.exec(start.log + start.output)?.[1] ?? '';
    const answer = await fetch(url);
    return {
      name: 'metrics',
      bytes: Buffer.from(`${JSON.stringify([...answer.headers])}${await answer.text()}`),
    };
  }

  async function histories(): Promise<readonly Kept[]> {
    const found: Kept[] = [];
    for await (const { workflowId, runId } of client.workflow.list()) {
      const handle = client.workflow.getHandle(workflowId, runId);
      const { raw } = await handle.describe();
      const text = JSON.stringify([await handle.fetchHistory(), raw, await answersOf(workflowId)]);
      // Bytes come as lists of numbers in JSON; as text they can be searched.
      const readable = text.replace(/\{"type":"Buffer","data":\[([\d,]*)\]\}/g, (_, list: string) =>
        Buffer.from(list.split(',').map(Number)).toString('latin1'),
      );
      found.push({ name: `history of ${workflowId}`, bytes: Buffer.from(readable) });
    }
    return found;
  }

  async function answersOf(workflowId: string): Promise<unknown> {
    const queries = {
      guard: ['status', 'decisions', 'policy'],
      watch: ['board', 'released'],
      ledger: ['summary'],
    };
    const names = Object.entries(queries).find(([kind]) => workflowId.startsWith(`${kind}:`))?.[1] ?? [];
    return Promise.all(names.map((name) => client.workflow.getHandle(workflowId).query(name)));
  }

  const leaks = (kept: readonly Kept[]): readonly string[] =>
    kept.flatMap(({ name, bytes }) =>
      findTexts(bytes, Object.values(SECRETS)).map(({ as, around }) => `${name} (${as}): ${around}`),
    );

  it('stand in no log, history, database, metric, process title, state file, report or answer', async () => {
    const kept = await everything();
    expect(kept.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'data/temporal.sqlite',
        'data/system.json',
        'data/logs/worker.log',
        'data/logs/temporal.log',
        'output of start',
        'output of doctor',
        'metrics',
        'history of session:main',
        'history of guard:main:ETHUSDT',
      ]),
    );
    console.log(
      `redaction: ${kept.length} things searched, ${kept.reduce((sum, { bytes }) => sum + bytes.length, 0)} bytes`,
    );
    // The paper exchange stands for the venue: what it keeps for itself is its own keys.
    expect(leaks(kept.filter(({ name }) => !name.startsWith('data/paper')))).toEqual([]);
  });

  it.skipIf(!existsSync('/proc/self/environ'))(
    'are in the environment of no process that does not need them',
    () => {
      const holders = (readSystemFile(dataDir())?.processes ?? []).filter(({ pid }) => {
        const environment = readFileSync(`/proc/${pid}/environ`);
        return findTexts(environment, Object.values(SECRETS)).length > 0;
      });
      expect(holders.map(({ name }) => name)).toEqual(['worker']);
    },
  );

  it('would be found: planted in a log, a message, a state file and a process, the same search names each place', async () => {
    appendFileSync(join(dataDir(), 'logs', 'worker.log'), `${SECRETS.secret}\n`);
    await writeFile(
      join(dataDir(), 'planted.json'),
      JSON.stringify({ token: Buffer.from(`a:${SECRETS.botToken}`).toString('base64') }),
    );
    await client.workflow
      .getHandle('guard:main:ETHUSDT')
      .executeUpdate('reprotectNow', { args: [{ reason: SECRETS.hookSecret }] });
    const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)', SECRETS.heartbeat]);
    try {
      const found = leaks(await everything());
      const places = [
        'data/logs/worker.log (plain)',
        'data/planted.json (base64)',
        'history of guard:main:ETHUSDT',
        'data/temporal.sqlite',
        ...(existsSync('/proc/self/cmdline') ? [`process ${child.pid} cmdline`] : []),
      ];
      for (const place of places) expect(found, place).toContainEqual(expect.stringContaining(place));
    } finally {
      child.kill();
    }
  });
});
