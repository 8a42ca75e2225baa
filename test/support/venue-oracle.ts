/** Judges the venue's bytes by themselves, with no code of the product: does this leg have a stop on its losing side, is it flat? */

/** The answers that a judgement was made from, as text on the wire. */
export interface Shown {
  /** Every position list that was read. */
  readonly positions: readonly string[];
  readonly tickers: string;
  readonly triggerBy: string;
  /** The venue's clock, ms. */
  readonly now: number;
}

interface LegId {
  readonly symbol: string;
  readonly positionIdx: number;
}

export interface Oracle {
  /** Why the bytes do not show `stop` protecting the leg; `null` where they do. */
  whyNot(leg: LegId, stop: string): string | null;
  /** `confirmed`: a row of that symbol says so; otherwise only that no row of the leg has size. */
  flat(leg: LegId, confirmed: boolean): boolean;
  /** Symbols of which every row has a size above zero. */
  open(): readonly string[];
}

type Row = Readonly<Record<string, unknown>>;

const DIGITS = 120;

/** A decimal text times 10^120; `null` for anything else. No library: the product's own must not judge itself. */
function scaled(text: unknown): bigint | null {
  const match = typeof text === 'string' ? /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text) : null;
  if (match === null) return null;
  const [, minus = '', whole = '', part = '', power = '0'] = match;
  const shift = DIGITS + Number(power) - part.length;
  if (shift < 0 || shift > 1_000) return null;
  const value = BigInt(whole + part) * 10n ** BigInt(shift);
  return minus === '-' ? -value : value;
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function envelopeOf(text: string): Row {
  try {
    const value: unknown = JSON.parse(text);
    return isRow(value) ? value : {};
  } catch {
    return {};
  }
}

function rowsOf({ result }: Row): readonly Row[] {
  const list = isRow(result) ? result['list'] : undefined;
  return Array.isArray(list) ? list.filter(isRow) : [];
}

function indexOf(row: Row): number | null {
  const index = row['positionIdx'];
  return typeof index === 'number' || typeof index === 'string' ? Number(index) : null;
}

function isOf(leg: LegId): (row: Row) => boolean {
  return (row) => row['symbol'] === leg.symbol && indexOf(row) === leg.positionIdx;
}

function updated(row: Row): number {
  const at = Number(row['updatedTime']);
  return Number.isFinite(at) ? at : 0;
}

export function oracleOf({ positions, tickers, triggerBy, now }: Shown): Oracle {
  const envelopes = positions.map(envelopeOf);
  const rows = envelopes.flatMap(rowsOf);

  function staleOrRefused(): string | null {
    for (const { retCode, time } of envelopes) {
      if (Number(retCode) !== 0 || retCode === '' || retCode === null) return `retCode ${String(retCode)}`;
      if (!(now - Number(time) <= 60_000)) return `time ${String(time)}`;
    }
    return null;
  }

  function pricesOf(row: Row): readonly bigint[] {
    const texts =
      triggerBy === 'LastPrice'
        ? rowsOf(envelopeOf(tickers))
            .filter(({ symbol }) => symbol === row['symbol'])
            .map(({ lastPrice }) => lastPrice)
        : [row['markPrice']];
    return texts.map(scaled).filter((price) => price !== null);
  }

  function whyRowDoesNot(row: Row, stop: bigint): string | null {
    const { side, size, stopLoss } = row;
    if (side !== 'Buy' && side !== 'Sell') return `side ${String(side)}`;
    if (indexOf(row) === 1 && side !== 'Buy') return 'a short in the long leg';
    if (indexOf(row) === 2 && side !== 'Sell') return 'a long in the short leg';
    if ((scaled(size) ?? 0n) <= 0n) return `size ${String(size)}`;
    if (scaled(stopLoss) !== stop || stop <= 0n) return `stop ${String(stopLoss)}`;
    const beyond = pricesOf(row).some(
      (price) => price > 0n && (side === 'Buy' ? stop < price : stop > price),
    );
    return beyond ? null : 'the stop is not on the losing side of the price';
  }

  return {
    whyNot: (leg, claimed) => {
      const stop = scaled(claimed);
      if (stop === null) return `no decimal: ${claimed}`;
      const refused = staleOrRefused();
      if (refused !== null) return refused;
      const own = rows.filter(isOf(leg));
      if (own.length === 0) return 'no row of this leg';
      const reasons = own.map((row, at) => {
        const why = whyRowDoesNot(row, stop);
        if (why !== null) return why;
        // A leg that comes twice counts as it was last, by order of reading or by the venue's own times.
        const overtaken = own.slice(at + 1).some((later) => updated(later) >= updated(row));
        return overtaken ? 'a later row of the leg stands against it' : null;
      });
      return reasons.includes(null) ? null : reasons.join('; ');
    },
    flat: (leg, confirmed) => {
      const own = rows.filter(isOf(leg));
      const last = own.toSorted((a, b) => updated(a) - updated(b)).at(-1);
      if (!confirmed) return last === undefined || scaled(last['size']) === 0n;
      const other = rows.filter(({ symbol }) => symbol === leg.symbol);
      const switched =
        other.length > 0 && other.every((row) => (indexOf(row) === 0) !== (leg.positionIdx === 0));
      return own.some(({ size }) => scaled(size) === 0n) || switched;
    },
    open: () => {
      const symbols = new Set(
        rows.map(({ symbol }) => symbol).filter((symbol) => typeof symbol === 'string'),
      );
      return [...symbols].filter((symbol) =>
        rows.filter((row) => row['symbol'] === symbol).every(({ size }) => (scaled(size) ?? 0n) > 0n),
      );
    },
  };
}
