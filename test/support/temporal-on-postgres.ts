/**
 * The Temporal server of the compose file without containers: the same schema and namespace scripts, database and dynamic settings, on a
 * PostgreSQL of the test's own.
 */
import { execFile } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { freePort } from '../../src/operator/ports.ts';
import { DATABASE_USER, type Postgres } from './postgres.ts';
import type { Launch } from './program.ts';
import { ROOT } from './root.ts';
import type { ServerPart } from './system.ts';

const DEPLOY = join(ROOT, 'deploy/temporal');
const COMPOSE = join(ROOT, 'docker-compose.yml');
const run = promisify(execFile);

interface ComposeFile {
  readonly services: Readonly<Record<string, { readonly environment?: Readonly<Record<string, string>> }>>;
}

async function environmentOf(service: string): Promise<Readonly<Record<string, string>>> {
  const { services } = parse(await readFile(COMPOSE, 'utf8')) as ComposeFile;
  return services[service]?.environment ?? {};
}

export interface TemporalOnPostgres extends ServerPart {
  /** What the set-up scripts are given, and what they said, in their order. */
  readonly setUp: readonly { readonly script: string; readonly output: string }[];
  /** Runs one of the compose file's one-shots again. */
  readonly again: (script: 'set-up-schema.sh' | 'set-up-namespace.sh') => Promise<void>;
}

export interface Programs {
  readonly server: string;
  /** Folder of `temporal-sql-tool`. */
  readonly tools: string;
  readonly cli: string;
}

export function temporalOnPostgres(database: Postgres, programs: Programs): TemporalOnPostgres {
  const setUp: { script: string; output: string }[] = [];
  let serverAddress = '';
  let path = '';
  const shell = async (script: string, service: string, more: Record<string, string>): Promise<void> => {
    const env = { ...(await environmentOf(service)), ...more, PATH: path, HOME: process.env['HOME'] };
    const { stdout, stderr } = await run('/bin/sh', [join(DEPLOY, script)], { env });
    setUp.push({ script, output: `${stdout}${stderr}` });
  };
  const schema = (): Promise<void> =>
    shell('set-up-schema.sh', 'schema', {
      SQL_HOST: '127.0.0.1',
      SQL_PORT: String(database.port),
      SQL_PASSWORD_FILE: database.passwordFile,
    });
  const namespace = (): Promise<void> =>
    shell('set-up-namespace.sh', 'namespace', { TEMPORAL_ADDRESS: serverAddress });
  return {
    setUp,
    again: (script) => (script === 'set-up-schema.sh' ? schema() : namespace()),
    launch: async ({ port, folder }) => {
      const bin = join(folder, 'bin');
      await mkdir(bin);
      // The scripts call it by its name, as in the admin tools' image.
      await symlink(programs.cli, join(bin, 'temporal'));
      path = [bin, programs.tools, process.env['PATH'] ?? ''].join(delimiter);
      await schema();
      return launchOf(await settingsOf(database, port), folder, programs.server);
    },
    prepare: async (address) => {
      serverAddress = address;
      await namespace();
    },
  };
}

async function launchOf(settings: object, folder: string, server: string): Promise<Launch> {
  const config = join(folder, 'config');
  await mkdir(config);
  // JSON is YAML, which is what the server reads.
  await writeFile(join(config, 'stopkeeper.yaml'), JSON.stringify(settings));
  const args = ['--root', folder, '--config', 'config', '--env', 'stopkeeper', 'start'];
  return { command: server, args, env: process.env };
}

/** What the image's template makes of the compose file's variables, on loopback and free ports. */
async function settingsOf(database: Postgres, port: number): Promise<object> {
  const password = (await readFile(database.passwordFile, 'utf8')).trim();
  const store = (databaseName: string, maxConns: number): object => ({
    sql: {
      pluginName: 'postgres12',
      databaseName,
      connectAddr: `127.0.0.1:${database.port}`,
      connectProtocol: 'tcp',
      user: DATABASE_USER,
      password,
      maxConns,
      maxIdleConns: maxConns,
      maxConnLifetime: '1h',
    },
  });
  const rpc = async (grpcPort?: number): Promise<object> => ({
    rpc: {
      grpcPort: grpcPort ?? (await freePort(null)),
      // Kept in a smallint, where PostgreSQL has no unsigned one: below 32768, as all of ours are.
      membershipPort: await freePort(null),
      bindOnLocalHost: true,
    },
  });
  return {
    log: { stdout: true, level: 'warn' },
    persistence: {
      numHistoryShards: 4,
      defaultStore: 'default',
      visibilityStore: 'visibility',
      datastores: { default: store('temporal', 20), visibility: store('temporal_visibility', 10) },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' } },
    services: {
      frontend: await rpc(port),
      history: await rpc(),
      matching: await rpc(),
      worker: await rpc(),
    },
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: {
          enabled: true,
          initialFailoverVersion: 1,
          rpcName: 'frontend',
          rpcAddress: `127.0.0.1:${port}`,
        },
      },
    },
    dynamicConfigClient: { filepath: join(DEPLOY, 'dynamicconfig.yaml'), pollInterval: '60s' },
  };
}
