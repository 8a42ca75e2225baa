/** Values that stand in files: `NAME_FILE` names the file, as containers hand over secrets. */
import { isAbsolute, join } from 'node:path';
import type { Problem } from './config-error.ts';
import type { ReadFile } from './config-environment.ts';

export interface FileSource {
  /** Without blanks. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly readFile: ReadFile;
}

export type Sourced =
  | { readonly kind: 'value'; readonly text: string; /** The variable that gave it. */ readonly from: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'problem'; readonly problem: Problem };

/** The value of `name`, or the trimmed content of the file that `${name}_FILE` names; both set is a problem. */
export function sourced(name: string, { env, cwd, readFile }: FileSource): Sourced {
  const value = env[name];
  const from = `${name}_FILE`;
  const path = env[from];
  const refuse = (setting: string, message: string, hint: string): Sourced => ({
    kind: 'problem',
    problem: { setting, message, hint },
  });
  if (path === undefined) {
    return value === undefined ? { kind: 'absent' } : { kind: 'value', text: value, from: name };
  }
  if (value !== undefined) return refuse(name, `and ${from} are both set`, 'Set one of them.');
  let text: string;
  try {
    text = readFile(isAbsolute(path) ? path : join(cwd, path)).trim();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    return refuse(from, `cannot read ${path} (${code})`, 'Check path and permissions.');
  }
  if (text === '') return refuse(from, `the file ${path} is empty`, 'Put the value into it.');
  return { kind: 'value', text, from };
}

/** The environment with each of `names` that stands in a file put in its place, and every problem with those files. */
export function withFileValues(
  names: readonly string[],
  source: FileSource,
): { readonly env: Readonly<Record<string, string>>; readonly problems: readonly Problem[] } {
  const env: Record<string, string> = { ...source.env };
  const problems: Problem[] = [];
  for (const name of names) {
    const found = sourced(name, source);
    if (found.kind === 'value') env[name] = found.text;
    if (found.kind === 'problem') problems.push(found.problem);
  }
  return { env, problems };
}
