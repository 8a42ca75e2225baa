/**
 * The runbook, run as it is written: each block against a living system, in the document's order, with what its section is about brought
 * about before where a paper exchange can do that.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Released } from '../../src/domain/messages.ts';
import {
  cancelStop,
  FAST_POLICY,
  LIST,
  PATIENCE_MS,
  quietly,
  runSession,
  settled,
  STOP,
  stopShown,
} from '../support/fault-world.ts';
import { broken, parseRunbook, type Ran } from '../support/runbook.ts';
import { startSystem, until, type System } from '../support/system.ts';
import { statusOf } from '../support/verdict.ts';
import { makeCurrent } from '../support/versions.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const BLOCK_MS = 180_000;
const POSITIONS = [
  { symbol: 'BTCUSDT', side: 'Buy', size: '0.01', price: '44000', leverage: '10' },
  { symbol: 'ETHUSDT', side: 'Sell', size: '0.1', price: '2600', leverage: '5' },
  { symbol: 'SOLUSDT', side: 'Buy', size: '2', price: '150', leverage: '10' },
] as const;
const SYMBOLS = POSITIONS.map(({ symbol }) => symbol);
const SCENARIO = {
  account: { wallet: '2000' },
  instruments: POSITIONS.map(({ symbol, price }) => ({ symbol, price })),
  positions: POSITIONS.map(({ price, ...position }) => ({ ...position, entryPrice: price })),
};
const BTC = 'guard:main:BTCUSDT';
const VERSION = { deployment: 'stopkeeper', build: '0.1.0' } as const;

const sections = parseRunbook(readFileSync(join(ROOT, 'docs/runbook.md'), 'utf8'));
const blocks = sections.flatMap((section) => section.blocks);
const runnable = sections
  .map((section) => ({
    ...section,
    blocks: section.blocks.filter(({ expectation }) => expectation.kind !== 'not-run'),
  }))
  .filter((section) => section.blocks.length > 0);

interface Stage {
  readonly before: (system: System) => Promise<void>;
  /** Between the section's last block and the one before it: what it tells its reader to do elsewhere. */
  readonly byHand?: (system: System) => Promise<unknown>;
  readonly after?: (system: System) => Promise<void>;
}

const mended = (system: System): Promise<unknown> => system.paper.clearFaults();

async function stateOf(system: System, guard: string, states: readonly string[]): Promise<void> {
  await until(
    `${guard} ${states.join(' or ')}`,
    async () => states.includes((await statusOf(system.client, guard))?.state ?? ''),
    PATIENCE_MS,
  );
}

/** The venue refuses every stop of BTCUSDT, and a person has taken away the one that rested. */
const bare: Stage = {
  before: async (system) => {
    await system.paper.fault({
      path: STOP,
      symbol: 'BTCUSDT',
      kind: 'ret-code',
      code: 10016,
      message: 'System busy',
      times: 'always',
    });
    await cancelStop(system, 'BTCUSDT');
    await until(
      'a refused write',
      async () => (await statusOf(system.client, BTC))?.warnings.join().includes('System busy'),
      PATIENCE_MS,
    );
  },
  byHand: (system) => system.paper.position({ symbol: 'BTCUSDT', action: 'stop', stopLoss: '43000' }),
};

async function refuse(
  system: System,
  code: number,
  message: string,
  paths: readonly string[],
): Promise<void> {
  for (const path of paths)
    await system.paper.fault({ path, kind: 'ret-code', code, message, times: 'always' });
}

const STAGES: Readonly<Record<string, Stage>> = {
  '`unprotected`': bare,
  '`unprotected-emergency`': bare,
  '`key-rejected`': {
    before: async (system) => {
      await refuse(system, 33004, 'Your api key has expired.', [
        LIST,
        STOP,
        '/v5/user/query-api',
        '/v5/account/info',
        '/v5/account/wallet-balance',
      ]);
      await stateOf(system, BTC, ['BLIND']);
    },
    byHand: mended,
  },
  '`blind`': {
    before: async (system) => {
      await system.paper.fault({ path: LIST, kind: 'status', code: 502, times: 'always' });
      await stateOf(system, BTC, ['BLIND']);
    },
    byHand: mended,
  },
  '`stop-vanished`': {
    before: async (system) => {
      await cancelStop(system, 'BTCUSDT');
      await stopShown(system, 'BTCUSDT');
      await settled(system);
    },
  },
  '`memory-lost`': {
    before: async (system) => {
      const { runId } = await system.client.workflow.getHandle(BTC).describe();
      await system.client.workflow.getHandle(BTC).terminate('by mistake');
      await until('another run of the guard', async () => {
        const { runId: now } = await system.client.workflow.getHandle(BTC).describe();
        return now !== runId && (await guarded(system, 0));
      });
    },
  },
  'Balance extraction failed': {
    before: (system) => refuse(system, 10016, 'System busy', ['/v5/account/wallet-balance']),
    byHand: mended,
  },
  'Protection failed': { ...bare, byHand: mended },
  'Monitor failed to start': {
    before: async (system) => {
      await system.client.workflow.getHandle('watch:main').terminate('by mistake');
      await until(
        'no watcher is listed',
        async () =>
          (await system.client.workflow.count('WorkflowType="watchAccount" AND ExecutionStatus="Running"'))
            .count === 0,
      );
    },
  },
  'The development server (SQLite)': {
    before: async ({ programs }) => {
      for (const program of [...programs.workers, programs.temporal]) await program.kill('SIGTERM');
    },
    after: async ({ folder, programs }) => {
      // What the section restored becomes the server's database, and nothing else of it.
      for (const file of readdirSync(folder).filter((name) => name.startsWith('temporal.db')))
        rmSync(join(folder, file));
      const restored = join(place(), '.stopkeeper');
      for (const file of readdirSync(restored).filter((name) => name.startsWith('temporal.db')))
        cpSync(join(restored, file), join(folder, file));
      await programs.temporal.start();
      for (const worker of programs.workers) await worker.start();
    },
  },
};

let scratch = '';
/** A folder that looks like a checkout with a system of its own, so that what the blocks write lands in no checkout. */
function place(): string {
  if (scratch !== '') return scratch;
  scratch = mkdtempSync(join(tmpdir(), 'stopkeeper-runbook-'));
  for (const name of ['package.json', 'scripts']) symlinkSync(join(ROOT, name), join(scratch, name));
  mkdirSync(join(scratch, 'bin'));
  symlinkSync(process.env['STOPKEEPER_TEMPORAL_CLI'] ?? '', join(scratch, 'bin', 'temporal'));
  return scratch;
}

function runBlock(system: System, script: string): Promise<Ran> {
  const env = {
    ...process.env,
    PATH: `${join(place(), 'bin')}${delimiter}${process.env['PATH'] ?? ''}`,
    TEMPORAL_ADDRESS: system.address,
    STOPKEEPER_VENUE: 'paper',
    STOPKEEPER_VENUE_URL: system.paper.url,
    NO_COLOR: '1',
  };
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-euc', script], {
      cwd: place(),
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: BLOCK_MS,
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

/** Takes back what is released; answers whether every position has a guard that says protected by a check after `since`. */
async function guarded(system: System, since: number): Promise<boolean> {
  const watcher = system.client.workflow.getHandle('watch:main');
  for (const { symbol, positionIdx } of await watcher.query<readonly Released[]>('released'))
    await watcher.executeUpdate('adopt', { args: [{ symbol, positionIdx }] });
  const running = 'WorkflowType="guardPosition" AND ExecutionStatus="Running"';
  const all = await system.client.workflow.count(running);
  const well = await system.client.workflow.count(`${running} AND ProtectionState="PROTECTED"`);
  if (all.count !== SYMBOLS.length || well.count !== SYMBOLS.length) return false;
  const checks = SYMBOLS.map(async (symbol) => {
    const status = await statusOf(system.client, `guard:main:${symbol}`);
    return status?.state === 'PROTECTED' && Date.parse(status.checkedAt ?? '') > since;
  });
  return (await Promise.all(checks)).every(Boolean);
}

/** Whatever a section left behind: every position open, its guard running and proven, and lists that say so. */
async function putBack(system: System): Promise<void> {
  await system.paper.clearFaults();
  for (const position of POSITIONS)
    if ((await system.paper.row(position.symbol)) === undefined)
      await system.paper.position({ action: 'open', ...position });
  const since = Date.now();
  // A message of the last section may be under way, a release above all: asked again until all is well.
  await until('every position guarded', () => quietly(() => guarded(system, since)), PATIENCE_MS);
}

describe('the commands of the runbook', { timeout: 600_000 }, () => {
  let system: System;

  beforeAll(async () => {
    system = await startSystem({
      scenario: SCENARIO,
      policy: FAST_POLICY,
      workerEnv: () => ({ STOPKEEPER_DEPLOYMENT: VERSION.deployment, STOPKEEPER_BUILD_ID: VERSION.build }),
    });
    await makeCurrent(system, VERSION.deployment, VERSION.build);
    expect((await runSession(system)).status).toBe('SUCCESS');
    symlinkSync(system.folder, join(place(), '.stopkeeper'));
  });

  afterAll(async () => {
    await system.close();
    rmSync(place(), { recursive: true, force: true });
  });

  it('are all run but those that say why not', () => {
    const left = blocks.flatMap(({ line, expectation }) =>
      expectation.kind === 'not-run' ? [`line ${line}: ${expectation.reason}`] : [],
    );
    console.log(
      `runbook: ${blocks.length - left.length} blocks are run; ${left.length} are not:\n${left.join('\n')}`,
    );
    expect(left).toHaveLength(6);
    expect(
      Object.keys(STAGES).filter((title) => !runnable.some((section) => section.title === title)),
    ).toEqual([]);
  });

  it.each(runnable)('of $title do what they say', async ({ title, blocks: own }) => {
    await putBack(system);
    const stage = STAGES[title];
    await stage?.before(system);
    try {
      for (const [at, block] of own.entries()) {
        if (at > 0 && at === own.length - 1) await stage?.byHand?.(system);
        expect(broken(block, await runBlock(system, block.script))).toEqual([]);
      }
    } finally {
      await stage?.after?.(system);
    }
  });
});
