/** Funding: at each boundary of a contract's interval longs pay shorts (or the reverse), which moves `updatedTime` and the wallet. */
import { amount, minus, text } from './decimals.ts';
import { signOf } from './margin.ts';
import { pay } from './trades.ts';
import type { Venue } from './venue.ts';

const minuteMs = 60_000;

/** The next funding of a symbol strictly after a venue time, ms. */
export function nextFundingMs(venue: Venue, symbol: string, timeMs: number): number {
  const intervalMs = venue.contract(symbol).fundingInterval * minuteMs;
  return (Math.floor(timeMs / intervalMs) + 1) * intervalMs;
}

/** Settles funding of one symbol's positions now. */
export function settleFunding(venue: Venue, symbol: string): void {
  const { fundingRate } = venue.contract(symbol);
  const price = venue.price(symbol);
  for (const leg of venue.legsOf(symbol)) {
    if (leg.side === '') continue;
    const value = amount(leg.size).times(price.mark);
    const fee = text(value.times(fundingRate).times(signOf(leg)));
    const seq = venue.nextSeq();
    pay(venue, symbol, minus('0', fee));
    venue.setLeg({
      ...leg,
      curRealisedPnl: minus(leg.curRealisedPnl, fee),
      cumRealisedPnl: minus(leg.cumRealisedPnl, fee),
      updatedTime: venue.timeMs,
      seq,
    });
    const execId = venue.nextExecId();
    venue.store.executions.set(execId, {
      execId,
      orderId: `${execId.slice(0, 8)}-funding`,
      orderLinkId: '',
      symbol,
      positionIdx: leg.positionIdx,
      side: leg.side,
      execPrice: price.mark,
      execQty: leg.size,
      execValue: text(value),
      execFee: fee,
      feeRate: fundingRate,
      feeCurrency: '',
      execType: 'Funding',
      execTime: venue.timeMs,
      isMaker: false,
      orderPrice: '0',
      orderQty: '0',
      leavesQty: '0',
      orderType: 'UNKNOWN',
      stopOrderType: '',
      createType: '',
      closedSize: '0',
      markPrice: price.mark,
      indexPrice: price.index,
      seq,
    });
  }
}
