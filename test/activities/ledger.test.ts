/** Reading balance and margins for the ledger: what it returns, what it logs, and how it fails. */
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import type { EventLog } from '../../src/activities/deps.ts';
import { createLedgerActivities } from '../../src/activities/ledger.ts';
import type { LedgerReading } from '../../src/domain/ledger-sync.ts';
import { FakeVenue } from '../support/fake-port.ts';
import { KEY_REJECTED, UNAVAILABLE } from '../support/fake-venue-records.ts';
import { T0 } from '../support/ledger-book.ts';

interface Line {
  readonly level: string;
  readonly event: string;
  readonly fields: object;
}

let venue: FakeVenue;
let lines: Line[];

beforeEach(() => {
  venue = new FakeVenue({ account: 'main', now: () => T0 });
  lines = [];
});

function read() {
  const note = (level: string) => (fields: object, event: string) => {
    lines.push({ level, event, fields });
  };
  const log: EventLog = {
    debug: note('debug'),
    info: note('info'),
    warn: note('warn'),
    error: note('error'),
  };
  const activities = createLedgerActivities({ port: () => venue.port, log });
  const readNow = (): Promise<LedgerReading> => activities.readLedgerBalance({ account: 'main' });
  return new MockActivityEnvironment().run<[], LedgerReading, typeof readNow>(readNow);
}

async function failed(): Promise<ApplicationFailure> {
  const error: unknown = await read().catch((thrown: unknown) => thrown);
  if (!(error instanceof ApplicationFailure)) throw new Error(`no ApplicationFailure: ${String(error)}`);
  return error;
}

describe('a balance that can be read', () => {
  it('comes with its source and the margin of every position, and is logged', async () => {
    venue.open({ symbol: 'BTCUSDT', positionIM: '10' });
    venue.open({ symbol: 'ETHUSDT', positionIdx: 2, side: 'short', positionIM: '5', openTime: 7 });
    const reading = await read();
    expect(reading).toMatchObject({
      total: '1000',
      fallback: false,
      source: 'info.result.list[0].totalWalletBalance',
      marginMode: 'REGULAR_MARGIN',
      positionsProblem: null,
    });
    expect(reading.positions).toEqual([
      { symbol: 'BTCUSDT', positionIdx: 0, margin: '10', openTime: T0 },
      { symbol: 'ETHUSDT', positionIdx: 2, margin: '5', openTime: 7 },
    ]);
    expect(lines).toEqual([
      {
        level: 'info',
        event: 'balance.read',
        fields: { account: 'main', source: 'info.result.list[0].totalWalletBalance', total: '1000' },
      },
    ]);
  });

  it('from a fallback source is warned of', async () => {
    venue.wallet = { result: { list: [{ totalWalletBalance: '', totalEquity: '12' }] } };
    expect(await read()).toMatchObject({
      total: '12',
      source: 'info.result.list[0].totalEquity',
      fallback: true,
    });
    expect(lines.map(({ level, event }) => `${level} ${event}`)).toEqual([
      'info balance.read',
      'warn balance.fallback',
    ]);
  });

  it('stands when the positions cannot be read, and says why they are missing', async () => {
    venue.fault({ call: 'snapshot', kind: 'fail', failure: UNAVAILABLE });
    expect(await read()).toMatchObject({
      total: '1000',
      positions: null,
      positionsProblem: 'the venue does not answer',
    });
  });

  it('counts a row that cannot be trusted as a position without a margin figure', async () => {
    const leg = venue.open({ symbol: 'BTCUSDT' });
    venue.breakRow(leg, 'markPrice is empty');
    expect((await read()).positions).toEqual([
      { symbol: 'BTCUSDT', positionIdx: 0, margin: null, openTime: null },
    ]);
  });
});

describe('a balance that cannot be read', () => {
  it('is worth another attempt when no source has one', async () => {
    venue.wallet = { result: { list: [] } };
    const error = await failed();
    expect(error).toMatchObject({ type: 'VenueUnavailable', nonRetryable: false });
    expect(error.message).toContain('balance not available');
    expect(error.details).toEqual([
      { failure: expect.objectContaining({ code: 'balance-not-available' }) as unknown, written: [] },
    ]);
  });

  it('is not tried again with a key that was rejected', async () => {
    venue.fault({ call: 'wallet', kind: 'fail', failure: KEY_REJECTED });
    expect(await failed()).toMatchObject({
      type: 'VenueAuth',
      nonRetryable: true,
      message: 'API key has expired',
    });
  });
});
