/** The compose file and the Dockerfile as far as they can be judged without a Docker daemon: schema, lint, and what both promise. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { findContainerLint } from '../../scripts/container-lint.mjs';
import { SETTINGS, VENUES } from '../../src/config-environment.ts';
import { SEARCH_ATTRIBUTES } from '../../src/domain/names.ts';
import { scratchFolder, writeText } from '../support/scratch.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly restart?: string;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly secrets?: readonly string[];
  readonly healthcheck?: object;
  readonly profiles?: readonly string[];
  readonly network_mode?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly env_file?: readonly string[];
}

interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, { readonly file?: string }>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const compose = parse(read('docker-compose.yml'), { merge: true }) as ComposeFile;
const services = Object.entries(compose.services);
/** Services that do their work and end. */
const oneShots = services.filter(([, { restart }]) => restart?.startsWith('on-failure') === true);
const lasting = services.filter(([, { restart }]) => restart === 'unless-stopped');

function read(path: string): string {
  return readFileSync(`${ROOT}${path}`, 'utf8');
}

describe('checked by the tools that others use', () => {
  let lint: Awaited<ReturnType<typeof findContainerLint>>;

  beforeAll(async () => {
    lint = await findContainerLint();
  }, 400_000);

  it('the compose file fits the compose specification', async (context) => {
    if ('missing' in lint) return context.skip(`not checked here: ${lint.missing}`);
    const [program, ...first] = lint.checkJsonschema;
    const args = [...first, '--builtin-schema', 'vendor.compose-spec', `${ROOT}docker-compose.yml`];
    const { stdout } = await run(program, args, { env: lint.env });
    expect(stdout).toContain('ok -- validation done');
  });

  it('a mistake in the compose file would be found', async (context) => {
    if ('missing' in lint) return context.skip(`not checked here: ${lint.missing}`);
    const [program, ...first] = lint.checkJsonschema;
    const mistaken = read('docker-compose.yml').replace('restart: unless-stopped', 'restarts: always');
    const file = writeText(join(scratchFolder(), 'docker-compose.yml'), mistaken);
    const checking = run(program, [...first, '--builtin-schema', 'vendor.compose-spec', file], {
      env: lint.env,
    });
    await expect(checking).rejects.toMatchObject({ stdout: expect.stringContaining('restarts') });
  });

  it('the Dockerfile has no finding of hadolint', async (context) => {
    if ('missing' in lint) return context.skip(`not checked here: ${lint.missing}`);
    const { stdout } = await run(lint.hadolint, [`${ROOT}Dockerfile`], { env: lint.env });
    expect(stdout).toBe('');
  });
});

describe('what the compose file promises', () => {
  it.each(services)('%s runs an image pinned by a version', (_, { image }) => {
    expect(image).toMatch(/^[a-z][\w./-]*:v?\d+\.\d+[\w.-]*$/);
  });

  it.each(services)('%s listens on loopback only', (_, { ports = [], network_mode: mode }) => {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    expect(mode).not.toBe('host');
  });

  it.each(lasting)(
    '%s is started again after a crash, and says whether it is healthy',
    (_, { healthcheck }) => {
      expect(healthcheck).toMatchObject({ test: expect.any(Array), interval: expect.any(String) });
    },
  );

  it('every service lasts, or ends and may be run again, or is a tool', () => {
    const named = [...lasting, ...oneShots].map(([name]) => name);
    const others = services.filter(([name]) => !named.includes(name));
    expect(others.every(([, { profiles }]) => profiles?.includes('tools') === true)).toBe(true);
    expect(oneShots.map(([name]) => name)).toEqual(['schema', 'namespace']);
  });

  it('secrets are files, and no password or key stands in an environment', () => {
    for (const { file } of Object.values(compose.secrets)) expect(file).toContain('${STOPKEEPER_SECRETS:-');
    for (const [name, { environment = {} }] of services) {
      for (const variable of Object.keys(environment).filter((one) =>
        /PASSWORD|PWD|SECRET|KEY|TOKEN/.test(one),
      ))
        expect(variable, name).toMatch(/_FILE$/);
    }
  });

  it('each venue has a file of settings that names it, and only the paper exchange an address', () => {
    const files = compose.services['worker']?.env_file;
    expect(files).toEqual(['deploy/venues/${STOPKEEPER_VENUE:-paper}.env']);
    expect(compose.services['worker']?.environment).not.toHaveProperty('STOPKEEPER_VENUE_URL');
    for (const venue of VENUES) {
      const lines = read(`deploy/venues/${venue}.env`)
        .split('\n')
        .filter((line) => /^\w/.test(line));
      const address = venue === 'paper' ? ['STOPKEEPER_VENUE_URL=http://127.0.0.1:9090'] : [];
      expect(lines).toEqual([`STOPKEEPER_VENUE=${venue}`, ...address]);
    }
  });

  it('the worker is handed every setting, but for those that are none of a container', () => {
    const others = {
      STOPKEEPER_ACCOUNTS: 'of the file of a venue, with the keys that each brings (docs/deployment.md)',
      STOPKEEPER_DATA: 'in the image',
      STOPKEEPER_TEMPORAL_CLI: 'of npm start',
      STOPKEEPER_CODEC: 'of the codec server',
      STOPKEEPER_CODEC_ORIGINS: 'of the codec server',
      STOPKEEPER_CODEC_TOKEN: 'of the codec server',
    };
    const given = Object.keys(compose.services['worker']?.environment ?? {}).map((name) =>
      name.replace(/_FILE$/, ''),
    );
    expect(SETTINGS.filter((name) => !given.includes(name)).toSorted()).toEqual(
      Object.keys(others).toSorted(),
    );
  });

  it('what has to outlive a container lies in a named volume', () => {
    const mounts = (name: string): string[] =>
      (compose.services[name]?.volumes ?? []).map((mount) => mount.split(':')[0] ?? '');
    for (const name of ['postgresql', 'worker', 'paper']) {
      expect(Object.keys(compose.volumes)).toContain(name);
      expect(mounts(name)).toContain(name);
    }
  });

  it('the namespace keeps closed histories for 30 days and gets every search attribute with its type', () => {
    expect(compose.services['namespace']?.environment).toMatchObject({ RETENTION: '30d' });
    const script = read('deploy/temporal/set-up-namespace.sh');
    const ensured = [...script.matchAll(/^ensure (\w+) (\w+)$/gm)].map(([, name, type]) => [name, type]);
    const types = { KEYWORD: 'Keyword', BOOL: 'Bool', DATETIME: 'Datetime' } as const;
    expect(ensured).toEqual(Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => [name, types[type]]));
  });

  it('the server, its schema tool and the tests on PostgreSQL are of one version', () => {
    const version = /temporalio\/server:([\d.]+)/.exec(compose.services['temporal']?.image ?? '')?.[1] ?? '';
    expect(compose.services['schema']?.image).toContain(`admin-tools:${version}-`);
    expect(read('scripts/temporal-on-postgres.mjs')).toContain(`SERVER_VERSION = '${version}'`);
  });
});
