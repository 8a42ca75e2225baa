/** The only file that knows ccxt: one signed HTTP request to Bybit by an implicit call, answered as a `Reply` (DESIGN §10). */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { bybit } from 'ccxt';
import { ENDPOINTS, type EndpointName } from './endpoints.ts';
import type { VenueName } from './port.ts';
import { replyFrom, type Reply } from './reply.ts';
import { describeLoss } from './transport-loss.ts';

export type Params = Readonly<Record<string, string | number | boolean>>;

export interface BybitClient {
  /** Never throws for anything that the venue or the network does; texts in the reply are redacted (I9). */
  call(name: EndpointName, params: Params): Promise<Reply>;
}

export interface Deadlines {
  /** A read's whole duration, body included, ms. */
  readonly readMs: number;
  /** A write's whole duration, body included, ms. */
  readonly writeMs: number;
}

/** Many times the venue's usual answer time; an answer that takes longer is as good as lost, and a read follows. */
export const DEADLINES: Deadlines = { readMs: 5_000, writeMs: 5_000 };

export interface BybitClientOptions {
  readonly venue: VenueName;
  /** Needed for `paper`; otherwise in place of the venue's own URL. */
  readonly baseUrl?: string;
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly deadlines: Deadlines;
  /** Timestamp for signatures, ms of the venue's clock, rather old than young (the venue refuses the future). */
  readonly signingTime: () => number;
  readonly redact: (text: string) => string;
}

/** Tolerance of the venue for old timestamps, ms; it does not forgive young ones. */
const RECV_WINDOW_MS = 5_000;

const METHODS = {
  time: 'publicGetV5MarketTime',
  instruments: 'publicGetV5MarketInstrumentsInfo',
  tickers: 'publicGetV5MarketTickers',
  kline: 'publicGetV5MarketKline',
  markKline: 'publicGetV5MarketMarkPriceKline',
  keyInfo: 'privateGetV5UserQueryApi',
  accountInfo: 'privateGetV5AccountInfo',
  wallet: 'privateGetV5AccountWalletBalance',
  positions: 'privateGetV5PositionList',
  openOrders: 'privateGetV5OrderRealtime',
  orderHistory: 'privateGetV5OrderHistory',
  executions: 'privateGetV5ExecutionList',
  closedPnl: 'privateGetV5PositionClosedPnl',
  setStop: 'privatePostV5PositionTradingStop',
  createOrder: 'privatePostV5OrderCreate',
} as const satisfies Record<EndpointName, keyof bybit>;

/** Carries an answer that is no clean success through ccxt, which would cut failures along other lines than we do. */
class AnswerError extends Error {
  readonly reply: Reply;

  constructor(reply: Reply) {
    super('answer is not a success');
    this.name = 'AnswerError';
    this.reply = reply;
  }
}

/** Carries a lost answer through ccxt, which would drop what the socket said. */
class LostAnswerError extends Error {
  readonly reply: Reply;

  constructor(reply: Reply) {
    super('no complete answer');
    this.name = 'LostAnswerError';
    this.reply = reply;
  }
}

/** Throws `Error` for a venue without a usable URL; loads ccxt at the first call, or now in the background. */
export function createBybitClient(options: BybitClientOptions): BybitClient {
  const urls = apiUrls(options);
  const replies = new WeakMap<object, Reply>();
  let exchange: Promise<bybit> | undefined;
  return {
    call: async (name, params) => {
      exchange ??= buildExchange(options, urls, replies);
      let api: bybit;
      try {
        api = await exchange;
      } catch (error) {
        exchange = undefined;
        return {
          kind: 'lost',
          sent: false,
          detail: options.redact(`ccxt could not be loaded: ${textOf(error)}`),
        };
      }
      try {
        const query = ENDPOINTS[name].method === 'GET' ? encoded(params) : { ...params };
        const parsed: unknown = await api[METHODS[name]](query);
        const reply = typeof parsed === 'object' && parsed !== null ? replies.get(parsed) : undefined;
        return reply ?? { kind: 'foreign', httpStatus: 200, excerpt: 'an answer that was never checked' };
      } catch (error) {
        if (error instanceof AnswerError || error instanceof LostAnswerError) return error.reply;
        return { kind: 'lost', sent: true, detail: options.redact(textOf(error)).slice(0, 200) };
      }
    },
  };
}

/** ccxt signs a query value as given, but what is outside ASCII changes on the wire: encoded before, both are alike. */
function encoded(params: Params): Record<string, string | number | boolean> {
  return Object.fromEntries(
    Object.entries(params).map(([key, value]) => [
      key,
      // A cursor arrives percent-encoded and goes back verbatim.
      key === 'cursor' || typeof value !== 'string' ? value : encodeURIComponent(value),
    ]),
  );
}

async function buildExchange(
  options: BybitClientOptions,
  urls: string | null,
  replies: WeakMap<object, Reply>,
): Promise<bybit> {
  const { Bybit } = await loadCcxt();
  const { redact, signingTime } = options;

  class CheckedBybit extends Bybit {
    override nonce(): number {
      return signingTime();
    }

    /** The single place every answer passes: with status, headers, raw text and parsed body (`undefined` when not JSON). */
    override handleErrors(
      httpCode: number,
      _reason: string,
      _url: string,
      _method: string,
      headers: Record<string, string>,
      body: string,
      response: unknown,
    ): undefined {
      const reply = replyFrom(httpCode, headers, body, response, redact);
      const success = reply.kind === 'envelope' && reply.retCode === 0 && httpCode >= 200 && httpCode < 300;
      if (!success || typeof response !== 'object' || response === null) throw new AnswerError(reply);
      replies.set(response, reply);
      return undefined;
    }
  }

  const exchange = new CheckedBybit({
    apiKey: options.apiKey,
    secret: options.apiSecret,
    enableRateLimit: false,
    // Only a net behind our own deadline: ccxt stops counting once headers arrive.
    timeout: Math.max(options.deadlines.readMs, options.deadlines.writeMs) + 5_000,
    userAgent: 'stopkeeper',
    has: { fetchCurrencies: false },
    options: { recvWindow: RECV_WINDOW_MS, maxRetriesOnFailure: 0 },
  });
  if (urls === null) pointAtVenue(exchange, options.venue);
  else {
    exchange.urls['api'] = { spot: urls, futures: urls, v2: urls, public: urls, private: urls };
  }
  exchange.fetchImplementation = (url: string, init: RequestInit) => fetchWhole(url, init, options);
  return exchange;
}

function pointAtVenue(exchange: bybit, venue: VenueName): void {
  switch (venue) {
    case 'bybit-testnet':
      exchange.setSandboxMode(true);
      return;
    case 'bybit-demo':
      exchange.enableDemoTrading(true);
      return;
    case 'bybit-mainnet':
    case 'paper':
      return;
  }
}

/** The base URL to use, `null` for ccxt's own; throws where the venue needs one or it cannot be used. */
function apiUrls({ venue, baseUrl }: BybitClientOptions): string | null {
  if (baseUrl === undefined) {
    if (venue === 'paper')
      throw new Error('venue "paper" needs a base URL, for example http://127.0.0.1:8800');
    return null;
  }
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  if (
    url === null ||
    (url.protocol !== 'http:' && url.protocol !== 'https:') ||
    url.search !== '' ||
    url.hash !== ''
  )
    throw new Error(`venue URL ${JSON.stringify(baseUrl)} is not an http or https URL without query`);
  if (url.username !== '' || url.password !== '')
    throw new Error('venue URL must not carry a user or password');
  return url.href.replace(/\/+$/, '');
}

/** The answer with its whole body under one deadline that also frees the socket; a failure says whether the request left. */
async function fetchWhole(
  url: string,
  init: RequestInit,
  { deadlines, redact }: BybitClientOptions,
): Promise<object> {
  const deadlineMs = init.method === 'POST' ? deadlines.writeMs : deadlines.readMs;
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), deadlineMs);
  try {
    const response = await fetch(url, {
      method: init.method ?? 'GET',
      headers: init.headers ?? {},
      ...(init.body !== undefined && init.method === 'POST' && { body: init.body }),
      // A redirect would send the signed request elsewhere; it is an answer like any other.
      redirect: 'manual',
      signal: controller.signal,
    });
    const text = await response.text();
    return {
      status: response.status,
      statusText: response.statusText,
      headers: response.headers,
      text: () => Promise.resolve(text),
    };
  } catch (error) {
    const loss = controller.signal.aborted
      ? { sent: true, detail: `no complete answer within ${deadlineMs} ms` }
      : describeLoss(error);
    throw new LostAnswerError({ kind: 'lost', sent: loss.sent, detail: redact(loss.detail).slice(0, 200) });
  } finally {
    clearTimeout(timer);
  }
}

/** ccxt's Bybit class: its own file (a third of the time and half the memory), else the main entry. */
export async function loadCcxt(
  lightUrl: string | null = lightCcxtUrl(),
): Promise<{ readonly Bybit: typeof bybit; readonly light: boolean }> {
  if (lightUrl !== null) {
    try {
      // The file is no public interface of the package: its shape is checked before it is believed.
      const module = (await import(/* @vite-ignore */ lightUrl)) as { readonly default?: typeof bybit };
      if (typeof module.default === 'function') return { Bybit: module.default, light: true };
    } catch {
      // Moved or gone in another version: the main entry has the same class.
    }
  }
  const { default: ccxt } = await import('ccxt');
  return { Bybit: ccxt.bybit, light: false };
}

/** URL of the class's own file inside the installed package; `null` where the package cannot be found. */
export function lightCcxtUrl(): string | null {
  try {
    // `require` and `import` conditions resolve to different folders; the package's root is above both.
    const entry = pathToFileURL(createRequire(import.meta.url).resolve('ccxt')).href;
    const root = entry.slice(0, entry.lastIndexOf('/ccxt/') + '/ccxt/'.length);
    return new URL('./js/src/bybit.js', root).href;
  } catch {
    return null;
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
