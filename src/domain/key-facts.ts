/** What the venue's description of a key means for a guard (docs/bybit.md §7, `user/query-api`). */
import type { KeyFacts } from './report-criteria.ts';

export interface DescribedKey {
  readonly readOnly: boolean;
  readonly permissions: Readonly<Record<string, readonly string[]>>;
  readonly ips: readonly string[];
  /** ISO 8601; `null` when the key does not expire. */
  readonly expiresAt: string | null;
}

const DAY_MS = 86_400_000;

/** `now` in ms. Either of two permissions lets a key write stops; unbound keys show no address or `*`. */
export function keyFacts(key: DescribedKey, now: number): KeyFacts {
  const has = (group: string, permission: string): boolean =>
    key.permissions[group]?.includes(permission) ?? false;
  return {
    readOnly: key.readOnly,
    hasPositionPermission: has('ContractTrade', 'Position') || has('Derivatives', 'DerivativesTrade'),
    mayWithdraw: has('Wallet', 'Withdraw'),
    ipBound: key.ips.length > 0 && !key.ips.includes('*'),
    expiresInDays: key.expiresAt === null ? null : Math.floor((Date.parse(key.expiresAt) - now) / DAY_MS),
  };
}
