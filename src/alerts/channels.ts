/** The channels that the configuration turns on, and in which words the log and `doctor` name them. */
import type { AlertTargets } from '../config.ts';
import type { AlertChannel } from './channel.ts';
import { telegramChannel } from './telegram.ts';
import { webhookChannel } from './webhook.ts';

export function channelsOf(targets: AlertTargets, now: () => number): readonly AlertChannel[] {
  const { webhookUrl, webhookSecret, telegram } = targets;
  return [
    ...(webhookUrl === null ? [] : [webhookChannel({ url: webhookUrl, secret: webhookSecret, now })]),
    ...(telegram === null ? [] : [telegramChannel(telegram)]),
  ];
}

/** Every channel that alerts go to, the log first; no address, no token (I9). */
export function channelNames({ webhookUrl, webhookSecret, telegram }: AlertTargets): readonly string[] {
  return [
    'log',
    ...(webhookUrl === null ? [] : [webhookSecret === null ? 'webhook (unsigned)' : 'webhook (signed)']),
    ...(telegram === null ? [] : ['telegram']),
  ];
}
