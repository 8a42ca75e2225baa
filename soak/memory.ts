/** Memory of the processes over time, and of one that lived long enough: at its second minute against its end. */
import { rssMb } from '../bench/support/usage.ts';
import type { ProcessLife } from './processes.ts';

export interface MemorySample {
  readonly name: string;
  readonly pid: number;
  readonly at: number;
  /** Since the process was started, ms. */
  readonly ageMs: number;
  readonly rssMb: number;
}

export interface Ageing {
  readonly name: string;
  /** Ages of the first and the last sample that count, minutes. */
  readonly minutes: readonly [number, number];
  readonly earlyMb: number;
  readonly lateMb: number;
  readonly ratio: number;
}

const EARLY_MS = 120_000;
/** Garbage collection makes single samples jump: the median of those in this stretch counts, ms. */
const STRETCH_MS = 60_000;
/** The stretches must lie apart. */
const SHORTEST_MS = EARLY_MS + 2 * STRETCH_MS;

/** Resident memory of what runs now; a process that has just gone is left out. */
export function sampled(lives: readonly ProcessLife[]): MemorySample[] {
  const at = Date.now();
  return lives.flatMap(({ name, pid, from }) => {
    try {
      return [{ name, pid, at, ageMs: at - from, rssMb: rssMb(pid) }];
    } catch {
      return [];
    }
  });
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Of each life that lasted long enough, in the order in which they began. */
export function ageing(samples: readonly MemorySample[]): Ageing[] {
  const lives = new Map<string, MemorySample[]>();
  for (const one of samples) {
    const key = `${one.name}:${one.pid}`;
    lives.set(key, [...(lives.get(key) ?? []), one]);
  }
  return [...lives.values()].flatMap((life) => {
    const lastMs = life.at(-1)?.ageMs ?? 0;
    if (lastMs < SHORTEST_MS) return [];
    const during = (from: number): number =>
      median(life.filter(({ ageMs }) => ageMs >= from && ageMs <= from + STRETCH_MS).map((one) => one.rssMb));
    const [earlyMb, lateMb] = [during(EARLY_MS), during(lastMs - STRETCH_MS)];
    const minutes = [EARLY_MS / 60_000, lastMs / 60_000] as const;
    return [{ name: life[0]?.name ?? '', minutes, earlyMb, lateMb, ratio: lateMb / earlyMb }];
  });
}
