/**
 * How long a guard's run is, in checks. A worker that restarts replays what each run has behind it (about 3 ms of CPU a check), and a check that is
 * due waits for that; each new run costs about 13 ms of worker and server. So runs get shorter where many guards would be replayed together
 * (docs/performance.md).
 */
import type { Policy } from './policy.ts';

/** Of all guards of an account together, half of them behind the guards at any time: about 15 s of CPU. */
const CHECKS_OF_ALL = 10_000;
const LEAST = 10;

/** The runs of so few guards may be as long as the policy's default. */
export const FEW_LEGS = 250;

/** Checks after which a guard continues as new, with so many legs open on its account; never more than the policy's. */
export function checksInRun(policy: Pick<Policy, 'continueAsNewAfterChecks'>, openLegs: number): number {
  const most = policy.continueAsNewAfterChecks;
  if (openLegs <= FEW_LEGS) return most;
  return Math.min(most, Math.max(LEAST, Math.floor(CHECKS_OF_ALL / openLegs)));
}
