/** A small venue for one leg, written apart from `domain`: prices move, hands interfere, writes take effect or do not. */
import { Big } from 'big.js';
import type { OpenOverride } from './observations.ts';

/** One thing that happens between two reads; shares are of the price, in units of 0.01 %. */
export type Happening =
  | { readonly kind: 'price'; readonly share: number }
  | { readonly kind: 'cancel' }
  /** A human sets the stop `share` away from the price, on its losing side. */
  | { readonly kind: 'human-stop'; readonly share: number; readonly offTick: boolean }
  | { readonly kind: 'size'; readonly factor: number; readonly share: number }
  | { readonly kind: 'flip' }
  | { readonly kind: 'reopen'; readonly attached: boolean }
  | { readonly kind: 'liquidation'; readonly share: number | null }
  | { readonly kind: 'status'; readonly status: 'Normal' | 'Liq' | 'Adl' }
  | { readonly kind: 'unreadable'; readonly problem: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'write'; readonly fate: Fate }
  | { readonly kind: 'policy'; readonly fixedStopPct: number; readonly distancePct: number }
  | { readonly kind: 'allow-looser'; readonly fixedStopPct: number };

export type Fate =
  'applied' | 'refused' | 'unknown-applied' | 'unknown-lost' | 'without-effect' | 'unchanged';

export interface Start {
  readonly side: 'long' | 'short';
  /** Entry in ticks. */
  readonly entryTicks: number;
  readonly tick: string;
  readonly isolated: boolean;
  readonly knowsOpenTime: boolean;
  readonly stopShare: number | null;
  readonly priceShare: number;
}

export class SimulatedVenue {
  side: 'long' | 'short';
  entry: Big;
  price: Big;
  size = new Big(1);
  stop: Big | null = null;
  liq: Big | null = null;
  status: 'Normal' | 'Liq' | 'Adl' = 'Normal';
  openTime = 500_000;
  lives = 1;
  /** The hand that set the stop which rests. */
  by: 'us' | 'human' = 'human';
  passedThroughZero = false;
  fate: Fate = 'applied';
  readonly #start: Start;
  readonly #tick: Big;

  constructor(start: Start) {
    this.#start = start;
    this.#tick = new Big(start.tick);
    this.side = start.side;
    this.entry = this.#tick.times(start.entryTicks);
    this.price = this.#onTick(this.entry.times(1 + start.priceShare / 10_000));
    if (start.stopShare !== null) this.#humanStop(start.stopShare, false);
  }

  get tick(): Big {
    return this.#tick;
  }

  /** +1 for a long, −1 for a short. */
  get s(): 1 | -1 {
    return this.side === 'long' ? 1 : -1;
  }

  row(): OpenOverride {
    const passed = this.passedThroughZero;
    return {
      side: this.side,
      size: this.size.toFixed(),
      entryPrice: this.entry.toFixed(),
      price: this.price.toFixed(),
      markPrice: this.price.toFixed(),
      tickSize: this.#start.tick,
      stopLoss: this.stop === null ? null : this.stop.toFixed(),
      liqPrice: this.liq === null ? null : this.liq.toFixed(),
      marginMode: this.#start.isolated ? 'ISOLATED_MARGIN' : 'REGULAR_MARGIN',
      status: this.status,
      openTime: this.#start.knowsOpenTime ? this.openTime : null,
      passedThroughZero: passed,
    };
  }

  happen(event: Happening): void {
    switch (event.kind) {
      case 'price':
        this.price = this.#onTick(this.price.times(1 + event.share / 10_000));
        return;
      case 'cancel':
        this.stop = null;
        return;
      case 'human-stop':
        return this.#humanStop(event.share, event.offTick);
      case 'size':
        this.size = this.size.times(event.factor).round(6).plus('0.000001');
        this.entry = this.entry.times(1 + event.share / 10_000).round(12);
        return;
      case 'flip':
        this.side = this.side === 'long' ? 'short' : 'long';
        return this.#newLife(false);
      case 'reopen':
        return this.#newLife(event.attached);
      case 'liquidation':
        this.liq = event.share === null ? null : this.price.times(1 - (this.s * event.share) / 10_000);
        return;
      case 'status':
        this.status = event.status;
        return;
      case 'write':
        this.fate = event.fate;
        return;
      default:
        return;
    }
  }

  /** True when the venue holds the stop afterwards. */
  setStop(stop: string): boolean {
    const effective = this.fate === 'applied' || this.fate === 'unknown-applied';
    if (effective) {
      this.stop = new Big(stop);
      this.by = 'us';
    }
    return effective;
  }

  #newLife(attached: boolean): void {
    this.lives += 1;
    this.openTime += 1_000;
    this.entry = this.price;
    this.stop = null;
    this.liq = null;
    this.status = 'Normal';
    this.passedThroughZero = attached;
    if (attached) this.#humanStop(900, false);
  }

  #humanStop(share: number, offTick: boolean): void {
    const at = this.#onTick(this.price.times(1 - (this.s * share) / 10_000));
    const stop = offTick ? at.plus(this.#tick.times('0.37')) : at;
    if (stop.lte(0) || stop.minus(this.price).times(this.s).gte(0)) return;
    this.stop = stop;
    this.by = 'human';
  }

  /** The nearest multiple of the tick, at least 5 of them. */
  #onTick(price: Big): Big {
    const ticks = price.div(this.#tick).round(0);
    return this.#tick.times(ticks.lt(5) ? 5 : ticks);
  }
}
