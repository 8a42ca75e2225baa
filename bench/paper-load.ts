/**
 * How much the paper exchange carries: signed requests at a fixed pace and as fast as it answers, with its CPU time and memory.
 * Options: [--seconds 20] [--pace 1000] [--json]; it needs the built program (`npm run build`).
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';

const connections = 32;
const positions = 50;
/** The memory run, in requests: the first 200,000 fill what is kept (log, stop values), the rest must not add to it. */
const memoryRequests = 300_000;

interface Target {
  readonly url: URL;
  readonly pid: number;
  readonly agent: Agent;
}

/** One phase as it is printed. */
interface Measured {
  readonly phase: string;
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly worstMs: number;
  readonly failed: number;
  /** CPU seconds of the exchange for each second of the phase: 1 is one core. */
  readonly cores: number;
  readonly rssMb: number;
}

const scenario = {
  account: { wallet: '100000' },
  limits: { ipRequests: 0, perSecond: { '*': 0 } },
  instruments: Array.from({ length: positions }, (_, index) => ({ symbol: `LOAD${index}USDT` })),
  positions: Array.from({ length: positions }, (_, index) => ({ symbol: `LOAD${index}USDT`, size: '1' })),
  prices: Array.from({ length: positions }, (_, index) => ({
    symbol: `LOAD${index}USDT`,
    walk: { stepPct: '0.01', everyMs: 1000 },
  })),
};

/** What a guard and its session send: mostly reads of all positions, a tenth stop writes. */
function call(count: number): {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly payload: string;
} {
  const symbol = `LOAD${count % positions}USDT`;
  switch (count % 10) {
    case 0: {
      const stopLoss = (50 + (Math.floor(count / 10) % 4000) / 100).toFixed(2);
      const body = {
        category: 'linear',
        symbol,
        positionIdx: 0,
        tpslMode: 'Full',
        stopLoss,
        slTriggerBy: 'MarkPrice',
      };
      return { method: 'POST', path: '/v5/position/trading-stop', payload: JSON.stringify(body) };
    }
    case 1:
    case 2:
      return { method: 'GET', path: '/v5/account/wallet-balance', payload: 'accountType=UNIFIED' };
    case 3:
    case 4:
    case 5:
      return { method: 'GET', path: '/v5/position/list', payload: `category=linear&symbol=${symbol}` };
    default:
      return {
        method: 'GET',
        path: '/v5/position/list',
        payload: 'category=linear&settleCoin=USDT&limit=200',
      };
  }
}

/** Sends one signed request; resolves to its time in ms, or `undefined` where it failed. */
function send(target: Target, count: number): Promise<number | undefined> {
  const { method, path, payload } = call(count);
  const timestamp = String(Date.now());
  const headers = {
    'x-bapi-api-key': 'paper-key',
    'x-bapi-timestamp': timestamp,
    'x-bapi-recv-window': '5000',
    'x-bapi-sign': createHmac('sha256', 'paper-secret')
      .update(`${timestamp}paper-key5000${payload}`)
      .digest('hex'),
  };
  const startedMs = performance.now();
  return new Promise((done) => {
    const sent = request(
      target.url,
      { method, path: method === 'GET' ? `${path}?${payload}` : path, headers, agent: target.agent },
      (answer) => {
        let head = '';
        answer.on('data', (chunk: Buffer) => {
          if (head.length < 20) head += chunk.toString('latin1', 0, 20);
        });
        answer.on('end', () => {
          const ok = head.startsWith('{"retCode":0,') || head.startsWith('{"retCode":34040,');
          done(ok ? performance.now() - startedMs : undefined);
        });
      },
    );
    sent.on('error', () => done(undefined));
    sent.end(method === 'POST' ? payload : undefined);
  });
}

async function phase(
  target: Target,
  name: string,
  run: (note: (ms: number | undefined) => void) => Promise<void>,
): Promise<Measured> {
  const times: number[] = [];
  let failed = 0;
  const cpuBefore = cpuSeconds(target.pid);
  const startedMs = performance.now();
  await run((ms) => {
    if (ms === undefined) failed += 1;
    else times.push(ms);
  });
  const seconds = (performance.now() - startedMs) / 1000;
  times.sort((a, b) => a - b);
  const at = (share: number): number =>
    round(times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0);
  return {
    phase: name,
    requests: times.length + failed,
    perSecond: Math.round((times.length + failed) / seconds),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    worstMs: at(1),
    failed,
    cores: round((cpuSeconds(target.pid) - cpuBefore) / seconds),
    rssMb: Math.round(rssMb(target.pid)),
  };
}

/** At a pace that does not wait for answers: what falls behind shows as latency. */
function paced(target: Target, perSecond: number, seconds: number): Promise<Measured> {
  return phase(target, `paced ${perSecond}/s`, async (note) => {
    const startedMs = performance.now();
    const total = perSecond * seconds;
    const pending: Promise<void>[] = [];
    for (let count = 0; count < total;) {
      const due = Math.min(total, Math.floor(((performance.now() - startedMs) * perSecond) / 1000) + 1);
      for (; count < due; count += 1) pending.push(send(target, count).then(note));
      await sleep(1);
    }
    await Promise.all(pending);
  });
}

/** As fast as answers come, over all connections. */
function unpaced(target: Target, name: string, total: number): Promise<Measured> {
  return phase(target, name, async (note) => {
    let count = 0;
    const worker = async (): Promise<void> => {
      while (count < total) {
        count += 1;
        note(await send(target, count));
      }
    };
    await Promise.all(Array.from({ length: connections }, worker));
  });
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** CPU time that a process has used, from the system: /proc where there is one, `ps` elsewhere. */
function cpuSeconds(pid: number): number {
  const stat = `/proc/${pid}/stat`;
  if (existsSync(stat)) {
    const fields = readFileSync(stat, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }
  const parts = execFileSync('ps', ['-o', 'time=', '-p', String(pid)], { encoding: 'utf8' })
    .trim()
    .split(':');
  return parts.reduce((sum, part) => sum * 60 + Number(part), 0);
}

function rssMb(pid: number): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024;
}

async function listening(child: ChildProcess): Promise<URL> {
  const [chunk] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  return new URL((JSON.parse(chunk.toString()) as { listening: string }).listening);
}

function tableOf(measured: readonly Measured[]): string {
  const table = new Table({
    head: ['phase', 'requests', 'a second', 'p50 ms', 'p99 ms', 'worst ms', 'failed', 'cores', 'RSS MB'],
    style: { head: [], border: [] },
  });
  for (const row of measured) table.push(Object.values(row));
  return table.toString();
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '20' },
      pace: { type: 'string', default: '1000' },
      json: { type: 'boolean', default: false },
    },
  });
  const folder = mkdtempSync(join(tmpdir(), 'paper-load-'));
  writeFileSync(join(folder, 'scenario.json'), JSON.stringify(scenario));
  const args = [
    '--port',
    '0',
    '--scenario',
    join(folder, 'scenario.json'),
    '--state',
    join(folder, 'state.json'),
  ];
  const child = spawn(process.execPath, [resolve('dist/paper/main.js'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  try {
    const target: Target = { url: await listening(child), pid: child.pid ?? 0, agent };
    const measured: Measured[] = [];
    await unpaced(target, 'warm-up', 5000);
    measured.push(await paced(target, Number(values.pace), Number(values.seconds)));
    measured.push(await unpaced(target, 'as fast as it answers', 20_000));
    for (let done = 100_000; done <= memoryRequests; done += 100_000) {
      measured.push(await unpaced(target, `memory, ${done / 1000}k requests`, 100_000));
    }
    if (values.json)
      process.stdout.write(`${JSON.stringify({ positions, connections, measured }, undefined, 2)}\n`);
    else process.stdout.write(`${tableOf(measured)}\n`);
  } finally {
    agent.destroy();
    child.kill('SIGTERM');
    await once(child, 'exit');
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
