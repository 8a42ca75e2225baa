/** A port against a fake venue over HTTP, as the tests of the port set it up. */
import { expect } from 'vitest';
import { createBybitPort, type BybitPortOptions } from '../../src/exchange/bybit-port.ts';
import { VenueError, type VenuePort } from '../../src/exchange/port.ts';
import { envelope, KEY, SECRET, startFakeVenue, type FakeVenue, type Misbehaviour } from './fake-venue.ts';
import { positionRow, type Row } from './fixtures.ts';

export const LIST = '/v5/position/list';
export const STOP_PATH = '/v5/position/trading-stop';
export const FRESH = { fresh: true } as const;
/** For answers that never come; everything else gets the usual time, however busy the machine is. */
export const IMPATIENT = { deadlines: { readMs: 400, writeMs: 400 } } as const;

export interface World {
  readonly venue: FakeVenue;
  readonly port: VenuePort;
  /** Another port on the same venue. */
  portOf(override?: Partial<BybitPortOptions>): VenuePort;
  /** The port, or an impatient one where this misbehaviour never ends. */
  portFor(misbehaviour: Misbehaviour): VenuePort;
  close(): Promise<void>;
}

export async function startWorld(): Promise<World> {
  const venue = await startFakeVenue();
  const ports: VenuePort[] = [];
  const portOf = (override: Partial<BybitPortOptions> = {}): VenuePort => {
    const keys = { apiKey: KEY, apiSecret: SECRET };
    const made = createBybitPort({
      account: 'main',
      venue: 'paper',
      baseUrl: venue.url,
      ...keys,
      ...override,
    });
    ports.push(made);
    return made;
  };
  const port = portOf();
  return {
    venue,
    port,
    portOf,
    portFor: ({ kind }) => (kind === 'silence' || kind === 'stalled-body' ? portOf(IMPATIENT) : port),
    close: async () => {
      for (const each of ports) each.close();
      await venue.close();
    },
  };
}

/** A page of a list. */
export function list(rows: readonly unknown[], nextPageCursor = '', time = Date.now()): Misbehaviour {
  return envelope({ list: rows, nextPageCursor, category: 'linear' }, { time });
}

/** Open longs on S0USDT, S1USDT ... */
export function symbols(count: number, from = 0): Row[] {
  return Array.from({ length: count }, (_, i) => positionRow({ symbol: `S${from + i}USDT` }));
}

/** The failure of work that must fail with a `VenueError`. */
export async function failureOf(work: Promise<unknown>): Promise<VenueError['info']> {
  const error = await work.then(
    (value) => new Error(`expected a failure, got ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(VenueError);
  if (!(error instanceof VenueError)) throw error;
  return error.info;
}
