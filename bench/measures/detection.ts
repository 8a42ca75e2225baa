/** Detection: from a human's hand on the venue to the proof of the stop that the guard put there. */
import { setTimeout as sleep } from 'node:timers/promises';
import { guardId, watchId } from '../../src/domain/names.ts';
import { pooled } from '../../src/domain/pool.ts';
import type { GuardStatus } from '../../src/domain/board.ts';
import { rounded } from '../support/figures.ts';
import type { Measure, MeasureOptions, Measured } from '../support/measure.ts';
import { scenarioOf, symbolAt } from '../support/scenario.ts';
import { runSession } from '../support/session.ts';
import { setStage, until, type Stage } from '../support/stage.ts';

const PROOF_WITHIN_MS = 120_000;
const ASKED_AT_ONCE = 20;

async function provenAt(stage: Stage, index: number): Promise<number | null> {
  try {
    const id = guardId('main', { symbol: symbolAt(index), positionIdx: 0 });
    const status = await stage.client.workflow.getHandle(id).query<GuardStatus>('status');
    return status.provenAt === null ? null : Date.parse(status.provenAt);
  } catch {
    // The guard of a new position is not there yet.
    return null;
  }
}

/** ms from now, when the hand moved, to the guard's proof of the stop that the venue then shows. */
async function proofAfter(stage: Stage, index: number, hand: () => Promise<void>): Promise<number> {
  const began = Date.now();
  await hand();
  const symbol = symbolAt(index);
  await until(
    `a stop on ${symbol}`,
    async () => ((await stage.venue.bare()).includes(symbol) ? null : true),
    PROOF_WITHIN_MS,
    200,
  );
  const proof = await until(
    `the proof of ${symbol}`,
    async () => {
      const at = await provenAt(stage, index);
      return at === null || at < began ? null : at;
    },
    PROOF_WITHIN_MS,
    100,
  );
  return proof - began;
}

/** Every stop is cancelled by hand, then one `reprotect` to the watcher wakes all guards: ms from the signal to the last proof. */
async function reprotectAll(stage: Stage, guards: number): Promise<number> {
  const all = Array.from({ length: guards }, (_, index) => index);
  const cancelled = Date.now();
  await pooled(all, ASKED_AT_ONCE, (index) => stage.venue.cancelStop(index));
  const began = Date.now();
  await stage.client.workflow.getHandle(watchId('main')).signal('reprotect', { reason: 'benchmark' });
  await until(
    'a stop on every position',
    async () => ((await stage.venue.bare()).length === 0 ? true : null),
    PROOF_WITHIN_MS,
    500,
  );
  const proofs = await pooled(all, ASKED_AT_ONCE, (index) =>
    until(`the proof of ${symbolAt(index)}`, async () => {
      const at = await provenAt(stage, index);
      return at === null || at < cancelled ? null : at;
    }),
  );
  return Math.max(...proofs) - began;
}

/** `reprotect` where nothing is missing: every guard reads again. */
async function reprotectIntact(stage: Stage, guards: number): Promise<number> {
  const began = Date.now();
  await stage.client.workflow.getHandle(watchId('main')).signal('reprotect', { reason: 'benchmark' });
  const all = Array.from({ length: guards }, (_, index) => index);
  const proofs = await pooled(all, ASKED_AT_ONCE, (index) =>
    until(
      `the proof of ${symbolAt(index)}`,
      async () => {
        const at = await provenAt(stage, index);
        return at === null || at < began ? null : at;
      },
      PROOF_WITHIN_MS,
      500,
    ),
  );
  return Math.max(...proofs) - began;
}

interface Detection {
  readonly guards: number;
  readonly cancelledMs: readonly number[];
  readonly openedMs: readonly number[];
  readonly reprotectIntactMs: number;
  readonly reprotectBareMs: number;
}

async function measure(guards: number, samples: number): Promise<Detection> {
  const stage = await setStage({
    scenario: scenarioOf({ positions: guards, stopped: true, spare: samples }),
  });
  try {
    await runSession(stage);
    await sleep(5_000);
    const cancelledMs: number[] = [];
    const openedMs: number[] = [];
    for (let sample = 0; sample < samples; sample += 1) {
      // Steps that have no common measure with the watcher's and the guards' intervals, so that phases differ.
      await sleep(1_300 * sample);
      const old = Math.floor((sample * guards) / samples);
      cancelledMs.push(await proofAfter(stage, old, () => stage.venue.cancelStop(old)));
      const young = guards + sample;
      openedMs.push(await proofAfter(stage, young, () => stage.venue.open(young)));
    }
    const reprotectIntactMs = await reprotectIntact(stage, guards);
    return {
      guards,
      cancelledMs,
      openedMs,
      reprotectIntactMs,
      reprotectBareMs: await reprotectAll(stage, guards),
    };
  } finally {
    await stage.close();
  }
}

async function run(options: MeasureOptions): Promise<Measured> {
  const counts = options.counts ?? (options.quick ? [20] : [20, 200]);
  const measured: Detection[] = [];
  for (const guards of counts) {
    options.note(`detection with ${guards} guards`);
    measured.push(await measure(guards, options.quick ? 1 : 5));
  }
  const seconds = (ms: number): number => rounded(ms / 1_000, 2);
  const all = (values: readonly number[]): string => values.map(seconds).join(', ');
  return {
    result: measured,
    tables: [
      {
        title: 'Detection: seconds until the proof, each sample',
        head: [
          'guards',
          'stop cancelled',
          'position opened',
          'reprotect, all in place',
          'reprotect, all cancelled',
          'writes at 10 a second',
        ],
        rows: measured.map((one) => [
          one.guards,
          all(one.cancelledMs),
          all(one.openedMs),
          seconds(one.reprotectIntactMs),
          seconds(one.reprotectBareMs),
          one.guards / 10,
        ]),
      },
    ],
  };
}

export const detection: Measure = { name: 'detection', run };
