/** The signature by which a receiver knows that an alert is ours and not a replay (docs/alerts.md). */
import { createHmac } from 'node:crypto';

/**
 * HMAC-SHA256 in hex over the seconds since the epoch, a full stop, and the body's bytes as sent.
 *
 * @example signature('a-secret-of-16-or-more', 1763838864, '{}') // 64 hex digits
 */
export function signature(secret: string, timestampSeconds: number, body: string): string {
  return createHmac('sha256', secret).update(`${timestampSeconds}.${body}`, 'utf8').digest('hex');
}
