/** Properties over random hands, prices and stops: money is conserved up to fees, every change has its records, a reload loses nothing. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ManualClock } from '../../src/paper/clock.ts';
import { amount, text } from '../../src/paper/decimals.ts';
import { ControlError, lendHand } from '../../src/paper/hand.ts';
import { signOf } from '../../src/paper/margin.ts';
import { openFresh, openWithState } from '../../src/paper/opening.ts';
import { Refusal } from '../../src/paper/records.ts';
import { setUp } from '../../src/paper/setup.ts';
import { createOrder } from '../../src/paper/order-calls.ts';
import { tradingStop } from '../../src/paper/trading-stop.ts';
import type { Engine } from '../../src/paper/engine.ts';
import type { Dump } from '../../src/paper/store.ts';
import { startMs } from './account-under-test.ts';

const symbols = ['BTCUSDT', 'ETHUSDT', 'BTCPERP'] as const;
const start = { BTCUSDT: '44000', ETHUSDT: '2600', BTCPERP: '44000' } as const;

const symbol = fc.constantFrom(...symbols);
/** Price as tenths of a percent away from the start. */
const away = fc.integer({ min: -80, max: 80 });
const step = fc.oneof(
  fc.record({ kind: fc.constant('price' as const), symbol, away, markAway: fc.integer({ min: -5, max: 5 }) }),
  fc.record({
    kind: fc.constant('hand' as const),
    symbol,
    action: fc.constantFrom(
      'open' as const,
      'add' as const,
      'reduce' as const,
      'close' as const,
      'flip' as const,
    ),
    side: fc.constantFrom('Buy' as const, 'Sell' as const),
    steps: fc.integer({ min: 1, max: 150 }),
  }),
  fc.record({
    kind: fc.constant('stop' as const),
    symbol,
    field: fc.constantFrom('stopLoss', 'takeProfit', 'trailingStop'),
    away,
    partial: fc.boolean(),
    triggerBy: fc.constantFrom('LastPrice', 'MarkPrice', 'IndexPrice'),
  }),
  fc.record({
    kind: fc.constant('order' as const),
    symbol,
    side: fc.constantFrom('Buy', 'Sell'),
    steps: fc.integer({ min: 1, max: 40 }),
    reduceOnly: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 1, max: 4_000_000 }) }),
);
/** Long enough that positions open, gather stops, and close in every way. */
const manySteps = fc.array(step, { minLength: 40, maxLength: 80, size: 'max' });
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const scenarioOf = fc.record({
  seed: fc.integer({ min: 0, max: 1000 }),
  hedge: fc.boolean(),
  marginMode: fc.constantFrom('REGULAR_MARGIN', 'ISOLATED_MARGIN', 'PORTFOLIO_MARGIN'),
  parts: fc.integer({ min: 1, max: 4 }),
  fillRatio: fc.constantFrom('1', '0.7'),
  slippagePct: fc.constantFrom('0', '0.13'),
});

type Variant = typeof scenarioOf extends fc.Arbitrary<infer T> ? T : never;

function scenario(variant: Variant) {
  return setUp({
    seed: variant.seed,
    account: {
      wallet: { USDT: '3000', USDC: '1500' },
      positionMode: variant.hedge ? 'hedge' : 'one-way',
      marginMode: variant.marginMode,
    },
    execution: {
      parts: variant.parts,
      fillRatio: variant.fillRatio,
      slippagePct: variant.slippagePct,
      partDelayMs: 200,
    },
    positions: [{ symbol: 'BTCUSDT', size: '0.01' }],
    prices: [{ symbol: 'ETHUSDT', walk: { stepPct: '0.3', everyMs: 60_000 } }],
  });
}

function priceOf(of: (typeof symbols)[number], tenths: number): string {
  return text(
    amount(start[of])
      .times(1000 + tenths)
      .div('1000')
      .round(1, 0),
  );
}

/** Does one step as a client or a human would; what the venue refuses changes nothing. */
function take(engine: Engine, clock: ManualClock, one: Step): void {
  const { venue } = engine;
  try {
    switch (one.kind) {
      case 'time':
        clock.advance(one.ms);
        engine.advance();
        return;
      case 'price':
        engine.act(() => {
          const last = priceOf(one.symbol, one.away);
          const mark = priceOf(one.symbol, one.away + one.markAway);
          engine.setPrices(new Map([[one.symbol, { last, mark, index: last }]]));
        });
        return;
      case 'hand':
        lendHand(engine, handOf(engine, one));
        return;
      case 'stop':
        engine.act(() => tradingStop(venue, stopOf(engine, one)));
        return;
      case 'order': {
        const idx = venue.settings(one.symbol).mode === 'hedge' ? (one.side === 'Buy' ? 1 : 2) : 0;
        const qty = qtyOf(engine, one.symbol, one.steps);
        engine.act(() =>
          createOrder(venue, {
            category: 'linear',
            symbol: one.symbol,
            side: one.side,
            orderType: 'Market',
            qty,
            reduceOnly: one.reduceOnly,
            positionIdx: idx,
          }),
        );
        return;
      }
    }
  } catch (error) {
    if (!(error instanceof Refusal) && !(error instanceof ControlError)) throw error;
  }
}

function qtyOf(engine: Engine, of: string, steps: number): string {
  return text(amount(engine.venue.contract(of).qtyStep).times(steps));
}

function handOf(engine: Engine, one: Extract<Step, { kind: 'hand' }>): Parameters<typeof lendHand>[1] {
  const hedge = engine.venue.settings(one.symbol).mode === 'hedge';
  const positionIdx = hedge ? (one.side === 'Buy' ? 1 : 2) : 0;
  const where = { symbol: one.symbol, positionIdx } as const;
  const size = qtyOf(engine, one.symbol, one.steps);
  switch (one.action) {
    case 'open':
      return { ...where, action: 'open', side: one.side, size };
    case 'add':
      return { ...where, action: 'add', size };
    case 'reduce':
      return { ...where, action: 'reduce', size };
    case 'close':
      return { ...where, action: 'close' };
    case 'flip':
      return { ...where, action: 'flip' };
  }
}

function stopOf(engine: Engine, one: Extract<Step, { kind: 'stop' }>) {
  const held = engine.venue.legsOf(one.symbol).find((leg) => leg.side !== '');
  return {
    category: 'linear',
    symbol: one.symbol,
    positionIdx: held?.positionIdx ?? 0,
    tpslMode: one.partial && one.field !== 'trailingStop' ? 'Partial' : 'Full',
    [one.field]: one.field === 'trailingStop' ? '25' : priceOf(one.symbol, one.away),
    slTriggerBy: one.triggerBy,
    tpTriggerBy: one.triggerBy,
    slSize: qtyOf(engine, one.symbol, 1),
    tpSize: qtyOf(engine, one.symbol, 1),
  };
}

/** Wallet + unrealised PnL by coin, from the records. */
function worth(engine: Engine, coin: string): ReturnType<typeof amount> {
  const { venue } = engine;
  return venue.held().reduce(
    (sum, leg) => {
      if (venue.contract(leg.symbol).settleCoin !== coin) return sum;
      return sum.plus(
        amount(leg.size).times(venue.price(leg.symbol).mark).minus(leg.entryValue).times(signOf(leg)),
      );
    },
    amount(venue.wallet(coin).balance),
  );
}

/** What each execution did to the coin's wallet and inventory, reckoned apart from the engine: cash flow at its own price. */
function expectedWorth(engine: Engine, coin: string, opening: string): ReturnType<typeof amount> {
  const { venue } = engine;
  let cash = amount(opening);
  const inventory = new Map<string, ReturnType<typeof amount>>();
  if (coin === 'USDT') {
    // The scenario's position was there before: it was bought at the start price.
    inventory.set('BTCUSDT', amount('0.01'));
    cash = cash.minus(amount('0.01').times(start.BTCUSDT));
  }
  for (const execution of venue.store.executions.values()) {
    if (venue.contract(execution.symbol).settleCoin !== coin) continue;
    cash = cash.minus(execution.execFee);
    if (execution.execType === 'Funding') continue;
    const signed = amount(execution.execQty).times(execution.side === 'Buy' ? 1 : -1);
    cash = cash.minus(signed.times(execution.execPrice));
    inventory.set(execution.symbol, (inventory.get(execution.symbol) ?? amount('0')).plus(signed));
  }
  return [...inventory].reduce((sum, [of, qty]) => sum.plus(qty.times(venue.price(of).mark)), cash);
}

test(
  'wallet and unrealised PnL are what the executions made of them, to the last digit',
  { timeout: 120_000 },
  () => {
    fc.assert(
      fc.property(scenarioOf, manySteps, (variant, steps) => {
        const clock = new ManualClock(startMs);
        const engine = openFresh(scenario(variant), clock);
        for (const one of steps) take(engine, clock, one);
        expect(text(worth(engine, 'USDT'))).toBe(text(expectedWorth(engine, 'USDT', '3000')));
        expect(text(worth(engine, 'USDC'))).toBe(text(expectedWorth(engine, 'USDC', '1500')));
      }),
      { numRuns: 60 },
    );
  },
);

test(
  'no position without its records: sizes, stops and closing records follow from executions and orders',
  { timeout: 120_000 },
  () => {
    fc.assert(
      fc.property(scenarioOf, manySteps, (variant, steps) => {
        const clock = new ManualClock(startMs);
        const engine = openFresh(scenario(variant), clock);
        for (const one of steps) take(engine, clock, one);
        const { venue } = engine;
        const net = new Map<string, ReturnType<typeof amount>>([
          [variant.hedge ? 'BTCUSDT:1' : 'BTCUSDT:0', amount('0.01')],
        ]);
        let closed = amount('0');
        for (const execution of venue.store.executions.values()) {
          if (execution.execType === 'Funding') continue;
          const key = `${execution.symbol}:${execution.positionIdx}`;
          const signed = amount(execution.execQty).times(execution.side === 'Buy' ? 1 : -1);
          net.set(key, (net.get(key) ?? amount('0')).plus(signed));
          closed = closed.plus(execution.closedSize);
        }
        for (const leg of venue.store.legs.values()) {
          const signed = amount(leg.size).times(leg.side === 'Sell' ? -1 : 1);
          expect(text(signed)).toBe(text(net.get(`${leg.symbol}:${leg.positionIdx}`) ?? amount('0')));
          expect(leg.openTime > 0).toBe(leg.side !== '');
          const own = [leg.stopLossId, leg.takeProfitId, leg.trailingId, ...leg.partialIds].filter(
            (id) => id !== '',
          );
          for (const id of own) expect(venue.order(id)?.symbol).toBe(leg.symbol);
          expect(leg.side === '' ? own : []).toEqual([]);
        }
        const recorded = [...venue.store.closedPnls.values()].reduce(
          (sum, row) => sum.plus(row.closedSize),
          amount('0'),
        );
        expect(text(recorded)).toBe(text(closed));
        // No order of a position outlives it.
        for (const order of venue.store.orders.values()) {
          if (!order.closeOnTrigger || order.stopOrderType === 'Stop') continue;
          expect(venue.leg(order.symbol, order.positionIdx).side).not.toBe('');
        }
      }),
      { numRuns: 60 },
    );
  },
);

test(
  'a state file cut off after any number of bytes reloads to the last state that was committed whole',
  { timeout: 120_000 },
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'paper-state-'));
    try {
      fc.assert(
        fc.property(
          scenarioOf,
          fc.array(step, { minLength: 5, maxLength: 20, size: 'max' }),
          fc.nat(),
          (variant, steps, cut) => {
            const path = join(folder, 'state.json');
            const clock = new ManualClock(startMs);
            const opened = openWithState(scenario(variant), clock, { path, reset: true });
            const bytes = (): number => readFileSync(path).length;
            const committed: { readonly bytes: number; readonly dump: string }[] = [];
            const remember = (): void => {
              committed.push({ bytes: bytes(), dump: comparable(opened.engine.venue.store.dump()) });
            };
            remember();
            for (const one of steps) {
              take(opened.engine, clock, one);
              remember();
            }
            opened.close();
            const whole = readFileSync(path);
            // Any step's end, and from there into the next line without finishing it.
            const at = committed[cut % committed.length] ?? { bytes: 0, dump: '' };
            const nextLine = whole.indexOf('\n', at.bytes) - at.bytes;
            const keep = at.bytes + (nextLine > 0 ? cut % (nextLine + 1) : 0);
            writeFileSync(path, whole.subarray(0, keep));
            const reloaded = openWithState(scenario(variant), new ManualClock(startMs), {
              path,
              reset: false,
            });
            const dump = comparable(reloaded.engine.venue.store.dump());
            reloaded.close();
            expect(reloaded.resumed).toBe(true);
            expect(dump).toBe(at.dump);
          },
        ),
        { numRuns: 60 },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

function comparable(dump: Dump): string {
  return JSON.stringify(
    Object.entries(dump.tables).map(([name, rows]) => [name, Object.fromEntries(rows)]),
    (_, value: unknown) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : value,
  );
}
