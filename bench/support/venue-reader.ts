/** The product's way to observe a leg, for baselines that only read: one account on the paper exchange, no log. */
import type { Reader } from '../../src/activities/observe.ts';
import { VolatilityCache } from '../../src/activities/volatility.ts';
import { loadConfig, resolvePolicy } from '../../src/config.ts';
import type { Environment } from '../../src/config-environment.ts';
import type { Policy } from '../../src/domain/policy.ts';
import { createBybitPort } from '../../src/exchange/bybit-port.ts';

export interface VenueReader {
  readonly reader: Reader;
  readonly account: string;
  readonly policy: Policy;
}

export function venueReader(env: Environment): VenueReader {
  const config = loadConfig(env);
  const [account] = config.accounts;
  if (account?.venueUrl == null) throw new Error('no paper exchange is configured');
  const port = createBybitPort({
    account: account.alias,
    venue: account.venue,
    baseUrl: account.venueUrl,
    apiKey: account.apiKey.reveal(),
    apiSecret: account.apiSecret.reveal(),
  });
  return {
    reader: { port, volatility: new VolatilityCache(Date.now), now: Date.now },
    account: account.alias,
    policy: resolvePolicy(config, account.alias, ''),
  };
}
