/** The stages of a Dockerfile and what each does, so that a test can run them by hand where no Docker daemon runs. */

export type Instruction =
  | {
      readonly kind: 'copy';
      /** Name of the stage that it copies from; `null`: the build context. */
      readonly from: string | null;
      readonly sources: readonly string[];
      readonly target: string;
    }
  | { readonly kind: 'run'; readonly command: string }
  | { readonly kind: 'workdir'; readonly path: string };

export interface ImageStage {
  readonly name: string | null;
  readonly instructions: readonly Instruction[];
  readonly env: Readonly<Record<string, string>>;
  readonly user: string | null;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

/** Throws on an instruction that it does not know: a test must not pass by overlooking one. */
export function parseDockerfile(text: string): readonly ImageStage[] {
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const stages: ImageStage[] = [];
  for (const line of lines) {
    const [, word = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
    if (word.toUpperCase() === 'FROM') stages.push(newStage(/\sAS\s+(\S+)$/i.exec(rest)?.[1] ?? null));
    else stages.push(changed(stages.pop() ?? newStage(null), word.toUpperCase(), rest));
  }
  return stages;
}

function newStage(name: string | null): ImageStage {
  return { name, instructions: [], env: {}, user: null, entrypoint: [], command: [] };
}

function changed(stage: ImageStage, word: string, rest: string): ImageStage {
  const plus = (more: Instruction): ImageStage => ({
    ...stage,
    instructions: [...stage.instructions, more],
  });
  switch (word) {
    case 'COPY':
      return plus(copyOf(rest));
    case 'RUN':
      return plus({ kind: 'run', command: rest });
    case 'WORKDIR':
      return plus({ kind: 'workdir', path: rest });
    case 'ENV':
      return { ...stage, env: { ...stage.env, ...pairs(rest) } };
    case 'USER':
      return { ...stage, user: rest };
    case 'ENTRYPOINT':
      return { ...stage, entrypoint: JSON.parse(rest) as string[] };
    case 'CMD':
      return { ...stage, command: JSON.parse(rest) as string[] };
    default:
      throw new Error(`Dockerfile: ${word} is not understood here`);
  }
}

function copyOf(rest: string): Instruction {
  const words = rest.split(/\s+/);
  const flags = words.filter((word) => word.startsWith('--'));
  const other = flags.find((flag) => !flag.startsWith('--from='));
  if (other !== undefined) throw new Error(`Dockerfile: COPY ${other} is not understood here`);
  const paths = words.filter((word) => !word.startsWith('--'));
  return {
    kind: 'copy',
    from: flags[0]?.slice('--from='.length) ?? null,
    sources: paths.slice(0, -1),
    target: paths.at(-1) ?? '',
  };
}

function pairs(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(/\s+/).map((pair): [string, string] => {
      const [name = '', value = ''] = pair.split('=');
      return [name, value];
    }),
  );
}
