/** Rows of the position list: every spelling of "none", every missing field, and never a broken row as flat (I4, I8). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isPositive } from '../../src/domain/decimal.ts';
import { parsePositionRow, reconcilePositions } from '../../src/exchange/parse-positions.ts';
import { fixture, positionRow, without, type Row } from './fixtures.ts';

function open(override: Row) {
  const row = parsePositionRow(positionRow(override));
  if (row.kind !== 'open') throw new Error(`expected an open position, got ${JSON.stringify(row)}`);
  return row.position;
}

function unreadable(row: Row) {
  const parsed = parsePositionRow(row);
  if (parsed.kind !== 'unreadable')
    throw new Error(`expected an unreadable row, got ${JSON.stringify(parsed)}`);
  return parsed.row;
}

describe('an open row', () => {
  test('is read into the words of the product', () => {
    expect(open({ stopLoss: '40000.50', takeProfit: '50000', trailingStop: '250' })).toEqual({
      symbol: 'BTCUSDT',
      positionIdx: 0,
      side: 'long',
      size: '0.010',
      entryPrice: '43462.5',
      markPrice: '44000.00',
      leverage: '10',
      liqPrice: '39300.1',
      stopLoss: '40000.50',
      takeProfit: '50000',
      nativeTrailing: '250',
      status: 'Normal',
      unrealisedPnl: '5.375',
      positionIM: '44.26',
      openTime: 1697673500000,
      updatedTime: 1697673600012,
    });
  });

  test.each(['', '0', '0.00', '0.0000', '0.', '-0'])('reads stop %j as none', (none) => {
    expect(open({ stopLoss: none }).stopLoss).toBeNull();
  });

  test.each(['', '0', '0.00', undefined, null, 'x'])(
    'reads trailing stop and take profit %j as none',
    (none) => {
      const position = open({ trailingStop: none, takeProfit: none });
      expect([position.nativeTrailing, position.takeProfit]).toEqual([null, null]);
    },
  );

  test.each(['', '0', '0.00', undefined])('reads liquidation price %j as none in range', (none) => {
    expect(open({ liqPrice: none }).liqPrice).toBeNull();
  });

  test.each(['', '0', undefined, 'x'])('reads leverage %j as unknown', (value) => {
    expect(open({ leverage: value }).leverage).toBeNull();
  });

  test.each([0, '0', '', undefined, null, -1])('reads open time %j as not told', (value) => {
    expect(open({ openTime: value }).openTime).toBeNull();
  });

  test.each([
    [0, 'Buy', 'long'],
    [0, 'Sell', 'short'],
    [1, 'Buy', 'long'],
    ['1', 'Buy', 'long'],
    [2, 'Sell', 'short'],
    ['2', 'Sell', 'short'],
  ])('with positionIdx %j and side %s is a %s', (positionIdx, side, expected) => {
    expect(open({ positionIdx, side })).toMatchObject({ positionIdx: Number(positionIdx), side: expected });
  });

  test.each([
    ['Liq', 'Liq'],
    ['Adl', 'Adl'],
    ['Normal', 'Normal'],
    ['', 'Normal'],
    [undefined, 'Normal'],
    ['Settling', 'Normal'],
  ])('with status %j has status %s', (positionStatus, expected) => {
    expect(open({ positionStatus }).status).toBe(expected);
  });

  test('ignores fields that it does not know', () => {
    expect(open({ somethingNew: { deep: [1] } })).toEqual(open({}));
  });

  test.each([
    'takeProfit',
    'trailingStop',
    'leverage',
    'positionIM',
    'unrealisedPnl',
    'openTime',
    'updatedTime',
    'positionStatus',
    'liqPrice',
  ])('is readable without %s', (field) => {
    expect(parsePositionRow(without(positionRow(), field)).kind).toBe('open');
  });
});

describe('a row that cannot be trusted', () => {
  test.each(['positionIdx', 'side', 'size', 'avgPrice', 'markPrice', 'stopLoss'])(
    'without %s is unreadable and says so',
    (field) => {
      expect(unreadable(without(positionRow(), field))).toMatchObject({
        symbol: 'BTCUSDT',
        reason: expect.stringContaining(field),
      });
    },
  );

  test.each(['', '0', '0.00', '-1', 'NaN', 'Infinity', '1e999', ' 1', '1,5', 44000, null, {}, '0x10'])(
    'with mark price %j is unreadable',
    (markPrice) => {
      expect(unreadable(positionRow({ markPrice })).reason).toContain('markPrice');
    },
  );

  test.each(['-5', 'abc', 40000, null])('with stop %j is unreadable, not without a stop', (stopLoss) => {
    expect(unreadable(positionRow({ stopLoss })).reason).toContain('stopLoss');
  });

  test.each(['', '-0.5', 'x', 1, null])('with size %j is unreadable, not flat', (size) => {
    expect(unreadable(positionRow({ size })).reason).toContain('size');
  });

  test.each(['', 'None', 'buy'])('with size and side %j is unreadable', (side) => {
    expect(unreadable(positionRow({ side })).reason).toContain('side');
  });

  test('whose side contradicts its leg is unreadable', () => {
    expect(unreadable(positionRow({ positionIdx: 1, side: 'Sell' })).reason).toContain('contradicts');
    expect(unreadable(positionRow({ positionIdx: 2, side: 'Buy' })).reason).toContain('contradicts');
  });

  test('keeps its leg and size where they can be read', () => {
    expect(unreadable(positionRow({ markPrice: '', positionIdx: 2, side: 'Sell' }))).toMatchObject({
      positionIdx: 2,
      size: '0.010',
    });
    expect(unreadable(positionRow({ positionIdx: 7 }))).toMatchObject({ positionIdx: null });
  });

  test('names every problem at once', () => {
    const { reason } = unreadable(positionRow({ markPrice: '', avgPrice: '-1' }));
    expect(reason).toContain('markPrice');
    expect(reason).toContain('avgPrice');
  });

  test.each([null, 'text', 7, [], {}, { symbol: '' }, { size: '0' }])(
    '%j has no name and so breaks the list',
    (row) => {
      expect(parsePositionRow(row).kind).toBe('nameless');
      expect(reconcilePositions([positionRow(), row]).broken).toContain('row 1');
    },
  );
});

describe('a row of size 0', () => {
  test.each(['0', '0.000', '0.'])('%j is flat or unreadable, never open', (size) => {
    expect(parsePositionRow(positionRow({ size })).kind).not.toBe('open');
  });

  test('carries no prices and needs none', () => {
    const row = { symbol: 'BTCUSDT', positionIdx: 1, size: '0', side: '' };
    expect(parsePositionRow(row)).toMatchObject({ kind: 'flat', leg: { symbol: 'BTCUSDT', positionIdx: 1 } });
  });

  test('without a leg is unreadable', () => {
    expect(parsePositionRow({ symbol: 'BTCUSDT', size: '0' }).kind).toBe('unreadable');
  });
});

describe('recorded shapes', () => {
  test('a hedge symbol has its empty leg as a second row', () => {
    const rows = reconcilePositions(fixture('position-hedge-empty-leg-second').result.list);
    expect(rows.positions).toMatchObject([
      { positionIdx: 2, side: 'short', stopLoss: null, takeProfit: null, nativeTrailing: null },
    ]);
    expect(rows.flat).toEqual([{ symbol: 'BTCUSDT', positionIdx: 1 }]);
    expect(rows.unreadable).toEqual([]);
  });

  test('portfolio margin shows neither leverage nor margin', () => {
    const rows = reconcilePositions(fixture('position-portfolio-margin').result.list);
    expect(rows.positions).toMatchObject([
      {
        symbol: 'ETHPERP',
        leverage: null,
        positionIM: null,
        liqPrice: null,
        stopLoss: '1500.50',
        nativeTrailing: '25.5',
      },
    ]);
  });

  test('quoted numbers are numbers all the same', () => {
    const rows = reconcilePositions(fixture('position-quoted-numbers').result.list);
    expect(rows.positions).toMatchObject([{ positionIdx: 1, openTime: 1697673500000 }]);
  });

  test("the documentation's own example is readable", () => {
    const rows = reconcilePositions(fixture('position-list').result.list);
    expect(rows.positions).toMatchObject([
      { symbol: 'BTCUSD', side: 'short', stopLoss: null, liqPrice: null, openTime: null },
    ]);
  });
});

describe('a leg that came twice because it moved between pages', () => {
  test('counts once, as it was read last', () => {
    const rows = reconcilePositions([
      positionRow({ stopLoss: '', updatedTime: '1697673600012' }),
      positionRow({ stopLoss: '40000', updatedTime: '1697673600099' }),
    ]);
    expect(rows.positions).toMatchObject([{ stopLoss: '40000' }]);
  });

  test("counts as the venue's own times say where they contradict the order of reading", () => {
    const rows = reconcilePositions([
      positionRow({ size: '2', updatedTime: '1697673600099' }),
      positionRow({ size: '1', updatedTime: '1697673600012' }),
    ]);
    expect(rows.positions).toMatchObject([{ size: '2' }]);
  });

  test('that closed meanwhile is flat', () => {
    const rows = reconcilePositions([
      positionRow(),
      positionRow({ size: '0', side: '', updatedTime: '1697673600099' }),
    ]);
    expect(rows).toMatchObject({ positions: [], flat: [{ symbol: 'BTCUSDT', positionIdx: 0 }] });
  });

  test('both legs of a hedge symbol stay two', () => {
    const rows = reconcilePositions([
      positionRow({ positionIdx: 1 }),
      positionRow({ positionIdx: 2, side: 'Sell' }),
    ]);
    expect(rows.positions).toHaveLength(2);
  });
});

describe('whatever the venue sends', () => {
  const junk = fc.oneof(
    fc.anything({ withBigInt: true }),
    fc.constantFrom('', '0', '0.00', '-1', 'NaN', null, undefined),
  );
  const fields = [
    'symbol',
    'positionIdx',
    'side',
    'size',
    'avgPrice',
    'markPrice',
    'stopLoss',
    'liqPrice',
    'openTime',
    'updatedTime',
  ];

  test('parsing never throws', () => {
    fc.assert(
      fc.property(fc.array(fc.anything({ withBigInt: true })), (rows) => {
        expect(reconcilePositions(rows).positions.length).toBeLessThanOrEqual(rows.length);
      }),
    );
  });

  test('a broken row with size is open with sound figures or named, never flat and never dropped', () => {
    fc.assert(
      fc.property(fc.constantFrom(...fields), junk, (field, value) => {
        const row = positionRow({ [field]: value });
        const rows = reconcilePositions([row]);
        const named = rows.positions.length + rows.unreadable.length + (rows.broken === null ? 0 : 1);
        const saysZero =
          field === 'size' && typeof value === 'string' && /^0+(\.0*)?(e[+-]?\d+)?$/i.test(value);
        expect(named).toBe(saysZero ? 0 : 1);
        for (const position of rows.positions) {
          expect(
            isPositive(position.size) && isPositive(position.markPrice) && isPositive(position.entryPrice),
          ).toBe(true);
          expect(position.stopLoss === null || isPositive(position.stopLoss)).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
