/** The machine and the versions that a measurement was made with: figures mean nothing without them. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './stage.ts';
import { machineCpuMs } from './usage.ts';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly os: string;
  readonly node: string;
  readonly temporalServer: string;
  readonly temporalSdk: string;
  readonly loadAverage: readonly number[];
}

export function machine(): Machine {
  const version = (name: string): string => {
    const text = readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8');
    const { version: found } = JSON.parse(text) as { readonly version: string };
    return found;
  };
  const cli = process.env['STOPKEEPER_TEMPORAL_CLI'] ?? 'temporal';
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1e9),
    os: `${process.platform} ${release()}`,
    node: process.version,
    temporalServer: execFileSync(cli, ['--version'], { encoding: 'utf8' }).trim(),
    temporalSdk: version('@temporalio/worker'),
    loadAverage: loadavg().map((load) => Math.round(load * 10) / 10),
  };
}

/** Starts a stop-watch over all cores; it answers which share of them was busy since, 0 to 1, whoever used them. */
export function busyShare(): () => number {
  const before = machineCpuMs();
  return () => {
    const now = machineCpuMs();
    const busy = now.busy - before.busy;
    return busy / (busy + now.idle - before.idle);
  };
}
