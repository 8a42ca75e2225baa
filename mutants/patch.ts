/** Applies the patches of a named mutant to the texts of the sources; one that does not fit is an error with a name, never skipped. */
import type { NamedMutant } from './named.ts';

/**
 * The changed files with their new texts; `read` gives a file's text as it is. Throws `Error` naming the mutant where a patch
 * does not fit exactly once.
 */
export function patched(
  read: (file: string) => string,
  { name, patches }: NamedMutant,
): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const { file, find, put } of patches) {
    const text = files.get(file) ?? read(file);
    const places = text.split(find).length - 1;
    if (places !== 1)
      throw new Error(`${name}: the patch of ${file} fits ${places} times, expected once: ${find}`);
    files.set(
      file,
      text.replace(find, () => put),
    );
  }
  return files;
}
