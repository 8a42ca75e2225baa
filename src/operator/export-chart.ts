/** The chart of an exported guard as SVG: price, stop, trigger and best price over time, with what happened; no script, no request. */
import type { Traced, TracedDecision } from '../domain/retrace.ts';

const WIDTH = 1_120;
const HEIGHT = 460;
/** Room for the axis on the left and the names of the lines on the right. */
const PLOT = { left: 78, right: 958, top: 30, bottom: 412 } as const;
/** More points than pixels show nothing; each bucket keeps its first, lowest, highest and last. */
const MOST_POINTS = 1_600;
const LABEL_GAP = 17;

/** Numbers are for pixels only: every figure that is read stands in the table, as the venue wrote it. */
interface Point {
  readonly at: number;
  readonly value: number;
}

interface Line {
  readonly name: string;
  readonly className: string;
  /** A level holds until the next one; a price is joined to the next. */
  readonly step: boolean;
  readonly pieces: readonly (readonly Point[])[];
}

interface Scale {
  readonly x: (at: number) => number;
  readonly y: (value: number) => number;
  readonly values: { readonly min: number; readonly max: number };
  readonly times: { readonly from: number; readonly to: number };
}

/** Empty where no check saw a price. */
export function chartOf(traced: readonly Traced[]): string {
  const decisions = traced.filter((one) => one.kind === 'decision').filter(({ price }) => price !== null);
  if (decisions.length === 0) return '';
  const lines = linesOf(decisions);
  const scale = scaleOf(lines, traced);
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Price, stop, trigger and best price over time">`,
    ...axes(scale),
    ...lines.flatMap((line) => line.pieces.map((piece) => drawn(line, piece, scale))),
    ...marks(traced, scale),
    ...names(lines, scale),
    '</svg>',
  ].join('\n');
}

function linesOf(decisions: readonly TracedDecision[]): readonly Line[] {
  const line = (
    name: string,
    className: string,
    step: boolean,
    pick: (one: TracedDecision) => string | null,
  ): Line => ({ name, className, step, pieces: piecesOf(decisions, pick) });
  return [
    line('price', 'price', false, ({ price }) => price),
    line('best', 'best', true, ({ best }) => best),
    line('trigger', 'trigger', true, ({ trigger, best }) => (best === null ? trigger : null)),
    line('stop', 'stop', true, ({ resting }) => resting),
  ].filter(({ pieces }) => pieces.length > 0);
}

/** One piece for each stretch in which the value is known and the episode the same. */
function piecesOf(
  decisions: readonly TracedDecision[],
  pick: (one: TracedDecision) => string | null,
): readonly (readonly Point[])[] {
  const pieces: Point[][] = [];
  let [piece, episode]: [Point[] | null, string | null] = [null, null];
  for (const one of decisions) {
    const value = pick(one);
    if (value === null || one.episode !== episode) piece = null;
    episode = one.episode;
    if (value === null) continue;
    if (piece === null) pieces.push((piece = []));
    piece.push({ at: one.at, value: Number(value) });
  }
  return pieces.map((points) => thinned(points));
}

function thinned(points: readonly Point[]): readonly Point[] {
  if (points.length <= MOST_POINTS) return points;
  const size = Math.ceil((points.length * 4) / MOST_POINTS);
  const kept: Point[] = [];
  for (let from = 0; from < points.length; from += size) {
    const bucket = points.slice(from, from + size);
    const byValue = bucket.toSorted((a, b) => a.value - b.value);
    const chosen = new Set([bucket[0], byValue[0], byValue.at(-1), bucket.at(-1)]);
    kept.push(...bucket.filter((point) => chosen.has(point)));
  }
  return kept;
}

function scaleOf(lines: readonly Line[], traced: readonly Traced[]): Scale {
  const values = lines.flatMap(({ pieces }) => pieces.flat().map(({ value }) => value));
  // Spread arguments overflow the stack with a long guard.
  const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  const margin = (high - low || high * 0.01) * 0.08;
  const [min, max] = [low - margin, high + margin];
  const times = traced.map(({ at }) => at).filter((at) => at > 0);
  const from = times.reduce((a, b) => Math.min(a, b));
  const to = Math.max(
    times.reduce((a, b) => Math.max(a, b)),
    from + 1_000,
  );
  const { left, right, top, bottom } = PLOT;
  return {
    x: (at) => left + ((at - from) / (to - from)) * (right - left),
    y: (value) => bottom - ((value - min) / (max - min)) * (bottom - top),
    values: { min, max },
    times: { from, to },
  };
}

function drawn({ className, step }: Line, piece: readonly Point[], { x, y }: Scale): string {
  const path = piece.map(({ at, value }, index) => {
    const [px, py] = [x(at).toFixed(1), y(value).toFixed(1)];
    if (index === 0) return `M${px} ${py}`;
    return step ? `H${px}V${py}` : `L${px} ${py}`;
  });
  // A single point would be invisible.
  const tail = piece.length === 1 ? 'h3' : '';
  return `<path class="line ${className}" d="${path.join('')}${tail}"/>`;
}

/** 1, 2 or 5 times a power of ten: about `count` steps in `span`. */
function stepOf(span: number, count: number): number {
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power;
}

const SECOND = 1_000;
const TIME_STEPS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200,
].map((seconds) => seconds * SECOND);
const DAY = 86_400 * SECOND;

function axes({ x, y, values, times }: Scale): readonly string[] {
  const { left, right, top, bottom } = PLOT;
  const step = stepOf(values.max - values.min, 6);
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  const found: string[] = [];
  for (let value = Math.ceil(values.min / step) * step; value <= values.max; value += step) {
    const py = y(value).toFixed(1);
    found.push(`<line class="grid" x1="${left}" y1="${py}" x2="${right}" y2="${py}"/>`);
    found.push(
      `<text class="tick" x="${left - 8}" y="${py}" dy="4" text-anchor="end">${value.toFixed(digits)}</text>`,
    );
  }
  const span = times.to - times.from;
  const every = TIME_STEPS.find((one) => span / one <= 8) ?? Math.ceil(span / DAY / 8) * DAY;
  for (let at = Math.ceil(times.from / every) * every; at <= times.to; at += every) {
    const px = x(at).toFixed(1);
    found.push(`<line class="grid" x1="${px}" y1="${top}" x2="${px}" y2="${bottom}"/>`);
    found.push(
      `<text class="tick" x="${px}" y="${bottom + 20}" text-anchor="middle">${timeLabel(at, every)}</text>`,
    );
  }
  found.push(`<text class="tick" x="${right}" y="${bottom + 38}" text-anchor="end">UTC</text>`);
  return found;
}

function timeLabel(at: number, every: number): string {
  const iso = new Date(at).toISOString();
  if (every >= DAY) return iso.slice(0, 10);
  return every < 60 * SECOND ? iso.slice(11, 19) : `${iso.slice(5, 10)} ${iso.slice(11, 16)}`;
}

/** What happened, at its time: stops sent on their level, the rest along the top; a pointer shows the words. */
function marks(traced: readonly Traced[], { x, y }: Scale): readonly string[] {
  return traced.flatMap((one): readonly string[] => {
    const px = x(one.at);
    const title = `${new Date(one.at).toISOString().slice(11, 19)} ${wordsOf(one)}`;
    const top = PLOT.top - 12;
    switch (one.kind) {
      case 'decision': {
        if (one.answer === null || one.request === null) return [];
        const py = y(Number(one.request));
        const bad = one.answer === 'applied' || one.answer === 'unchanged' ? '' : ' bad';
        return [
          `<circle class="sent${bad}" cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="4">${titled(title)}</circle>`,
        ];
      }
      case 'alert': {
        const kind = one.alert.level.toLowerCase();
        const path = `M${px.toFixed(1)} ${top - 7}l7 13h-14z`;
        return [`<path class="alert ${kind}" d="${path}">${titled(title)}</path>`];
      }
      case 'message':
        return [
          `<rect class="message" x="${(px - 5).toFixed(1)}" y="${top - 5}" width="10" height="10">${titled(title)}</rect>`,
        ];
      case 'episode-ended': {
        const cut = `<line class="end" x1="${px.toFixed(1)}" y1="${PLOT.top}" x2="${px.toFixed(1)}" y2="${PLOT.bottom}">${titled(title)}</line>`;
        const word = `<text class="end-label" x="${(px - 6).toFixed(1)}" y="${PLOT.bottom - 8}" text-anchor="end">${escaped(one.report.reason)}</text>`;
        return [cut, word];
      }
      case 'guard-ended':
      case 'gap':
        return [];
    }
  });
}

/** What a row of the table and a mark of the chart say of it. */
export function wordsOf(one: Traced): string {
  switch (one.kind) {
    case 'decision':
      return one.request === null
        ? one.reason
        : `${one.reason}: stop ${one.request} ${one.answer ?? ''}`.trimEnd();
    case 'alert':
      return `${one.alert.level} ${one.alert.kind}: ${one.alert.message}`;
    case 'message': {
      const by = one.by === '' ? '' : ` from ${one.by}`;
      return `message ${one.name} ${JSON.stringify(one.input)}${by}`;
    }
    case 'episode-ended': {
      const { reason, exitPrice, pnl, slippage, unprotectedSeconds } = one.report;
      const figures = [
        exitPrice === null ? null : `exit ${exitPrice}`,
        pnl === null ? null : `PnL ${pnl}`,
        slippage === null ? null : `slippage ${slippage}`,
        `unprotected ${unprotectedSeconds} s`,
      ].filter((text) => text !== null);
      return `episode ended: ${reason}, ${figures.join(', ')}`;
    }
    case 'guard-ended':
      return `guard ended: ${one.how}`;
    case 'gap':
      return `not known: ${one.reason}`;
  }
}

/** Names and last values beside the ends of the lines, pushed apart where they would touch. */
function names(lines: readonly Line[], { y }: Scale): readonly string[] {
  const labels = lines
    .map(({ name, className, pieces }) => {
      const last = pieces.at(-1)?.at(-1)?.value ?? 0;
      return { text: `${name} ${String(Number(last.toPrecision(7)))}`, className, y: y(last) };
    })
    .toSorted((a, b) => a.y - b.y);
  let floor = PLOT.top;
  return labels.map(({ text, className, y: at }) => {
    const py = Math.max(at, floor);
    floor = py + LABEL_GAP;
    return `<text class="name ${className}" x="${PLOT.right + 10}" y="${py.toFixed(1)}" dy="5">${escaped(text)}</text>`;
  });
}

function titled(text: string): string {
  return `<title>${escaped(text)}</title>`;
}

/** Symbols, words of the venue and of operators are text, whatever they contain. */
export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
