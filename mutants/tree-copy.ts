/** A copy of the tree in a temporary folder, in which mutants live: the tree itself is never touched. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

/** Neither sources nor needed to run the tests; the packages are shared. */
const LEFT_OUT: readonly string[] = ['node_modules', '.git', '.stopkeeper', '.bench', 'coverage'];

export class TreeCopy {
  readonly root: string;

  constructor(tree: string) {
    this.root = mkdtempSync(join(tmpdir(), 'stopkeeper-mutants-'));
    cpSync(tree, this.root, {
      recursive: true,
      filter: (path) => !LEFT_OUT.includes(relative(tree, path).split(/[\\/]/)[0] ?? ''),
    });
    symlinkSync(join(tree, 'node_modules'), join(this.root, 'node_modules'), 'dir');
  }

  read(file: string): string {
    return readFileSync(join(this.root, file), 'utf8');
  }

  /** Writes files, runs `work`, and puts the files back as they were, whatever happens. */
  async with<T>(changed: ReadonlyMap<string, string>, work: () => Promise<T>): Promise<T> {
    const before = new Map(Array.from(changed.keys(), (file) => [file, this.read(file)] as const));
    const write = (files: ReadonlyMap<string, string>): void => {
      for (const [file, text] of files) writeFileSync(join(this.root, file), text);
    };
    write(changed);
    try {
      return await work();
    } finally {
      write(before);
    }
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true, maxRetries: 3 });
  }
}
