/**
 * Finds Temporal's time-skipping test server, or gets it: the SDK's own download, else the Java one through Maven (DESIGN §9).
 *
 * `node scripts/test-server.mjs` prints the path on standard output. The tests' global set-up hands it on as STOPKEEPER_TEST_SERVER,
 * for `{ server: { executable: { type: 'existing-path', path } } }`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isExecutable, onPath, run } from './child.mjs';
import { download } from './download.mjs';
import { onInterrupt } from './interrupt.mjs';
import { attempt } from './progress.mjs';
import { exitWith, SetupError } from './setup-error.mjs';
import { fromCache } from './tool-cache.mjs';

const MAVEN_VERSION = '1.31.0';
const PROGRAM = process.platform === 'win32' ? 'temporal-test-server.exe' : 'temporal-test-server';
const MAVEN_MS = 10 * 60_000;
const START_MS = 60_000;
const TAIL_CHARACTERS = 2_000;

/** @typedef {import('./tool-cache.mjs').Env} Env */

/**
 * @param {{ readonly env?: Env, readonly downloadBase?: string }} [options]
 * @returns {Promise<string>} absolute path of a program that starts
 * @throws {SetupError} naming each way tried
 */
export async function findTestServer({ env = process.env, downloadBase } = {}) {
  const given = env['STOPKEEPER_TEST_SERVER'];
  if (given !== undefined && given !== '') {
    if (isExecutable(given)) return given;
    throw new SetupError(
      `STOPKEEPER_TEST_SERVER is ${JSON.stringify(given)}, but no executable file is there.`,
      [],
      [
        'set STOPKEEPER_TEST_SERVER to the path of a `temporal-test-server` program',
        'unset it, and one is downloaded or put together with Maven',
      ],
    );
  }
  const sdk = sdkVersion();
  const result = await fromCache({
    tool: 'temporal-test-server',
    program: PROGRAM,
    env,
    ways: [
      {
        way: `the download that the SDK ${sdk} performs`,
        key: `sdk-${sdk}`,
        fill: (folder) => fromSdk(folder, sdk, env, downloadBase),
      },
      {
        way: `Maven, io.temporal:temporal-test-server:${MAVEN_VERSION}`,
        key: `maven-${MAVEN_VERSION}`,
        fill: (folder) => fromMaven(folder, env),
      },
    ],
  });
  if ('path' in result) return result.path;
  throw new SetupError(
    'The time-skipping Temporal test server, which the workflow tests need, could not be found, downloaded or put together.',
    [{ way: 'STOPKEEPER_TEST_SERVER', why: 'not set' }, ...result.tried],
    [
      'give this machine access to temporal.download',
      'install Java 17 or newer and Maven 3.8 or newer (Debian: `apt install default-jre-headless maven`)',
      'set STOPKEEPER_TEST_SERVER to the path of a `temporal-test-server` program',
    ],
  );
}

/** The version of `@temporalio/testing` that this project pins. @returns {string} */
function sdkVersion() {
  const file = new URL('../package.json', import.meta.url);
  const manifest = /** @type {{ devDependencies: Record<string, string> }} */ (
    JSON.parse(readFileSync(file, 'utf8'))
  );
  return manifest.devDependencies['@temporalio/testing'] ?? 'unknown';
}

/** @param {string} folder @param {string} sdk @param {Env} env @param {string | undefined} base @returns {Promise<string>} */
async function fromSdk(folder, sdk, env, base) {
  const target = join(folder, PROGRAM);
  return attempt('downloading the time-skipping test server', async (note) => {
    const failure = await download({
      artifact: 'temporal-test-server',
      version: 'default',
      parameters: { 'sdk-name': 'sdk-typescript', 'sdk-version': sdk },
      target,
      note,
      ...(base === undefined ? {} : { base }),
    });
    return failure === '' ? tryStart(target, env) : failure;
  });
}

/** @param {string} folder @param {Env} env @returns {Promise<string>} */
async function fromMaven(folder, env) {
  if (process.platform === 'win32') return 'not supported on Windows, where the download is the way';
  const maven = onPath('mvn', env);
  if (maven === undefined) return '`mvn` is not on the PATH';
  const java = env['JAVA_HOME'] === undefined ? onPath('java', env) : join(env['JAVA_HOME'], 'bin', 'java');
  if (java === undefined || !isExecutable(java)) return 'no `java` in JAVA_HOME or on the PATH';
  const pom = join(folder, 'pom.xml');
  writeFileSync(pom, POM);
  return attempt(`getting the time-skipping test server ${MAVEN_VERSION} with Maven`, async (note) => {
    const args = [
      '-B',
      '-f',
      pom,
      'dependency:copy-dependencies',
      '-DincludeScope=runtime',
      `-DoutputDirectory=${join(folder, 'lib')}`,
    ];
    const onLine = (/** @type {string} */ line) => note(line.replace(/^\[INFO\] /u, ''));
    const result = await run(maven, args, { env, deadlineMs: MAVEN_MS, onLine });
    if (!result.ok) return `${result.why}\n${result.output}`;
    const program = join(folder, PROGRAM);
    writeFileSync(program, WRAPPER, { mode: 0o755 });
    return tryStart(program, env);
  });
}

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>stopkeeper</groupId>
  <artifactId>test-server</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>io.temporal</groupId>
      <artifactId>temporal-test-server</artifactId>
      <version>${MAVEN_VERSION}</version>
    </dependency>
  </dependencies>
</project>
`;

/** \`exec\`, so that the process that the tests stop is the server itself; serial collector and first compiler: up in about a second. */
const WRAPPER = `#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
java=java
if [ -n "\${JAVA_HOME:-}" ] && [ -x "$JAVA_HOME/bin/java" ]; then java=$JAVA_HOME/bin/java; fi
exec "$java" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$here/lib/*" io.temporal.testserver.TestServer "$@"
`;

/**
 * A program counts only once it has listened: a wrong Java or a jar that lacks a class shows here, not in the first test.
 * @param {string} program @param {Env} env @returns {Promise<string>}
 */
async function tryStart(program, env) {
  const port = await freePort();
  const child = spawn(program, [String(port)], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const forget = onInterrupt(() => child.kill('SIGKILL'));
  let output = '';
  let ended = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output = (output + String(chunk)).slice(-TAIL_CHARACTERS);
    });
  }
  const gone = new Promise((resolve) => {
    child.on('error', (error) => {
      ended = error.message;
      resolve(undefined);
    });
    child.on('close', (code, signal) => {
      ended ||= `it ended at once (${signal ?? `exit code ${code}`})`;
      resolve(undefined);
    });
  });
  try {
    const deadline = Date.now() + START_MS;
    while (ended === '' && Date.now() < deadline) {
      if (await listens(port)) return '';
      await sleep(100);
    }
    return `${ended === '' ? `it did not listen within ${START_MS / 1000} s` : ended}\n${output}`.trim();
  } finally {
    child.kill('SIGKILL');
    await gone;
    forget();
  }
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** @param {number} port @returns {Promise<boolean>} */
function listens(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  findTestServer().then((path) => process.stdout.write(`${path}\n`), exitWith);
}
