/** Builds `dist` with its workflow bundle when the sources changed: aside, then renamed, so that no half-built program ever runs. */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { run } from './child.mjs';
import { onInterrupt } from './interrupt.mjs';
import { withLock } from './lock.mjs';
import { say, step } from './progress.mjs';

const COMPILE_MS = 10 * 60_000;
const BUNDLE = 'workflow-bundle.js';
const STAMP = '.built.json';
/** Beside `dist`, so that the relative paths in the source maps hold after the renaming. */
const ASIDE = 'dist.aside';
const BEFORE = 'dist.before';

/** The sources do not compile: tsc's own lines. */
export class BuildError extends Error {
  /** @param {string} what @param {string} output */
  constructor(what, output) {
    super(`${what}\n${output}`);
    this.name = 'BuildError';
  }
}

/**
 * @param {string} root folder of package.json
 * @returns {Promise<'built' | 'current'>}
 * @throws {BuildError}
 */
export async function ensureBuilt(root) {
  if (isCurrent(root)) return 'current';
  return withLock(
    join(root, '.stopkeeper', 'locks', 'build'),
    async () => {
      if (isCurrent(root)) return 'current';
      const clean = () => {
        for (const folder of [ASIDE, BEFORE]) rmSync(join(root, folder), { recursive: true, force: true });
      };
      clean();
      const forget = onInterrupt(clean);
      try {
        await build(root);
      } finally {
        forget();
        clean();
      }
      return 'built';
    },
    (owner) => say(`waiting for process ${owner.pid}, which is building since ${owner.since}`),
  );
}

/** @param {string} root */
async function build(root) {
  // Hashed first: what changes while tsc reads makes the next run build again.
  const sources = sourceHash(root);
  const aside = join(root, ASIDE);
  const dist = join(root, 'dist');
  await step('compiling', async () => {
    const result = await tsc(root, 'tsconfig.build.json', aside, [
      '--tsBuildInfoFile',
      join(aside, '.tsbuildinfo'),
    ]);
    if (!result.ok) throw new BuildError(`The sources do not compile (tsc: ${result.why}).`, result.output);
  });
  const bundled = await bundle(root, aside, dist);
  writeFileSync(join(aside, STAMP), JSON.stringify({ sources, bundled, compiled: compiledHash(aside) }));
  if (existsSync(dist)) renameSync(dist, join(root, BEFORE));
  renameSync(aside, dist);
}

/**
 * Benchmarks and the soak import the sources, so they are compiled together with them, apart from `dist`.
 * @param {string} root
 * @returns {Promise<string>} folder that holds `bench/`, `soak/` and `src/`
 */
export async function ensureBenchBuilt(root) {
  const out = join(root, '.bench', 'build');
  await step('compiling the benchmarks and the soak', async () => {
    const result = await tsc(root, 'tsconfig.bench.json', out, []);
    if (!result.ok)
      throw new BuildError(`The benchmarks or the soak do not compile (tsc: ${result.why}).`, result.output);
  });
  return out;
}

/**
 * The workflows as one prebuilt file; taken from the last build when nothing that goes into it changed.
 * @param {string} root @param {string} aside @param {string} dist
 * @returns {Promise<string>} hash of what went in; '' while there are no workflows
 */
async function bundle(root, aside, dist) {
  if (!existsSync(join(aside, 'workflows', 'index.js'))) return '';
  const wanted = hash(
    aside,
    [...filesIn(aside, 'workflows'), ...filesIn(aside, 'domain')].filter((file) => file.endsWith('.js')),
  );
  const inputs = createHash('sha256')
    .update(wanted)
    .update(readFileSync(join(root, 'package-lock.json')))
    .update(readFileSync(join(root, 'scripts/bundle.mjs')))
    .digest('hex');
  const before = readStamp(dist);
  if (before?.bundled === inputs && existsSync(join(dist, BUNDLE))) {
    copyFileSync(join(dist, BUNDLE), join(aside, BUNDLE));
    return inputs;
  }
  await step('bundling the workflows', async () => {
    const result = await node(root, ['scripts/bundle.mjs', aside, dist, join(aside, BUNDLE)]);
    if (!result.ok) throw new BuildError(`The workflows cannot be bundled (${result.why}).`, result.output);
  });
  return inputs;
}

/** @param {string} root @param {string} project @param {string} outDir @param {readonly string[]} more */
function tsc(root, project, outDir, more) {
  return node(root, [
    'node_modules/typescript/bin/tsc',
    '-p',
    project,
    '--outDir',
    outDir,
    '--pretty',
    'false',
    ...more,
  ]);
}

/** @param {string} root @param {readonly string[]} args */
function node(root, args) {
  return run(process.execPath, args, { cwd: root, deadlineMs: COMPILE_MS, keepLines: 200 });
}

/** @param {string} root @returns {boolean} */
function isCurrent(root) {
  const dist = join(root, 'dist');
  const stamp = readStamp(dist);
  return stamp !== undefined && stamp.compiled === compiledHash(dist) && stamp.sources === sourceHash(root);
}

/** Changes when someone ran tsc into `dist` by hand. @param {string} dist */
function compiledHash(dist) {
  return hash(dist, existsSync(join(dist, '.tsbuildinfo')) ? ['.tsbuildinfo'] : []);
}

/** @param {string} dist @returns {{ readonly sources: string, readonly bundled: string, readonly compiled: string } | undefined} */
function readStamp(dist) {
  try {
    return JSON.parse(readFileSync(join(dist, STAMP), 'utf8'));
  } catch {
    return undefined;
  }
}

/** @param {string} root @returns {string} */
function sourceHash(root) {
  const settings = [
    'tsconfig.json',
    'tsconfig.build.json',
    'package.json',
    'package-lock.json',
    'scripts/build.mjs',
    'scripts/bundle.mjs',
  ];
  return hash(root, [...settings, ...filesIn(root, 'src')]);
}

/** @param {string} root @param {readonly string[]} files relative to root @returns {string} */
function hash(root, files) {
  const sum = createHash('sha256');
  for (const file of files)
    sum
      .update(file)
      .update('\0')
      .update(readFileSync(join(root, file)))
      .update('\0');
  return sum.digest('hex');
}

/** @param {string} root @param {string} folder @returns {string[]} relative to root, in a fixed order */
function filesIn(root, folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      return entry.isDirectory() ? filesIn(root, path) : [path];
    });
}
