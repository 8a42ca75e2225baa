/** The paper exchange on the wire: one HTTP server on loopback that applies latency and faults around the gateway's answers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { edgeAnswer, envelope, gatewayPage, type Answer } from './answers.ts';
import { control, type Controlled } from './control.ts';
import type { Engine } from './engine.ts';
import type { Fault } from './fault-kinds.ts';
import { FaultBook } from './faults.ts';
import { Gateway, type WireRequest } from './gateway.ts';
import { AddressLimit } from './limits.ts';
import { RequestLog } from './request-log.ts';

/** A listening paper exchange. */
export interface PaperServer {
  /** Base URL, e.g. `http://127.0.0.1:8090`. */
  readonly url: string;
  readonly stop: () => Promise<void>;
}

const host = '127.0.0.1';
/** Larger bodies are nothing that the venue's calls need. */
const mostBodyBytes = 65_536;
/** Longest time between two looks at what is due: what a request makes due in between is at most so late when nobody asks. */
const longestWaitMs = 50;

/** Listens on loopback; port 0 takes a free one. Rejects with the system's error when the port is taken. */
export async function serve(engine: Engine, port: number): Promise<PaperServer> {
  const wire = new Wire(engine);
  const app = fastify({ bodyLimit: mostBodyBytes, forceCloseConnections: true, exposeHeadRoutes: false });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_, body, done) => done(null, body));
  app.addHook('onRequest', (request, _, done) => {
    wire.arrived(request);
    done();
  });
  app.all('/*', (request, reply) => wire.serve(request, reply));
  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    throw error;
  }
  const stopClock = runClock(engine);
  return {
    url: `http://${host}:${portOf(app)}`,
    stop: async () => {
      stopClock();
      wire.stop();
      await app.close();
    },
  };
}

function portOf(app: FastifyInstance): number {
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Lets time pass on its own, also while nobody asks. */
function runClock(engine: Engine): () => void {
  let timer: NodeJS.Timeout | undefined;
  const tick = (): void => {
    engine.advance();
    timer = setTimeout(tick, Math.min(Math.max(engine.dueInMs(), 1), longestWaitMs));
  };
  tick();
  return () => clearTimeout(timer);
}

class Wire {
  readonly #engine: Engine;
  readonly #gateway: Gateway;
  readonly #faults = new FaultBook();
  readonly #log = new RequestLog();
  readonly #addresses: AddressLimit;
  readonly #controlled: Controlled;
  readonly #stopping = new AbortController();
  /** When the head of a request was there: its body is read before it is served. */
  readonly #arrivals = new WeakMap<FastifyRequest, number>();

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#gateway = new Gateway(engine);
    const { limits, faults } = engine.venue.setup.scenario;
    this.#addresses = new AddressLimit(limits.ipRequests, limits.banMs);
    for (const fault of faults) this.#faults.lay(fault, engine.venue.hostMs());
    this.#controlled = { gateway: this.#gateway, faults: this.#faults, log: this.#log };
  }

  /** Requests that were left without an answer on purpose end with the server. */
  stop(): void {
    this.#stopping.abort();
  }

  arrived(request: FastifyRequest): void {
    this.#arrivals.set(request, this.#engine.venue.hostMs());
  }

  async serve(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const wireRequest = wireRequestOf(request);
    reply.hijack();
    if (wireRequest.path.startsWith('/paper')) {
      this.#serveControl(wireRequest, reply);
      return;
    }
    const { venue } = this.#engine;
    const payload = wireRequest.method === 'GET' ? wireRequest.query : wireRequest.body;
    const arrivedMs = this.#arrivals.get(request) ?? venue.hostMs();
    const id = this.#log.received(arrivedMs, wireRequest.method, wireRequest.path, payload);
    try {
      await this.#serveVenue(id, wireRequest, reply);
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      reply.raw.destroy();
      process.stderr.write(
        `paper exchange: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
      );
    }
  }

  #serveControl(request: WireRequest, reply: FastifyReply): void {
    const { status, body } = control(
      this.#controlled,
      request.method,
      request.path,
      request.query,
      request.body,
    );
    const text = JSON.stringify(body);
    reply.raw.writeHead(status, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(text),
    });
    reply.raw.end(text);
  }

  async #serveVenue(id: number, request: WireRequest, reply: FastifyReply): Promise<void> {
    const { venue } = this.#engine;
    if (!this.#addresses.take(request.address, venue.hostMs())) {
      this.#send(id, reply, edgeAnswer(403, 'access too frequent'));
      return;
    }
    const halfMs = venue.setup.scenario.latencyMs / 2;
    if (halfMs > 0) await this.#wait(halfMs);
    const {
      delayMs,
      fault,
      id: faultId,
    } = this.#faults.take(request.path, symbolOf(request), venue.hostMs());
    if (delayMs > 0) {
      this.#log.hit(id, 'delay', faultId);
      await this.#wait(delayMs);
    }
    if (fault !== undefined) {
      this.#log.hit(id, fault.kind, faultId);
      this.#suffer(id, request, reply, fault);
      return;
    }
    const answer = this.#gateway.answer(request);
    if (halfMs > 0) await this.#wait(halfMs);
    this.#send(id, reply, answer);
  }

  #wait(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.#stopping.signal });
  }

  /** What a fault does to a request and its answer. */
  #suffer(
    id: number,
    request: WireRequest,
    reply: FastifyReply,
    fault: Exclude<Fault, { readonly kind: 'delay' }>,
  ): void {
    switch (fault.kind) {
      case 'ok-without-effect':
      case 'unchanged-without-effect':
      case 'empty-list':
      case 'stale':
        this.#send(id, reply, this.#gateway.answer(request, fault));
        return;
      case 'drop':
        reply.raw.destroy();
        return;
      case 'apply-then-timeout':
        this.#applied(id, request, fault.kind);
        return;
      case 'apply-then-drop':
        this.#applied(id, request, fault.kind);
        reply.raw.destroy();
        return;
      case 'stall':
      case 'reset-mid-body':
      case 'truncate':
      case 'not-json':
      case 'status':
      case 'ret-code':
        this.#spoil(id, reply, fault, fault.applied ? this.#applied(id, request, fault.kind) : undefined);
        return;
    }
  }

  #spoil(id: number, reply: FastifyReply, fault: Spoiling, applied: Answer | undefined): void {
    const { venue } = this.#engine;
    const whole = applied ?? envelope({ retCode: 0, retMsg: 'OK', result: {}, timeMs: venue.timeMs });
    const half = whole.body.slice(0, Math.floor(whole.body.length / 2));
    switch (fault.kind) {
      case 'stall':
        reply.raw.writeHead(200, {
          ...whole.headers,
          'Content-Length': String(Buffer.byteLength(whole.body)),
        });
        reply.raw.flushHeaders();
        return;
      case 'reset-mid-body':
        reply.raw.writeHead(200, {
          ...whole.headers,
          'Content-Length': String(Buffer.byteLength(whole.body)),
        });
        reply.raw.write(half, () => reply.raw.socket?.resetAndDestroy());
        return;
      case 'truncate':
        this.#send(id, reply, { ...whole, body: half, retCode: null });
        return;
      case 'not-json':
        this.#send(id, reply, edgeAnswer(200, gatewayPage(200, 'Service')));
        return;
      case 'status':
        this.#send(id, reply, edgeAnswer(fault.code, fault.body ?? gatewayPage(fault.code, 'Gateway')));
        return;
      case 'ret-code': {
        const { code: retCode, message: retMsg, headers } = fault;
        this.#send(id, reply, envelope({ retCode, retMsg, result: {}, timeMs: venue.timeMs, headers }));
        return;
      }
    }
  }

  /** Lets a request take effect and, when it did, writes down that its client will not hear of it. */
  #applied(id: number, request: WireRequest, kind: string): Answer {
    const answer = this.#gateway.answer(request);
    if (request.method === 'POST' && answer.retCode === 0) {
      const { venue } = this.#engine;
      this.#engine.act(() => {
        venue.store.unheard.set(`${venue.timeMs}:${id}`, {
          timeMs: venue.timeMs,
          method: request.method,
          path: request.path,
          parameters: JSON.parse(request.body) as unknown,
          fault: kind,
          retCode: 0,
        });
      });
    }
    return answer;
  }

  #send(id: number, reply: FastifyReply, answer: Answer): void {
    if (reply.raw.destroyed) return;
    reply.raw.writeHead(answer.status, {
      ...answer.headers,
      'Content-Length': String(Buffer.byteLength(answer.body)),
    });
    this.#log.answered(id, this.#engine.venue.hostMs(), answer.status, answer.retCode);
    reply.raw.end(answer.body);
  }
}

type Spoiling = Extract<
  Fault,
  { readonly kind: 'stall' | 'reset-mid-body' | 'truncate' | 'not-json' | 'status' | 'ret-code' }
>;

function wireRequestOf(request: FastifyRequest): WireRequest {
  const [path = '', ...rest] = request.url.split('?');
  const sent = request.headers['content-length'];
  const bodyOnGet =
    request.method === 'GET' &&
    ((sent !== undefined && sent !== '0') || request.headers['transfer-encoding'] !== undefined);
  return {
    method: request.method,
    path,
    query: rest.join('?'),
    body: bodyOnGet ? '{}' : typeof request.body === 'string' ? request.body : '',
    address: request.ip,
    header: (name) => {
      const value = request.headers[name];
      return typeof value === 'string' ? value : '';
    },
  };
}

/** The symbol that a request names, for faults that hit only one. */
function symbolOf(request: WireRequest): string {
  if (request.method === 'GET') return new URLSearchParams(request.query).get('symbol') ?? '';
  return /"symbol"\s*:\s*"([^"]*)"/.exec(request.body)?.[1] ?? '';
}
