/** Keys that the venue rejects prevent a start: with them nothing could be read, let alone protected. */
import { accountVariables, type AccountConfig } from '../config-accounts.ts';
import type { Environment } from '../config-environment.ts';
import type { Problem } from '../config-error.ts';
import { VenueError } from '../exchange/port.ts';
import { StartError } from './start-error.ts';
import { withVenuePort } from './venue-port.ts';

/**
 * Asks the venue about each account's key. Throws `StartError` when it rejects the keys of all accounts; where one works, the others'
 * trouble is their session's to report, so that one revoked key does not leave the rest unguarded. A venue that cannot be reached is the
 * session's to report, too.
 */
export async function checkKeys(accounts: readonly AccountConfig[], venueEnv: Environment): Promise<void> {
  const problems = await Promise.all(accounts.map((account) => rejection(account, venueEnv)));
  const rejected = problems.filter((problem) => problem !== null);
  if (rejected.length === accounts.length) throw new StartError(rejected);
}

async function rejection(account: AccountConfig, venueEnv: Environment): Promise<Problem | null> {
  const names = accountVariables(account.alias);
  try {
    await withVenuePort(account, account.venueUrl ?? venueEnv[names.venueUrl] ?? null, (port) =>
      port.keyInfo(),
    );
    return null;
  } catch (error) {
    if (!(error instanceof VenueError) || error.info.type !== 'VenueAuth') return null;
    return {
      setting: `${names.key}, ${names.secret}`,
      message: `${account.venue} rejects the key of account ${account.alias}: ${error.info.message}`,
      hint: error.info.hint,
    };
  }
}
