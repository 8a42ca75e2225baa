/**
 * The whole system on PostgreSQL, set up by the compose file's own one-shot scripts: a session, and `kill -9` of the Temporal server, of
 * PostgreSQL, of the worker and of all at once. Run by `npm run test:postgres`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { SEARCH_ATTRIBUTES } from '../../src/domain/names.ts';
import {
  account,
  cancelStop,
  FAST_POLICY,
  open,
  runSession,
  settled,
  stopShown,
  symbolsOf,
} from '../support/fault-world.ts';
import { startPostgres, type Postgres } from '../support/postgres.ts';
import { pathFrom } from '../support/replay.ts';
import { startSystem, type System } from '../support/system.ts';
import { temporalOnPostgres, type TemporalOnPostgres } from '../support/temporal-on-postgres.ts';
import { expectSafe } from '../support/verdict.ts';

const SYMBOLS = symbolsOf(6);
const TEST_MS = 300_000;
const PASSWORD = fileURLToPath(new URL('../../deploy/secrets/paper/db-password', import.meta.url));

function say(line: string): void {
  console.log(`postgres: ${line}`);
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const began = Date.now();
  const result = await work();
  say(`${what}: ${((Date.now() - began) / 1_000).toFixed(1)} s`);
  return result;
}

describe('on PostgreSQL', { timeout: TEST_MS }, () => {
  const closing: (() => Promise<void>)[] = [];
  let database: Postgres;
  let server: TemporalOnPostgres;
  let system: System;

  beforeAll(async () => {
    const bin = pathFrom('STOPKEEPER_POSTGRES_BIN');
    const password = readFileSync(PASSWORD, 'utf8').trim();
    database = await timed('a new PostgreSQL', () => startPostgres(bin, password));
    closing.push(() => database.close());
    say((await database.tool('psql', '-Atc', 'select version()', 'postgres')).trim());
    server = temporalOnPostgres(database, {
      server: pathFrom('STOPKEEPER_TEMPORAL_SERVER'),
      tools: pathFrom('STOPKEEPER_TEMPORAL_TOOLS'),
      cli: pathFrom('STOPKEEPER_TEMPORAL_CLI'),
    });
    const scenario = account({ open: SYMBOLS, listed: symbolsOf(4, 'N') });
    system = await timed(
      'schema, Temporal server, namespace, search attributes, paper exchange, worker',
      () => startSystem({ scenario, policy: FAST_POLICY, server }),
    );
    closing.push(() => system.close());
  }, TEST_MS);

  afterAll(async () => {
    for (const close of closing.toReversed()) await close();
  });

  it('the one-shot scripts make a namespace that keeps 30 days, and every search attribute', async () => {
    expect(server.setUp.map(({ script }) => script)).toEqual(['set-up-schema.sh', 'set-up-namespace.sh']);
    const described = await system.temporal(
      'operator',
      'namespace',
      'describe',
      '-n',
      'default',
      '-o',
      'json',
    );
    expect(JSON.parse(described)).toMatchObject({ config: { workflowExecutionRetentionTtl: '2592000s' } });
    const listed = await system.temporal('operator', 'search-attribute', 'list');
    for (const name of Object.keys(SEARCH_ATTRIBUTES)) expect(listed).toContain(name);
  });

  it('the same scripts, run again on the living system, change nothing', async () => {
    const tables = (): Promise<string> => database.tool('pg_dump', '--schema-only', 'temporal');
    const before = await tables();
    await server.again('set-up-schema.sh');
    await server.again('set-up-namespace.sh');
    expect(withoutNonce(await tables())).toBe(withoutNonce(before));
  });

  it('a session protects every position, and its guards go on checking', async () => {
    const report = await timed('a session with 6 positions', () => runSession(system));
    expect(report.status).toBe('SUCCESS');
    expect(report.protection).toMatchObject({ total: 6, newlyProtected: 6, failures: 0 });
    await settled(system);
  });

  it('a Temporal server killed and restarted on its database finds the stop that vanished meanwhile', async () => {
    const since = Date.now();
    await system.programs.temporal.kill();
    say('kill -9 of the Temporal server; a person cancels a stop and opens a position');
    await cancelStop(system, 'S00USDT');
    await open(system, 'N00USDT');
    await sleep(1_000);
    await timed('the Temporal server is back', () => system.programs.temporal.start());
    await timed('the stop is back', () => stopShown(system, 'S00USDT', '94'));
    await settled(system);
    await expectSafe(system, 'kill -9 of the Temporal server on PostgreSQL', { since });
  });

  it('a PostgreSQL killed and restarted costs no guard and no stop', async () => {
    const since = Date.now();
    await database.program.kill();
    say('kill -9 of PostgreSQL; a person cancels a stop and opens a position');
    await cancelStop(system, 'S01USDT');
    await open(system, 'N01USDT', 'Sell');
    await sleep(3_000);
    await timed('PostgreSQL is back', () => database.restart());
    await timed('the stop is back', () => stopShown(system, 'S01USDT', '94'));
    await settled(system);
    await expectSafe(system, 'kill -9 of PostgreSQL', { since });
  });

  it('a worker killed and restarted goes on where the database says', async () => {
    const since = Date.now();
    const [worker] = system.programs.workers;
    await worker?.kill();
    say('kill -9 of the worker; a person cancels a stop');
    await cancelStop(system, 'S02USDT');
    await timed('the worker is back', async () => worker?.start());
    await timed('the stop is back', () => stopShown(system, 'S02USDT', '94'));
    await settled(system);
    await expectSafe(system, 'kill -9 of the worker on PostgreSQL', { since });
  });

  it('a power cut of database, server and worker at once is followed by every guard at its place', async () => {
    const since = Date.now();
    const { temporal, workers } = system.programs;
    await Promise.all([database.program, temporal, ...workers].map((program) => program.kill()));
    say('kill -9 of PostgreSQL, Temporal and worker at once; a person cancels a stop');
    await cancelStop(system, 'S03USDT');
    await timed('all are back', async () => {
      await database.restart();
      await temporal.start();
      for (const worker of workers) await worker.start();
    });
    await timed('the stop is back', () => stopShown(system, 'S03USDT', '94'));
    await settled(system);
    await expectSafe(system, 'power cut of PostgreSQL, Temporal and worker', { since });
  });

  it('a backup that is restored later lets the guards go on, and no stop that was tightened since is loosened (I1)', async () => {
    const since = Date.now();
    const dumps = await timed('pg_dump of both databases, under way', () => dumpAll(database));
    await system.paper.price({ symbol: 'S04USDT', price: '104' });
    // 104 × 0.992
    await stopShown(system, 'S04USDT', '103.17');
    const { temporal, workers } = system.programs;
    await Promise.all([temporal, ...workers].map((program) => program.kill('SIGTERM')));
    await timed('pg_restore of both databases', async () => {
      for (const dump of dumps)
        await database.tool('pg_restore', '--clean', '--create', '--dbname', 'postgres', dump);
    });
    await temporal.start();
    for (const worker of workers) await worker.start();
    await settled(system);
    await stopShown(system, 'S04USDT', '103.17');
    await expectSafe(system, 'a restored backup, older than the newest stop', { since });
  });

  it('a second session finds everything protected and writes nothing', async () => {
    const report = await runSession(system, 'session:again');
    expect(report.protection).toMatchObject({
      total: 8,
      newlyProtected: 0,
      alreadyProtected: 8,
      failures: 0,
    });
  });
});

/** Both databases in the custom format, as the runbook says; answers the files. */
async function dumpAll(database: Postgres): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'stopkeeper-backup-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const dumps = ['temporal', 'temporal_visibility'].map((name) => ({
    name,
    file: join(folder, `${name}.dump`),
  }));
  for (const { name, file } of dumps)
    await database.tool('pg_dump', '--format', 'custom', '--file', file, name);
  return dumps.map(({ file }) => file);
}

/** pg_dump of newer releases writes a key that is new each time. */
function withoutNonce(dump: string): string {
  return dump.replace(/^\\(un)?restrict .*$/gmu, '');
}
