/** One port for each account alias, all behind one door to the venue: the IP address is shared by the whole process. */
import { createBybitPort, type BybitPortOptions } from './bybit-port.ts';
import { createGate, type Gate } from './gate.ts';
import type { VenuePort } from './port.ts';

export interface Ports {
  readonly aliases: readonly string[];
  /** Throws `Error` for an alias that is not configured; the message lists those that are. */
  get(account: string): VenuePort;
  close(): void;
}

/** Throws `Error` naming every account that cannot work, and an alias that comes twice. */
export function createPorts(
  accounts: readonly Omit<BybitPortOptions, 'gate'>[],
  gate: Gate = createGate(),
): Ports {
  const ports = new Map<string, VenuePort>();
  const problems: string[] = [];
  for (const options of accounts) {
    if (ports.has(options.account)) problems.push(`account "${options.account}" is configured twice`);
    try {
      ports.set(options.account, createBybitPort({ ...options, gate }));
    } catch (error) {
      problems.push(
        `account "${options.account}": ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
  if (problems.length > 0) throw new Error(problems.join('\n'));
  const aliases = [...ports.keys()];
  return {
    aliases,
    get: (account) => {
      const port = ports.get(account);
      if (!port) throw new Error(`unknown account "${account}"; configured: ${aliases.join(', ') || 'none'}`);
      return port;
    },
    close: () => {
      for (const port of ports.values()) port.close();
    },
  };
}
