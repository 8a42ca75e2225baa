/** A small HTTP server that stands for the venue in tests and misbehaves on cue. */
import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const KEY = 'FAKE-VENUE-KEY-0001';
export const SECRET = 'fake-venue-secret-0001';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly rawQuery: string;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
  readonly at: number;
}

export type Misbehaviour =
  | {
      readonly kind: 'answer';
      readonly status?: number;
      readonly headers?: Record<string, string>;
      readonly body: string;
    }
  | { readonly kind: 'silence' }
  | { readonly kind: 'stalled-body' }
  | { readonly kind: 'reset' }
  | { readonly kind: 'reset-mid-body' };

export type Handler = (request: SeenRequest) => Misbehaviour | Promise<Misbehaviour>;

export interface FakeVenue {
  readonly url: string;
  readonly seen: SeenRequest[];
  on(path: string, handler: Handler): void;
  seenAt(path: string): SeenRequest[];
  /** Venue clock minus this machine's, ms. */
  skewMs: number;
  close(): Promise<void>;
}

/** A success envelope around a result, or with a code around a refusal. */
export function envelope(
  result: unknown,
  { code = 0, message = 'OK', time = Date.now(), headers = {} } = {},
): Misbehaviour {
  return {
    kind: 'answer',
    headers,
    body: JSON.stringify({ retCode: code, retMsg: message, result, retExtInfo: {}, time }),
  };
}

export function refusal(code: number, message: string, headers: Record<string, string> = {}): Misbehaviour {
  return envelope({}, { code, message, headers });
}

export async function startFakeVenue(): Promise<FakeVenue> {
  const handlers = new Map<string, Handler>();
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    void read(request).then(async (got) => {
      seen.push(got);
      const handler = handlers.get(got.path);
      act(
        handler ? await handler(got) : envelope({}, { code: 10017, message: 'Route not found.' }),
        response,
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const venue: FakeVenue = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    on: (path, handler) => void handlers.set(path, handler),
    seenAt: (path) => seen.filter((each) => each.path === path),
    skewMs: 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const now = (): number => Date.now() + venue.skewMs;
  venue.on('/v5/market/time', () =>
    envelope({ timeSecond: String(Math.floor(now() / 1000)) }, { time: now() }),
  );
  venue.on('/v5/position/list', () => envelope({ list: [], nextPageCursor: '' }, { time: now() }));
  venue.on('/v5/account/info', () =>
    envelope({ marginMode: 'REGULAR_MARGIN', unifiedMarginStatus: 6 }, { time: now() }),
  );
  venue.on('/v5/position/trading-stop', () => envelope({}, { time: now() }));
  return venue;
}

/** True where the request carries the signature that the venue's rule gives for its raw bytes. */
export function isSigned(request: SeenRequest): boolean {
  const header = (name: string): string => String(request.headers[name] ?? '');
  const payload = request.method === 'POST' ? request.body : request.rawQuery;
  const text = header('x-bapi-timestamp') + header('x-bapi-api-key') + header('x-bapi-recv-window') + payload;
  return createHmac('sha256', SECRET).update(text).digest('hex') === header('x-bapi-sign');
}

async function read(request: IncomingMessage): Promise<SeenRequest> {
  const at = Date.now();
  let body = '';
  for await (const chunk of request) body += String(chunk);
  const [path = '', rawQuery = ''] = (request.url ?? '').split('?');
  const query = new URLSearchParams(rawQuery);
  return { method: request.method ?? '', path, query, rawQuery, body, headers: request.headers, at };
}

function act(what: Misbehaviour, response: ServerResponse): void {
  switch (what.kind) {
    case 'answer':
      response.writeHead(what.status ?? 200, { 'content-type': 'application/json', ...what.headers });
      response.end(what.body);
      return;
    case 'silence':
      return;
    case 'stalled-body':
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"retCode":0,"retMsg":"OK"');
      return;
    case 'reset':
      response.socket?.resetAndDestroy();
      return;
    case 'reset-mid-body':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' });
      response.write('{"retCode":0,"retMsg":"OK"', () => response.socket?.resetAndDestroy());
      return;
  }
}
