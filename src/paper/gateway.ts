/** From a received request to its answer: limits, signature, rule, envelope, and the faults that change what happens. */
import { emptied, edgeAnswer, envelope, gatewayPage, type Answer } from './answers.ts';
import type { Engine } from './engine.ts';
import type { Fault } from './fault-kinds.ts';
import { CallLimits, type LimitStatus } from './limits.ts';
import { messageOf } from './messages.ts';
import { Refusal } from './records.ts';
import type { Parameters } from './request.ts';
import { routeOf, type Route } from './routes.ts';
import type { Row } from './rows.ts';
import { authorize } from './signatures.ts';
import { Views } from './views.ts';

/** A request as it came from the wire. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  /** Query string as received, without `?`. */
  readonly query: string;
  readonly body: string;
  readonly address: string;
  readonly header: (name: string) => string;
}

export class Gateway {
  readonly engine: Engine;
  readonly views: Views;
  readonly #limits: CallLimits;

  constructor(engine: Engine) {
    this.engine = engine;
    this.views = new Views(engine.venue);
    this.#limits = new CallLimits(engine.venue.setup.scenario.limits.perSecond);
  }

  /** Answers a request; `fault` is what makes the answer itself differ, not what befalls it on its way. */
  answer(request: WireRequest, fault?: Fault): Answer {
    const { venue } = this.engine;
    this.engine.advance();
    // A GET with a body, even `{}`, is refused by the edge without a word.
    if (request.method === 'GET' && request.body !== '')
      return edgeAnswer(403, gatewayPage(403, 'Forbidden'));
    const route = routeOf(request.method, request.path);
    if (route === undefined) {
      const refused = envelope({
        retCode: 10017,
        retMsg: 'Route not found.',
        result: {},
        timeMs: venue.timeMs,
      });
      return { ...refused, status: 404 };
    }
    let limit: LimitStatus | undefined;
    try {
      const parameters = parametersOf(request);
      if (route.access !== 'public') {
        authorize(venue, route, {
          method: route.method,
          payload: route.method === 'GET' ? request.query : request.body,
          address: request.address,
          header: request.header,
        });
        limit = this.#limits.take(route.path, route.perSecond, venue.hostMs(), venue.account.clockOffsetMs);
        if (limit?.allowed === false) throw new Refusal(10006, 'Too many visits!');
      }
      const result = this.#perform(route, parameters, fault);
      return envelope({ retCode: 0, retMsg: route.successText, result, timeMs: venue.timeMs, limit });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const retMsg = messageOf(error, venue.setup.scenario.account.language);
      return envelope({ retCode: error.retCode, retMsg, result: error.result, timeMs: venue.timeMs, limit });
    }
  }

  #perform(route: Route, parameters: Parameters, fault: Fault | undefined): Row {
    const { engine, views } = this;
    const perform = (): Row => route.perform(engine.venue, parameters, views);
    if (route.method === 'GET') {
      const result = fault?.kind === 'stale' ? engine.venue.store.asBefore(perform) : perform();
      return fault?.kind === 'empty-list' && 'list' in result ? emptied(result) : result;
    }
    if (fault?.kind === 'unchanged-without-effect') throw new Refusal(34040, 'not modified');
    if (fault?.kind === 'ok-without-effect') return this.#withoutEffect(perform);
    const result = engine.act(perform);
    // What a fill delay of zero makes due happens before the answer goes out.
    engine.advance();
    return result;
  }

  /** Performs a write, keeps its answer and takes back what it did. */
  #withoutEffect(perform: () => Row): Row {
    const undone = new Error('taken back');
    let result: Row = {};
    try {
      this.engine.act(() => {
        result = perform();
        throw undone;
      });
    } catch (error) {
      if (error !== undone && !(error instanceof Refusal)) throw error;
    }
    return result;
  }
}

function parametersOf(request: WireRequest): Parameters {
  if (request.method === 'GET') {
    const parameters: Record<string, string> = {};
    for (const [name, value] of new URLSearchParams(request.query)) parameters[name] = value;
    return parameters;
  }
  try {
    const body: unknown = request.body === '' ? {} : JSON.parse(request.body);
    // Arrays and plain values have no names: nothing that the rules look for is in them.
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Parameters;
  } catch {
    // Said below, in the venue's words.
  }
  throw new Refusal(10001, 'Request parameter error.');
}
