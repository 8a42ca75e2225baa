/** Reads one leg and says what the read shows: open, flat or unreadable, never a guess (I2, I4, I8). */
import type { AuditEntry } from '../domain/audit.ts';
import { passedThroughZero } from '../domain/closing.ts';
import { dec } from '../domain/decimal.ts';
import { legal, tighter } from '../domain/levels.ts';
import type { Policy } from '../domain/policy.ts';
import type { Leg, Observation, OpenObservation, OpenPosition, Side } from '../domain/position.ts';
import { FEW_LEGS } from '../domain/run-length.ts';
import { VenueError, type ReadOptions, type UnreadableRow, type VenuePort } from '../exchange/port.ts';
import { extra, within } from './bounded.ts';
import type { VolatilityCache } from './volatility.ts';

/** A check answers within this time, or says "unreadable" while the shared request goes on (docs/temporal.md §4). */
const PROMPT_LIMIT_MS = 3_000;

/** What the guard already knows and the read is compared with. */
export interface Known {
  readonly side: Side | null;
  readonly openTime: number | null;
  /** Best price of a trail that runs; `null` while none does. */
  readonly best: string | null;
  /** Last check before a gap of more than two intervals, ms; `null` when there was none. */
  readonly gapSince: number | null;
  /** First observation of the episode, ms. */
  readonly adoptedAt: number | null;
}

export const KNOWS_NOTHING: Known = {
  side: null,
  openTime: null,
  best: null,
  gapSince: null,
  adoptedAt: null,
};

export interface ObserveInput {
  readonly account: string;
  readonly leg: Leg;
  /**
   * `routine` takes the shared snapshot, `prompt` one that begins now, both answering within 3 s; `fresh` waits for one that
   * begins now, `recent` also takes one of the last second; `confirm` asks for the symbol's own row: only that shows a flat leg (I4).
   */
  readonly mode: 'routine' | 'prompt' | 'recent' | 'fresh' | 'confirm';
  readonly triggerBy: Policy['triggerBy'];
  readonly bands: boolean;
  /** A read that is older than this, by this machine's clock or the venue's, shows no price, ms (I8). */
  readonly maxAgeMs: number;
  /** Read the resting stop orders too: trigger types and partial stops. */
  readonly withStopOrders: boolean;
  readonly known: Known;
  /** What the guard has for the audit log; of no matter to the read. */
  readonly notes?: readonly AuditEntry[];
}

/** The parts of a policy that a read depends on. */
export function readingOf(policy: Policy): Pick<ObserveInput, 'triggerBy' | 'bands' | 'maxAgeMs'> {
  const { triggerBy, trailing, priceMaxAgeMs } = policy;
  return { triggerBy, bands: trailing.mode === 'bands', maxAgeMs: priceMaxAgeMs };
}

function unreadable(problem: string, reason: string, readAt: number): Observation {
  return { kind: 'unreadable', problem, reason, readAt };
}

export interface Reader {
  readonly port: VenuePort;
  readonly volatility: VolatilityCache;
  readonly now: () => number;
}

interface Rows {
  readonly open: OpenPosition | undefined;
  /** The leg's own row showed size 0. */
  readonly flat: boolean;
  readonly broken: UnreadableRow | undefined;
  readonly marginMode: OpenObservation['marginMode'];
  /** Of the account; `null` where the read shows one symbol. */
  readonly openLegs: number | null;
  /** Age of what was read, ms: since its first request, or by the venue's clock where that is known. */
  readonly ageMs: number;
  readonly readAt: number;
}

const sameLeg = (leg: Leg) => (row: { symbol: string; positionIdx: number | null }) =>
  row.symbol === leg.symbol && (row.positionIdx === null || row.positionIdx === leg.positionIdx);

/** How each mode asks for a list that others read too. */
const SHARING: Readonly<Record<ObserveInput['mode'], ReadOptions>> = {
  routine: {},
  prompt: { fresh: true },
  recent: { youngerThanMs: 1_000 },
  fresh: { fresh: true },
  confirm: { fresh: true },
};

async function rowsOfSnapshot(reader: Reader, { leg, mode }: ObserveInput): Promise<Rows> {
  const snapshot = await reader.port.snapshot(SHARING[mode]);
  const now = reader.now();
  const venueNow = snapshot.clockOffsetMs === null ? null : now + snapshot.clockOffsetMs;
  return {
    ageMs: Math.max(now - snapshot.startedAt, venueNow === null ? 0 : venueNow - snapshot.venueTime),
    open: snapshot.positions.find(sameLeg(leg)),
    flat: false,
    broken: snapshot.unreadable.find(sameLeg(leg)),
    marginMode: snapshot.marginMode,
    openLegs: snapshot.positions.length,
    readAt: snapshot.endedAt,
  };
}

async function rowsOfSymbol(reader: Reader, leg: Leg): Promise<Rows> {
  const read = await reader.port.readSymbol(leg.symbol);
  const isLeg = sameLeg(leg);
  const others = [...read.positions, ...read.flat].filter((row) => !isLeg(row));
  // A symbol that was switched between one-way and hedge answers valid rows, none of them of this leg: the leg is no more.
  const switched =
    others.length > 0 && others.every((row) => (row.positionIdx === 0) !== (leg.positionIdx === 0));
  const shown = read.positions.some(isLeg) || read.flat.some(isLeg);
  const broken = read.unreadable.find(isLeg) ?? read.unreadable[0];
  return {
    open: read.positions.find(isLeg),
    flat: read.flat.some(isLeg) || (switched && !shown && read.unreadable.length === 0),
    broken: shown ? read.unreadable.find(isLeg) : broken,
    marginMode: null,
    openLegs: null,
    ageMs: reader.now() - read.startedAt,
    readAt: reader.now(),
  };
}

/** One leg as one read shows it. Venue failures become `unreadable`; nothing is thrown for them. */
export async function observeLeg(reader: Reader, input: ObserveInput): Promise<Observation> {
  const work = observeUnbounded(reader, input);
  if (input.mode !== 'routine' && input.mode !== 'prompt') return work;
  const answer = await within(PROMPT_LIMIT_MS, work);
  return answer === 'late'
    ? unreadable('VenueUnavailable', `no answer within ${PROMPT_LIMIT_MS} ms`, reader.now())
    : answer;
}

async function observeUnbounded(reader: Reader, input: ObserveInput): Promise<Observation> {
  try {
    const { leg, mode } = input;
    const rows = mode === 'confirm' ? await rowsOfSymbol(reader, leg) : await rowsOfSnapshot(reader, input);
    if (rows.ageMs > input.maxAgeMs) {
      return unreadable(
        'VenueUnavailable',
        `stale: the read is ${Math.round(rows.ageMs)} ms old`,
        rows.readAt,
      );
    }
    if (rows.open !== undefined) return await openObservation(reader, input, rows, rows.open);
    if (rows.broken !== undefined) return unreadable('row', rows.broken.reason, rows.readAt);
    if (mode !== 'confirm') return { kind: 'flat', confirmed: false, readAt: rows.readAt };
    if (rows.flat) return { kind: 'flat', confirmed: true, readAt: rows.readAt };
    return unreadable('row', `no valid row of ${leg.symbol} (positionIdx ${leg.positionIdx})`, rows.readAt);
  } catch (error) {
    if (!(error instanceof VenueError)) throw error;
    return unreadable(error.info.type, error.info.message, reader.now());
  }
}

async function openObservation(
  reader: Reader,
  input: ObserveInput,
  rows: Rows,
  position: OpenPosition,
): Promise<Observation> {
  const { port } = reader;
  const instrument = await port.instrument(position.symbol);
  const price =
    input.triggerBy === 'MarkPrice'
      ? position.markPrice
      : await port.lastPrice(position.symbol, SHARING[input.mode]);
  const marginMode = rows.marginMode ?? (await extra(() => port.accountInfo()))?.marginMode ?? null;
  const base: OpenObservation = {
    kind: 'open',
    position,
    price,
    tickSize: instrument.tickSize,
    marginMode,
    readAt: rows.readAt,
    ...(rows.openLegs !== null && rows.openLegs > FEW_LEGS ? { openLegs: rows.openLegs } : {}),
  };
  return { ...base, ...(await completed(reader, input, base)) };
}

type Extras = Pick<
  OpenObservation,
  'stopOrder' | 'partialStopQty' | 'stopOrderPrice' | 'atrPct' | 'candleBest' | 'passedThroughZero'
>;

/** What the position list cannot show, read only where a rule needs it. */
async function completed(
  reader: Reader,
  input: ObserveInput,
  base: OpenObservation,
): Promise<Partial<Extras>> {
  const { position, price } = base;
  const { port } = reader;
  const passed = position.stopLoss !== null && !legal(position.side, dec(position.stopLoss), dec(price));
  const orders = input.withStopOrders || passed ? await stopOrderOf(port, position) : {};
  const { known } = input;
  const reopened =
    known.openTime !== null && position.openTime !== null && position.openTime !== known.openTime;
  return {
    ...orders,
    ...(passed && orders.stopOrder?.triggerBy === 'LastPrice' && input.triggerBy === 'MarkPrice'
      ? await lastPriceOf(port, position.symbol)
      : {}),
    ...(input.bands ? { atrPct: await volatilityOf(reader, position.symbol, input.triggerBy) } : {}),
    ...(known.best !== null && known.gapSince !== null && known.side === position.side && !reopened
      ? await bestOfCandles(reader, input, position, known.gapSince)
      : {}),
    ...(reopened && position.stopLoss !== null ? await zeroBetween(port, position, known.openTime) : {}),
  };
}

async function stopOrderOf(
  port: VenuePort,
  position: OpenPosition,
): Promise<Pick<Extras, 'stopOrder' | 'partialStopQty'> | Record<string, never>> {
  const orders = await extra(() => port.stopOrders());
  if (orders === undefined) return {};
  const own = orders.filter(sameLeg(position));
  const partial = own.filter(({ kind }) => kind === 'partial');
  return {
    stopOrder: own.find(({ kind }) => kind === 'full') ?? null,
    ...(partial.length === 0
      ? {}
      : { partialStopQty: partial.reduce((sum, { qty }) => sum.plus(qty), dec('0')).toFixed() }),
  };
}

async function lastPriceOf(
  port: VenuePort,
  symbol: string,
): Promise<Pick<Extras, 'stopOrderPrice'> | Record<string, never>> {
  const price = await extra(() => port.lastPrice(symbol, { fresh: true }));
  return price === undefined ? {} : { stopOrderPrice: price };
}

/** `null` where it is not to be had in time; the cache has it for a later check. */
async function volatilityOf(
  { port, volatility }: Reader,
  symbol: string,
  triggerBy: Policy['triggerBy'],
): Promise<string | null> {
  return (await extra(() => volatility.read(port, symbol, triggerBy))) ?? null;
}

/** Best price of the 1-minute candles that began after the last check and after the adoption. */
async function bestOfCandles(
  reader: Reader,
  input: ObserveInput,
  position: OpenPosition,
  gapSince: number,
): Promise<Pick<Extras, 'candleBest'> | Record<string, never>> {
  const since = Math.max(gapSince, input.known.adoptedAt ?? 0);
  const minutes = Math.min(1_000, Math.ceil((reader.now() - since) / 60_000) + 1);
  const source = input.triggerBy === 'MarkPrice' ? 'mark' : 'last';
  const candles = await extra(() => reader.port.candles(position.symbol, '1', source, minutes, since));
  const extremes = (candles ?? [])
    .filter(({ startAt }) => startAt > since)
    .map(({ high, low }) => dec(position.side === 'long' ? high : low));
  const [first, ...rest] = extremes;
  if (first === undefined) return {};
  const best = rest.reduce((one, other) => (tighter(position.side, other, one) ? other : one), first);
  return { candleBest: best.toFixed() };
}

async function zeroBetween(
  port: VenuePort,
  position: OpenPosition,
  since: number,
): Promise<Pick<Extras, 'passedThroughZero'> | Record<string, never>> {
  const executions = await extra(() => port.executions(position.symbol, since));
  if (executions === undefined) return {};
  return {
    passedThroughZero: passedThroughZero(position.side, position.size, executions, position.positionIdx),
  };
}
