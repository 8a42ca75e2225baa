/** Alerts as signed JSON to any address: an incident service, a bot, a script (docs/alerts.md). */
import type { Alert } from '../domain/alert.ts';
import type { Leg } from '../domain/position.ts';
import type { Secret } from '../secret.ts';
import type { AlertChannel } from './channel.ts';
import { expectSuccess, httpCall } from './http-call.ts';
import { acknowledgeCommand, operatorCommand } from './operator-command.ts';
import { signature } from './signature.ts';

/** Changes when a field changes its meaning or goes away; new fields do not change it. */
const BODY_VERSION = 1;

export interface WebhookOptions {
  readonly url: Secret;
  /** `null`: alerts go out unsigned. */
  readonly secret: Secret | null;
  /** ms since the epoch. */
  readonly now: () => number;
}

export function webhookChannel({ url, secret, now }: WebhookOptions): AlertChannel {
  return {
    name: 'webhook',
    async send(alert, options) {
      const body = alertBody(alert);
      const seconds = Math.floor(now() / 1_000);
      const headers = {
        'content-type': 'application/json',
        'idempotency-key': headerSafe(alert.id),
        'stopkeeper-timestamp': String(seconds),
        ...(secret === null
          ? {}
          : { 'stopkeeper-signature': `v1=${signature(secret.reveal(), seconds, body)}` }),
      };
      expectSuccess(await httpCall({ url: url.reveal(), method: 'POST', headers, body }, options));
    },
  };
}

/** The body, the same at each try: fields in a fixed order, numbers of the venue as strings. */
function alertBody(alert: Alert): string {
  const { id, level, kind, account, leg, message, todo, unprotectedSeconds, at } = alert;
  const acknowledge = acknowledgeCommand(alert);
  return JSON.stringify({
    version: BODY_VERSION,
    id,
    level,
    kind,
    account,
    position: leg === null ? null : { symbol: leg.symbol, positionIdx: leg.positionIdx, leg: legName(leg) },
    message,
    unprotectedSeconds,
    todo,
    command: operatorCommand(alert),
    ...(acknowledge === null ? {} : { acknowledge }),
    at: new Date(at).toISOString(),
  });
}

/** How a person tells the legs of one symbol apart. */
export function legName({ positionIdx }: Leg): 'one-way' | 'long' | 'short' {
  return positionIdx === 0 ? 'one-way' : positionIdx === 1 ? 'long' : 'short';
}

/** Ids are made of names of accounts and of the venue; a header takes visible ASCII only. */
function headerSafe(id: string): string {
  return id.replace(/[^\x21-\x7e]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
}
