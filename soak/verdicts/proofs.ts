/** Every proof that an activity claims: a read that began after the write had ended, of a stop that the venue then held (I2). */
import type { PaperRequest } from '../../test/support/paper-control.ts';
import { stopsBetween, type Life } from '../../test/support/venue-log.ts';
import type { ToldWrite } from '../run-facts.ts';
import type { Gap } from '../venue-records.ts';
import { readsOf, sameLeg, STOP } from './requests.ts';

/** The workers' clock shows whole milliseconds. */
const ROUNDING_MS = 2;
/** A write's request came at most this long before its outcome was known, ms. */
const WRITE_LASTS_MS = 15_000;

export interface ProofVerdict {
  readonly judged: number;
  /** Claims in a stretch whose requests were lost with the venue's process, or whose read the venue falsified. */
  readonly notJudged: number;
  readonly problems: readonly string[];
}

export interface ProofEvidence {
  readonly writes: readonly ToldWrite[];
  readonly requests: readonly PaperRequest[];
  readonly lives: readonly Life[];
  readonly gaps: readonly Gap[];
}

export function judgedProofs({ writes, requests, lives, gaps }: ProofEvidence): ProofVerdict {
  const problems: string[] = [];
  let judged = 0;
  let notJudged = 0;
  for (const write of writes) {
    const { proof } = write;
    if (proof === null) continue;
    const lost = gaps.some(({ from, to }) => from <= proof.at && to >= write.decidedAt);
    const verdict = lost ? 'not-judged' : problemOf(write, proof, requests, lives);
    if (verdict === 'not-judged') notJudged += 1;
    else judged += 1;
    if (verdict !== 'not-judged' && verdict !== null) {
      const leg = `${write.symbol}:${write.positionIdx}`;
      problems.push(`${leg} ${proof.stop} at ${new Date(proof.at).toISOString()}: ${verdict}`);
    }
  }
  return { judged, notJudged, problems };
}

function problemOf(
  write: ToldWrite,
  proof: NonNullable<ToldWrite['proof']>,
  requests: readonly PaperRequest[],
  lives: readonly Life[],
): string | null {
  const sent = requests.findLast(
    ({ path, parameters, time }) =>
      path === STOP &&
      parameters['symbol'] === write.symbol &&
      parameters['positionIdx'] === write.positionIdx &&
      Number(parameters['stopLoss']) === Number(write.stop) &&
      time <= write.writtenAt + ROUNDING_MS &&
      time >= write.writtenAt - WRITE_LASTS_MS,
  );
  const ended = Math.min(sent?.answered ?? write.writtenAt, write.writtenAt) - ROUNDING_MS;
  const reads = readsOf(requests, write).filter(
    ({ time, answered }) => time >= ended && answered !== null && answered <= proof.at + ROUNDING_MS,
  );
  if (reads.length === 0) return 'no read began after the write had ended';
  if (reads.some(({ fault }) => fault === 'stale')) return 'not-judged';
  const held = lives.filter((life) => sameLeg(life, write));
  const shown = reads.some(({ time }) =>
    stopsBetween(held, write, time - ROUNDING_MS, proof.at + ROUNDING_MS).some(
      (stop) => Number(stop) === Number(proof.stop),
    ),
  );
  return shown ? null : 'the venue held no such stop at any time of the read';
}
