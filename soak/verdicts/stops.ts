/** Stops of ours that were looser than what rested or had rested: broken, unless the price or a human came between (I1). */
import { Big } from 'big.js';
import { guardId } from '../../src/domain/names.ts';
import type { Leg } from '../../src/domain/position.ts';
import type { PaperRequest } from '../../test/support/paper-control.ts';
import { loosenings, type Life, type Loosening } from '../../test/support/venue-log.ts';
import type { EndedByHand } from '../operators.ts';
import type { ToldWrite } from '../run-facts.ts';
import { readsOf, sameLeg } from './requests.ts';

export interface JudgedLoosening extends Loosening {
  /**
   * `passed`: the price had reached the level, which no stop can then have; `forgotten`: the guard that knew the level was ended by
   * hand; `crossed`: a human's stop was set after our read and before our write arrived, and the venue has no conditional write.
   */
  readonly excuse: 'passed' | 'forgotten' | 'crossed' | null;
}

export interface StopEvidence {
  readonly lives: readonly Life[];
  readonly writes: readonly ToldWrite[];
  readonly requests: readonly PaperRequest[];
  readonly endedByHand: readonly EndedByHand[];
  /** Whether the mark price reached a level in the minutes that overlap the stretch, by the venue's candles. */
  readonly reached: (symbol: string, level: string, from: number, to: number) => Promise<boolean>;
}

/** Between our read of the price and the write that it led to, ms. */
const DECIDED_WITHIN_MS = 12_000;

export async function judgedLoosenings(
  evidence: StopEvidence,
  since: number,
): Promise<readonly JudgedLoosening[]> {
  const found = loosenings(evidence.lives).filter(({ at }) => at >= since);
  return Promise.all(found.map(async (one) => ({ ...one, excuse: await excuseOf(evidence, one) })));
}

async function excuseOf(evidence: StopEvidence, one: Loosening): Promise<JudgedLoosening['excuse']> {
  switch (one.kind) {
    case 'removed':
      return null;
    case 'resting':
      return crossed(evidence, one) ? 'crossed' : null;
    case 'put-back': {
      if (forgotten(evidence, one)) return 'forgotten';
      const { symbol, from, at, mark } = one;
      const life = lifeOf(evidence.lives, one);
      const passedNow = life !== undefined && beyond(life.side, mark, from);
      if (passedNow || (await evidence.reached(symbol, from, at - DECIDED_WITHIN_MS, at))) return 'passed';
      return null;
    }
  }
}

function beyond(side: Life['side'], mark: string, level: string): boolean {
  return side === 'long' ? new Big(mark).lte(level) : new Big(mark).gte(level);
}

function lifeOf(lives: readonly Life[], one: Loosening): Life | undefined {
  return lives.find((life) => sameLeg(life, one) && life.from <= one.at && (life.to ?? Infinity) >= one.at);
}

/** Since our last stop of this level the leg's guard was ended by hand. */
function forgotten({ lives, endedByHand }: StopEvidence, one: Loosening): boolean {
  const known = lifeOf(lives, one)?.stops.findLast(
    ({ at, price, by }) => at < one.at && by === 'api' && price === one.from,
  );
  const leg: Leg = { symbol: one.symbol, positionIdx: one.positionIdx as Leg['positionIdx'] };
  const id = guardId('main', leg);
  return endedByHand.some(
    ({ workflowId, at }) => workflowId === id && at >= (known?.at ?? 0) - DECIDED_WITHIN_MS && at <= one.at,
  );
}

/** The stop that we replaced was set by a human after the read that our write was decided by had begun. */
function crossed({ lives, writes, requests }: StopEvidence, one: Loosening): boolean {
  const replaced = lifeOf(lives, one)?.stops.findLast(({ at, price }) => at <= one.at && price === one.from);
  if (replaced?.by !== 'human') return false;
  const write = writes
    .filter((told) => sameLeg(told, one) && Number(told.stop) === Number(one.to))
    .toSorted((a, b) => Math.abs(a.writtenAt - one.at) - Math.abs(b.writtenAt - one.at))[0];
  if (write === undefined || Math.abs(write.writtenAt - one.at) > DECIDED_WITHIN_MS) return false;
  const read = readsOf(requests, one).findLast(
    ({ answered }) => (answered ?? Infinity) <= write.decidedAt + 5,
  );
  return replaced.at >= (read?.time ?? write.decidedAt);
}
