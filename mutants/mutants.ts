/**
 * `npm run mutants -- [--only named|domain] [--file PART] [--sample N] [--seed S] [--at-once N] [--json FILE]`: breaks copies of the sources one
 * way at a time and runs the tests that should notice. Ends with 1 where a mutant with a name survives or cannot be tried.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { NAMED, type NamedMutant, type TestStage } from './named.ts';
import { mutantsOf, type SourceMutant } from './operators.ts';
import { patched } from './patch.ts';
import { closingLine, jsonOf, tableOf, type Result } from './report.ts';
import { sampleOf } from './sample.ts';
import { TreeCopy } from './tree-copy.ts';
import { endTrials, tried, type Outcome, type TrialOptions } from './trial.ts';

/** Above `.bench/build/mutants`, where this runs compiled. */
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const DOMAIN = 'src/domain';
/** The tests of the domain first; what survives them meets those that use it, without a server. */
const DOMAIN_STAGES: readonly TestStage[] = [
  { project: 'unit', files: ['test/domain'] },
  {
    project: 'unit',
    files: [
      'test/activities',
      'test/fuzz',
      'test/operator/board-text',
      'test/operator/history-text',
      'test/operator/report-text',
    ],
  },
];
const PROPERTY_RUNS = 200;
const NAMED_LIMIT_MS = 15 * 60_000;

interface Asked {
  readonly only: 'named' | 'domain' | null;
  readonly part: string;
  readonly sample: number;
  readonly seed: number;
  /** Copies in which mutants of the domain run side by side; the named ones, of which some bring up servers, go one after the other. */
  readonly atOnce: number;
  readonly json: string | null;
}

function note(text: string): void {
  process.stderr.write(`mutants: ${text}\n`);
}

/** Throws `Error` naming every problem of the command line. */
function asked(): Asked {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      file: { type: 'string', default: '' },
      sample: { type: 'string', default: '400' },
      seed: { type: 'string', default: '1' },
      'at-once': { type: 'string', default: '2' },
      json: { type: 'string' },
    },
  });
  const { only, file, json } = values;
  const [sample, seed, atOnce] = [Number(values.sample), Number(values.seed), Number(values['at-once'])];
  const problems = [
    ...(only === undefined || only === 'named' || only === 'domain'
      ? []
      : [`--only: expected named or domain, got ${only}`]),
    ...(Number.isInteger(sample) && sample > 0
      ? []
      : [`--sample: expected a whole number above 0, got ${values.sample}`]),
    ...(Number.isInteger(seed) && seed >= 0 ? [] : [`--seed: expected a whole number, got ${values.seed}`]),
    ...(Number.isInteger(atOnce) && atOnce > 0 && atOnce <= 16
      ? []
      : [`--at-once: expected a whole number from 1 to 16, got ${values['at-once']}`]),
  ];
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return {
    only: only === 'named' || only === 'domain' ? only : null,
    part: file,
    sample,
    seed,
    atOnce,
    json: json ?? null,
  };
}

async function stagesOf(
  copy: TreeCopy,
  stages: readonly TestStage[],
  options: TrialOptions,
): Promise<Outcome> {
  let last: Outcome = { kind: 'survived' };
  for (const stage of stages) {
    last = await tried(copy, stage, options);
    if (last.kind !== 'survived') return last;
  }
  return last;
}

/** The tests must pass where nothing is broken; answers with how long each stage took, ms. */
async function untouched(
  copy: TreeCopy,
  stages: readonly TestStage[],
  options: TrialOptions,
): Promise<readonly number[]> {
  const took: number[] = [];
  for (const stage of stages) {
    const began = performance.now();
    const outcome = await tried(copy, stage, options);
    if (outcome.kind !== 'survived')
      throw new Error(`${stage.files.join(' ')} fails without any mutant: ${JSON.stringify(outcome)}`);
    took.push(performance.now() - began);
  }
  return took;
}

/** Each stage of a named mutant, first without it: only tests that pass by themselves can notice anything. */
async function triedNamed(
  copy: TreeCopy,
  mutant: NamedMutant,
  options: TrialOptions,
  passing: Set<TestStage>,
): Promise<Outcome> {
  const files = patched((file) => copy.read(file), mutant);
  for (const stage of mutant.stages) {
    if (!passing.has(stage)) await untouched(copy, [stage], options);
    passing.add(stage);
    const outcome = await copy.with(files, () => tried(copy, stage, options));
    if (outcome.kind !== 'survived') return outcome;
  }
  return { kind: 'survived' };
}

async function named(copy: TreeCopy, { part, seed }: Asked): Promise<readonly Result[]> {
  const options = { limitMs: NAMED_LIMIT_MS, propertyRuns: PROPERTY_RUNS, seed };
  const chosen = NAMED.filter(
    ({ name, patches }) => name.includes(part) || patches.some(({ file }) => file.includes(part)),
  );
  note(`${chosen.length} named mutants, each after its tests without it`);
  const passing = new Set<TestStage>();
  const results: Result[] = [];
  for (const mutant of chosen) {
    const began = performance.now();
    const outcome = await triedNamed(copy, mutant, options, passing).catch((error: unknown): Outcome => ({
      kind: 'broken',
      why: error instanceof Error ? error.message : String(error),
    }));
    const ms = Math.round(performance.now() - began);
    results.push({ set: 'named', name: mutant.name, what: mutant.breaks, outcome, ms });
    note(`${mutant.name}: ${outcome.kind} in ${Math.round(ms / 1_000)} s`);
  }
  return results;
}

async function triedSource(copy: TreeCopy, mutant: SourceMutant, options: TrialOptions): Promise<Result> {
  const { file, line, operator, start, end, put, change } = mutant;
  const began = performance.now();
  const text = copy.read(file);
  const broken = new Map([[file, text.slice(0, start) + put + text.slice(end)]]);
  const outcome = await copy.with(broken, () => stagesOf(copy, DOMAIN_STAGES, options));
  // Sources that do not even load are noticed by every test that there is.
  const noticed: Outcome =
    outcome.kind === 'broken' ? { kind: 'caught', by: outcome.why.slice(0, 100), file: '' } : outcome;
  const ms = Math.round(performance.now() - began);
  return {
    set: 'domain',
    name: `${file.slice(DOMAIN.length + 1)}:${line}`,
    what: `${operator}: ${change}`,
    outcome: noticed,
    ms,
  };
}

async function domain(copies: readonly TreeCopy[], { part, sample, seed }: Asked) {
  const [copy] = copies;
  if (copy === undefined) throw new Error('no copy of the tree');
  const all = readdirSync(join(ROOT, DOMAIN))
    .toSorted()
    .filter((name) => name.includes(part))
    .flatMap((name) => mutantsOf(`${DOMAIN}/${name}`, copy.read(`${DOMAIN}/${name}`)));
  const chosen = sampleOf(all, sample, seed);
  note(
    `${chosen.length} of ${all.length} mutants of ${DOMAIN}, seed ${seed}; first the tests without any of them`,
  );
  const properties = { propertyRuns: PROPERTY_RUNS, seed };
  const took = await untouched(copy, DOMAIN_STAGES, { ...properties, limitMs: NAMED_LIMIT_MS });
  // A loop without an end, not a busy machine.
  const limitMs = Math.round(Math.max(60_000, Math.max(...took) * 10));
  const waiting = [...chosen];
  const results = new Map<SourceMutant, Result>();
  await Promise.all(
    copies.map(async (own) => {
      for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
        const result = await triedSource(own, mutant, { ...properties, limitMs });
        results.set(mutant, result);
        const survivor = result.outcome.kind === 'survived' ? ` SURVIVED ${result.name} ${result.what}` : '';
        if (survivor !== '' || results.size % 25 === 0)
          note(`${results.size} of ${chosen.length}${survivor}`);
      }
    }),
  );
  return { of: all.length, results: chosen.flatMap((mutant) => results.get(mutant) ?? []) };
}

async function main(): Promise<number> {
  const wanted = asked();
  const began = performance.now();
  const copies = Array.from(
    { length: wanted.only === 'named' ? 1 : wanted.atOnce },
    () => new TreeCopy(ROOT),
  );
  const clean = (): void => {
    endTrials();
    for (const copy of copies) copy.remove();
  };
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      clean();
      process.exit(code);
    });
  }
  try {
    const [first] = copies;
    const ofNames = wanted.only === 'domain' || first === undefined ? [] : await named(first, wanted);
    const ofDomain = wanted.only === 'named' ? { of: 0, results: [] } : await domain(copies, wanted);
    const shown = [...ofNames, ...ofDomain.results.filter(({ outcome }) => outcome.kind === 'survived')];
    process.stdout.write(tableOf(shown));
    if (wanted.only !== 'domain') process.stdout.write(`${closingLine('named', ofNames, ofNames.length)}\n`);
    if (wanted.only !== 'named')
      process.stdout.write(`${closingLine('domain', ofDomain.results, ofDomain.of)}\n`);
    process.stdout.write(
      `seed ${wanted.seed}, ${Math.round((performance.now() - began) / 1_000)} s in all\n`,
    );
    const facts = { asked: wanted, of: ofDomain.of, tookMs: Math.round(performance.now() - began) };
    if (wanted.json !== null) writeFileSync(wanted.json, jsonOf([...ofNames, ...ofDomain.results], facts));
    return ofNames.every(({ outcome }) => outcome.kind === 'caught' || outcome.kind === 'timeout') ? 0 : 1;
  } finally {
    clean();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  note(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 1;
}
