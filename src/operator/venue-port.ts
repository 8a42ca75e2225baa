/** A look at an account's venue from an operator's program: the worker's own port, without its log. */
import type { AccountConfig } from '../config-accounts.ts';
import type { VenuePort } from '../exchange/port.ts';

/** Calls `look` with the account's port and closes it. `venueUrl` is where a paper exchange was found; `null`: the venue's own address. */
export async function withVenuePort<T>(
  account: AccountConfig,
  venueUrl: string | null,
  look: (port: VenuePort) => Promise<T>,
): Promise<T> {
  // The venue's client is large: only who needs it pays for loading it.
  const [{ createPorts }, { createLogger }] = await Promise.all([
    import('../exchange/ports.ts'),
    import('../logging.ts'),
  ]);
  const { alias, venue, apiKey, apiSecret } = account;
  const ports = createPorts([
    {
      account: alias,
      venue,
      apiKey: apiKey.reveal(),
      apiSecret: apiSecret.reveal(),
      ...(venueUrl === null ? {} : { baseUrl: venueUrl }),
      logger: createLogger({ level: 'silent', secrets: [apiKey, apiSecret] }),
    },
  ]);
  try {
    return await look(ports.get(alias));
  } finally {
    ports.close();
  }
}
