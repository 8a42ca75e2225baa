/** Finding what `npm run test:postgres` needs, with stand-ins for PostgreSQL and Go. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SetupError } from '../../scripts/setup-error.mjs';
import { findPostgres, findTemporalServer } from '../../scripts/temporal-on-postgres.mjs';
import { scratchFolder, writeScript } from '../support/scratch.ts';

const PROGRAMS = ['initdb', 'postgres', 'pg_isready', 'pg_dump', 'pg_restore', 'psql'];

function machine() {
  const home = scratchFolder();
  const bin = join(home, 'bin');
  mkdirSync(bin);
  return { home, bin, debian: join(home, 'debian'), env: { PATH: bin, XDG_CACHE_HOME: join(home, 'cache') } };
}

function installed(folder: string, programs: readonly string[] = PROGRAMS): string {
  for (const name of programs) writeScript(join(folder, name), ['exit 0']);
  return folder;
}

async function refusal(find: () => unknown): Promise<string> {
  try {
    await find();
  } catch (error) {
    if (error instanceof SetupError) return error.message;
    throw error;
  }
  throw new Error('expected a SetupError');
}

describe('PostgreSQL', () => {
  it('that POSTGRES_BIN names comes before the one on the PATH', () => {
    const { home, bin, debian, env } = machine();
    installed(bin);
    const mine = installed(join(home, 'mine'));
    expect(findPostgres({ ...env, POSTGRES_BIN: mine }, debian)).toBe(mine);
    expect(findPostgres(env, debian)).toBe(bin);
  });

  it('is found where Debian puts it, the newest complete one', () => {
    const { debian, env } = machine();
    installed(join(debian, '9', 'bin'));
    installed(join(debian, '15', 'bin'));
    installed(join(debian, '17', 'bin'), ['psql']);
    expect(findPostgres(env, debian)).toBe(join(debian, '15', 'bin'));
  });

  it('that is missing is one clear error with what to install', async () => {
    const { debian, env } = machine();
    const message = await refusal(() => findPostgres(env, debian));
    expect(message).toContain('PostgreSQL is not installed');
    expect(message).toContain('apt install postgresql');
    expect(message).toContain('POSTGRES_BIN');
  });
});

describe('the Temporal server', () => {
  it('is built with its schema tool, both at one version, and found in the cache the next time', async () => {
    const { home, bin, env } = machine();
    const asked = join(home, 'asked');
    writeScript(join(bin, 'go'), [
      `echo "$*" >> ${asked}`,
      'name=${2##*/}; name=${name%@*}',
      'printf "#!/bin/sh\\n" > "$GOBIN/$name"; /bin/chmod 755 "$GOBIN/$name"',
    ]);
    const found = await findTemporalServer(env);
    expect(found.server).toBe(join(found.tools, 'temporal-server'));
    expect(readFileSync(join(found.tools, 'temporal-sql-tool'), 'utf8')).toContain('#!/bin/sh');
    expect(await findTemporalServer(env)).toEqual(found);
    expect(readFileSync(asked, 'utf8')).toBe(
      'install go.temporal.io/server/cmd/server@v1.29.1\ninstall go.temporal.io/server/cmd/tools/sql@v1.29.1\n',
    );
  });

  it('that cannot be built says what to install', async () => {
    const { env } = machine();
    const message = await refusal(() => findTemporalServer(env));
    expect(message).toContain('`go` is not on the PATH');
    expect(message).toContain('install Go');
  });
});
