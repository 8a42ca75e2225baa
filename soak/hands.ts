/** Humans on the account: they open, close, flip and resize positions, and cancel, tighten and loosen stops, past Stopkeeper. */
import type { Paper } from '../test/support/paper-control.ts';
import { SIZE, TICK, type SoakLeg } from './account.ts';
import { Tally } from './tally.ts';
import type { HandAct, SoakEvent } from './plan.ts';

type HandEvent = Extract<SoakEvent, { readonly kind: 'hand' }>;
type Side = SoakLeg['side'];

/** How far a human's stop is from the mark price, percent of it. */
const TIGHT_PCT = { from: 0.3, to: 0.9 } as const;
const LOOSE_PCT = { from: 8, to: 15 } as const;
/** Share of new positions that come with a stop of their owner. */
const WITH_STOP = 0.25;

const keyOf = ({ symbol, positionIdx }: SoakLeg): string => `${symbol}:${positionIdx}`;

function stopAt(mark: string, side: Side, pct: number): string {
  const ticks = Math.round((Number(mark) * (1 - (side === 'Buy' ? 1 : -1) * (pct / 100))) / TICK);
  return (ticks * TICK).toFixed(2);
}

function within({ from, to }: { readonly from: number; readonly to: number }, share: number): number {
  return from + share * (to - from);
}

export class Hands {
  readonly tally = new Tally();
  readonly #paper: Paper;
  /** Nobody else opens or flips: the last side that a hand gave a leg is the one that it has, if it is open. */
  readonly #sides: Map<string, Side>;

  constructor(paper: Paper, legs: readonly SoakLeg[]) {
    this.#paper = paper;
    this.#sides = new Map(legs.map((leg) => [keyOf(leg), leg.side]));
  }

  /** Does what the event says; opens the position where there is none; what the venue cannot take now is left undone. */
  async carryOut({ leg, act, draw }: HandEvent): Promise<void> {
    try {
      await this.#act(leg, act, draw);
      this.tally.add(act);
    } catch (error) {
      const { message } = error as Error;
      if (message.includes('no position on leg')) await this.#open(leg, draw);
      else this.tally.add(refusal(message));
    }
  }

  #sideOf(leg: SoakLeg): Side {
    return this.#sides.get(keyOf(leg)) ?? leg.side;
  }

  async #act(leg: SoakLeg, act: HandAct, draw: number): Promise<void> {
    const { symbol, positionIdx } = leg;
    const on = { symbol, positionIdx };
    const part = (1 + Math.floor(draw * 30) / 10).toFixed(1);
    switch (act) {
      case 'cancel-stop':
        await this.#paper.position({ ...on, action: 'stop', stopLoss: '' });
        return;
      case 'tighten':
      case 'loosen': {
        const pct = within(act === 'tighten' ? TIGHT_PCT : LOOSE_PCT, draw);
        const stopLoss = stopAt(await this.#paper.mark(symbol), this.#sideOf(leg), pct);
        const triggerBy = draw < 0.5 ? 'MarkPrice' : 'LastPrice';
        await this.#paper.position({ ...on, action: 'stop', stopLoss, triggerBy });
        return;
      }
      case 'add':
      case 'reduce':
        await this.#paper.position({ ...on, action: act, size: part });
        return;
      case 'close':
        await this.#paper.position({ ...on, action: 'close' });
        return;
      case 'flip':
        if (positionIdx > 0) return this.#act(leg, 'close', draw);
        await this.#paper.position({ ...on, action: 'flip' });
        this.#sides.set(keyOf(leg), this.#sideOf(leg) === 'Buy' ? 'Sell' : 'Buy');
        return;
    }
  }

  async #open(leg: SoakLeg, draw: number): Promise<void> {
    const { symbol, positionIdx } = leg;
    const side = positionIdx > 0 ? leg.side : draw < 0.5 ? 'Buy' : 'Sell';
    try {
      const stopLoss = draw < WITH_STOP ? stopAt(await this.#paper.mark(symbol), side, 2) : '';
      const size = String(SIZE);
      await this.#paper.position({
        symbol,
        positionIdx,
        action: 'open',
        side,
        size,
        leverage: '5',
        stopLoss,
      });
      this.#sides.set(keyOf(leg), side);
      this.tally.add(stopLoss === '' ? 'open' : 'open with a stop');
    } catch (error) {
      this.tally.add(refusal((error as Error).message));
    }
  }
}

/** Why nothing was done, in few words: the venue is away, or the leg does not allow it now. */
function refusal(message: string): string {
  if (message.includes('no stop to cancel')) return 'not done: no stop to cancel';
  return message.includes(': 400') ? 'not done: refused by the venue' : 'not done: venue away';
}
