/** What stands before a Temporal server in a cloud, on loopback: TLS, certificates of clients, and an API key; behind it is the real server. */
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import {
  connect,
  constants,
  createSecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';

/** gRPC's status `UNAUTHENTICATED`. */
const UNAUTHENTICATED = '16';

/** A file of `test/fixtures/tls`: an authority, and a server (`temporal.test`, `localhost`) and a client that it vouches for. */
export function tlsFile(name: string): string {
  return fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));
}

export interface GateOptions {
  /** host:port of the server behind it. */
  readonly target: string;
  readonly apiKey: string;
}

export class GrpcGate {
  /** `localhost:PORT` */
  readonly address: string;
  /** Names in the certificates of the clients that were let in. */
  readonly clients = new Set<string>();
  /** Calls that had the key, by method: `PollWorkflowTaskQueue`. */
  readonly served = new Set<string>();
  readonly #close: () => Promise<void>;

  private constructor(address: string, close: () => Promise<void>) {
    this.address = address;
    this.#close = close;
  }

  static async start({ target, apiKey }: GateOptions): Promise<GrpcGate> {
    const upstream = connect(`http://${target}`);
    const sessions = new Set<ServerHttp2Session>();
    const server = createSecureServer({
      cert: readFileSync(tlsFile('server.pem')),
      key: readFileSync(tlsFile('server.key.pem')),
      ca: readFileSync(tlsFile('ca.pem')),
      requestCert: true,
      rejectUnauthorized: true,
    });
    server.on('session', (session) => {
      sessions.add(session);
      gate.clients.add(String((session.socket as TLSSocket).getPeerCertificate().subject.CN));
    });
    server.on('stream', (stream, headers) => {
      if (headers.authorization !== `Bearer ${apiKey}`) return refuse(stream);
      gate.served.add(String(headers[':path']).split('/').at(-1) ?? '');
      return forward(stream, upstream.request({ ...headers, ':authority': target, ':scheme': 'http' }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const gate = new GrpcGate(`localhost:${(server.address() as AddressInfo).port}`, async () => {
      for (const session of sessions) session.destroy();
      upstream.destroy();
      server.close();
      await once(server, 'close');
    });
    return gate;
  }

  close(): Promise<void> {
    return this.#close();
  }
}

function refuse(stream: ServerHttp2Stream): void {
  const status = { 'grpc-status': UNAUTHENTICATED, 'grpc-message': 'Request unauthorized.' };
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...status }, { endStream: true });
}

function forward(
  stream: ServerHttp2Stream,
  request: ReturnType<ReturnType<typeof connect>['request']>,
): void {
  let trailers: IncomingHttpHeaders = {};
  request.on('response', (headers, flags) => {
    if (stream.destroyed) return;
    // An answer without a body carries its status in its headers.
    if ((flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0)
      return stream.respond(headers, { endStream: true });
    stream.respond(headers, { waitForTrailers: true });
    request.pipe(stream);
  });
  request.on('trailers', (headers) => {
    trailers = headers;
  });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.pipe(request);
  // A client that hangs up ends its call there too; what either side says of that is not the test's business.
  stream.on('error', () => undefined);
  request.on('error', () => stream.destroy());
  stream.on('close', () => request.close(constants.NGHTTP2_CANCEL));
}
