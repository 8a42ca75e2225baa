/** What `npm run doctor` says of the channels to a human: which are on, and what is missing for real money; nothing is sent. */
import { channelNames } from '../alerts/channels.ts';
import type { Config } from '../config.ts';
import type { Criterion } from '../domain/report.ts';

export function checkAlerts({
  accounts,
  alerts,
  heartbeatUrl,
}: Pick<Config, 'accounts' | 'alerts' | 'heartbeatUrl'>): readonly Criterion[] {
  const live = accounts.some(({ venue }) => venue !== 'paper');
  const level = (bad: boolean): Criterion['level'] => (bad && live ? 'warning' : 'ok');
  const { webhookUrl, webhookSecret, telegram } = alerts;
  const names = channelNames(alerts).join(', ');
  const nobody = webhookUrl === null && telegram === null;
  const unsigned = webhookUrl !== null && webhookSecret === null;
  return [
    {
      id: 'alerts',
      level: level(nobody),
      message: nobody
        ? 'alerts go to the log only; set STOPKEEPER_ALERT_WEBHOOK or TELEGRAM_BOT_TOKEN with TELEGRAM_CHAT_ID'
        : `alerts go to: ${names}`,
    },
    ...(unsigned
      ? [
          {
            id: 'alerts',
            level: level(true),
            message: 'the webhook is not signed; set STOPKEEPER_ALERT_WEBHOOK_SECRET',
          },
        ]
      : []),
    {
      id: 'heartbeat',
      level: level(heartbeatUrl === null),
      message:
        heartbeatUrl === null
          ? 'no heartbeat: nobody hears when the worker is silent; set STOPKEEPER_HEARTBEAT_URL'
          : 'the watcher pings the heartbeat',
    },
  ];
}
