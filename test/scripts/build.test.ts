/** Builds small projects with the real compiler and bundler in scratch folders. */
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BuildError, ensureBuilt } from '../../scripts/build.mjs';
import { scratchFolder, writeText } from '../support/scratch.ts';

const ROOT = join(import.meta.dirname, '../..');

function project(sources: Readonly<Record<string, string>>): string {
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
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  for (const [name, text] of Object.entries(sources)) writeText(join(root, 'src', name), text);
  return root;
}

const ONE = { 'one.ts': 'export const one: number = 1;\n' };
const WORKFLOWS = {
  'domain/name.ts': `export const name = (symbol: string): string => 'guard:' + symbol;\n`,
  'workflows/index.ts': `import { sleep } from '@temporalio/workflow';
    import { name } from '../domain/name.ts';
    export async function hello(): Promise<string> {
      await sleep(1);
      return name('x');
    }\n`,
};

describe('the build', () => {
  it('compiles the sources, and does nothing when they have not changed', async () => {
    const root = project(ONE);
    expect(await ensureBuilt(root)).toBe('built');
    expect(readFileSync(join(root, 'dist', 'one.js'), 'utf8')).toContain('export const one = 1;');
    expect(readFileSync(join(root, 'dist', 'one.js.map'), 'utf8')).toContain('"../src/one.ts"');
    expect(await ensureBuilt(root)).toBe('current');
  });

  it('follows a changed, an added and a deleted source', async () => {
    const root = project(ONE);
    await ensureBuilt(root);
    writeText(join(root, 'src', 'two.ts'), 'export const two = 2;\n');
    expect(await ensureBuilt(root)).toBe('built');
    expect(existsSync(join(root, 'dist', 'two.js'))).toBe(true);
    writeText(join(root, 'src', 'one.ts'), 'export const one = 11;\n');
    await ensureBuilt(root);
    expect(readFileSync(join(root, 'dist', 'one.js'), 'utf8')).toContain('11');
    cpSync(join(root, 'src', 'two.ts'), join(root, 'src', 'three.ts'));
    rmSync(join(root, 'src', 'two.ts'));
    await ensureBuilt(root);
    expect(existsSync(join(root, 'dist', 'two.js'))).toBe(false);
  });

  it('that fails says what tsc says and leaves the last build in use', async () => {
    const root = project(ONE);
    await ensureBuilt(root);
    writeText(join(root, 'src', 'one.ts'), `export const one: number = 'x';\n`);
    const failure: unknown = await ensureBuilt(root).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(BuildError);
    expect(String(failure)).toContain('src/one.ts(1,14): error TS2322');
    expect(readFileSync(join(root, 'dist', 'one.js'), 'utf8')).toContain('export const one = 1;');
    expect(await ensureBuilt(root).catch((error: unknown) => error)).toBeInstanceOf(BuildError);
  });

  it('that never succeeded leaves no dist at all', async () => {
    const root = project({ 'one.ts': 'export const one = missing;\n' });
    await expect(ensureBuilt(root)).rejects.toThrow('error TS2304');
    expect(existsSync(join(root, 'dist'))).toBe(false);
    expect(existsSync(join(root, 'dist.aside'))).toBe(false);
  });

  it('started twice at once runs once', async () => {
    const root = project(ONE);
    const results = await Promise.all([ensureBuilt(root), ensureBuilt(root)]);
    expect(results.toSorted()).toEqual(['built', 'current']);
    expect(readdirSync(join(root, '.stopkeeper', 'locks'))).toEqual([]);
  });

  it('is made anew when someone compiled into dist by hand', async () => {
    const root = project(ONE);
    await ensureBuilt(root);
    writeFileSync(join(root, 'dist', '.tsbuildinfo'), '{}');
    expect(await ensureBuilt(root)).toBe('built');
  });

  it('clears what a killed build left, which never counted as built', async () => {
    const root = project(ONE);
    writeText(join(root, 'dist.aside', 'one.js'), 'export const one = 0.5;');
    writeText(join(root, 'dist', 'one.js'), 'no stamp: not ours');
    expect(await ensureBuilt(root)).toBe('built');
    expect(existsSync(join(root, 'dist.aside'))).toBe(false);
    expect(readFileSync(join(root, 'dist', 'one.js'), 'utf8')).toContain('one = 1');
  });

  it('bundles the workflows, again only when what goes into the bundle changed', async () => {
    const root = project({ ...ONE, ...WORKFLOWS });
    await ensureBuilt(root);
    const bundle = join(root, 'dist', 'workflow-bundle.js');
    const first = readFileSync(bundle, 'utf8');
    expect(first).toContain('guard:');
    const sources = sourcesOf(first);
    expect(sources).toContain('src/workflows/index.ts');
    expect(
      [first, ...sources].filter((text) => text.includes('dist.aside') || text.includes(root)),
    ).toHaveLength(0);
    // A mark in the file shows whether it was taken over or made anew.
    writeFileSync(bundle, `${first}\n// marked`);
    writeText(join(root, 'src', 'one.ts'), 'export const one = 2;\n');
    await ensureBuilt(root);
    expect(readFileSync(bundle, 'utf8')).toContain('// marked');
    writeText(
      join(root, 'src', 'domain', 'name.ts'),
      `export const name = (symbol: string): string => 'watch:' + symbol;\n`,
    );
    await ensureBuilt(root);
    expect(readFileSync(bundle, 'utf8')).not.toContain('// marked');
    expect(readFileSync(bundle, 'utf8')).toContain('watch:');
    expect(statSync(bundle).size).toBeGreaterThan(100_000);
    writeFileSync(bundle, `${first}\n// marked`);
    writeFileSync(join(root, 'scripts', 'bundle.mjs'), '// another one\n', { flag: 'a' });
    await ensureBuilt(root);
    expect(readFileSync(bundle, 'utf8')).not.toContain('// marked');
  });

  it('says which workflow file cannot be bundled', async () => {
    const root = project({
      'workflows/index.ts': `import { readFileSync } from 'node:fs';\nexport const x = readFileSync;\n`,
    });
    await expect(ensureBuilt(root)).rejects.toThrow(/The workflows cannot be bundled[^]*node:fs/u);
    expect(existsSync(join(root, 'dist'))).toBe(false);
  });
});

function sourcesOf(bundle: string): readonly string[] {
  const encoded = /base64,(?<map>[A-Za-z0-9+/=]+)/u.exec(bundle)?.groups?.['map'] ?? '';
  const map = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8')) as {
    readonly sources: readonly string[];
  };
  return map.sources;
}
