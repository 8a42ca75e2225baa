/** CPU profiles (`--cpu-prof`) of a worker and its threads in a few lines: self time by package or source file. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rounded } from './figures.ts';
import type { MeasuredTable } from './measure.ts';

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }[];
  /** µs of the system's monotonic clock, the one of `monotonicUs`. */
  readonly startTime: number;
  readonly samples: readonly number[];
  /** µs between samples. */
  readonly timeDeltas: readonly number[];
}

/** A while on the system's monotonic clock, µs. */
export interface Span {
  readonly fromUs: number;
  readonly toUs: number;
}

export function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

const SHOWN = 25;

/** The package of a file, or its path from the project's folder; what V8 names in brackets stays as it is. */
function placeOf({ functionName, url }: CpuProfile['nodes'][number]['callFrame']): string {
  if (url === '') return functionName === '' ? '(native)' : functionName;
  const dependency = /.*\/node_modules\/(?<name>(?:@[^/]+\/)?[^/]+)/u.exec(url)?.groups?.['name'];
  if (dependency !== undefined) return dependency;
  if (url.startsWith('node:')) return url.split('/').slice(0, 2).join('/');
  return /\/(?<file>(?:dist|build)\/.*)$/u.exec(url)?.groups?.['file'] ?? url.split('/').slice(-2).join('/');
}

/** Self time in ms by place within the span, of every profile in the folder together; idle time left out. */
function selfTimes(folder: string, { fromUs, toUs }: Span): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.cpuprofile'))) {
    // The file is V8's, written by the worker that this program started.
    const profile = JSON.parse(readFileSync(join(folder, name), 'utf8')) as CpuProfile;
    const places = new Map(profile.nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
    let nowUs = profile.startTime;
    for (const [at, sample] of profile.samples.entries()) {
      nowUs += profile.timeDeltas[at] ?? 0;
      if (nowUs < fromUs || nowUs > toUs) continue;
      const place = places.get(sample) ?? '(unknown)';
      times.set(place, (times.get(place) ?? 0) + (profile.timeDeltas[at] ?? 0) / 1_000);
    }
  }
  times.delete('(idle)');
  return times;
}

/** The places where most of the time went. `(program)` is native code: the SDK's core runs in threads that no profile shows. */
export function profileTable(title: string, folder: string, span: Span): MeasuredTable {
  const times = [...selfTimes(folder, span)].toSorted((a, b) => b[1] - a[1]);
  const sum = times.reduce((total, [, ms]) => total + ms, 0);
  return {
    title: `${title}: JavaScript self time, ${rounded(sum)} ms in all`,
    head: ['where', 'ms', '%'],
    rows: times.slice(0, SHOWN).map(([place, ms]) => [place, rounded(ms), rounded((100 * ms) / sum, 1)]),
  };
}
