/** Complete, fresh reads of the positions over HTTP, or no read at all (I4, I8). */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { VenuePort } from '../../src/exchange/port.ts';
import { envelope, isSigned, refusal, type FakeVenue } from './fake-venue.ts';
import { positionRow, type Row } from './fixtures.ts';
import { failureOf, FRESH, list, LIST, startWorld, symbols, type World } from './port-world.ts';

let world: World;
let venue: FakeVenue;
let port: VenuePort;

beforeEach(async () => {
  world = await startWorld();
  ({ venue, port } = world);
});
afterEach(async () => {
  await world.close();
});

/** Serves USDT rows in pages of the given rows; USDC has none. */
function servePages(pages: readonly (readonly Row[])[]): void {
  venue.on(LIST, ({ query }) => {
    if (query.get('settleCoin') !== 'USDT') return list([]);
    const page = Number((query.get('cursor') ?? 'p0').slice(1));
    return list(pages[page] ?? [], page + 1 < pages.length ? `p${page + 1}` : '');
  });
}

describe('a snapshot', () => {
  test('asks both settle coins, 200 rows a page, and follows every cursor verbatim', async () => {
    servePages([symbols(200), symbols(200, 200), symbols(50, 400)]);
    const snapshot = await port.snapshot(FRESH);
    expect(snapshot.positions).toHaveLength(450);
    expect(snapshot.requests).toBe(4);
    expect(
      venue
        .seenAt(LIST)
        .map(({ rawQuery }) => rawQuery)
        .toSorted(),
    ).toEqual([
      'category=linear&settleCoin=USDC&limit=200',
      'category=linear&settleCoin=USDT&limit=200',
      'category=linear&settleCoin=USDT&limit=200&cursor=p1',
      'category=linear&settleCoin=USDT&limit=200&cursor=p2',
    ]);
    expect(venue.seenAt(LIST).every(isSigned)).toBe(true);
  });

  test('sends a percent-encoded cursor back as it came', async () => {
    venue.on(LIST, ({ query, rawQuery }) => {
      if (query.get('settleCoin') !== 'USDT') return list([]);
      return rawQuery.includes('cursor=') ? list(symbols(1, 1)) : list(symbols(1), 'a%3A2%2Cb');
    });
    expect((await port.snapshot(FRESH)).positions).toHaveLength(2);
    expect(venue.seenAt(LIST).at(-1)?.rawQuery).toContain('cursor=a%3A2%2Cb');
    expect(venue.seenAt(LIST).every(isSigned)).toBe(true);
  });

  test('counts a leg once that moved between pages', async () => {
    servePages([
      symbols(3),
      [positionRow({ symbol: 'S2USDT', stopLoss: '1', updatedTime: '1697673600999' })],
    ]);
    const { positions } = await port.snapshot(FRESH);
    expect(positions.filter(({ symbol }) => symbol === 'S2USDT')).toMatchObject([{ stopLoss: '1' }]);
  });

  test('of an account without positions is empty, and says how the account stands', async () => {
    const snapshot = await port.snapshot();
    expect(snapshot).toMatchObject({ positions: [], unreadable: [], requests: 2 });
    expect(snapshot.clockOffsetMs).not.toBeNull();
    expect((await port.accountInfo()).marginMode).toBe('REGULAR_MARGIN');
    expect((await port.snapshot(FRESH)).marginMode).toBe('REGULAR_MARGIN');
  });

  test('does not wait for the account info and does not fail with it', async () => {
    venue.on('/v5/account/info', () => ({ kind: 'silence' }));
    expect((await port.snapshot(FRESH)).marginMode).toBeNull();
    venue.on('/v5/account/info', () => refusal(10016, 'Server error.'));
    expect((await world.portOf().snapshot(FRESH)).marginMode).toBeNull();
  });

  test('names a row that it cannot read beside those that it can', async () => {
    servePages([[positionRow(), positionRow({ symbol: 'BADUSDT', markPrice: '' })]]);
    const snapshot = await port.snapshot(FRESH);
    expect(snapshot.positions).toHaveLength(1);
    expect(snapshot.unreadable).toMatchObject([{ symbol: 'BADUSDT', positionIdx: 0, size: '0.010' }]);
  });

  test.each([
    ['a row without a symbol', list([positionRow({ symbol: '' })])],
    ['a list that is null', envelope({ list: null, nextPageCursor: '' })],
    ['a result that is null', envelope(null)],
    ['a result without a list', envelope({})],
    ['a full page without a cursor', envelope({ list: symbols(200) })],
    ['no time', { kind: 'answer', body: '{"retCode":0,"result":{"list":[],"nextPageCursor":""}}' }],
    ['HTML', { kind: 'answer', body: '<html>' }],
    ['nothing', { kind: 'answer', body: '' }],
    ['silence', { kind: 'silence' }],
    ['half a body', { kind: 'reset-mid-body' }],
    ['a server error', { kind: 'answer', status: 502, body: '{}' }],
  ] as const)('fails as a whole when the last page of one coin is broken: %s', async (_what, broken) => {
    venue.on(LIST, ({ query }) => {
      if (query.get('settleCoin') === 'USDC') return list(symbols(2));
      return query.has('cursor') ? broken : list(symbols(200), 'next');
    });
    expect((await failureOf(world.portFor(broken).snapshot(FRESH))).type).toBe('VenueUnavailable');
  });

  test('fails where the cursor goes in circles', async () => {
    venue.on(LIST, () => list(symbols(1), 'again'));
    expect((await failureOf(port.snapshot(FRESH))).message).toContain('cursor came a second time');
  });

  test("that is old by the venue's own clock is stale, whatever this machine's clock says", async () => {
    venue.skewMs = -120_000;
    expect((await port.snapshot(FRESH)).clockOffsetMs).toBeLessThan(-119_000);
    venue.on(LIST, () => list([], '', Date.now() + venue.skewMs - 61_000));
    expect(await failureOf(port.snapshot(FRESH))).toMatchObject({ type: 'VenueUnavailable', code: 'stale' });
    venue.on(LIST, () => list([], '', Date.now() + venue.skewMs - 50_000));
    expect((await port.snapshot(FRESH)).positions).toEqual([]);
  });

  test('begins after the call when it is fresh, and numbers rise in that order', async () => {
    const first = await port.snapshot();
    const shared = await port.snapshot();
    expect(shared.seq).toBe(first.seq);
    const before = Date.now();
    const proof = await port.snapshot(FRESH);
    expect(proof.seq).toBeGreaterThan(first.seq);
    expect(proof.startedAt).toBeGreaterThanOrEqual(before);
    expect((await port.snapshot()).seq).toBe(proof.seq);
  });

  test('is one read for a hundred guards that ask together', async () => {
    const all = await Promise.all(Array.from({ length: 100 }, () => port.snapshot()));
    expect(new Set(all.map(({ seq }) => seq)).size).toBe(1);
    expect(port.requestCounts()[LIST]).toBe(2);
  });
});

describe('a read of one symbol', () => {
  test('shows both legs, the empty one as flat', async () => {
    venue.on(LIST, () =>
      list([
        positionRow({ positionIdx: 2, side: 'Sell' }),
        { symbol: 'BTCUSDT', positionIdx: 1, side: '', size: '0', markPrice: '', avgPrice: '0' },
      ]),
    );
    const read = await port.readSymbol('BTCUSDT');
    expect(read.positions).toMatchObject([{ positionIdx: 2 }]);
    expect(read.flat).toEqual([{ symbol: 'BTCUSDT', positionIdx: 1 }]);
    expect(venue.seenAt(LIST).at(-1)?.rawQuery).toBe('category=linear&symbol=BTCUSDT&limit=200');
  });

  test.each([[[]], [[positionRow({ symbol: 'ETHUSDT', size: '0' })]]])(
    'without a row of that symbol is unreadable, not flat',
    async (rows) => {
      venue.on(LIST, () => list(rows));
      const read = await port.readSymbol('BTCUSDT');
      expect(read).toMatchObject({
        positions: [],
        flat: [],
        unreadable: [{ symbol: 'BTCUSDT', positionIdx: null }],
      });
    },
  );
});
