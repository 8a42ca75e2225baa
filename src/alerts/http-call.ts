/** One bounded HTTP request to an address that is itself a secret: nothing of it reaches an error (I9). */
import { ChannelFailure, type SendOptions } from './channel.ts';

/** Enough for any receiver's answer; the rest is not read. */
const ANSWER_BYTES = 4_096;

export interface HttpRequest {
  /** May hold `user:password@`, which is sent as basic authorization. */
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpAnswer {
  readonly status: number;
  /** The beginning of the body. */
  readonly text: string;
  /** From the header `Retry-After` in its form of seconds. */
  readonly retryAfterMs: number | null;
}

/** Answers whatever the receiver says, also an error; throws a passing `ChannelFailure` where there is no whole answer. */
export async function httpCall(request: HttpRequest, options: SendOptions): Promise<HttpAnswer> {
  const { timeoutMs, signal } = options;
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const { url, authorization } = addressOf(request.url);
    const response = await fetch(url, {
      method: request.method,
      headers: { 'user-agent': 'stopkeeper', ...authorization, ...request.headers },
      // A redirected alert would reach an address that nobody configured.
      redirect: 'manual',
      signal: AbortSignal.any([deadline, signal]),
      ...(request.body === undefined ? {} : { body: request.body }),
    });
    const text = await beginning(response);
    return { status: response.status, text, retryAfterMs: retryAfter(response.headers.get('retry-after')) };
  } catch (error) {
    throw new ChannelFailure(reasonOf(error, { stopped: signal.aborted, timeoutMs }), { passing: true });
  }
}

/** Throws for every answer but a success: passing for those that a later try may turn. */
export function expectSuccess(answer: HttpAnswer, remark = ''): void {
  const { status, retryAfterMs } = answer;
  if (status >= 200 && status < 300) return;
  const passing = status >= 500 || [408, 425, 429].includes(status);
  const redirect = status >= 300 && status < 400 ? ', redirects are not followed' : '';
  throw new ChannelFailure(`answered HTTP ${status}${redirect}${remark}`, { passing, retryAfterMs });
}

/** `fetch` refuses an address with a password, and quotes it whole in the refusal. */
function addressOf(address: string): { url: URL; authorization: Record<string, string> } {
  const url = new URL(address);
  const user = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  if (user === '' && password === '') return { url, authorization: {} };
  url.username = '';
  url.password = '';
  const basic = Buffer.from(`${user}:${password}`).toString('base64');
  return { url, authorization: { authorization: `Basic ${basic}` } };
}

async function beginning(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop cancels the body, so that an endless one holds no connection.
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes >= ANSWER_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, ANSWER_BYTES).toString('utf8');
}

function retryAfter(header: string | null): number | null {
  return header !== null && /^\d{1,6}$/.test(header) ? Number(header) * 1_000 : null;
}

/** Messages of `fetch` quote addresses; only the codes of its causes are safe to show. */
function reasonOf(
  error: unknown,
  { stopped, timeoutMs }: { readonly stopped: boolean; readonly timeoutMs: number },
): string {
  if (stopped) return 'stopped before an answer came';
  if (error instanceof Error && error.name === 'TimeoutError') {
    return `no whole answer within ${timeoutMs / 1_000} s`;
  }
  const cause = error instanceof Error ? (error.cause as { readonly code?: unknown } | undefined) : undefined;
  const code = typeof cause?.code === 'string' && /^[A-Z0-9_]{1,40}$/.test(cause.code) ? cause.code : null;
  return code === null ? 'the connection failed' : `the connection failed (${code})`;
}
