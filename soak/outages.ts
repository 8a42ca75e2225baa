/** When something was broken, and how much of a bare spell that explains. Pure: times in host ms. */

export interface Outage {
  readonly from: number;
  readonly to: number;
  readonly part: 'worker' | 'server' | 'venue' | 'everything';
  /** Only this symbol was concerned; `null`: everything. */
  readonly symbol: string | null;
  /** What it was, for people. */
  readonly what: string;
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** Length of a span that these cover, ms; overlaps count once. */
export function coveredMs(span: Span, covers: readonly Span[]): number {
  const parts = covers
    .map(({ from, to }) => ({ from: Math.max(from, span.from), to: Math.min(to, span.to) }))
    .filter(({ from, to }) => to > from)
    .toSorted((a, b) => a.from - b.from);
  let covered = 0;
  let reached = span.from;
  for (const { from, to } of parts) {
    if (to <= reached) continue;
    covered += to - Math.max(from, reached);
    reached = to;
  }
  return covered;
}

/** What comes again within this time after it ended was one outage, ms: in between lies at most one check of a bare leg, each 5 s. */
const COMES_AGAIN_MS = 7_000;

/** The pauses that are too short for more than one try; the venue may answer well there, and nobody asks. */
export function pausesOf(outages: readonly Span[]): readonly Span[] {
  const inOrder = outages.toSorted((a, b) => a.from - b.from);
  let reached = Number.NEGATIVE_INFINITY;
  return inOrder.flatMap(({ from, to }) => {
    const pause = { from: reached, to: from };
    reached = Math.max(reached, to);
    return pause.to > pause.from && pause.to - pause.from <= COMES_AGAIN_MS ? [pause] : [];
  });
}

/** Those that concern the symbol and touch the span. */
export function outagesOf(outages: readonly Outage[], symbol: string, { from, to }: Span): readonly Outage[] {
  return outages.filter(
    (one) => (one.symbol === null || one.symbol === symbol) && one.from < to && one.to > from,
  );
}
