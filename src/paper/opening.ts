/** Opens a paper exchange: fresh from its scenario, or as its state file last knew it. */
import { createHash } from 'node:crypto';
import { amount, isUnset, minus, text, times } from './decimals.ts';
import type { Clock } from './clock.ts';
import { Engine } from './engine.ts';
import { addPartialStop, setFullStop, setTrailingStop } from './position-stops.ts';
import { pricesAround } from './price-paths.ts';
import type { Leg } from './records.ts';
import { scenarioSchema, type ScenarioPosition } from './scenario.ts';
import { nextToLiquidate } from './liquidation.ts';
import { idxOf, ScenarioError, standardSize, type Setup } from './setup.ts';
import { readStateFile, StateFile, StateFileError } from './state-file.ts';
import { Venue } from './venue.ts';

/** Where state is kept and whether what is there counts. */
export interface StateOptions {
  readonly path: string;
  readonly reset: boolean;
}

/** A running exchange and how to put it away. */
export interface Opened {
  readonly engine: Engine;
  /** True when a saved state goes on. */
  readonly resumed: boolean;
  readonly close: () => void;
}

/** A fresh exchange in memory; throws `ScenarioError` where its margin would not last for a moment. */
export function openFresh(setup: Setup, clock: Clock): Engine {
  const venue = new Venue(setup, clock);
  venue.store.transact(0, () => begin(venue));
  const doomed = nextToLiquidate(venue);
  if (doomed !== undefined) {
    throw new ScenarioError([
      `positions: ${doomed.symbol} would be liquidated at once; give account.wallet more, or the position less`,
    ]);
  }
  return new Engine(venue);
}

/** An exchange with a state file; throws `StateFileError` where the file belongs to another scenario or is damaged. */
export function openWithState(setup: Setup, clock: Clock, state: StateOptions): Opened {
  const saved = state.reset ? undefined : readStateFile(state.path);
  if (saved === undefined) {
    const engine = openFresh(setup, clock);
    const file = new StateFile(state.path, setup.scenario, engine.venue.store);
    return { engine, resumed: false, close: () => file.close() };
  }
  if (fingerprint(saved.scenario) !== fingerprint(setup.scenario)) {
    throw new StateFileError(
      `${state.path} was begun with another scenario; use --reset to begin afresh, or another --state file`,
    );
  }
  const venue = new Venue(setup, clock);
  venue.store.restore(saved.dump);
  for (const { elapsedMs, changes } of saved.transactions) venue.store.replay(elapsedMs, changes);
  venue.resume();
  const file = new StateFile(state.path, setup.scenario, venue.store);
  return { engine: new Engine(venue), resumed: true, close: () => file.close() };
}

/** Of a saved scenario as this version reads it: a field that it did not know yet has its default. */
function fingerprint(scenario: unknown): string {
  const read = scenarioSchema.safeParse(scenario);
  return createHash('sha256')
    .update(JSON.stringify(read.success ? read.data : scenario))
    .digest('hex');
}

function begin(venue: Venue): void {
  const { scenario } = venue.setup;
  const startedMs = Math.floor(venue.hostMs());
  venue.openAccount({
    marginMode: scenario.account.marginMode,
    marginModeUpdatedMs: startedMs,
    clockOffsetMs: 0,
    startedMs,
    orders: 0,
    executions: 0,
    seq: 1_000_000,
    stopEvents: 0,
  });
  const wallet =
    typeof scenario.account.wallet === 'string' ? { USDT: scenario.account.wallet } : scenario.account.wallet;
  for (const [coin, balance] of Object.entries(wallet)) {
    if (balance !== undefined) venue.store.wallets.set(coin, { coin, balance, cumRealisedPnl: '0' });
  }
  for (const instrument of venue.setup.instruments.values()) {
    const { symbol } = instrument;
    const path = venue.setup.paths.get(symbol);
    const mode = venue.setup.modes.get(symbol) ?? 'one-way';
    venue.store.symbols.set(symbol, { symbol, mode, status: instrument.status, fundedMs: 0 });
    const first = path?.script?.[0];
    const prices =
      first !== undefined && !('price' in first)
        ? { last: first.last, mark: first.mark, index: first.index ?? first.mark }
        : pricesAround(instrument.price, instrument, path);
    const steps = first !== undefined && first.atMs === 0 ? 1 : 0;
    venue.store.prices.set(symbol, { symbol, ...prices, steps, changedAtMs: startedMs });
  }
  for (const position of scenario.positions) openPosition(venue, position);
}

/** A position that was there before: its opening fee is paid, its stops rest. */
function openPosition(venue: Venue, position: ScenarioPosition): void {
  const instrument = venue.contract(position.symbol);
  const size = text(amount(position.size ?? standardSize(instrument)));
  const entryValue = times(size, position.entryPrice ?? instrument.price);
  const openFee = times(entryValue, venue.setup.scenario.account.takerFeeRate);
  const openTime = venue.timeMs - position.openedAgoMs;
  const by = position.stopBy;
  let leg: Leg = {
    ...venue.leg(position.symbol, idxOf(venue.setup, position)),
    side: position.side,
    size,
    entryValue,
    openFee,
    leverage: position.leverage,
    curRealisedPnl: minus('0', openFee),
    cumRealisedPnl: minus('0', openFee),
    openTime,
    createdTime: openTime,
    updatedTime: openTime,
    seq: venue.nextSeq(),
  };
  venue.setLeg(leg);
  if (!isUnset(position.stopLoss)) {
    leg = setFullStop(venue, leg, 'StopLoss', {
      price: position.stopLoss,
      triggerBy: position.stopLossTriggerBy,
      by,
    });
  }
  if (!isUnset(position.takeProfit)) {
    leg = setFullStop(venue, leg, 'TakeProfit', { price: position.takeProfit, triggerBy: 'LastPrice', by });
  }
  if (!isUnset(position.trailingStop)) {
    leg = setTrailingStop(venue, leg, { distance: position.trailingStop, activePrice: '', by });
  }
  for (const stop of position.partialStops) {
    const set = { price: stop.price, triggerBy: stop.triggerBy, size: stop.size, limitPrice: '', by };
    leg = addPartialStop(venue, leg, 'PartialStopLoss', set);
  }
}
