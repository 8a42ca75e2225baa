/** Who may call: key, clock and signature of a request, checked over the bytes as they were received. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { Refusal } from './records.ts';
import type { Route } from './routes.ts';
import type { Venue } from './venue.ts';

/** What of a request its signature covers. */
export interface Signed {
  readonly method: 'GET' | 'POST';
  /** Query string as on the wire, without `?`; of a POST, its body. */
  readonly payload: string;
  readonly address: string;
  readonly header: (name: string) => string;
}

const standardWindowMs = 5000;
/** A clock that is so far ahead is refused whatever its window. */
const mostAheadMs = 1000;

/** Checks a request's key, time and signature, then what the key may do; throws `Refusal`. */
export function authorize(venue: Venue, route: Route, signed: Signed): void {
  const apiKey = signed.header('x-bapi-api-key');
  const timestamp = signed.header('x-bapi-timestamp');
  const signature = signed.header('x-bapi-sign');
  if (apiKey === '' || timestamp === '' || signature === '') {
    const text = `empty value: apiTimestamp[${timestamp}] apiKey[${apiKey}] apiSignature[${signature}]: openapi sign params error!`;
    throw new Refusal(10001, text);
  }
  const { account } = venue.setup.scenario;
  if (apiKey !== account.apiKey) throw new Refusal(10003, 'API key is invalid.');
  checkTime(venue, timestamp, signed.header('x-bapi-recv-window'));
  checkSignature(venue, signed, timestamp, apiKey, signature);
  const { key } = account;
  if (key.expiresAt !== null && Date.parse(key.expiresAt) <= venue.timeMs) {
    throw new Refusal(33004, 'Your api key has expired.');
  }
  const bound = key.ips.length > 0 && !key.ips.includes('*');
  if (bound && !key.ips.includes(signed.address)) {
    throw new Refusal(10010, "Unmatched IP, please check your API key's bound IP addresses.");
  }
  const writes = route.access === 'Order' || route.access === 'Position';
  if (writes && (key.readOnly === 1 || !key.permissions.some((permission) => permission === route.access))) {
    throw new Refusal(10005, 'Permission denied, please check your API key permissions.');
  }
}

/** server − window ≤ timestamp < server + 1000 ms. */
function checkTime(venue: Venue, timestamp: string, window: string): void {
  const serverMs = venue.timeMs;
  const sentMs = /^\d{13}$/.test(timestamp) ? Number(timestamp) : Number.NaN;
  const windowMs = window === '' ? standardWindowMs : /^\d{1,9}$/.test(window) ? Number(window) : Number.NaN;
  if (sentMs >= serverMs - windowMs && sentMs < serverMs + mostAheadMs) return;
  throw new Refusal(
    10002,
    `invalid request, please check your server timestamp or recv_window param. req_timestamp[${timestamp}],server_timestamp[${serverMs}],recv_window[${window === '' ? standardWindowMs : window}]`,
  );
}

function checkSignature(
  venue: Venue,
  signed: Signed,
  timestamp: string,
  apiKey: string,
  signature: string,
): void {
  const window = signed.header('x-bapi-recv-window');
  const origin = `${timestamp}${apiKey}${window}${signed.payload}`;
  const expected = createHmac('sha256', venue.setup.scenario.account.apiSecret).update(origin).digest();
  const given = /^[0-9a-f]{64}$/i.test(signature) ? Buffer.from(signature, 'hex') : Buffer.alloc(32);
  // As on the venue, the text of the refusal holds what was signed, the key included.
  if (!timingSafeEqual(expected, given)) throw new Refusal(10004, `error sign! origin_string[${origin}]`);
}
