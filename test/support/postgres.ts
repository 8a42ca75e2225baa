/** A PostgreSQL of a test's own: a database folder and a server on a free port of loopback, which can be killed like any other program. */
import { execFile, execFileSync } from 'node:child_process';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../src/operator/ports.ts';
import { Program, type Launch } from './program.ts';
import { until } from './system.ts';

const run = promisify(execFile);
/** The superuser whose name and password the compose file uses, too. */
export const DATABASE_USER = 'temporal';

export interface Postgres {
  readonly port: number;
  readonly program: Program;
  readonly passwordFile: string;
  /** Runs one of PostgreSQL's own programs against this server; answers its standard output. */
  readonly tool: (name: string, ...args: string[]) => Promise<string>;
  /** Starts it after a kill: the processes of its former life need a moment to notice, and it refuses to start before. */
  readonly restart: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** PostgreSQL refuses to run as root: then it is the user that its package made. */
function postgresUser(): Launch['user'] {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** Makes the database in a folder of its own and starts the server. `bin` holds PostgreSQL's programs. */
export async function startPostgres(bin: string, password: string): Promise<Postgres> {
  const folder = await mkdtemp(join(tmpdir(), 'stopkeeper-postgres-'));
  const user = postgresUser();
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user !== undefined) for (const path of [folder, passwordFile]) await chown(path, user.uid, user.gid);
  const data = join(folder, 'data');
  const port = await freePort(null);
  const env = { PATH: process.env['PATH'], LC_ALL: 'C' };
  const authentication = ['--auth', 'scram-sha-256', '--pwfile', passwordFile];
  const initdb = ['--pgdata', data, '--username', DATABASE_USER, '--encoding', 'UTF8', ...authentication];
  await run(join(bin, 'initdb'), initdb, { env, ...user });
  const settings = [`listen_addresses=127.0.0.1`, `port=${port}`, `unix_socket_directories=${folder}`];
  const address = ['--host', '127.0.0.1', '--port', String(port), '--username', DATABASE_USER];
  const program = new Program(
    'postgres',
    folder,
    () => ({
      command: join(bin, 'postgres'),
      args: ['-D', data, ...settings.flatMap((one) => ['-c', one])],
      env,
      ...(user === undefined ? {} : { user }),
    }),
    async () => {
      try {
        await run(join(bin, 'pg_isready'), address, { env });
        return true;
      } catch {
        return false;
      }
    },
  );
  await program.start();
  return {
    port,
    program,
    passwordFile,
    tool: async (name, ...args) => {
      const options = { env: { ...env, PGPASSWORD: password }, maxBuffer: 1_000_000_000 };
      const { stdout } = await run(join(bin, name), [...address, ...args], options);
      return stdout;
    },
    restart: () =>
      until('PostgreSQL is back', async () => {
        try {
          await program.start();
          return true;
        } catch {
          return false;
        }
      }).then(() => undefined),
    close: async () => {
      // SIGINT is its fast shutdown: it does not wait for clients.
      await program.kill('SIGINT');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
