/** What a soak lets go wrong between Stopkeeper and the venue: every fault kind of the paper exchange, on reads and on writes. */
import type { Draw, Weighted } from './draw.ts';

/** A fault as the paper exchange takes it, and its name for the count. */
export interface VenueFault {
  readonly name: string;
  readonly body: object;
}

const LIST = '/v5/position/list';
const STOP = '/v5/position/trading-stop';

/** Paths that only complete a picture, or that a session and the ledger read. */
const ASIDE = [
  '/v5/order/realtime',
  '/v5/execution/list',
  '/v5/position/closed-pnl',
  '/v5/account/wallet-balance',
  '/v5/market/time',
  '/v5/market/instruments-info',
  '/v5/market/mark-price-kline',
] as const;

const BUSY = { code: 10006, message: 'Too many visits!' };
const code = (retCode: number, message: string, more: object = {}): Kind => ({
  name: `ret-code ${retCode}`,
  body: () => ({ kind: 'ret-code', code: retCode, message, ...more }),
});

interface Kind {
  readonly name: string;
  readonly body: (draw: Draw) => object;
}

const plain = (kind: string, more: object = {}): Kind => ({ name: kind, body: () => ({ kind, ...more }) });
const half = (kind: string, more: object = {}): Kind => ({
  name: kind,
  body: (draw) => ({ kind, ...more, applied: draw.chance(0.5) }),
});

/** What may befall any request; a read is never "applied", whatever the fault says. */
const ANY: readonly [Kind, ...Kind[]] = [
  { name: 'delay', body: (draw) => ({ kind: 'delay', ms: draw.whole(500, 12_000) }) },
  plain('drop'),
  half('stall'),
  half('reset-mid-body'),
  half('status', { code: 502 }),
  half('status', { code: 500 }),
  plain('not-json'),
  plain('truncate'),
  code(10000, 'Server Timeout'),
  code(10016, 'Service is restarting'),
  code(33004, 'Your api key has expired.'),
  code(10002, 'invalid request, please check your server timestamp'),
  { name: 'ret-code 10006', body: () => ({ kind: 'ret-code', ...BUSY }) },
];

const READS: readonly [Kind, ...Kind[]] = [...ANY, plain('empty-list'), plain('stale')];

const WRITES: readonly [Kind, ...Kind[]] = [
  ...ANY,
  plain('apply-then-timeout'),
  plain('apply-then-drop'),
  plain('ok-without-effect'),
  plain('unchanged-without-effect'),
  code(10016, 'Service is restarting', { applied: true }),
];

type Scope = 'reads' | 'writes' | 'one-symbol' | 'everything' | 'aside';

const SCOPES: readonly [Weighted<Scope>, ...Weighted<Scope>[]] = [
  { weight: 32, value: 'reads' },
  { weight: 30, value: 'writes' },
  { weight: 20, value: 'one-symbol' },
  { weight: 6, value: 'everything' },
  { weight: 12, value: 'aside' },
];

/** What was laid and not met by then is gone, so that faults do not pile up, ms. */
const LAPSES_MS = 60_000;

function boundOf(scope: Scope, draw: Draw): object {
  switch (scope) {
    case 'reads':
    case 'everything':
      return draw.chance(0.5)
        ? { times: 'always', forMs: draw.whole(1_000, 8_000) }
        : { times: draw.whole(1, 3), forMs: LAPSES_MS };
    case 'one-symbol':
      return draw.chance(0.5)
        ? { times: 'always', forMs: draw.whole(5_000, 25_000) }
        : { times: draw.whole(1, 5), forMs: LAPSES_MS };
    case 'writes':
    case 'aside':
      return { times: draw.whole(1, 6), forMs: LAPSES_MS };
  }
}

/** One fault, drawn: where it strikes, what it does, how often or how long. */
export function drawnFault(draw: Draw, leg: { readonly symbol: string }): VenueFault {
  const scope = draw.weighted(SCOPES);
  const bound = boundOf(scope, draw);
  const drawn = (kinds: readonly [Kind, ...Kind[]], where: object): VenueFault => {
    const kind = draw.pick(kinds);
    return { name: `${scope}: ${kind.name}`, body: { ...where, ...bound, ...kind.body(draw) } };
  };
  switch (scope) {
    case 'reads':
      return drawn(READS, { path: LIST });
    case 'writes':
      return drawn(WRITES, { path: STOP });
    case 'one-symbol':
      return drawn(WRITES, { path: STOP, symbol: leg.symbol });
    case 'everything':
      return drawn(ANY, { path: '*' });
    case 'aside':
      return drawn(ANY, { path: draw.pick(ASIDE) });
  }
}
