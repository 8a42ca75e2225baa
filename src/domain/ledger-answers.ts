/** What the ledger answers, and the words of its refusals, rebuilt from the remembered figures. */
import type { CompactAnswer, CompactReason } from './ledger-memory.ts';

/** Why margin is not given: a limit, or a book that has nothing of that name. */
export type LimitName =
  | 'available'
  | 'maxAllocation'
  | 'balance'
  | 'balanceAge'
  | 'positions'
  | 'positionsAge'
  | 'maxPositions'
  | 'openEntries'
  | 'unknownId'
  | 'notOpen'
  | 'reservationSymbol';

export interface Reason {
  readonly limit: LimitName;
  readonly asked: string;
  readonly allowed: string;
  readonly message: string;
}

export interface Refused {
  readonly ok: false;
  readonly reasons: readonly Reason[];
}

export interface Allocated {
  readonly ok: true;
  readonly allocationId: string;
  readonly amount: string;
  readonly symbol: string;
}

export interface Reserved {
  readonly ok: true;
  readonly reservationId: string;
  readonly amount: string;
  readonly symbol: string;
  /** ISO 8601; `null` when it stays until released. */
  readonly expiresAt: string | null;
}

export interface Released {
  readonly ok: true;
  readonly id: string;
  /** USD given back. */
  readonly released: string;
}

export type AllocateAnswer = Allocated | Refused;
export type ReserveAnswer = Reserved | Refused;
export type ReleaseAnswer = Released | Refused;

export interface TradeAnswer {
  readonly ok: boolean;
  readonly symbol: string;
  /** As asked, USD. */
  readonly notional: string;
  /** Raised to the policy's minimum where it was smaller. */
  readonly adjustedNotional: string;
  /** `adjustedNotional / leverage`, rounded down to the cent. */
  readonly margin: string;
  readonly slotsLeft: number;
  readonly warnings: readonly string[];
  /** Every reason against it; empty when `ok`. */
  readonly reasons: readonly Reason[];
}

/** Open and closed positions of the session before. */
export interface Cleared {
  readonly open: number;
  readonly closed: number;
}

function refusal(reasons: readonly CompactReason[]): Refused {
  return { ok: false, reasons: reasons.map(reasonOf) };
}

function reasonOf([limit, asked, allowed]: CompactReason): Reason {
  return { limit, asked, allowed, message: words(limit, asked, allowed) };
}

export function allocateAnswer(answer: CompactAnswer): AllocateAnswer | null {
  if (answer[0] === 'refused') return refusal(answer[2]);
  if (answer[0] !== 'allocated') return null;
  return { ok: true, allocationId: answer[1], amount: answer[2], symbol: answer[3] };
}

export function reserveAnswer(answer: CompactAnswer): ReserveAnswer | null {
  if (answer[0] === 'refused') return refusal(answer[2]);
  if (answer[0] !== 'reserved') return null;
  const [, reservationId, amount, symbol, expiresAt] = answer;
  const lapses = expiresAt === null ? null : new Date(expiresAt).toISOString();
  return { ok: true, reservationId, amount, symbol, expiresAt: lapses };
}

export function releaseAnswer(answer: CompactAnswer): ReleaseAnswer | null {
  if (answer[0] === 'refused') return refusal(answer[2]);
  if (answer[0] !== 'released') return null;
  return { ok: true, id: answer[1], released: answer[2] };
}

export function tradeAnswer(answer: CompactAnswer): TradeAnswer | null {
  if (answer[0] !== 'trade') return null;
  const [, symbol, notional, adjustedNotional, margin, slotsLeft, reasons] = answer;
  const raised = `notional raised from ${notional} to ${adjustedNotional} USD, the smallest allowed`;
  return {
    ok: reasons.length === 0,
    symbol,
    notional,
    adjustedNotional,
    margin,
    slotsLeft,
    warnings: notional === adjustedNotional ? [] : [raised],
    reasons: reasons.map(reasonOf),
  };
}

export function sessionAnswer(answer: CompactAnswer): Cleared | null {
  return answer[0] === 'session' ? { open: answer[1], closed: answer[2] } : null;
}

function words(limit: LimitName, asked: string, allowed: string): string {
  switch (limit) {
    case 'available':
      return `${asked} USD asked, ${allowed} USD available`;
    case 'maxAllocation':
      return `${asked} USD asked, ${allowed} USD left under the share of the balance that may be in use`;
    case 'balance':
      return `${asked} USD asked, but no balance has been read yet; see the ledger's last sync, then ask with a new id`;
    case 'balanceAge':
      return `the last balance is ${asked} s old, nothing new is given after ${allowed} s; the ledger's last sync says why`;
    case 'positions':
      return `${asked} USD asked, but the positions' margin has not been read yet; see the ledger's last sync, then ask with a new id`;
    case 'positionsAge':
      return `the positions' margin was last read ${asked} s ago, nothing new is given after ${allowed} s`;
    case 'maxPositions':
      return `this would be position ${asked}, at most ${allowed} may be open`;
    case 'openEntries':
      return `the book holds ${asked} open entries and has no room for more; release what is no longer used`;
    case 'unknownId':
      return `${asked} was never given out by this ledger; ask with ${allowed}`;
    case 'notOpen':
      return `${asked} is no longer open: released, expired or turned into an allocation; ask with ${allowed}`;
    case 'reservationSymbol':
      return `the reservation is for ${allowed}, not for ${asked}`;
  }
}
