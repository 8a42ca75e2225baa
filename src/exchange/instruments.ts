/** The instruments of the venue: read as one list, kept an hour, symbols that it lacks asked for one by one (DESIGN §3). */
import type { PortLogger } from './logger.ts';
import { readAllPages } from './paging.ts';
import { parseInstruments } from './parse-market.ts';
import { VenueError, type Instrument } from './port.ts';
import type { TimeSource } from './time-source.ts';
import type { VenueCalls } from './venue-calls.ts';
import { unavailable } from './verdict.ts';

export interface InstrumentCache {
  /** Throws `VenueRefused` for a symbol that the venue does not have, `VenueUnavailable` where it could not be asked. */
  get(symbol: string): Promise<Instrument>;
  /** What is known without asking. */
  peek(symbol: string): Instrument | null;
  refresh(): void;
  /** Reads the list where it is missing or old; never throws. */
  keepFresh(): Promise<void>;
}

const KEEP_MS = 3_600_000;
/** A symbol that was not found, and a list that could not be read, are asked for again after this, ms. */
const RETRY_MS = 60_000;
const PAGE = 1_000;
/** The plain query answers symbols that trade; a position may outlive that. */
const OTHER_STATUSES = ['PreLaunch', 'Delivering', 'Closed'] as const;

interface Known {
  readonly at: number;
  readonly bySymbol: ReadonlyMap<string, Instrument>;
  readonly unreadable: ReadonlyMap<string, string>;
}

export function createInstrumentCache(
  calls: VenueCalls,
  time: TimeSource,
  logger: PortLogger,
): InstrumentCache {
  const singles = new Map<string, { readonly at: number; readonly found: Instrument | null }>();
  const asking = new Map<string, Promise<Instrument>>();
  let known: Known | null = null;
  let loading: Promise<void> | null = null;
  let triedAt = Number.NEGATIVE_INFINITY;
  let wanted = false;

  async function load(): Promise<void> {
    triedAt = time.mono();
    const { rows } = await readAllPages(calls, 'instruments', { category: 'linear', limit: PAGE });
    const { bySymbol, unreadable } = parseInstruments(rows);
    // An empty list is no list: what is known stays.
    if (bySymbol.size === 0) throw unavailable('GET /v5/market/instruments-info: no instrument at all');
    known = { at: time.mono(), bySymbol, unreadable };
    singles.clear();
    wanted = false;
  }

  function loadShared(): Promise<void> {
    loading ??= load().finally(() => {
      loading = null;
    });
    return loading;
  }

  /** Waits only where nothing is known or a refusal asked for it; an hourly renewal never holds a write back. */
  async function keepFresh(): Promise<void> {
    if (known !== null && !wanted && time.mono() - known.at < KEEP_MS) return;
    if (loading === null && !wanted && time.mono() - triedAt < RETRY_MS) return;
    const renewal = loadShared().catch((error: unknown) => {
      logger.warn(
        { event: 'venue.instruments', problem: String(error) },
        'the instruments could not be read',
      );
    });
    if (known === null || wanted) await renewal;
  }

  async function askFor(symbol: string): Promise<Instrument> {
    const found = await findBySymbol(calls, symbol);
    singles.set(symbol, { at: time.mono(), found });
    if (found === null) throw unknownSymbol(symbol);
    return found;
  }

  return {
    get: async (symbol) => {
      await keepFresh();
      const listed = known?.bySymbol.get(symbol);
      if (listed) return listed;
      const problem = known?.unreadable.get(symbol);
      if (problem !== undefined) throw unavailable(`instrument ${symbol} cannot be read: ${problem}`);
      const single = singles.get(symbol);
      if (single && time.mono() - single.at < (single.found ? KEEP_MS : RETRY_MS)) {
        if (single.found) return single.found;
        throw unknownSymbol(symbol);
      }
      const underway = asking.get(symbol) ?? askFor(symbol).finally(() => asking.delete(symbol));
      asking.set(symbol, underway);
      return underway;
    },
    keepFresh,
    peek: (symbol) => known?.bySymbol.get(symbol) ?? singles.get(symbol)?.found ?? null,
    refresh: () => {
      wanted = true;
      singles.clear();
    },
  };
}

/** Asks by symbol, then by symbol and each status that the plain query leaves out; `null` where the venue has none. */
async function findBySymbol(calls: VenueCalls, symbol: string): Promise<Instrument | null> {
  for (const status of [null, ...OTHER_STATUSES]) {
    const params = { category: 'linear', symbol, ...(status && { status }), limit: PAGE };
    const { rows } = await readAllPages(calls, 'instruments', params);
    const { bySymbol, unreadable } = parseInstruments(rows);
    const problem = unreadable.get(symbol);
    if (problem !== undefined) throw unavailable(`instrument ${symbol} cannot be read: ${problem}`);
    const found = bySymbol.get(symbol);
    if (found !== undefined) return found;
  }
  return null;
}

function unknownSymbol(symbol: string): VenueError {
  return new VenueError({
    type: 'VenueRefused',
    code: null,
    message: `the venue has no linear instrument ${JSON.stringify(symbol)}`,
    hint: 'Check the symbol; if a position shows it, watch that position by hand.',
    reason: 'other',
  });
}
