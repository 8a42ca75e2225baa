/**
 * What the venue's own records say about protection: when positions were open, which stop rested when, and what was loosened.
 * Pure, and apart from `src`: what it judges must not be judged with itself.
 */
import { Big } from 'big.js';

export interface LoggedStop {
  readonly timeMs: number;
  readonly symbol: string;
  readonly positionIdx: number;
  readonly kind: string;
  /** `""` from this time on there is none. */
  readonly price: string;
  readonly by: string;
  readonly reason: string;
  /** Mark price at that moment. */
  readonly mark: string;
}

export interface LoggedExecution {
  readonly execTime: number;
  readonly symbol: string;
  readonly positionIdx: number;
  readonly side: string;
  readonly execQty: string;
  readonly execType: string;
}

export interface VenueLog {
  /** ms; no position is older than this as far as the log goes. */
  readonly startedAt: number;
  /** When the log was read, ms. */
  readonly readAt: number;
  /** Positions at `readAt`. */
  readonly positions: readonly {
    readonly symbol: string;
    readonly positionIdx: number;
    readonly side: string;
    readonly size: string;
  }[];
  readonly executions: readonly LoggedExecution[];
  readonly stops: readonly LoggedStop[];
}

interface Resting {
  readonly at: number;
  readonly price: string;
  readonly by: string;
  readonly reason: string;
  readonly mark: string;
}

/** One position from its opening to flat, with every value that its full stop had. */
export interface Life {
  readonly symbol: string;
  readonly positionIdx: number;
  readonly side: 'long' | 'short';
  readonly from: number;
  /** `null` while it is open. */
  readonly to: number | null;
  readonly stops: readonly Resting[];
}

/** A time in which a position was open and no stop rested, ms. */
export interface BareSpell {
  readonly symbol: string;
  readonly positionIdx: number;
  readonly from: number;
  readonly to: number;
  readonly ended: 'stop' | 'closed' | 'still-open';
}

/** A stop of ours that was looser than the one that it replaced, or was taken away by us. */
export interface Loosening {
  readonly symbol: string;
  readonly positionIdx: number;
  readonly at: number;
  readonly from: string;
  readonly to: string;
  /** `put-back`: no stop rested, and ours was looser than our last of the same life. */
  readonly kind: 'resting' | 'put-back' | 'removed';
  /** Mark price when ours was set: where it had passed `from`, a stop put back can only be looser (I1). */
  readonly mark: string;
}

/** A change of the venue's clock, as the test made it: host time, and the offset from then on, ms. */
export interface ClockChange {
  readonly at: number;
  readonly offsetMs: number;
}

/** The venue rounds down to the ms, and a control call takes a few until it is in force. */
const CLOCK_SLACK_MS = 50;

interface LegId {
  readonly symbol: string;
  readonly positionIdx: number;
}

const keyOf = ({ symbol, positionIdx }: LegId): string => `${symbol}:${positionIdx}`;
const signed = (side: string, size: string): Big =>
  side === 'Sell' ? new Big(size).times(-1) : new Big(size);
const looser = (side: Life['side'], price: string, than: string): boolean =>
  side === 'long' ? new Big(price).lt(than) : new Big(price).gt(than);

/** Times of the venue's clock as times of the host's: each lies in the first stretch, in order, that can hold it. */
export function onHostClock(times: readonly number[], changes: readonly ClockChange[]): number[] {
  const stretches = [{ at: Number.NEGATIVE_INFINITY, offsetMs: 0 }, ...changes];
  let current = 0;
  return times.map((time) => {
    const found = stretches.findIndex(({ at, offsetMs }, index) => {
      const ends = stretches[index + 1]?.at ?? Number.POSITIVE_INFINITY;
      const host = time - offsetMs;
      return index >= current && host >= at - CLOCK_SLACK_MS && host <= ends + CLOCK_SLACK_MS;
    });
    current = Math.max(current, found);
    return time - (stretches[current]?.offsetMs ?? 0);
  });
}

/** The same log in host times. */
export function withClock(log: VenueLog, changes: readonly ClockChange[]): VenueLog {
  if (changes.length === 0) return log;
  const executed = onHostClock(
    log.executions.map(({ execTime }) => execTime),
    changes,
  );
  const stopped = onHostClock(
    log.stops.map(({ timeMs }) => timeMs),
    changes,
  );
  return {
    ...log,
    executions: log.executions.map((one, at) => ({ ...one, execTime: executed[at] ?? one.execTime })),
    stops: log.stops.map((one, at) => ({ ...one, timeMs: stopped[at] ?? one.timeMs })),
  };
}

/** Every position that the log knows, leg by leg, oldest first. */
export function livesOf(log: VenueLog): Life[] {
  const legs = new Map<string, LegId>();
  for (const each of [...log.positions, ...log.executions, ...log.stops]) legs.set(keyOf(each), each);
  return [...legs.values()].flatMap((leg) => livesOfLeg(log, leg));
}

function livesOfLeg(log: VenueLog, leg: LegId): Life[] {
  const mine = (one: LegId): boolean => keyOf(one) === keyOf(leg);
  const trades = log.executions.filter((one) => mine(one) && one.execType !== 'Funding');
  const now = log.positions
    .filter(mine)
    .reduce((sum, row) => sum.plus(signed(row.side, row.size)), new Big(0));
  const traded = trades.reduce((sum, one) => sum.plus(signed(one.side, one.execQty)), new Big(0));
  let size = now.minus(traded);
  let open: { side: Life['side']; from: number } | null = size.eq(0) ? null : begun(size, log.startedAt);
  const spans: Omit<Life, 'stops'>[] = [];
  for (const { execTime, side, execQty } of trades) {
    const next = size.plus(signed(side, execQty));
    const crossed = size.times(next).lte(0);
    if (open !== null && crossed) spans.push({ ...leg, ...open, to: execTime });
    if (crossed) open = next.eq(0) ? null : begun(next, execTime);
    size = next;
  }
  if (open !== null) spans.push({ ...leg, ...open, to: null });
  const stops = log.stops.filter((one) => mine(one) && one.kind === 'stopLoss');
  return spans.map(({ symbol, positionIdx, side, from, to }) => ({
    symbol,
    positionIdx,
    side,
    from,
    to,
    stops: stops.filter((one) => within(one, from, to)).map(restingOf),
  }));
}

function begun(size: Big, from: number): { side: Life['side']; from: number } {
  return { side: size.gt(0) ? 'long' : 'short', from };
}

function restingOf({ timeMs, price, by, reason, mark }: LoggedStop): Resting {
  return { at: timeMs, price, by, reason, mark };
}

/** Where one life ends and the next begins in the same ms, endings go with the old one. */
function within({ timeMs, reason }: LoggedStop, from: number, to: number | null): boolean {
  const ending = reason === 'cleared' || reason === 'triggered';
  if (timeMs === from) return !ending;
  if (timeMs === to) return ending;
  return timeMs > from && (to === null || timeMs < to);
}

/** Bare spells between `since` and `until`, cut to that stretch; a stop that has triggered still closes its position. */
export function bareSpells(lives: readonly Life[], since: number, until: number): BareSpell[] {
  return lives.flatMap((life) => {
    const end = Math.min(life.to ?? until, until);
    const spells: BareSpell[] = [];
    const close = (from: number, to: number, ended: BareSpell['ended']): void => {
      const { symbol, positionIdx } = life;
      const cut = { from: Math.max(from, since), to: Math.min(to, until) };
      if (cut.to > cut.from) spells.push({ symbol, positionIdx, ...cut, ended });
    };
    let bareFrom: number | null = life.from;
    for (const { at, price, reason } of life.stops) {
      if (price !== '' && bareFrom !== null) close(bareFrom, at, 'stop');
      if (price !== '') bareFrom = null;
      else if (reason !== 'triggered' && reason !== 'cleared') bareFrom ??= at;
    }
    if (bareFrom !== null) close(bareFrom, end, life.to === null ? 'still-open' : 'closed');
    return spells;
  });
}

/** Stops of ours that were looser than what rested, or than what we had proven before in the same life (I1). */
export function loosenings(lives: readonly Life[]): Loosening[] {
  return lives.flatMap((life) => {
    const found: Loosening[] = [];
    const { symbol, positionIdx, side } = life;
    let resting = '';
    let ours = '';
    for (const { at, price, by, reason, mark } of life.stops) {
      const add = (kind: Loosening['kind'], from: string): void => {
        found.push({ symbol, positionIdx, at, from, to: price, kind, mark });
      };
      if (by === 'api') {
        if (price === '' && reason === 'cancelled') add('removed', resting);
        else if (price !== '' && resting !== '' && looser(side, price, resting)) add('resting', resting);
        else if (price !== '' && resting === '' && ours !== '' && looser(side, price, ours))
          add('put-back', ours);
        if (price !== '') ours = price;
      }
      resting = price;
    }
    return found;
  });
}

/** Every price at which a leg's stop rested at some time between `from` and `to`. */
export function stopsBetween(lives: readonly Life[], leg: LegId, from: number, to: number): string[] {
  return lives
    .filter((life) => keyOf(life) === keyOf(leg))
    .flatMap((life) =>
      life.stops.filter(({ at, price }, index) => {
        const ends = life.stops[index + 1]?.at ?? life.to ?? Number.POSITIVE_INFINITY;
        return price !== '' && at <= to && ends >= from;
      }),
    )
    .map(({ price }) => price);
}

/** True when the leg was open all the time between `from` and `to`. */
export function openThroughout(lives: readonly Life[], leg: LegId, from: number, to: number): boolean {
  return lives.some(
    (life) => keyOf(life) === keyOf(leg) && life.from <= from && (life.to === null || life.to >= to),
  );
}
