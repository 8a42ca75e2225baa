/** A person's end of an alert channel, on loopback: it keeps what comes, and answers, fails, hangs or resets as told. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type Reaction =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** The request is taken and nothing comes back. */
  | { readonly kind: 'hang' }
  /** Headers and half a body come back, then nothing. */
  | { readonly kind: 'stall' }
  | { readonly kind: 'reset' };

export const OK: Reaction = { kind: 'answer', status: 200, body: '{"ok":true}' };

export class AlertReceiver {
  readonly url: string;
  readonly received: Received[] = [];
  /** What each request meets. */
  react: (request: Received) => Reaction = () => OK;
  readonly #close: () => Promise<void>;

  private constructor(url: string, close: () => Promise<void>) {
    this.url = url;
    this.#close = close;
  }

  static async start(): Promise<AlertReceiver> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { method = '', url = '', headers } = request;
        const seen = { method, path: url, headers, body: Buffer.concat(chunks).toString('utf8') };
        receiver.received.push(seen);
        perform(receiver.react(seen), response);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const receiver = new AlertReceiver(`http://127.0.0.1:${address.port}`, async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
    return receiver;
  }

  /** The next requests meet these, in order; what comes after them is taken. */
  script(...reactions: readonly Reaction[]): void {
    const left = [...reactions];
    this.react = () => left.shift() ?? OK;
  }

  close(): Promise<void> {
    return this.#close();
  }
}

function perform(reaction: Reaction, response: ServerResponse): void {
  switch (reaction.kind) {
    case 'answer':
      response.writeHead(reaction.status, reaction.headers).end(reaction.body ?? '');
      return;
    case 'hang':
      return;
    case 'stall':
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"ok":');
      return;
    case 'reset':
      response.socket?.resetAndDestroy();
      return;
  }
}
