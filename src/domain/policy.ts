/** The protection policy: every number that a rule of DESIGN §3 uses, with its default. */
import type { TriggerBy } from './position.ts';

/** Trailing numbers of one volatility band; it holds while ATR % is below `belowAtrPct` (the last one has no bound). */
export interface TrailingBand {
  readonly belowAtrPct: number | null;
  readonly triggerPct: number;
  readonly distancePct: number;
}

export interface Policy {
  readonly fixedStopPct: number;
  readonly feeAllowancePct: number;
  readonly trailing: {
    readonly mode: 'off' | 'fixed' | 'bands';
    readonly triggerPct: number;
    readonly distancePct: number;
    readonly bands: readonly TrailingBand[];
  };
  readonly minMovePct: number;
  readonly triggerBy: Exclude<TriggerBy, 'IndexPrice'>;
  readonly existingStop: 'tighten' | 'respect';
  readonly liquidation: {
    readonly bufferPct: number;
    readonly isolated: 'tighten' | 'alert';
    readonly cross: 'tighten' | 'alert';
  };
  readonly checkEveryMs: number;
  readonly discoverEveryMs: number;
  readonly priceMaxAgeMs: number;
  readonly requestsPerMinute: number;
  readonly escalation: {
    readonly emergencyAfterMs: number;
    readonly repeatEveryMs: number;
    /** `null`: never close by itself. */
    readonly closeAfterMs: number | null;
    readonly fastCheckMs: number;
  };
  readonly maxAllocationPct: number;
  readonly minNotionalUsd: number;
  readonly maxPositions: number;
  readonly ignore: readonly string[];
  readonly continueAsNewAfterChecks: number;
}

export const DEFAULT_POLICY: Policy = {
  fixedStopPct: 6,
  feeAllowancePct: 0.06,
  trailing: {
    mode: 'fixed',
    triggerPct: 1,
    distancePct: 0.8,
    bands: [
      { belowAtrPct: 2, triggerPct: 1.2, distancePct: 1 },
      { belowAtrPct: 4, triggerPct: 1, distancePct: 0.8 },
      { belowAtrPct: null, triggerPct: 0.9, distancePct: 0.7 },
    ],
  },
  minMovePct: 0.05,
  triggerBy: 'MarkPrice',
  existingStop: 'tighten',
  liquidation: { bufferPct: 0.5, isolated: 'tighten', cross: 'alert' },
  checkEveryMs: 30_000,
  discoverEveryMs: 10_000,
  priceMaxAgeMs: 60_000,
  requestsPerMinute: 120,
  escalation: { emergencyAfterMs: 60_000, repeatEveryMs: 300_000, closeAfterMs: null, fastCheckMs: 5_000 },
  maxAllocationPct: 80,
  minNotionalUsd: 200,
  maxPositions: 20,
  ignore: [],
  continueAsNewAfterChecks: 40,
};
