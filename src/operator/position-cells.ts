/** The cells that the report, the plan and the board share: how one position is written. */
import type { PositionReport } from '../domain/report.ts';
import { asFineAs, DASH, distancePct, gainOrLoss, orDash, pct, signed, signedPct } from './figures.ts';
import type { Paint } from './terminal.ts';

/** Severity of a state, most urgent first; a state that is not listed comes before all of them. */
const STATE_ORDER = [
  'UNPROTECTED',
  'UNGUARDED',
  'UNREADABLE',
  'NO ANSWER',
  'UNCERTAIN',
  'BLIND',
  'CONFIRMING',
  'RELEASED',
  'PROTECTED',
  'CLOSED',
];

/** States that need nobody's attention. */
const CALM = new Set(['PROTECTED', 'CLOSED']);

interface Sortable {
  readonly symbol: string;
  readonly positionIdx: number | null;
  readonly state: string;
}

/** Anything but PROTECTED first, by severity; equals by name, so that rows stay where they are. */
export function mostUrgentFirst<T extends Sortable>(positions: readonly T[]): readonly T[] {
  return positions.toSorted(
    (a, b) =>
      STATE_ORDER.indexOf(a.state) - STATE_ORDER.indexOf(b.state) ||
      (a.symbol < b.symbol ? -1 : a.symbol > b.symbol ? 1 : (a.positionIdx ?? 0) - (b.positionIdx ?? 0)),
  );
}

export function isCalm(state: string): boolean {
  return CALM.has(state);
}

/** The state as it stands out: calm ones green, the others bold, red where a stop is missing. */
function stateText(state: string, paint: Paint): string {
  if (isCalm(state)) return paint.green(state);
  const missing = ['UNPROTECTED', 'UNGUARDED', 'UNREADABLE', 'NO ANSWER'].includes(state);
  return missing ? paint.bold(paint.red(state)) : paint.bold(paint.yellow(state));
}

export interface PositionCells {
  readonly symbol: string;
  readonly side: string;
  readonly size: string;
  readonly entry: string;
  readonly mark: string;
  readonly pnlUsd: string;
  readonly pnlPct: string;
  readonly stop: string;
  /** From the mark price, % of it. */
  readonly stopDistance: string;
  readonly kind: string;
  readonly atStopUsd: string;
  readonly atStopPct: string;
  readonly trigger: string;
  readonly triggerDistance: string;
  readonly state: string;
}

type Shown = Omit<PositionReport, 'positionIdx'>;

export function cellsOf(position: Shown, paint: Paint): PositionCells {
  const { stop, trigger, markPrice } = position;
  const side = position.side ?? DASH;
  return {
    symbol: paint.bold(position.symbol),
    side: position.side === 'long' ? paint.green(side) : position.side === 'short' ? paint.red(side) : side,
    size: withLeverage(position),
    entry: orDash(position.entryPrice),
    mark: orDash(markPrice),
    pnlUsd: gainOrLoss(position.pnlUsd, signed(position.pnlUsd), paint),
    pnlPct: gainOrLoss(position.pnlUsd, signedPct(position.pnlPct), paint),
    stop: stop === null ? paint.bold(paint.red('none')) : stop,
    stopDistance: pct(distancePct(markPrice, stop)),
    kind: orDash(position.stopKind),
    atStopUsd: gainOrLoss(position.pnlAtStopUsd, signed(position.pnlAtStopUsd), paint),
    atStopPct: gainOrLoss(position.pnlAtStopUsd, signedPct(position.pnlAtStopPct), paint),
    trigger: asFineAs(trigger, [position.entryPrice, markPrice, stop]),
    triggerDistance: pct(distancePct(markPrice, trigger)),
    state: stateText(position.state, paint),
  };
}

function withLeverage(position: Shown): string {
  if (position.size === null) return DASH;
  return position.leverage === null ? position.size : `${position.size} x${position.leverage}`;
}
