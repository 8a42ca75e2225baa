/** The entry of the npm scripts, run as a process in a scratch copy, with stand-ins for npm and the Temporal CLI. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { scratchFolder, writeScript, writeText } from '../support/scratch.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Stands for npm: notes its arguments, then leaves what `npm ci` leaves. */
const FAKE_NPM = `const fs = require('node:fs');
const hangs = fs.existsSync('npm-hangs');
// Before its first mark: whoever sees that may interrupt it at once.
if (hangs) process.on('SIGINT', () => { fs.writeFileSync('npm-stopped', ''); process.exit(1); });
fs.writeFileSync('npm-pid', String(process.pid));
fs.appendFileSync('npm-calls', process.argv.slice(2).join(' ') + '\\n');
console.log('npm speaks on standard output');
if (hangs) return void setTimeout(() => process.exit(1), 60_000);
if (fs.existsSync('npm-fails')) { console.error('npm error code ENOTFOUND'); process.exit(1); }
fs.rmSync('node_modules', { recursive: true, force: true });
fs.mkdirSync('node_modules/typescript/bin', { recursive: true });
fs.writeFileSync('node_modules/.package-lock.json', fs.readFileSync('package-lock.json'));
// Stands for tsc: a program that shows how it was run.
fs.writeFileSync('node_modules/typescript/bin/tsc', ${JSON.stringify(`
const out = process.argv[process.argv.indexOf('--outDir') + 1];
require('node:fs').mkdirSync(out + '/operator', { recursive: true });
require('node:fs').writeFileSync(out + '/worker.js', \`
  const put = (text) => process.stdout.write(text + '\\\\n');
  if (process.argv[2] === 'exit') process.exit(Number(process.argv[3]));
  if (process.argv[2] === 'stdin') process.stdin.pipe(process.stdout);
  else if (process.argv[2] === 'signal') { process.on('SIGTERM', () => { put('ended in order'); process.exit(7); }); put('up'); setInterval(() => {}, 1000); }
  else put(JSON.stringify(process.argv.slice(2)));
\`);
`)});
`;

function checkout() {
  const root = scratchFolder();
  for (const file of [
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'scripts',
  ]) {
    cpSync(join(ROOT, file), join(root, file), { recursive: true });
  }
  const npm = writeText(join(root, 'npm-cli.js'), FAKE_NPM);
  writeText(
    join(root, 'package.json'),
    readFileSync(join(ROOT, 'package.json'), 'utf8').replace('"type": "module"', '"type": "commonjs"'),
  );
  const env = { PATH: process.env['PATH'], HOME: root, npm_execpath: npm };
  return { root, env };
}

function start(root: string, env: Readonly<Record<string, string | undefined>>, args: readonly string[]) {
  const child = spawn(process.execPath, [join(root, 'scripts', 'run.mjs'), ...args], {
    cwd: root,
    env: { ...env },
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => (output.stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (output.stderr += String(chunk)));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...output }));
  return { child, output, ended };
}

const run = (root: string, env: Readonly<Record<string, string | undefined>>, ...args: readonly string[]) =>
  start(root, env, args).ended;
const npmCalls = (root: string): readonly string[] =>
  readFileSync(join(root, 'npm-calls'), 'utf8').trim().split('\n');

describe('a command in a fresh clone', () => {
  it('installs, builds, hands over, and keeps standard output for the program', async () => {
    const { root, env } = checkout();
    const result = await run(root, env, 'worker', '--flag', 'two words');
    expect(result).toMatchObject({ code: 0, stdout: '["--flag","two words"]\n' });
    expect(result.stderr).toContain('installing the packages (npm ci)');
    expect(npmCalls(root)).toEqual(['ci --loglevel=error --no-progress --include=dev --include=optional']);
  });

  it('neither installs nor builds the second time', async () => {
    const { root, env } = checkout();
    await run(root, env, 'worker');
    const second = await run(root, env, 'worker');
    expect(second).toMatchObject({ code: 0, stderr: '' });
    expect(npmCalls(root)).toHaveLength(1);
  });

  it('installs once when two start at once', async () => {
    const { root, env } = checkout();
    const results = await Promise.all([run(root, env, 'worker', 'a'), run(root, env, 'worker', 'b')]);
    expect(results.map(({ code, stdout }) => [code, stdout])).toEqual([
      [0, '["a"]\n'],
      [0, '["b"]\n'],
    ]);
    expect(npmCalls(root)).toHaveLength(1);
  });

  it('installs anew when the lockfile changed', async () => {
    const { root, env } = checkout();
    await run(root, env, 'worker');
    writeText(
      join(root, 'package-lock.json'),
      readFileSync(join(root, 'package-lock.json'), 'utf8').replace(
        '"version": "4.5.84"',
        '"version": "4.5.85"',
      ),
    );
    await run(root, env, 'worker');
    expect(npmCalls(root)).toHaveLength(2);
  });

  it('accepts packages that were installed by hand from the same lockfile', async () => {
    const { root, env } = checkout();
    await run(root, env, 'worker');
    rmSync(join(root, 'node_modules', '.stopkeeper-installed'));
    await run(root, env, 'worker');
    expect(npmCalls(root)).toHaveLength(1);
  });

  it('installs anew after an install that was interrupted', async () => {
    const { root, env } = checkout();
    writeText(join(root, 'node_modules', 'typescript', 'half'), 'half');
    expect((await run(root, env, 'worker')).code).toBe(0);
    expect(npmCalls(root)).toHaveLength(1);
    expect(existsSync(join(root, 'node_modules', 'typescript', 'half'))).toBe(false);
  });

  it('that cannot install says what npm said and ends with 2', async () => {
    const { root, env } = checkout();
    writeText(join(root, 'npm-fails'), '');
    const result = await run(root, env, 'worker');
    expect(result.code).toBe(2);
    expect(result.stdout).toBe('');
    expect(result.stderr).toContain('npm error code ENOTFOUND');
    expect(result.stderr).toContain('What to do:');
    expect(readdirSync(join(root, '.stopkeeper', 'locks'))).toEqual([]);
  });
});

describe('an install that is interrupted', () => {
  it('by Ctrl-C stops npm, frees the lock, and is done again by the next command', async () => {
    const { root, env } = checkout();
    writeText(join(root, 'npm-hangs'), '');
    const first = start(root, env, ['worker']);
    await expect.poll(() => existsSync(join(root, 'npm-calls')), { timeout: 30_000 }).toBe(true);
    first.child.kill('SIGINT');
    expect((await first.ended).code).toBe(130);
    // npm ends by itself after its parent.
    await expect.poll(() => existsSync(join(root, 'npm-stopped')), { timeout: 30_000 }).toBe(true);
    expect(readdirSync(join(root, '.stopkeeper', 'locks'))).toEqual([]);
    rmSync(join(root, 'npm-hangs'));
    expect((await run(root, env, 'worker')).code).toBe(0);
    expect(npmCalls(root)).toHaveLength(2);
  });

  it('by kill -9 waits for the npm that goes on without its parent, then is done again', async () => {
    const { root, env } = checkout();
    writeText(join(root, 'npm-hangs'), '');
    const first = start(root, env, ['worker']);
    await expect.poll(() => existsSync(join(root, 'npm-calls')), { timeout: 30_000 }).toBe(true);
    first.child.kill('SIGKILL');
    const npm = readFileSync(join(root, 'npm-pid'), 'utf8');
    const second = start(root, env, ['worker']);
    await expect
      .poll(() => second.output.stderr, { timeout: 30_000 })
      .toContain(`waiting for process ${npm}`);
    expect(npmCalls(root)).toHaveLength(1);
    rmSync(join(root, 'npm-hangs'));
    process.kill(Number(npm), 'SIGKILL');
    expect((await second.ended).code).toBe(0);
    expect(npmCalls(root)).toHaveLength(2);
  });
});

describe('the program', () => {
  it('decides the exit code', async () => {
    const { root, env } = checkout();
    expect((await run(root, env, 'worker', 'exit', '5')).code).toBe(5);
  });

  it('reads standard input', async () => {
    const { root, env } = checkout();
    const { child, ended } = start(root, env, ['worker', 'stdin']);
    child.stdin.end('{"a":1}');
    expect((await ended).stdout).toBe('{"a":1}');
  });

  it('gets the signal that the command got, and ends in its own order', async () => {
    const { root, env } = checkout();
    const { child, output, ended } = start(root, env, ['worker', 'signal']);
    await expect.poll(() => output.stdout, { timeout: 30_000 }).toBe('up\n');
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 7, stdout: 'up\nended in order\n' });
  });

  it('that this version does not have is named', async () => {
    const { root, env } = checkout();
    const result = await run(root, env, 'doctor');
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('This version has no `doctor`');
  });
});

describe('npm run temporal', () => {
  const shows = ['echo "$TEMPORAL_ADDRESS|$TEMPORAL_NAMESPACE|$*"'];
  const version =
    'if [ "$1" = --version ]; then echo "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)"; exit 0; fi';

  function withCli() {
    const { root, env } = checkout();
    const cli = writeScript(join(root, 'cli'), [version, ...shows]);
    return { root, env: { ...env, STOPKEEPER_TEMPORAL_CLI: cli } };
  }

  it('needs no packages and points the CLI at the running system', async () => {
    const { root, env } = withCli();
    writeText(
      join(root, '.stopkeeper', 'system.json'),
      JSON.stringify({ temporalAddress: '127.0.0.1:7299' }),
    );
    const result = await run(root, env, 'temporal', 'workflow', 'list');
    expect(result).toMatchObject({ code: 0, stdout: '127.0.0.1:7299||workflow list\n' });
    expect(existsSync(join(root, 'npm-calls'))).toBe(false);
  });

  it('reads the system of STOPKEEPER_DATA', async () => {
    const { root, env } = withCli();
    const data = join(root, 'elsewhere');
    writeText(
      join(data, 'system.json'),
      JSON.stringify({ temporalAddress: '127.0.0.1:7300', temporalNamespace: 'mine' }),
    );
    const result = await run(root, { ...env, STOPKEEPER_DATA: data }, 'temporal', 'x');
    expect(result.stdout).toBe('127.0.0.1:7300|mine|x\n');
  });

  it('leaves TEMPORAL_ADDRESS as it is set', async () => {
    const { root, env } = withCli();
    writeText(
      join(root, '.stopkeeper', 'system.json'),
      JSON.stringify({ temporalAddress: '127.0.0.1:7299' }),
    );
    const result = await run(root, { ...env, TEMPORAL_ADDRESS: 'cloud:7233' }, 'temporal', 'x');
    expect(result.stdout).toBe('cloud:7233||x\n');
  });

  it.each([
    ['no file', undefined],
    ['half a file', '{"temporalAddr'],
    ['another shape', '[]'],
  ])('with %s of a running system leaves the address to the CLI', async (_, text) => {
    const { root, env } = withCli();
    if (text !== undefined) writeText(join(root, '.stopkeeper', 'system.json'), text);
    expect((await run(root, env, 'temporal', 'x')).stdout).toBe('||x\n');
  });
});

it('refuses a command that there is not, and names those that there are', async () => {
  const { root, env } = checkout();
  const result = await run(root, env, 'strat');
  expect(result.code).toBe(2);
  expect(result.stderr).toContain('There is no command "strat".');
  expect(result.stderr).toContain('start, status, plan');
});

it('refuses a part of the tests that there is not', async () => {
  const { root, env } = checkout();
  const result = await run(root, env, 'test', 'unti');
  expect(result.code).toBe(2);
  expect(result.stderr).toContain('No such part of the tests: unti.');
});
