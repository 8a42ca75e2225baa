/** From a scenario to a checked set-up: which instruments exist, where their prices come from, and everything wrong with it by name. */
import { readFileSync } from 'node:fs';
import { amount, compare, isMultiple, isUnset, text, toStep } from './decimals.ts';
import { listedSymbols, standardInstrument, type Instrument } from './instruments.ts';
import type { PositionMode, Side } from './records.ts';
import {
  problemsOf,
  scenarioSchema,
  type Scenario,
  type ScenarioPosition,
  type ScenarioPrice,
} from './scenario.ts';

/** A scenario that can be run. */
export interface Setup {
  readonly scenario: Scenario;
  readonly instruments: ReadonlyMap<string, Instrument>;
  readonly paths: ReadonlyMap<string, ScenarioPrice>;
  readonly modes: ReadonlyMap<string, PositionMode>;
}

/** The scenario cannot be run; `problems` names every reason. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** Reads and checks a scenario file; throws `ScenarioError` with every problem. */
export function readScenario(path: string): Setup {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ScenarioError([
      `cannot read ${path}: ${cause instanceof Error ? cause.message : String(cause)}`,
    ]);
  }
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch (cause) {
    throw new ScenarioError([
      `${path} is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
    ]);
  }
  return setUp(json);
}

/** Checks a scenario and fills in what it leaves out; throws `ScenarioError` with every problem. */
export function setUp(input: unknown): Setup {
  const parsed = scenarioSchema.safeParse(input);
  if (!parsed.success) throw new ScenarioError(problemsOf(parsed.error));
  const scenario = parsed.data;
  const instruments = instrumentsOf(scenario);
  const paths = new Map(scenario.prices.map((path) => [path.symbol, path]));
  const modes = new Map(
    scenario.instruments.map((entry) => [
      entry.symbol,
      entry.positionMode ?? defaultMode(scenario, instruments, entry.symbol),
    ]),
  );
  for (const symbol of instruments.keys()) {
    if (!modes.has(symbol)) modes.set(symbol, defaultMode(scenario, instruments, symbol));
  }
  const setup: Setup = { scenario, instruments, paths, modes };
  const problems = [...instrumentProblems(setup), ...priceProblems(setup), ...positionProblems(setup)];
  if (problems.length > 0) throw new ScenarioError(problems);
  return setup;
}

function defaultMode(
  scenario: Scenario,
  instruments: ReadonlyMap<string, Instrument>,
  symbol: string,
): PositionMode {
  return canHedge(instruments.get(symbol)) ? scenario.account.positionMode : 'one-way';
}

/** Only USDT perpetuals can be hedged. */
export function canHedge(instrument: Instrument | undefined): boolean {
  return instrument?.settleCoin === 'USDT' && instrument.contractType === 'LinearPerpetual';
}

function instrumentsOf(scenario: Scenario): ReadonlyMap<string, Instrument> {
  const instruments = new Map<string, Instrument>();
  listedSymbols.forEach((symbol, index) => instruments.set(symbol, standardInstrument(symbol, 5 + index)));
  scenario.instruments.forEach((entry, index) => {
    const standard = instruments.get(entry.symbol) ?? standardInstrument(entry.symbol, 1000 + index);
    const { positionMode: _, ...given } = entry;
    const overrides = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    const smallest = {
      ...(given.tickSize !== undefined && given.minPrice === undefined ? { minPrice: given.tickSize } : {}),
      ...(given.qtyStep !== undefined && given.minOrderQty === undefined
        ? { minOrderQty: given.qtyStep }
        : {}),
    };
    instruments.set(entry.symbol, { ...standard, ...overrides, ...smallest });
  });
  for (const path of scenario.prices) {
    const instrument = instruments.get(path.symbol);
    if (instrument !== undefined)
      instruments.set(path.symbol, { ...instrument, price: startPrice(path, instrument) });
  }
  return instruments;
}

function startPrice(path: ScenarioPrice, instrument: Instrument): string {
  if (path.constant !== undefined) return path.constant;
  const first = path.script?.[0];
  if (first === undefined) return instrument.price;
  return 'price' in first ? first.price : first.last;
}

function* instrumentProblems(setup: Setup): Generator<string> {
  for (const entry of duplicates(setup.scenario.instruments.map((instrument) => instrument.symbol))) {
    yield `instruments: ${entry} is given twice`;
  }
  for (const [symbol, mode] of setup.modes) {
    if (mode === 'hedge' && !canHedge(setup.instruments.get(symbol))) {
      yield `instruments: ${symbol} cannot be in hedge mode; only USDT perpetuals can`;
    }
  }
  for (const instrument of setup.instruments.values()) {
    if (!isMultiple(instrument.price, instrument.tickSize)) {
      yield `${instrument.symbol}: price ${instrument.price} is not a multiple of tickSize ${instrument.tickSize}`;
    }
  }
}

function* priceProblems(setup: Setup): Generator<string> {
  for (const entry of duplicates(setup.scenario.prices.map((path) => path.symbol)))
    yield `prices: ${entry} is given twice`;
  for (const [index, path] of setup.scenario.prices.entries()) {
    if (!setup.instruments.has(path.symbol))
      yield `prices.${index}: unknown symbol ${path.symbol}; add it to "instruments"`;
    yield* offTick(setup, path);
    const times = path.script?.map((point) => point.atMs) ?? [];
    if (times.some((atMs, at) => at > 0 && atMs <= (times[at - 1] ?? 0))) {
      yield `prices.${index}.script: the times of ${path.symbol} must rise`;
    }
  }
}

function* offTick(setup: Setup, path: ScenarioPrice): Generator<string> {
  const tickSize = setup.instruments.get(path.symbol)?.tickSize;
  if (tickSize === undefined) return;
  for (const point of path.script ?? []) {
    const prices = 'price' in point ? [point.price] : [point.last, point.mark];
    for (const price of prices) {
      if (isMultiple(price, tickSize)) continue;
      yield `prices: ${path.symbol} at ${point.atMs} ms: ${price} is not a multiple of tickSize ${tickSize}`;
    }
  }
}

function* positionProblems(setup: Setup): Generator<string> {
  const seen = new Set<string>();
  for (const [index, position] of setup.scenario.positions.entries()) {
    const at = `positions.${index}`;
    const instrument = setup.instruments.get(position.symbol);
    if (instrument === undefined) {
      yield `${at}: unknown symbol ${position.symbol}; add it to "instruments"`;
      continue;
    }
    const idx = idxOf(setup, position);
    if (seen.has(`${position.symbol}:${idx}`))
      yield `${at}: ${position.symbol} has two positions with positionIdx ${idx}`;
    seen.add(`${position.symbol}:${idx}`);
    yield* onePositionProblems(at, setup, position, instrument);
  }
}

function* onePositionProblems(
  at: string,
  setup: Setup,
  position: ScenarioPosition,
  instrument: Instrument,
): Generator<string> {
  const mode = setup.modes.get(position.symbol) ?? 'one-way';
  const idx = idxOf(setup, position);
  if ((mode === 'hedge') !== idx > 0) {
    yield `${at}.positionIdx: ${position.symbol} is in ${mode} mode, where ${idx} is not a leg`;
  } else if ((idx === 1 && position.side === 'Sell') || (idx === 2 && position.side === 'Buy')) {
    yield `${at}: positionIdx ${idx} of ${position.symbol} cannot be ${position.side}`;
  }
  if (position.size !== undefined && !isMultiple(position.size, instrument.qtyStep)) {
    yield `${at}.size: ${position.size} is not a multiple of qtyStep ${instrument.qtyStep}`;
  }
  if (compare(position.leverage, instrument.maxLeverage) > 0 || compare(position.leverage, '1') < 0) {
    yield `${at}.leverage: ${position.leverage} is outside 1 to ${instrument.maxLeverage}`;
  }
  const size = position.size ?? standardSize(instrument);
  const covered = position.partialStops.reduce((sum, stop) => sum.plus(stop.size), amount('0'));
  if (covered.gt(size)) yield `${at}.partialStops: they cover ${text(covered)}, more than the size ${size}`;
  const stops = [position.stopLoss, ...position.partialStops.map((stop) => stop.price)].filter(
    (price) => !isUnset(price),
  );
  for (const price of stops) yield* stopProblems(at, position.side, price, instrument, 'stopLoss');
  if (!isUnset(position.takeProfit)) {
    yield* stopProblems(
      at,
      position.side === 'Buy' ? 'Sell' : 'Buy',
      position.takeProfit,
      instrument,
      'takeProfit',
    );
  }
}

function* stopProblems(
  at: string,
  side: Side,
  price: string,
  instrument: Instrument,
  field: string,
): Generator<string> {
  if (!isMultiple(price, instrument.tickSize)) {
    yield `${at}.${field}: ${price} is not a multiple of tickSize ${instrument.tickSize}`;
  }
  const below = compare(price, instrument.price) < 0;
  if (compare(price, instrument.price) === 0 || below !== (side === 'Buy')) {
    yield `${at}.${field}: ${price} is on the wrong side of the price ${instrument.price} of ${instrument.symbol}`;
  }
}

/** The leg of a position that does not name it: 0 in one-way mode, by side in hedge mode. */
export function idxOf(
  setup: Setup,
  position: Pick<ScenarioPosition, 'symbol' | 'positionIdx' | 'side'>,
): 0 | 1 | 2 {
  if (position.positionIdx !== undefined) return position.positionIdx;
  if (setup.modes.get(position.symbol) !== 'hedge') return 0;
  return position.side === 'Buy' ? 1 : 2;
}

/** About 100 of the quote coin, where a position does not give its size. */
export function standardSize(instrument: Instrument): string {
  const size = toStep(amount('100').div(instrument.price), instrument.qtyStep, 'up');
  return text(size.lt(instrument.minOrderQty) ? amount(instrument.minOrderQty) : size);
}

function duplicates(names: readonly string[]): readonly string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}
