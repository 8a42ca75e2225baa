/** Alerts as messages of a Telegram bot (`sendMessage`, https://core.telegram.org/bots/api#sendmessage). */
import type { Alert } from '../domain/alert.ts';
import { clipped } from '../domain/telling.ts';
import type { Secret } from '../secret.ts';
import { ChannelFailure, type AlertChannel } from './channel.ts';
import { expectSuccess, httpCall, type HttpAnswer } from './http-call.ts';
import { acknowledgeCommand, operatorCommand } from './operator-command.ts';
import { legName } from './webhook.ts';

/** Telegram refuses longer texts. */
const MAX_TEXT = 4_096;
const MAX_DESCRIPTION = 120;

export interface TelegramOptions {
  readonly botToken: Secret;
  readonly chatId: string;
  /** `https://api.telegram.org`, or a Bot API server of one's own; without a slash at its end. */
  readonly apiUrl: string;
}

export function telegramChannel({ botToken, chatId, apiUrl }: TelegramOptions): AlertChannel {
  return {
    name: 'telegram',
    async send(alert, options) {
      const token = botToken.reveal();
      const answer = await httpCall(
        {
          url: `${apiUrl}/bot${token}/sendMessage`,
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          // No parse_mode: symbols and messages of the venue are shown as they are.
          body: JSON.stringify({
            chat_id: chatId,
            text: alertText(alert),
            link_preview_options: { is_disabled: true },
          }),
        },
        options,
      );
      const { description, retryAfterMs } = refusalOf(answer);
      const remark = description === '' ? '' : `: ${description.replaceAll(token, '[secret]')}`;
      expectSuccess({ ...answer, retryAfterMs: retryAfterMs ?? answer.retryAfterMs }, remark);
      if (!/"ok"\s*:\s*true/.test(answer.text)) {
        // A proxy's page, or another service at that address: nobody has the message.
        throw new ChannelFailure('answered something that is not Telegram\'s "ok"', { passing: true });
      }
    },
  };
}

/** What a phone shows: the first line is the notification. */
export function alertText(alert: Alert): string {
  const { level, account, leg, message, unprotectedSeconds, todo, id, at } = alert;
  const name = leg === null ? '' : ` ${leg.symbol}${leg.positionIdx === 0 ? '' : ` ${legName(leg)}`}`;
  const acknowledge = acknowledgeCommand(alert);
  const lines = [
    `${level} ${account}${name}`,
    message,
    ...(unprotectedSeconds === null ? [] : [`Unprotected: ${unprotectedSeconds} s`]),
    ...(level === 'RESOLVED' || level === 'INFO' ? [] : [`Do: ${todo}`]),
    `Command: ${operatorCommand(alert)}`,
    ...(acknowledge === null ? [] : [`No more reminders: ${acknowledge}`]),
    `${new Date(at).toISOString()} ${id}`,
  ];
  return clipped(lines.join('\n'), MAX_TEXT);
}

function refusalOf({ text }: HttpAnswer): { description: string; retryAfterMs: number | null } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return { description: '', retryAfterMs: null };
  }
  const answer = (parsed ?? {}) as {
    readonly description?: unknown;
    readonly parameters?: { readonly retry_after?: unknown };
  };
  const seconds = answer.parameters?.retry_after;
  return {
    description: typeof answer.description === 'string' ? clipped(answer.description, MAX_DESCRIPTION) : '',
    retryAfterMs: typeof seconds === 'number' && seconds >= 0 ? seconds * 1_000 : null,
  };
}
