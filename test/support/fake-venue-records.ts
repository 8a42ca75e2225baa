/** What a fake venue keeps and answers: requests, closings and failures in the venue's words. */
import type { FailureInfo, VenueFailureType } from '../../src/domain/failure.ts';
import type { Leg, OpenPosition } from '../../src/domain/position.ts';
import type { ClosedPnl, Execution, VenuePort } from '../../src/exchange/port.ts';

export type Call = Exclude<
  keyof VenuePort,
  'account' | 'venue' | 'requestCounts' | 'refreshInstruments' | 'close'
>;

/** One request as the venue saw it, ms of the venue's clock. */
export interface Request {
  readonly at: number;
  readonly call: Call;
  readonly symbol: string | null;
  readonly stopLoss: string | null;
}

/** Every value that a leg's stop ever had, and who set it. */
export interface StopChange extends Leg {
  readonly at: number;
  readonly stop: string | null;
  readonly by: 'stopkeeper' | 'human' | 'venue';
}

export type Fault =
  /** The request is not executed and the call throws. */
  | { readonly kind: 'fail'; readonly failure: FailureInfo }
  | { readonly kind: 'refuse'; readonly failure: FailureInfo }
  | { readonly kind: 'apply-then-timeout' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'ok-without-effect' }
  | { readonly kind: 'unchanged-without-effect' }
  /** Something happens between the sender's look at the account and the arrival of the request. */
  | { readonly kind: 'meanwhile'; readonly act: () => void }
  /** The write waited for its turn until its read was too old; `act` is what happened while it waited. */
  | { readonly kind: 'turn-passed'; readonly act: () => void }
  | { readonly kind: 'wait'; readonly until: Promise<void> };

export type ScriptedFault = Fault & {
  readonly call: Call;
  readonly symbol?: string;
  /** Calls that pass before the fault strikes. */
  readonly skip?: number;
  readonly times?: number | 'always';
};

export function failure(type: VenueFailureType, override: Partial<FailureInfo> = {}): FailureInfo {
  return { type, code: null, message: `scripted ${type}`, hint: 'scripted', ...override };
}

export const UNAVAILABLE = failure('VenueUnavailable', { message: 'the venue does not answer' });
export const REFUSED = failure('VenueRefused', {
  code: '10001',
  message: 'the venue refuses this stop',
  reason: 'other',
});
export const KEY_REJECTED = failure('VenueAuth', { code: '33004', message: 'API key has expired' });

export function closing(
  position: OpenPosition,
  price: string,
  createType: 'CreateByStopLoss' | 'CreateByUser' | 'CreateByClosing',
  at: number,
  orderLinkId = '',
): { readonly execution: Execution; readonly pnl: ClosedPnl } {
  const side = position.side === 'long' ? 'Sell' : 'Buy';
  const orderId = `order-${at}-${position.symbol}-${position.positionIdx}`;
  const gain = (Number(price) - Number(position.entryPrice)) * (position.side === 'long' ? 1 : -1);
  return {
    execution: {
      symbol: position.symbol,
      side,
      orderId,
      orderLinkId,
      execId: `exec-${orderId}`,
      price,
      qty: position.size,
      fee: '0',
      execType: 'Trade',
      createType,
      stopOrderType: createType === 'CreateByStopLoss' ? 'StopLoss' : 'UNKNOWN',
      closedSize: position.size,
      at,
    },
    pnl: {
      symbol: position.symbol,
      orderId,
      side,
      closedSize: position.size,
      avgEntryPrice: position.entryPrice,
      avgExitPrice: price,
      pnl: (gain * Number(position.size)).toFixed(4),
      execType: 'Trade',
      createdAt: at,
      updatedAt: at,
    },
  };
}
