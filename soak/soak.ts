/**
 * `npm run soak -- --minutes N [--positions 100] [--seed S] [--json FILE]`: a real system under random faults, humans and operators, and then
 * every invariant judged by the venue's own log. Exit 1 with a list when anything was broken, 2 where it cannot be run as asked.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { busyShare, machine } from '../bench/support/machine.ts';
import { reportText } from './report.ts';
import { soak, type SoakOptions } from './run.ts';

const LARGEST_SEED = 4_294_967_295;

interface Asked extends SoakOptions {
  /** Where the figures go as JSON. */
  readonly json: string | undefined;
}

/** Throws `Error` naming every problem of the command line. */
function asked(): Asked {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '5' },
      positions: { type: 'string', default: '100' },
      seed: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const [minutes, positions] = [Number(values.minutes), Number(values.positions)];
  const seed = values.seed === undefined ? Math.floor(Date.now() / 1_000) : Number(values.seed);
  const whole = (name: string, value: number, least: number, most: number): string[] =>
    Number.isInteger(value) && value >= least && value <= most
      ? []
      : [`--${name}: expected a whole number from ${least} to ${most}`];
  const problems = [
    ...(minutes >= 1 && minutes <= 10_080 ? [] : [`--minutes: expected 1 to 10080, got ${values.minutes}`]),
    ...whole('positions', positions, 5, 1_000),
    ...whole('seed', seed, 0, LARGEST_SEED),
  ];
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return {
    minutes,
    positions,
    seed,
    json: values.json,
    note: (text) => process.stderr.write(`soak: ${text}\n`),
  };
}

async function main(options: Asked): Promise<boolean> {
  options.note(`seed ${options.seed}, ${options.positions} positions, ${options.minutes} minutes`);
  const busy = busyShare();
  const { evidence, judgement, folder } = await soak(options);
  const busyPct = Math.round(busy() * 100);
  const facts = machine();
  process.stdout.write(reportText(evidence, judgement, facts, busyPct));
  if (options.json !== undefined) {
    const { seed, positions, done, settled, replayed, databaseBytes } = evidence;
    const minutes = options.minutes;
    const result = {
      machine: facts,
      machineBusyPct: busyPct,
      seed,
      positions,
      minutes,
      done,
      settled,
      replayed,
      databaseBytes,
      ...judgement,
    };
    writeFileSync(options.json, `${JSON.stringify(result, undefined, 2)}\n`);
  }
  const passed = judgement.problems.length === 0;
  if (passed) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  else process.stdout.write(`logs, database and evidence are kept in ${folder}\n`);
  return passed;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => process.exit(signal === 'SIGINT' ? 130 : 143));
}
try {
  const options = asked();
  try {
    if (!(await main(options))) process.exitCode = 1;
  } catch (error) {
    process.stderr.write(
      `soak: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exitCode = 1;
  }
} catch (error) {
  process.stderr.write(`soak: ${(error as Error).message}\n`);
  process.exitCode = 2;
}
