/** The venue's envelope and what else an answer on the wire is made of. */
import { createHash } from 'node:crypto';
import type { LimitStatus } from './limits.ts';
import type { Row } from './rows.ts';

/** An answer before it goes out. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** `null` where the body is no envelope. */
  readonly retCode: number | null;
}

/** An answer in the envelope; everything but what the edge refuses is HTTP 200. */
export function envelope(about: {
  readonly retCode: number;
  readonly retMsg: string;
  readonly result: unknown;
  readonly timeMs: number;
  readonly limit?: LimitStatus | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}): Answer {
  const { retCode, retMsg, result, timeMs, limit } = about;
  const body = JSON.stringify({ retCode, retMsg, result, retExtInfo: {}, time: timeMs });
  const headers: Record<string, string> = {
    'Content-Type': 'application/json; charset=utf-8',
    Ret_code: String(retCode),
    Traceid: traceId(timeMs),
    Timenow: String(timeMs),
  };
  if (limit !== undefined) {
    headers['X-Bapi-Limit'] = String(limit.limit);
    headers['X-Bapi-Limit-Status'] = String(limit.remaining);
    headers['X-Bapi-Limit-Reset-Timestamp'] = String(limit.resetMs);
  }
  return { status: 200, headers: { ...headers, ...about.headers }, body, retCode };
}

let traces = 0;

function traceId(timeMs: number): string {
  traces += 1;
  return createHash('md5').update(`${timeMs}:${traces}`).digest('hex');
}

/** An answer of the edge, which is no envelope. */
export function edgeAnswer(status: number, body: string): Answer {
  const html = body.startsWith('<');
  const contentType = html ? 'text/html' : 'text/plain; charset=utf-8';
  return { status, headers: { 'Content-Type': contentType }, body, retCode: null };
}

/** A page such as a gateway serves. */
export function gatewayPage(status: number, words: string): string {
  return `<html>\r\n<head><title>${status} ${words}</title></head>\r\n<body>\r\n<center><h1>${status} ${words}</h1></center>\r\n</body>\r\n</html>\r\n`;
}

/** The result of a list call with nothing in its list. */
export function emptied(result: Row): Row {
  return { ...result, list: [], ...('nextPageCursor' in result ? { nextPageCursor: '' } : {}) };
}
