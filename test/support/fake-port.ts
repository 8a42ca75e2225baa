/**
 * A fake of the venue behind the port: positions, stops, prices, scripted faults and a log of every request. One file, since every
 * call of the port works on the same few maps.
 */
import { dec, plain } from '../../src/domain/decimal.ts';
import type { WriteOutcome } from '../../src/domain/failure.ts';
import { legal } from '../../src/domain/levels.ts';
import {
  legKey,
  type Leg,
  type MarginMode,
  type OpenPosition,
  type StopOrder,
  type TriggerBy,
} from '../../src/domain/position.ts';
import {
  TurnPassed,
  VenueError,
  type AccountSnapshot,
  type CloseRequest,
  type ClosedPnl,
  type Execution,
  type StopRequest,
  type SymbolRead,
  type UnreadableRow,
  type VenuePort,
} from '../../src/exchange/port.ts';
import {
  closing,
  failure,
  type Call,
  type Request,
  type ScriptedFault,
  type StopChange,
} from './fake-venue-records.ts';

export interface FakeVenueOptions {
  readonly account: string;
  /** ms of the venue's clock, which is the workflows' clock too. */
  readonly now: () => number;
}

interface Armed {
  readonly fault: ScriptedFault;
  skip: number;
  left: number;
}

const NO_POSITION = failure('VenueRefused', {
  code: '10001',
  message: 'can not set tp/sl/ts for zero position',
  reason: 'no-position',
});
const CROSSED = failure('VenueRefused', {
  code: '10001',
  message: 'the stop is beyond the price',
  reason: 'crossed-price',
});
const TIMED_OUT = failure('VenueUnknown', { message: 'no answer in time' });

const TICK = '0.01';

export class FakeVenue {
  readonly account: string;
  readonly requests: Request[] = [];
  /** Every change of a stop, oldest first. */
  readonly stops: StopChange[] = [];
  readonly port: VenuePort;
  wallet: { readonly [field: string]: unknown } = balanceOf('1000');
  marginMode: MarginMode = 'REGULAR_MARGIN';
  readonly #now: () => number;
  readonly #positions = new Map<string, OpenPosition>();
  readonly #triggers = new Map<string, TriggerBy>();
  readonly #prices = new Map<string, string>();
  readonly #broken = new Map<string, string>();
  /** Symbols in hedge mode: both legs have a row, open or not. */
  readonly #hedged = new Set<string>();
  readonly #executions: Execution[] = [];
  readonly #closedPnl: ClosedPnl[] = [];
  #faults: Armed[] = [];
  #seq = 0;

  constructor({ account, now }: FakeVenueOptions) {
    this.account = account;
    this.#now = now;
    this.port = this.#makePort();
  }

  /** A human opens a position: a long of 1 at entry and mark 100 unless said otherwise. */
  open(override: Partial<OpenPosition> = {}): Leg {
    const symbol = override.symbol ?? 'BTCUSDT';
    const markPrice = override.markPrice ?? this.#prices.get(symbol) ?? '100';
    const position: OpenPosition = {
      symbol,
      positionIdx: 0,
      side: 'long',
      size: '1',
      entryPrice: '100',
      leverage: '10',
      liqPrice: null,
      stopLoss: null,
      takeProfit: null,
      nativeTrailing: null,
      status: 'Normal',
      unrealisedPnl: null,
      positionIM: '10',
      openTime: Math.floor(this.#now()),
      updatedTime: Math.floor(this.#now()),
      ...override,
      markPrice,
    };
    this.#prices.set(symbol, markPrice);
    if (position.positionIdx !== 0) this.#hedged.add(symbol);
    this.#positions.set(legKey(position), position);
    if (position.stopLoss !== null) this.#noteStop(position, position.stopLoss, 'human');
    return { symbol, positionIdx: position.positionIdx };
  }

  position(leg: Leg): OpenPosition | undefined {
    return this.#positions.get(legKey(leg));
  }

  stopOf(leg: Leg): string | null | undefined {
    return this.position(leg)?.stopLoss;
  }

  /** Moves the mark price; a stop that it reaches closes the position. */
  price(symbol: string, price: string): void {
    this.#prices.set(symbol, price);
    for (const position of [...this.#positions.values()].filter((one) => one.symbol === symbol)) {
      const moved = { ...position, markPrice: price };
      this.#positions.set(legKey(position), moved);
      const { stopLoss, side } = moved;
      if (stopLoss !== null && !legal(side, dec(stopLoss), dec(price))) {
        this.#close(moved, stopLoss, 'CreateByStopLoss');
      }
    }
  }

  /** A human's hand on the stop; `null` cancels it. */
  humanStop(leg: Leg, stop: string | null): void {
    this.#setStop(leg, stop, 'human', 'MarkPrice');
  }

  /** The stop that rests goes by another price from now on. */
  retype(leg: Leg, triggerBy: TriggerBy): void {
    this.#triggers.set(legKey(leg), triggerBy);
  }

  humanClose(leg: Leg): void {
    const position = this.position(leg);
    if (position !== undefined) this.#close(position, position.markPrice, 'CreateByUser');
  }

  /** A row that cannot be trusted from now on, `null` mends it. */
  breakRow(leg: Leg, reason: string | null): void {
    if (reason === null) this.#broken.delete(legKey(leg));
    else this.#broken.set(legKey(leg), reason);
  }

  fault(fault: ScriptedFault): void {
    const times = fault.times ?? 1;
    this.#faults.push({ fault, skip: fault.skip ?? 0, left: times === 'always' ? Infinity : times });
  }

  /** The next call of this kind waits until the answer is called. */
  holding(call: Call): () => void {
    let go: () => void = () => undefined;
    const until = new Promise<void>((resolve) => {
      go = resolve;
    });
    this.fault({ call, kind: 'wait', until });
    return go;
  }

  mend(): void {
    this.#faults = [];
  }

  /** Requests of one kind so far. */
  asked(call: Call, symbol?: string): readonly Request[] {
    return this.requests.filter(
      (one) => one.call === call && (symbol === undefined || one.symbol === symbol),
    );
  }

  /** Values that Stopkeeper gave a leg's stop, in order. */
  sent(leg: Leg): readonly string[] {
    return this.stops.flatMap((one) =>
      legKey(one) === legKey(leg) && one.by === 'stopkeeper' && one.stop !== null ? [one.stop] : [],
    );
  }

  #close(
    position: OpenPosition,
    price: string,
    createType: Parameters<typeof closing>[2],
    orderLinkId = '',
  ): void {
    const { execution, pnl } = closing(position, price, createType, Math.floor(this.#now()), orderLinkId);
    this.#executions.push(execution);
    this.#closedPnl.push(pnl);
    this.#positions.delete(legKey(position));
    if (position.stopLoss !== null) this.#noteStop(position, null, 'venue');
  }

  #noteStop({ symbol, positionIdx }: Leg, stop: string | null, by: StopChange['by']): void {
    this.stops.push({ symbol, positionIdx, at: this.#now(), stop, by });
  }

  #setStop(leg: Leg, stop: string | null, by: StopChange['by'], triggerBy: TriggerBy): void {
    const position = this.position(leg);
    if (position === undefined) throw new Error(`no position on ${legKey(leg)}`);
    this.#positions.set(legKey(leg), { ...position, stopLoss: stop });
    this.#triggers.set(legKey(leg), triggerBy);
    this.#noteStop(leg, stop, by);
  }

  /** The faults that strike this call; what they do before the venue looks is done. */
  async #arrive(
    call: Call,
    symbol: string | null,
    stopLoss: string | null = null,
  ): Promise<ScriptedFault | null> {
    this.requests.push({ at: this.#now(), call, symbol, stopLoss });
    for (const armed of this.#faults) {
      const { fault } = armed;
      if (fault.call !== call || (fault.symbol !== undefined && fault.symbol !== symbol)) continue;
      if (armed.skip > 0) {
        armed.skip -= 1;
        continue;
      }
      if (armed.left <= 0) continue;
      armed.left -= 1;
      if (fault.kind === 'fail') throw new VenueError(fault.failure);
      if (fault.kind === 'turn-passed') {
        fault.act();
        throw new TurnPassed(2_000, 0);
      }
      if (fault.kind === 'wait') await fault.until;
      else if (fault.kind === 'meanwhile') fault.act();
      else return fault;
    }
    return null;
  }

  async #read<T>(call: Call, symbol: string | null, answer: () => T): Promise<T> {
    await this.#arrive(call, symbol);
    return answer();
  }

  async #write(call: Call, symbol: string, stopLoss: string | null, apply: () => WriteOutcome) {
    const fault = await this.#arrive(call, symbol, stopLoss);
    switch (fault?.kind) {
      case undefined:
        return apply();
      case 'refuse':
        return { kind: 'refused', failure: fault.failure } as const;
      case 'apply-then-timeout':
        apply();
        return { kind: 'unknown', failure: TIMED_OUT } as const;
      case 'lost':
        return { kind: 'unknown', failure: TIMED_OUT } as const;
      case 'ok-without-effect':
        return { kind: 'applied' } as const;
      case 'unchanged-without-effect':
        return { kind: 'unchanged', message: 'not modified' } as const;
      case 'fail':
      case 'wait':
      case 'turn-passed':
      case 'meanwhile':
        throw new Error('a fault of this kind has struck before');
    }
  }

  #applyStop(request: StopRequest): WriteOutcome {
    const position = this.position(request);
    if (position === undefined) return { kind: 'refused', failure: NO_POSITION };
    const { stopLoss, triggerBy } = request;
    if (!legal(position.side, dec(stopLoss), dec(position.markPrice))) {
      return { kind: 'refused', failure: CROSSED };
    }
    const same = position.stopLoss !== null && dec(position.stopLoss).eq(stopLoss);
    if (same) return { kind: 'unchanged', message: 'not modified' };
    this.#setStop(request, stopLoss, 'stopkeeper', triggerBy);
    return { kind: 'applied' };
  }

  #applyClose({ positionSide, orderLinkId, ...leg }: CloseRequest): WriteOutcome {
    const position = this.position(leg);
    if (position === undefined || position.side !== positionSide) {
      return { kind: 'refused', failure: { ...NO_POSITION, code: '110017', message: 'position is zero' } };
    }
    this.#close(position, position.markPrice, 'CreateByClosing', orderLinkId);
    return { kind: 'applied' };
  }

  #snapshot(startedAt: number): AccountSnapshot {
    const rows = [...this.#positions.values()];
    this.#seq += 1;
    return {
      seq: this.#seq,
      startedAt,
      endedAt: this.#now(),
      venueTime: startedAt,
      clockOffsetMs: 0,
      marginMode: this.marginMode,
      positions: rows.filter((row) => !this.#broken.has(legKey(row))),
      unreadable: rows.flatMap((row) => this.#unreadable(row)),
      requests: 2,
    };
  }

  #unreadable(row: OpenPosition): UnreadableRow[] {
    const reason = this.#broken.get(legKey(row));
    if (reason === undefined) return [];
    return [{ symbol: row.symbol, positionIdx: row.positionIdx, size: row.size, reason }];
  }

  #symbolRows(symbol: string, startedAt: number): SymbolRead {
    const rows = [...this.#positions.values()].filter((row) => row.symbol === symbol);
    const legs = this.#hedged.has(symbol) ? ([1, 2] as const) : ([0] as const);
    return {
      startedAt,
      venueTime: startedAt,
      positions: rows.filter((row) => !this.#broken.has(legKey(row))),
      flat: legs
        .filter((positionIdx) => rows.every((row) => row.positionIdx !== positionIdx))
        .map((positionIdx) => ({ symbol, positionIdx })),
      unreadable: rows.flatMap((row) => this.#unreadable(row)),
    };
  }

  #stopOrders(): StopOrder[] {
    return [...this.#positions.values()].flatMap((row) =>
      row.stopLoss === null
        ? []
        : [
            {
              symbol: row.symbol,
              positionIdx: row.positionIdx,
              orderId: `stop-${legKey(row)}`,
              kind: 'full' as const,
              triggerPrice: row.stopLoss,
              triggerBy: this.#triggers.get(legKey(row)) ?? 'MarkPrice',
              qty: row.size,
            },
          ],
    );
  }

  #makePort(): VenuePort {
    const startedAt = (): number => this.#now();
    return {
      account: this.account,
      venue: 'paper',
      snapshot: () => {
        const began = startedAt();
        return this.#read('snapshot', null, () => this.#snapshot(began));
      },
      readSymbol: (symbol) => {
        const began = startedAt();
        return this.#read('readSymbol', symbol, () => this.#symbolRows(symbol, began));
      },
      lastPrice: (symbol) => this.#read('lastPrice', symbol, () => this.#prices.get(symbol) ?? '100'),
      instrument: (symbol) =>
        this.#read('instrument', symbol, () => ({
          symbol,
          status: 'Trading',
          contractType: 'LinearPerpetual',
          settleCoin: 'USDT',
          tickSize: TICK,
          qtyStep: '0.001',
          minOrderQty: '0.001',
          maxMktOrderQty: '1000',
          minPrice: TICK,
          maxPrice: '1000000',
        })),
      refreshInstruments: () => undefined,
      stopOrders: () => this.#read('stopOrders', null, () => this.#stopOrders()),
      setStop: (request) =>
        this.#write('setStop', request.symbol, plain(request.stopLoss), () => this.#applyStop(request)),
      closePosition: (request) =>
        this.#write('closePosition', request.symbol, null, () => this.#applyClose(request)),
      orderByLinkId: () => this.#read('orderByLinkId', null, () => null),
      wallet: () => this.#read('wallet', null, () => ({ info: this.wallet })),
      accountInfo: () =>
        this.#read('accountInfo', null, () => ({ marginMode: this.marginMode, unifiedMarginStatus: 5 })),
      keyInfo: () =>
        this.#read('keyInfo', null, () => ({
          readOnly: false,
          permissions: { ContractTrade: ['Order', 'Position'] },
          ips: ['127.0.0.1'],
          expiresAt: null,
          unified: true,
        })),
      clock: () => this.#read('clock', null, () => ({ offsetMs: 0, roundTripMs: 1 })),
      notCovered: () => this.#read('notCovered', null, () => []),
      candles: (symbol) => this.#read('candles', symbol, () => []),
      executions: (symbol, since) =>
        this.#read('executions', symbol, () =>
          this.#executions.filter((one) => one.symbol === symbol && one.at >= since),
        ),
      closedPnl: (symbol, since) =>
        this.#read('closedPnl', symbol, () =>
          this.#closedPnl.filter((one) => one.symbol === symbol && one.updatedAt >= since),
        ),
      requestCounts: () => ({}),
      close: () => undefined,
    };
  }
}

/** The answer of `account/wallet-balance`, as the balance chain reads it. */
export function balanceOf(total: string): { readonly [field: string]: unknown } {
  const coin = { coin: 'USDT', walletBalance: total, totalPositionIM: '0', totalOrderIM: '0', locked: '0' };
  const row = { accountType: 'UNIFIED', totalWalletBalance: total, totalEquity: total, coin: [coin] };
  return { result: { list: [row] } };
}
