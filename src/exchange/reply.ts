/** What came back from one HTTP request to the venue, before anyone judges it; texts in it are already redacted (I9). */

/** The venue's rate headers; `null` where an answer lacked one. */
export interface RateHeaders {
  /** Requests per second that this endpoint allows. */
  readonly limit: number | null;
  readonly remaining: number | null;
  /** When the limit resets, ms of the venue's clock; just "now" while it is not exceeded. */
  readonly resetAt: number | null;
}

export type Reply =
  | {
      /** JSON with a return code, whatever the HTTP status. */
      readonly kind: 'envelope';
      readonly httpStatus: number;
      readonly retCode: number;
      readonly retMsg: string;
      readonly result: unknown;
      /** ms of the venue's clock; `null` where the answer had none. */
      readonly time: number | null;
      readonly rate: RateHeaders;
    }
  /** An answer without a return code: HTML, empty, truncated, JSON of another shape. */
  | { readonly kind: 'foreign'; readonly httpStatus: number; readonly excerpt: string }
  /** No complete answer. `sent: false` only where the request certainly never left. */
  | { readonly kind: 'lost'; readonly sent: boolean; readonly detail: string };

export const NO_RATE_HEADERS: RateHeaders = { limit: null, remaining: null, resetAt: null };

/**
 * Reads an answer's envelope; numbers may come as strings (ccxt quotes every number of an answer that holds one integer
 * beyond 2^53).
 */
export function replyFrom(
  httpStatus: number,
  headers: Readonly<Record<string, string>>,
  body: string,
  parsed: unknown,
  redact: (text: string) => string,
): Reply {
  const envelope = isRecord(parsed) ? parsed : {};
  const retCode = integer(envelope['retCode']);
  if (retCode === null) return { kind: 'foreign', httpStatus, excerpt: excerptOf(body, redact) };
  return {
    kind: 'envelope',
    httpStatus,
    retCode,
    retMsg: typeof envelope['retMsg'] === 'string' ? redact(envelope['retMsg']).slice(0, 400) : '',
    result: envelope['result'],
    time: integer(envelope['time']),
    rate: rateHeaders(headers),
  };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An integer from a JSON number or a string of digits; `null` for anything else. */
export function integer(value: unknown): number | null {
  if (typeof value === 'string' && !/^-?\d{1,16}$/.test(value)) return null;
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : null;
}

function rateHeaders(headers: Readonly<Record<string, string>>): RateHeaders {
  const byName = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return {
    limit: integer(byName.get('x-bapi-limit')),
    remaining: integer(byName.get('x-bapi-limit-status')),
    resetAt: integer(byName.get('x-bapi-limit-reset-timestamp')),
  };
}

function excerptOf(body: string, redact: (text: string) => string): string {
  const text = redact(body).replace(/\s+/g, ' ').trim();
  if (text === '') return '(empty body)';
  return text.length > 120 ? `${text.slice(0, 120)}...` : text;
}
