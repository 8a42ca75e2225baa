/** The unprotected seconds that closed guards counted, against those that the venue's log shows of the same positions (I12). */
import type { ClosingReport } from '../../src/domain/closing.ts';
import type { BareSpell, Life } from '../../test/support/venue-log.ts';
import { bareSpells } from '../../test/support/venue-log.ts';
import { legOfGuard } from '../../test/support/claims.ts';
import { coveredMs, type Outage } from '../outages.ts';
import type { Run } from '../run-facts.ts';
import { sameLeg } from './requests.ts';

/** Between a stop that rests and its proof lies a check at most, ms; outages come on top. */
const PROVEN_WITHIN_MS = 35_000;
/** A closing fill and the guard's record of it, ms. */
const SAME_CLOSING_MS = 1_500;

export interface Counted {
  readonly positions: number;
  readonly guardsSeconds: number;
  readonly venueSeconds: number;
  readonly problems: readonly string[];
}

interface Result {
  readonly ended?: string;
  readonly report?: ClosingReport;
}

/** `venueLied`: stretches in which the venue showed positions without the stops that they had. */
export function counted(
  runs: readonly Run[],
  lives: readonly Life[],
  outages: readonly Outage[],
  venueLied: (from: number, to: number) => boolean,
): Counted {
  const problems: string[] = [];
  let positions = 0;
  let guards = 0;
  let venue = 0;
  for (const { workflowId, result } of runs) {
    const { report } = (result ?? {}) as Result;
    if (!workflowId.startsWith('guard:') || report?.closedAt == null) continue;
    const { closedAt } = report;
    const life = lives.find(
      (one) =>
        sameLeg(one, legOfGuard(workflowId)) &&
        one.to !== null &&
        Math.abs(one.to - closedAt) <= SAME_CLOSING_MS,
    );
    if (life?.to == null) continue;
    const spells = bareSpells([life], life.from, life.to);
    const ms = Number(report.unprotectedSeconds) * 1_000;
    positions += 1;
    guards += ms;
    venue += spells.reduce((sum, { from, to }) => sum + to - from, 0);
    const most = mostMs(spells, outages);
    if (ms > most && !venueLied(life.from, life.to)) {
      const seconds = (most / 1_000).toFixed(1);
      problems.push(
        `${workflowId} counted ${report.unprotectedSeconds} s, at most ${seconds} s can have been`,
      );
    }
  }
  return { positions, guardsSeconds: guards / 1_000, venueSeconds: venue / 1_000, problems };
}

/** Each spell until its proof: counting begins with a read of it at the earliest and ends with the proof. */
function mostMs(spells: readonly BareSpell[], outages: readonly Outage[]): number {
  return spells.reduce((sum, { from, to }) => {
    const proof = { from: to, to: to + PROVEN_WITHIN_MS };
    const later = { from: to, to: to + 2 * PROVEN_WITHIN_MS };
    return sum + (to - from) + (proof.to - proof.from) + coveredMs(later, outages);
  }, 0);
}
