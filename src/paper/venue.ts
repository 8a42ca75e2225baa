/** The state of one paper exchange and its clock, as every rule of the venue sees it. */
import type { Clock } from './clock.ts';
import type { Instrument } from './instruments.ts';
import type {
  AccountRecord,
  Actor,
  Leg,
  Order,
  PositionIdx,
  PriceRecord,
  StopEvent,
  SymbolSettings,
  Wallet,
} from './records.ts';
import { idFrom } from './seeded.ts';
import type { Setup } from './setup.ts';
import { Store } from './store.ts';

const accountKey = 'account';

export class Venue {
  readonly setup: Setup;
  readonly store = new Store();
  readonly #clock: Clock;
  #originMs: number;
  /** Engine time of what is being done: how long the exchange has run, in ms, downtime not counted. */
  elapsedMs = 0;

  constructor(setup: Setup, clock: Clock) {
    this.setup = setup;
    this.#clock = clock;
    this.#originMs = clock.nowMs();
  }

  /** After loading a state: its engine time goes on from now. */
  resume(): void {
    this.elapsedMs = this.store.elapsedMs;
    this.#originMs = this.#clock.nowMs() - this.elapsedMs;
  }

  /** How long the exchange has run by the injected clock. */
  clockElapsedMs(): number {
    return this.#clock.nowMs() - this.#originMs;
  }

  /** The host's time, which the request log uses, ms with fractions. */
  hostMs(): number {
    return this.#clock.nowMs();
  }

  /** The venue's own clock, whole ms; control can set it fast or slow. */
  get timeMs(): number {
    return Math.floor(this.#originMs + this.elapsedMs + this.account.clockOffsetMs);
  }

  get account(): AccountRecord {
    const account = this.store.accounts.get(accountKey);
    if (account === undefined) throw new Error('the paper exchange has no account record');
    return account;
  }

  setAccount(change: Partial<AccountRecord>): void {
    this.store.accounts.set(accountKey, { ...this.account, ...change });
  }

  openAccount(account: AccountRecord): void {
    this.store.accounts.set(accountKey, account);
  }

  /** The instrument with the status that it has now. */
  instrument(symbol: string): Instrument | undefined {
    const instrument = this.setup.instruments.get(symbol);
    if (instrument === undefined) return undefined;
    const status = this.store.symbols.get(symbol)?.status ?? instrument.status;
    // The status of a record was checked when it was set.
    return status === instrument.status
      ? instrument
      : { ...instrument, status: status as Instrument['status'] };
  }

  /** As `instrument`, for symbols that other records already name. */
  contract(symbol: string): Instrument {
    const instrument = this.instrument(symbol);
    if (instrument === undefined) throw new Error(`no instrument ${symbol}`);
    return instrument;
  }

  price(symbol: string): PriceRecord {
    const price = this.store.prices.get(symbol);
    if (price === undefined) throw new Error(`no price of ${symbol}`);
    return price;
  }

  settings(symbol: string): SymbolSettings {
    const settings = this.store.symbols.get(symbol);
    if (settings === undefined) throw new Error(`no settings of ${symbol}`);
    return settings;
  }

  wallet(coin: string): Wallet {
    return this.store.wallets.get(coin) ?? { coin, balance: '0', cumRealisedPnl: '0' };
  }

  /** The legs that a symbol has in its mode, held or not. */
  legsOf(symbol: string): readonly Leg[] {
    const indices: readonly PositionIdx[] = this.settings(symbol).mode === 'hedge' ? [1, 2] : [0];
    return indices.map((idx) => this.leg(symbol, idx));
  }

  leg(symbol: string, positionIdx: PositionIdx): Leg {
    return this.store.legs.get(`${symbol}:${positionIdx}`) ?? emptyLeg(symbol, positionIdx);
  }

  setLeg(leg: Leg): void {
    this.store.legs.set(`${leg.symbol}:${leg.positionIdx}`, leg);
  }

  /** Positions: legs with size. */
  held(): readonly Leg[] {
    return [...this.store.legs.values()].filter((leg) => leg.side !== '');
  }

  nextSeq(): number {
    const seq = this.account.seq + 1;
    this.setAccount({ seq });
    return seq;
  }

  nextOrderId(): string {
    const orders = this.account.orders + 1;
    this.setAccount({ orders });
    return idFrom(this.setup.scenario.seed, 'order', orders);
  }

  nextExecId(): string {
    const executions = this.account.executions + 1;
    this.setAccount({ executions });
    return idFrom(this.setup.scenario.seed, 'execution', executions);
  }

  order(orderId: string): Order | undefined {
    return this.store.orders.get(orderId);
  }

  setOrder(order: Order): void {
    this.store.orders.set(order.orderId, order);
  }

  /** Moves an order to the finished ones. */
  finishOrder(order: Order): void {
    this.store.orders.delete(order.orderId);
    this.store.closedOrders.set(order.orderId, { ...order, fillAtMs: -1, updatedTime: this.timeMs });
  }

  /** Writes down what a stop became and who did it. */
  recordStop(order: Order, price: string, reason: StopEvent['reason'], by: Actor): void {
    const kind = stopKinds[order.stopOrderType];
    if (kind === undefined) return;
    const stopEvents = this.account.stopEvents + 1;
    this.setAccount({ stopEvents });
    this.store.stopEvents.set(String(stopEvents), {
      timeMs: this.timeMs,
      symbol: order.symbol,
      positionIdx: order.positionIdx,
      kind,
      price,
      triggerBy: order.triggerBy,
      by,
      reason,
      orderId: order.orderId,
      mark: this.price(order.symbol).mark,
    });
  }
}

const stopKinds: Readonly<Record<string, StopEvent['kind']>> = {
  StopLoss: 'stopLoss',
  TakeProfit: 'takeProfit',
  TrailingStop: 'trailingStop',
  PartialStopLoss: 'partialStopLoss',
  PartialTakeProfit: 'partialTakeProfit',
};

function emptyLeg(symbol: string, positionIdx: PositionIdx): Leg {
  return {
    symbol,
    positionIdx,
    side: '',
    size: '0',
    entryValue: '0',
    openFee: '0',
    leverage: '10',
    curRealisedPnl: '0',
    cumRealisedPnl: '0',
    status: 'Normal',
    endsAtMs: 0,
    adlSize: '',
    stopLossId: '',
    takeProfitId: '',
    trailingId: '',
    partialIds: [],
    openTime: 0,
    createdTime: 0,
    updatedTime: 0,
    seq: -1,
  };
}
