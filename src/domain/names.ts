/** Names that operators type and other programs rely on (DESIGN §5): workflow ids, task queues, search attributes. */
import type { Leg } from './position.ts';

export const TASK_QUEUE = 'stopkeeper';
/** Work that waits for workflows, webhooks or people; it never shares slots with protective writes. */
export const AUX_TASK_QUEUE = 'stopkeeper-aux';

/** `guard:main:BTCUSDT`, in hedge mode `guard:main:BTCUSDT:long` or `:short`. */
export function guardId(account: string, leg: Leg): string {
  const suffix = leg.positionIdx === 0 ? '' : leg.positionIdx === 1 ? ':long' : ':short';
  return `guard:${account}:${leg.symbol}${suffix}`;
}

export function watchId(account: string): string {
  return `watch:${account}`;
}

export function ledgerId(account: string): string {
  return `ledger:${account}`;
}

/** Account aliases: lower-case letters, digits and dashes, 1 to 32 characters, starting with a letter. */
export const ACCOUNT_ALIAS = /^[a-z][a-z0-9-]{0,31}$/;

/** Search attributes and their types as the server knows them. */
export const SEARCH_ATTRIBUTES = {
  ProtectionState: 'KEYWORD',
  SessionStatus: 'KEYWORD',
  StopkeeperAccount: 'KEYWORD',
  PositionSymbol: 'KEYWORD',
  PositionSide: 'KEYWORD',
  TrailingActive: 'BOOL',
  UnprotectedSince: 'DATETIME',
} as const;
