/**
 * `npm run bench -- [--quick] [--only startup,steady] [--counts 100,1000] [--checks 10] [--postgres] [--profile]`: measures the product
 * beside its baselines on this machine, prints tables and writes `.bench/NAME.json`. Comparisons are within one run, by ratio. Exit 2 where it
 * cannot be run as asked.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { detection } from './measures/detection.ts';
import { recovery } from './measures/recovery.ts';
import { startup } from './measures/startup.ts';
import { steady } from './measures/steady.ts';
import { rounded, tableText } from './support/figures.ts';
import { busyShare, machine } from './support/machine.ts';
import type { Measure, MeasureOptions } from './support/measure.ts';
import { interrupted } from './support/leftovers.ts';
import { ROOT } from './support/stage.ts';

const MEASURES: readonly Measure[] = [startup, steady, detection, recovery];
const FOLDER = join(ROOT, '.bench');

interface Asked {
  readonly measures: readonly Measure[];
  readonly options: MeasureOptions;
}

/** Throws `Error` naming every problem of the command line. */
function asked(): Asked {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      counts: { type: 'string' },
      checks: { type: 'string' },
      postgres: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
    },
  });
  const names = values.only?.split(',') ?? MEASURES.map(({ name }) => name);
  const counts = values.counts?.split(',').map(Number) ?? null;
  const checks = values.checks === undefined ? null : Number(values.checks);
  const problems = [
    ...names
      .filter((name) => !MEASURES.some((one) => one.name === name))
      .map((name) => `--only: no measure ${name}; there are ${MEASURES.map((one) => one.name).join(', ')}`),
    ...(counts?.every((count) => Number.isInteger(count) && count > 0 && count <= 4_000) === false
      ? [`--counts: expected whole numbers from 1 to 4000, got ${values.counts}`]
      : []),
    ...(checks === null || (Number.isInteger(checks) && checks > 0 && checks <= 500)
      ? []
      : [`--checks: expected a whole number from 1 to 500, got ${values.checks}`]),
  ];
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return {
    measures: MEASURES.filter(({ name }) => names.includes(name)),
    options: {
      quick: values.quick,
      counts,
      checks,
      postgres: values.postgres,
      profile: values.profile ? join(FOLDER, 'profiles') : null,
      note: (text) => process.stderr.write(`bench: ${text}\n`),
    },
  };
}

async function main({ measures, options }: Asked): Promise<void> {
  mkdirSync(options.profile ?? FOLDER, { recursive: true });
  const began = performance.now();
  for (const { name, run } of measures) {
    const busy = busyShare();
    const at = new Date().toISOString();
    const { tables, result } = await run(options);
    const share = rounded(busy() * 100);
    for (const { title, head, rows } of tables) process.stdout.write(`\n${tableText(title, head, rows)}`);
    process.stdout.write(`all cores busy ${share} % of the time, the measured programs included\n`);
    const facts = {
      measure: name,
      at,
      quick: options.quick,
      machine: machine(),
      machineBusyPct: share,
      result,
    };
    writeFileSync(join(FOLDER, `${name}.json`), `${JSON.stringify(facts, undefined, 2)}\n`);
  }
  process.stdout.write(`\n${rounded((performance.now() - began) / 1_000)} s in all; JSON in ${FOLDER}\n`);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupted.abort(new Error(`ended by ${signal}`));
    process.exit(signal === 'SIGINT' ? 130 : 143);
  });
}
try {
  const wanted = asked();
  try {
    await main(wanted);
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`bench: ${text}\n`);
    process.exitCode = 1;
  }
} catch (error) {
  process.stderr.write(`bench: ${(error as Error).message}\n`);
  process.exitCode = 2;
}
