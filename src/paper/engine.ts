/**
 * What happens by itself as time passes: price steps, fills, liquidations and fundings, each at its own time and in order.
 * Every request first brings the engine up to the present, so nothing depends on how often a timer fires.
 */
import { recordCandle } from './candles.ts';
import { nextFundingMs, settleFunding } from './funding.ts';
import { startLiquidations, takeOver } from './liquidation.ts';
import { fillDue } from './orders.ts';
import { nextStepAtMs, stepped, type Prices } from './price-paths.ts';
import { runTriggers } from './triggers.ts';
import type { Venue } from './venue.ts';

export class Engine {
  readonly venue: Venue;
  #nextDueMs = 0;
  #dueVersion = -1;

  constructor(venue: Venue) {
    this.venue = venue;
  }

  /** Brings the exchange to the present and runs `change` there as one transaction. */
  act<R>(change: () => R): R {
    this.advance();
    return this.venue.store.transact(this.venue.elapsedMs, change);
  }

  /** Brings the exchange to the present. */
  advance(): void {
    const { venue } = this;
    const targetMs = Math.max(venue.clockElapsedMs(), venue.elapsedMs);
    for (let dueMs = this.#dueMs(); dueMs <= targetMs; dueMs = this.#dueMs()) {
      venue.elapsedMs = Math.max(dueMs, venue.elapsedMs);
      venue.store.transact(venue.elapsedMs, () => this.#happen());
      this.#dueVersion = -1;
    }
    venue.elapsedMs = targetMs;
  }

  /** Ms until something is due; `Infinity` when nothing ever is. */
  dueInMs(): number {
    return Math.max(0, this.#dueMs() - this.venue.clockElapsedMs());
  }

  /** Sets prices now and lets them set off what they set off. */
  setPrices(changes: ReadonlyMap<string, Prices>): void {
    this.#apply(changes, 0);
  }

  #dueMs(): number {
    if (this.#dueVersion === this.venue.store.version) return this.#nextDueMs;
    this.#nextDueMs = this.#earliestMs();
    this.#dueVersion = this.venue.store.version;
    return this.#nextDueMs;
  }

  #earliestMs(): number {
    const { venue } = this;
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const [symbol, path] of venue.setup.paths) {
      earliestMs = Math.min(earliestMs, nextStepAtMs(path, venue.price(symbol)));
    }
    for (const order of venue.store.orders.values()) {
      if (order.fillAtMs >= 0) earliestMs = Math.min(earliestMs, order.fillAtMs);
    }
    for (const leg of venue.store.legs.values()) {
      if (leg.side === '') continue;
      if (leg.status !== 'Normal') earliestMs = Math.min(earliestMs, leg.endsAtMs);
      earliestMs = Math.min(earliestMs, this.#fundingAtMs(leg.symbol));
    }
    return earliestMs;
  }

  /** Engine time of a symbol's next funding. */
  #fundingAtMs(symbol: string): number {
    const { venue } = this;
    return nextFundingMs(venue, symbol, venue.timeMs) - venue.timeMs + venue.elapsedMs;
  }

  /** Everything that is due at the engine's present time. */
  #happen(): void {
    const { venue } = this;
    const nowMs = venue.elapsedMs;
    for (const symbol of new Set(venue.held().map((leg) => leg.symbol))) {
      const intervalMs = venue.contract(symbol).fundingInterval * 60_000;
      const settings = venue.settings(symbol);
      if (venue.timeMs % intervalMs !== 0 || settings.fundedMs === venue.timeMs) continue;
      settleFunding(venue, symbol);
      venue.store.symbols.set(symbol, { ...settings, fundedMs: venue.timeMs });
    }
    for (const order of venue.store.orders.values()) {
      if (order.fillAtMs >= 0 && order.fillAtMs <= nowMs) fillDue(venue, order.orderId);
    }
    for (const leg of venue.held()) {
      if (leg.status !== 'Normal' && leg.endsAtMs <= nowMs) takeOver(venue, leg);
    }
    const changes = new Map<string, Prices>();
    for (const [symbol, path] of venue.setup.paths) {
      const price = venue.price(symbol);
      if (nextStepAtMs(path, price) > nowMs) continue;
      changes.set(symbol, stepped(venue.setup.scenario.seed, path, price, venue.contract(symbol)));
    }
    this.#apply(changes, 1);
  }

  #apply(changes: ReadonlyMap<string, Prices>, steps: number): void {
    const { venue } = this;
    for (const [symbol, prices] of changes) {
      const before = venue.price(symbol);
      venue.store.prices.set(symbol, {
        symbol,
        ...prices,
        steps: before.steps + steps,
        changedAtMs: venue.timeMs,
      });
      recordCandle(venue, symbol, before);
    }
    for (const symbol of changes.keys()) runTriggers(venue, symbol);
    startLiquidations(venue);
  }
}
