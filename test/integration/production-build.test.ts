/**
 * The image without Docker: the commands of the Dockerfile's own stages, run by hand in a folder, and the worker and paper exchange that come
 * out of it, serving a session. What it leaves out: the base image, Debian's packages, tini and the unprivileged user.
 */
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { freePort } from '../../src/operator/ports.ts';
import { parseDockerfile, type ImageStage, type Instruction } from '../support/dockerfile.ts';
import { quietly, runSession, settled } from '../support/fault-world.ts';
import { startSystem, until, type System } from '../support/system.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const BUILD_MS = 600_000;
const run = promisify(execFile);
const stages = parseDockerfile(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'));
const image = stages.at(-1);

/** What `.dockerignore` lets through, and nothing else. */
function makeContext(folder: string): void {
  const lines = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');
  expect(lines.filter((line) => !/^(#|!|$)/.test(line))).toEqual(['*']);
  for (const line of lines.filter((one) => one.startsWith('!'))) {
    const path = line.slice(1);
    cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  }
}

const COMPOSE_METRICS = '127.0.0.1:9464';

/** What the compose file runs in the worker's container to see whether it does its work. */
function healthScript(): string {
  const file = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
    readonly services: { readonly worker: { readonly healthcheck: { readonly test: readonly string[] } } };
  };
  const { test } = file.services.worker.healthcheck;
  expect(test.slice(0, 3)).toEqual(['CMD', 'node', '-e']);
  return test[3] ?? '';
}

/** npm and the build see what a container would give them, and how this machine reaches the network. */
function environment(stage: ImageStage): NodeJS.ProcessEnv {
  const network = /^(https?_proxy|no_proxy|node_extra_ca_certs|ssl_cert_file|npm_config_registry)$/i;
  const kept = Object.entries(process.env).filter(([name]) => network.test(name));
  return {
    ...Object.fromEntries(kept),
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    npm_config_prefer_offline: 'true',
    ...stage.env,
  };
}

/** Runs the stages one after the other; answers the folder that stands for the image's root. */
async function buildByHand(folder: string): Promise<string> {
  const context = join(folder, 'context');
  makeContext(context);
  const rootOf = (name: string | null): string => join(folder, `stage-${name ?? 'image'}`);
  for (const stage of stages) {
    let workdir = rootOf(stage.name);
    for (const instruction of stage.instructions) {
      if (instruction.kind === 'workdir') {
        workdir = join(rootOf(stage.name), instruction.path);
        mkdirSync(workdir, { recursive: true });
      } else if (instruction.kind === 'run') await runInstruction(instruction.command, stage, workdir);
      else copy(instruction, instruction.from === null ? context : rootOf(instruction.from), workdir);
    }
  }
  return rootOf(image?.name ?? null);
}

async function runInstruction(command: string, stage: ImageStage, workdir: string): Promise<void> {
  const name = stage.name ?? 'image';
  if (command.startsWith('apt-get ')) {
    console.log(`image: ${name}: not run here, it changes the machine: ${command}`);
    return;
  }
  const began = Date.now();
  try {
    await run('/bin/sh', ['-c', command], {
      cwd: workdir,
      env: environment(stage),
      timeout: BUILD_MS,
      maxBuffer: 100_000_000,
    });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string };
    throw new Error(
      `stage ${name}: \`${command}\` failed (npm needs the network or a filled cache):\n${stdout}\n${stderr}`,
      {
        cause: error,
      },
    );
  }
  console.log(`image: ${name}: ${command}: ${((Date.now() - began) / 1_000).toFixed(1)} s`);
}

function copy(instruction: Instruction & { kind: 'copy' }, source: string, workdir: string): void {
  const { sources, target, from } = instruction;
  for (const path of sources) {
    const intoFolder = target.endsWith('/') || sources.length > 1;
    const to = join(workdir, target, intoFolder ? basename(path) : '');
    mkdirSync(dirname(to), { recursive: true });
    // A stage is not needed after what it was made for; moving spares copying all packages.
    if (from !== null) renameSync(join(source, path), to);
    else cpSync(join(source, path), to, { recursive: true });
  }
}

interface Lockfile {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
}

/** Folders of packages that only development needs, by the lockfile. */
function developmentPackages(): readonly string[] {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Lockfile;
  return Object.entries(packages).flatMap(([path, { dev }]) => (dev === true ? [path] : []));
}

describe('the image, built by hand', { timeout: BUILD_MS }, () => {
  let folder: string;
  let app: string;
  let system: System;
  let metricsPort: number;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'stopkeeper-image-'));
    app = join(await buildByHand(folder), 'app');
    const dist = join(app, 'dist');
    const build = { build: () => dist, paperBuild: dist };
    metricsPort = await freePort(null);
    const env = { ...image?.env, STOPKEEPER_METRICS: `127.0.0.1:${metricsPort}` };
    system = await startSystem({ scenario: 'scenarios/default.json', ...build, env });
  }, BUILD_MS);

  afterAll(async () => {
    await system.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('runs the built worker under an init process and an unprivileged user', () => {
    expect(image?.entrypoint).toEqual(['/usr/bin/tini', '--']);
    expect(image?.command).toEqual(['node', '--enable-source-maps', 'dist/worker.js']);
    expect(image?.user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  });

  it('holds no TypeScript and no package that only development needs', () => {
    const own = readdirSync(app, { recursive: true, encoding: 'utf8' }).filter(
      (path) => !path.startsWith('node_modules'),
    );
    expect(own.filter((path) => path.endsWith('.ts'))).toEqual([]);
    expect(own).toContain(join('dist', 'workflow-bundle.js'));
    const development = developmentPackages();
    for (const name of ['typescript', 'vitest', '@temporalio/testing'])
      expect(development).toContain(`node_modules/${name}`);
    expect(development.filter((path) => existsSync(join(app, path)))).toEqual([]);
    expect(existsSync(join(app, 'node_modules', '@temporalio', 'worker'))).toBe(true);
  });

  it('serves a session, and its health check finds it polling', async () => {
    const report = await runSession(system);
    expect(report.status).toBe('SUCCESS');
    expect(report.protection).toMatchObject({ failures: 0, total: report.positions.length });
    await settled(system);
    const script = healthScript();
    expect(script).toContain(COMPOSE_METRICS);
    const here = script.replace(COMPOSE_METRICS, `127.0.0.1:${metricsPort}`);
    await until(
      'the health check of the compose file',
      () => quietly(async () => run(process.execPath, ['-e', here], { cwd: app })),
      60_000,
    );
    const nobody = script.replace(COMPOSE_METRICS, `127.0.0.1:${await freePort(null)}`);
    await expect(run(process.execPath, ['-e', nobody], { cwd: app })).rejects.toMatchObject({ code: 1 });
  });

  it('starts from the workflow bundle of the build, and without it would have to bundle', async () => {
    const [worker] = system.programs.workers;
    const bundle = join(app, 'dist', 'workflow-bundle.js');
    const start = async (): Promise<{ readonly seconds: string; readonly bundled: boolean }> => {
      await worker?.kill('SIGTERM');
      const before = worker?.log.length ?? 0;
      const began = Date.now();
      await worker?.start();
      const seconds = ((Date.now() - began) / 1_000).toFixed(1);
      return { seconds, bundled: worker?.log.slice(before).includes('Workflow bundle created') === true };
    };
    const prebuilt = await start();
    renameSync(bundle, `${bundle}.aside`);
    const without = await start();
    renameSync(`${bundle}.aside`, bundle);
    console.log(
      `image: the worker was ready after ${prebuilt.seconds} s with the prebuilt bundle, ${without.seconds} s without`,
    );
    expect(prebuilt.bundled).toBe(false);
    expect(without.bundled).toBe(true);
    await settled(system);
  });
});
