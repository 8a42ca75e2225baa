/** Balance shape, account and key from the venue's answers. Pure. */
import { dec, isDecimalString, plain, zero, type Dec } from '../domain/decimal.ts';
import type { AccountInfo, BalanceShape, KeyInfo } from './port.ts';
import { isRecord } from './reply.ts';
import { accountInfoResult, keyInfoResult, problemsOf } from './schemas.ts';
import { unavailable, type Answer } from './verdict.ts';

/** Margin that a coin's free balance does not include; `""` (portfolio margin) counts as none. */
const IN_USE = ['totalPositionIM', 'totalOrderIM', 'locked'] as const;

/**
 * ccxt's balance shape with decimal strings: `info` = the raw answer, `USDT.total` = the coin's walletBalance, `USDT.free` =
 * walletBalance − totalPositionIM − totalOrderIM − locked. What is missing in the answer is missing here; the balance
 * chain of DESIGN §6 names it.
 */
export function balanceShape({ retCode, retMsg, result, time }: Answer): BalanceShape {
  const coins: Record<string, unknown> = {};
  for (const row of coinRows(result)) {
    const coin = row['coin'];
    const total = row['walletBalance'];
    if (typeof coin !== 'string' || coin === '' || coin === 'info' || !isDecimalString(total)) continue;
    const used = IN_USE.map((field) => amount(row[field])).reduce((sum, each) => sum.plus(each), zero());
    coins[coin] = { total: plain(total), free: plain(dec(total).minus(used)), used: plain(used) };
  }
  return { ...coins, info: { retCode, retMsg, result, time } };
}

function coinRows(result: unknown): readonly Record<string, unknown>[] {
  const list = isRecord(result) ? result['list'] : undefined;
  const account: unknown = Array.isArray(list) ? list[0] : undefined;
  const coins = isRecord(account) ? account['coin'] : undefined;
  return Array.isArray(coins) ? coins.filter(isRecord) : [];
}

function amount(value: unknown): Dec {
  return isDecimalString(value) ? dec(value) : zero();
}

/** Throws `VenueUnavailable` naming what cannot be read. */
export function parseAccountInfo(result: unknown): AccountInfo {
  const read = accountInfoResult.safeParse(result);
  if (!read.success) throw unavailable(`account info cannot be read: ${problemsOf(read.error)}`);
  return read.data;
}

/** Throws `VenueUnavailable` naming what cannot be read. */
export function parseKeyInfo(result: unknown): KeyInfo {
  const read = keyInfoResult.safeParse(result);
  if (!read.success) throw unavailable(`API key info cannot be read: ${problemsOf(read.error)}`);
  const { readOnly, permissions, ips, expiredAt, uta, unified } = read.data;
  return {
    readOnly: readOnly !== 0,
    permissions: Object.fromEntries(
      Object.entries(permissions ?? {}).map(([name, each]) => [name, each ?? []]),
    ),
    ips: ips ?? [],
    expiresAt: expiryOf(expiredAt),
    unified: uta === 1 || unified === 1,
  };
}

/** Keys with bound IP addresses do not expire: the venue shows 1970 for them. */
function expiryOf(expiredAt: string | null): string | null {
  const ms = expiredAt === null ? Number.NaN : Date.parse(expiredAt);
  return Number.isFinite(ms) && ms > 0 ? new Date(ms).toISOString() : null;
}
