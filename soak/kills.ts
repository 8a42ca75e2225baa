/**
 * When processes are killed in a soak, and for how long they stay away. Worker 0 is killed all the time; worker 1 only together with it,
 * and only in the first half, so that one process grows old and its memory can be compared.
 */
import { Draw } from './draw.ts';

/** `worker`: one of the two; `workers`: both; `power-cut`: everything at once. */
export type Victim = 'worker' | 'workers' | 'server' | 'venue' | 'power-cut';

export interface Kill {
  /** Since the soak began, ms. */
  readonly atMs: number;
  readonly what: Victim;
  /** From the kill to the new start, ms. */
  readonly downMs: number;
}

/** A new process is there after this time, even on a busy machine, ms. */
const READY_MS = 12_000;
/** After a restart of all workers nothing else is killed until every guard had its time to check again: interval + 15 s, and a little. */
const UNDISTURBED_MS = 50_000;
const FIRST_HALF_SLOT_MS = 75_000;
const SECOND_HALF_SLOT_MS = 90_000;
const FIRST_HALF: readonly Victim[] = ['workers', 'power-cut', 'workers', 'server'];
/** How long each stays away, ms; the lone worker's is the longest that an operator may take. */
const DOWN_MS: Readonly<Record<Victim, readonly [number, number]>> = {
  worker: [1_000, 60_000],
  workers: [1_000, 15_000],
  server: [1_000, 20_000],
  venue: [1_000, 10_000],
  'power-cut': [2_000, 15_000],
};

interface Span {
  readonly from: number;
  readonly to: number;
}

function drawDown(draw: Draw, what: Victim, most = Number.POSITIVE_INFINITY): number {
  const [least, longest] = DOWN_MS[what];
  return Math.round(draw.between(least, Math.max(least, Math.min(longest, most))));
}

/** One kill of many things in each slot of time: workers and power cuts in the first half, the server alone in the second. */
function bigKills(draw: Draw, durationMs: number): Kill[] {
  const half = durationMs / 2;
  const inSlot = (from: number, what: Victim): Kill => ({
    atMs: Math.round(from + draw.between(1_000, 4_000)),
    what,
    downMs: drawDown(draw, what),
  });
  const first = Array.from({ length: Math.floor(half / FIRST_HALF_SLOT_MS) }, (_, at) =>
    inSlot(at * FIRST_HALF_SLOT_MS, FIRST_HALF[at % FIRST_HALF.length] ?? 'workers'),
  );
  const second = Array.from({ length: Math.floor(half / SECOND_HALF_SLOT_MS) }, (_, at) =>
    inSlot(half + at * SECOND_HALF_SLOT_MS, 'server'),
  );
  return [...first, ...second];
}

/** While this lasts no other process of ours is killed. */
function quietAround({ atMs, what, downMs }: Kill): Span {
  const back = atMs + downMs + READY_MS;
  return { from: atMs, to: what === 'server' ? back : back - READY_MS + UNDISTURBED_MS };
}

function overlaps(a: Span, b: Span): boolean {
  return a.from < b.to && b.from < a.to;
}

/** Kills of worker 0, one after the other, wherever no big kill is near: it is back before the next one. */
function loneWorkerKills(draw: Draw, durationMs: number, big: readonly Kill[]): Kill[] {
  const quiet = big.map(quietAround);
  const kills: Kill[] = [];
  let atMs = draw.between(5_000, 15_000);
  while (atMs < durationMs - READY_MS) {
    const inside = quiet.find((span) => atMs >= span.from && atMs < span.to);
    if (inside !== undefined) {
      atMs = inside.to + draw.between(1_000, 5_000);
      continue;
    }
    const next = Math.min(durationMs, ...quiet.map(({ from }) => from).filter((from) => from > atMs));
    const room = next - atMs - READY_MS;
    const [least] = DOWN_MS.worker;
    if (room < least) {
      atMs = next;
      continue;
    }
    const downMs = drawDown(draw, 'worker', room);
    kills.push({ atMs: Math.round(atMs), what: 'worker', downMs });
    atMs += downMs + READY_MS + draw.between(3_000, 30_000);
  }
  return kills;
}

/** The venue goes about once a minute, but not while it is away with everything else. */
function venueKills(draw: Draw, durationMs: number, big: readonly Kill[]): Kill[] {
  const cuts = big.filter(({ what }) => what === 'power-cut');
  const kills: Kill[] = [];
  for (let atMs = draw.between(20_000, 60_000); atMs < durationMs; atMs += draw.between(45_000, 90_000)) {
    const kill: Kill = { atMs: Math.round(atMs), what: 'venue', downMs: drawDown(draw, 'venue') };
    const span = { from: atMs - READY_MS, to: atMs + kill.downMs + READY_MS };
    const cut = cuts.some((one) => overlaps(span, { from: one.atMs, to: one.atMs + one.downMs + READY_MS }));
    if (!cut) kills.push(kill);
  }
  return kills;
}

/** All kills of a soak in their order; the same seed and duration give the same. */
export function plannedKills(seed: number, durationMs: number): readonly Kill[] {
  const big = bigKills(new Draw(seed, 'big-kills'), durationMs);
  return [
    ...big,
    ...loneWorkerKills(new Draw(seed, 'worker-kills'), durationMs, big),
    ...venueKills(new Draw(seed, 'venue-kills'), durationMs, big),
  ].toSorted((a, b) => a.atMs - b.atMs);
}
