/** A Temporal server on PostgreSQL, set up as the compose file sets it up, with what `npm run bench -- --postgres` has found or built. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '../../src/config-environment.ts';
import { freePort } from '../../src/operator/ports.ts';
import { Program } from '../../test/support/program.ts';
import { startPostgres, type Postgres } from '../../test/support/postgres.ts';
import { healthy } from '../../test/support/system.ts';
import { temporalOnPostgres } from '../../test/support/temporal-on-postgres.ts';

export interface PostgresServer {
  readonly server: Program;
  readonly database: Postgres;
  readonly env: Environment;
}

/** Throws where `--postgres` was not given to the command that prepares the programs. */
function named(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: run \`npm run bench -- --postgres\``);
  return value;
}

/** Starts the database first; what has been started when a later step fails is stopped again. */
export async function startPostgresServer(parent: string, env: Environment): Promise<PostgresServer> {
  const folder = join(parent, 'temporal');
  mkdirSync(folder);
  const cli = named('STOPKEEPER_TEMPORAL_CLI');
  const database = await startPostgres(named('STOPKEEPER_POSTGRES_BIN'), 'measured');
  const part = temporalOnPostgres(database, {
    server: named('STOPKEEPER_TEMPORAL_SERVER'),
    tools: named('STOPKEEPER_TEMPORAL_TOOLS'),
    cli,
  });
  const port = await freePort(null);
  const address = `127.0.0.1:${port}`;
  try {
    const launch = await part.launch({ port, folder });
    const server = new Program(
      'temporal',
      folder,
      () => launch,
      () => healthy(cli, address),
    );
    await server.start();
    try {
      await part.prepare(address);
    } catch (error) {
      await server.kill();
      throw error;
    }
    return { server, database, env: { ...env, TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: 'default' } };
  } catch (error) {
    await database.close();
    throw error;
  }
}
