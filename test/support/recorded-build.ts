/** The worker of a released version as one file: recorded with its histories, laid out again to hand its workflows to the code of now. */
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Programs that a worker does not load. */
const LEFT_OUT = /^(?:operator|paper)\//;
const SOURCE_MAP = /\n\/\/# sourceMappingURL=(?!data:).*\s*$/;
/** Two thirds of a workflow bundle; the SDK wants one, and is content with an empty one. */
const INLINE_MAP = /(\n\/\/# sourceMappingURL=data:application\/json;charset=utf-8;base64,)[\w+/=]+/;
const EMPTY_MAP = Buffer.from('{"version":3,"sources":[],"names":[],"mappings":""}').toString('base64');

type Files = Readonly<Record<string, string>>;

/** Every file that a worker of this build loads, without source maps. */
export async function packedBuild(dist: string): Promise<Buffer> {
  const names = (await readdir(dist, { recursive: true })).filter(
    (name) => name.endsWith('.js') && !LEFT_OUT.test(name),
  );
  const files = await Promise.all(
    names.toSorted().map(async (name) => {
      const text = await readFile(join(dist, name), 'utf8');
      return [name, text.replace(SOURCE_MAP, '\n').replace(INLINE_MAP, `$1${EMPTY_MAP}`)] as const;
    }),
  );
  return promisify(gzip)(JSON.stringify(Object.fromEntries(files)), { level: 9 });
}

/** Lays a recorded build out under `folder`; answers the folder that holds its `worker.js`. It uses the packages of now. */
export async function unpackedBuild(version: string, folder: string): Promise<string> {
  const packed = await readFile(join(ROOT, 'test/replay/builds', `${version}.json.gz`));
  const files = JSON.parse((await promisify(gunzip)(packed)).toString('utf8')) as Files;
  const dist = await emptyBuild(folder);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(dist, name)), { recursive: true });
    await writeFile(join(dist, name), text);
  }
  return dist;
}

/** The build of now, but without the bundle that was made with it. */
export async function unbundledBuild(folder: string): Promise<string> {
  const dist = await emptyBuild(folder);
  const filter = (source: string): boolean => !source.endsWith('workflow-bundle.js');
  await cp(join(ROOT, 'dist'), dist, { recursive: true, filter });
  return dist;
}

/** The build of now with a workflow that begins with a timer of its own: neither build replays what the other began. */
export async function alteredBuild(
  folder: string,
  workflow: 'guardPosition' | 'watchAccount',
): Promise<string> {
  const dist = await emptyBuild(folder);
  await cp(join(ROOT, 'dist'), dist, { recursive: true });
  const bundle = join(dist, 'workflow-bundle.js');
  const text = await readFile(bundle, 'utf8');
  const beginning = new RegExp(`async function ${workflow}\\(input\\) \\{\\n`, 'g');
  if (text.match(beginning)?.length !== 1) throw new Error('the bundle has no such function, or several');
  await writeFile(bundle, text.replace(beginning, '$& await new Promise((go) => setTimeout(go, 1));\n'));
  return dist;
}

async function emptyBuild(folder: string): Promise<string> {
  const dist = join(folder, 'dist');
  await mkdir(dist, { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'dir');
  await cp(join(ROOT, 'package.json'), join(folder, 'package.json'));
  return dist;
}
