/** The environment variables of DESIGN §9 as zod reads them: those that do not depend on an account's alias. */
import { z } from 'zod';
import { ACCOUNT_ALIAS } from './domain/names.ts';
import { shown, type Problem } from './config-error.ts';
import { parsePayloadKeys, type PayloadKeys } from './encryption/payload-keys.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
export type ReadFile = (path: string) => string;

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
/** How long Bybit asks an address that it has banned to send nothing, ms; no header says when the ban ends. */
export const BAN_PAUSE_MS = 600_000;
export const VENUES = ['paper', 'bybit-demo', 'bybit-testnet', 'bybit-mainnet'] as const;

/** What to do about each variable; shown under the problem. */
const HINTS: Readonly<Record<string, string>> = {
  STOPKEEPER_ACCOUNTS: 'Aliases are lower-case letters, digits and dashes, comma-separated: main,desk.',
  STOPKEEPER_LOG_LEVEL: 'Leave it unset for info.',
  STOPKEEPER_WORKERS: 'Leave it unset for one worker process.',
  STOPKEEPER_BAN_PAUSE_MS: 'Leave it unset for 600000, the ten minutes that Bybit asks for.',
  STOPKEEPER_METRICS: 'Leave it unset for 127.0.0.1:9464, or set it to off.',
  STOPKEEPER_DEPLOYMENT:
    'Worker versioning needs both STOPKEEPER_DEPLOYMENT and STOPKEEPER_BUILD_ID; unset both for none.',
  STOPKEEPER_BUILD_ID:
    'Worker versioning needs both STOPKEEPER_DEPLOYMENT and STOPKEEPER_BUILD_ID; unset both for none.',
  STOPKEEPER_AUDIT: 'Give the path of a file, or leave it unset for none.',
  STOPKEEPER_AUDIT_MAX_MB: 'Leave it unset for 16 MB.',
  STOPKEEPER_AUDIT_FILES: 'Leave it unset for 20 files.',
  STOPKEEPER_ALL_CLEAR: 'Leave it unset for 08:00, or set it to off.',
  STOPKEEPER_PAYLOAD_KEYS:
    'ID:KEY, several separated by commas or lines, the first encrypts; a key: "openssl rand -hex 32". Leave it unset for no encryption.',
  STOPKEEPER_CODEC: 'Leave it unset for 127.0.0.1:8234.',
  STOPKEEPER_CODEC_ORIGINS:
    'Give the address of the Temporal UI as the browser shows it, e.g. http://127.0.0.1:8233.',
  STOPKEEPER_CODEC_TOKEN:
    'What the CLI sends with --codec-auth "Bearer TOKEN"; e.g. from "openssl rand -hex 32".',
  STOPKEEPER_ALERT_WEBHOOK: 'Give the full URL, or leave it unset for none.',
  STOPKEEPER_HEARTBEAT_URL: 'Give the full URL, or leave it unset for none.',
  STOPKEEPER_ALERT_WEBHOOK_SECRET:
    'Signs what STOPKEEPER_ALERT_WEBHOOK receives: 16 random characters or more, e.g. from "openssl rand -hex 32".',
  TELEGRAM_API_URL: 'Leave it unset for https://api.telegram.org.',
  TELEGRAM_BOT_TOKEN: 'Telegram needs both TELEGRAM_BOT_TOKEN and TELEGRAM_CHAT_ID; unset both for none.',
  TELEGRAM_CHAT_ID: 'Telegram needs both TELEGRAM_BOT_TOKEN and TELEGRAM_CHAT_ID; unset both for none.',
};

const expected = (what: string) => ({
  error: (issue: { readonly input?: unknown }) => `is ${shown(issue.input)}, expected ${what}`,
});

const aliases = z
  .string()
  .default('main')
  .transform((text) => text.split(',').map((alias) => alias.trim()))
  .superRefine((list, context) => {
    for (const alias of list.filter((item) => !ACCOUNT_ALIAS.test(item))) {
      context.addIssue({
        code: 'custom',
        message: `has the alias ${shown(alias)}, expected e.g. main or desk-2`,
      });
    }
    for (const alias of new Set(list.filter((item, index) => list.indexOf(item) !== index))) {
      context.addIssue({ code: 'custom', message: `names ${shown(alias)} twice` });
    }
  });

export interface ListenAddress {
  readonly host: string;
  /** 0 asks the system for a free one. */
  readonly port: number;
}

function listenAddress(text: string): ListenAddress | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  return match !== null && port <= 65_535 ? { host: match[1] ?? match[2] ?? '', port } : null;
}

const metrics = z
  .string()
  .default('127.0.0.1:9464')
  .transform((text, context): ListenAddress | null => {
    if (text === 'off') return null;
    const address = listenAddress(text);
    if (address !== null) return address;
    context.addIssue({ code: 'custom', message: `is ${shown(text)}, expected host:port or off` });
    return z.NEVER;
  });

/** A time of day in UTC as minutes after midnight. */
const timeOfDay = z
  .string()
  .regex(/^(off|([01]\d|2[0-3]):[0-5]\d)$/, expected('a time in UTC such as 08:00, or off'))
  .default('08:00')
  .transform((text): number | null => {
    const [hours, minutes] = text.split(':').map(Number);
    return text === 'off' ? null : (hours ?? 0) * 60 + (minutes ?? 0);
  });

const LOOPBACK = ['127.0.0.1', 'localhost', '::1'];

/** It hands out what the keys protect, so it listens where only this machine can ask; in a container that is for the published port to say. */
const codec = z
  .string()
  .default('127.0.0.1:8234')
  .transform((text, context): ListenAddress => {
    const address = listenAddress(text);
    if (address !== null && LOOPBACK.includes(address.host)) return address;
    if (address?.host === 'container') return { host: '0.0.0.0', port: address.port };
    const expectation =
      'expected a port of this machine alone: 127.0.0.1:PORT, localhost:PORT, [::1]:PORT, or container:PORT in one whose port is published on loopback';
    context.addIssue({ code: 'custom', message: `is ${shown(text)}, ${expectation}` });
    return z.NEVER;
  });

const codecOrigins = z
  .string()
  .default('http://127.0.0.1:8233,http://localhost:8233')
  .transform((text) => text.split(',').map((origin) => origin.trim()))
  .superRefine((list, context) => {
    for (const origin of list) {
      const valid = /^https?:/.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin;
      if (valid) continue;
      const message = `has ${shown(origin)}, expected an origin such as http://127.0.0.1:8233, without a path`;
      context.addIssue({ code: 'custom', message });
    }
  });

const payloadKeys = z.string().transform((text, context): PayloadKeys => {
  const { keys, problems } = parsePayloadKeys(text);
  for (const message of problems) context.addIssue({ code: 'custom', message });
  return keys ?? z.NEVER;
});

/** Webhook addresses often carry a token, so their text is never shown. */
const secretUrl = z.url({ protocol: /^https?$/, error: 'is not an http or https URL (value not shown)' });

const schema = z.object({
  STOPKEEPER_ACCOUNTS: aliases,
  STOPKEEPER_DATA: z.string().default('.stopkeeper'),
  STOPKEEPER_CONFIG: z.string().optional(),
  STOPKEEPER_TEMPORAL_CLI: z.string().optional(),
  STOPKEEPER_LOG_LEVEL: z.enum(LOG_LEVELS, expected(`one of ${LOG_LEVELS.join(', ')}`)).default('info'),
  STOPKEEPER_WORKERS: z
    .string()
    .regex(/^([1-9]|[1-5]\d|6[0-4])$/, expected('a whole number from 1 to 64'))
    .default('1')
    .transform(Number),
  STOPKEEPER_BAN_PAUSE_MS: z
    .string()
    .regex(/^[1-9]\d{3,7}$/, expected('a whole number of milliseconds from 1000 to 86400000'))
    .default(String(BAN_PAUSE_MS))
    .transform(Number)
    .refine((ms) => ms <= 86_400_000, expected('a whole number of milliseconds from 1000 to 86400000')),
  STOPKEEPER_METRICS: metrics,
  // Temporal names a version `deployment.build` or `deployment:build`, so that the deployment's name has neither sign.
  STOPKEEPER_DEPLOYMENT: z
    .string()
    .regex(/^[A-Za-z0-9][\w-]{0,99}$/, expected('1 to 100 letters, digits, _ or -'))
    .optional(),
  STOPKEEPER_BUILD_ID: z
    .string()
    .regex(/^[A-Za-z0-9][\w.+-]{0,99}$/, expected('1 to 100 letters, digits or . _ + -'))
    .optional(),
  STOPKEEPER_AUDIT: z
    .string()
    .default('off')
    .transform((path) => (path === 'off' ? null : path)),
  STOPKEEPER_AUDIT_MAX_MB: z
    .string()
    .regex(/^([1-9]\d{0,2}|10[01]\d|102[0-4])$/, expected('a whole number from 1 to 1024'))
    .default('16')
    .transform(Number),
  STOPKEEPER_AUDIT_FILES: z
    .string()
    .regex(/^([2-9]|[1-9]\d{1,2}|1000)$/, expected('a whole number from 2 to 1000'))
    .default('20')
    .transform(Number),
  STOPKEEPER_ALL_CLEAR: timeOfDay,
  STOPKEEPER_PAYLOAD_KEYS: payloadKeys.optional(),
  STOPKEEPER_CODEC: codec,
  STOPKEEPER_CODEC_ORIGINS: codecOrigins,
  STOPKEEPER_CODEC_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]{16,200}$/, 'is not 16 to 200 characters without spaces (value not shown)')
    .optional(),
  STOPKEEPER_ALERT_WEBHOOK: secretUrl.optional(),
  STOPKEEPER_ALERT_WEBHOOK_SECRET: z
    .string()
    .regex(/^[\x21-\x7e]{16,200}$/, 'is not 16 to 200 characters without spaces (value not shown)')
    .optional(),
  STOPKEEPER_HEARTBEAT_URL: secretUrl.optional(),
  TELEGRAM_BOT_TOKEN: z
    .string()
    .regex(/^\d+:[\w-]+$/, 'is not a bot token such as 123456:ABC... (value not shown)')
    .optional(),
  TELEGRAM_CHAT_ID: z
    .string()
    .regex(/^(-?\d+|@\w+)$/, expected('a chat number or @channel'))
    .optional(),
  TELEGRAM_API_URL: z
    .url({ protocol: /^https?$/, error: 'is not an http or https URL (value not shown)' })
    .default('https://api.telegram.org')
    .transform((url) => url.replace(/\/+$/, '')),
});

/** Names of all settings that belong to no account. */
export const SETTINGS: readonly string[] = Object.keys(schema.shape);

export type EnvironmentSettings = z.infer<typeof schema>;

/** What may also be given as a file, by the name with `_FILE`. */
export const FILE_SETTINGS: readonly (keyof z.input<typeof schema>)[] = [
  'STOPKEEPER_ALERT_WEBHOOK',
  'STOPKEEPER_ALERT_WEBHOOK_SECRET',
  'STOPKEEPER_HEARTBEAT_URL',
  'TELEGRAM_BOT_TOKEN',
  'STOPKEEPER_PAYLOAD_KEYS',
];

/** Those of them that programs read which need no account's keys. */
export const READER_FILE_SETTINGS = ['STOPKEEPER_PAYLOAD_KEYS', 'STOPKEEPER_CODEC_TOKEN'] as const;

/** The settings, or `null`, with every problem that was found. Values in files are put in their places before, or left out. */
export function readEnvironment(env: Environment): {
  readonly settings: EnvironmentSettings | null;
  readonly problems: readonly Problem[];
} {
  const clean = withoutBlanks(env);
  const problems: Problem[] = [];
  const parsed = schema.safeParse(clean);
  for (const issue of parsed.error?.issues ?? []) {
    const setting = String(issue.path[0]);
    problems.push({ setting, message: issue.message, hint: HINTS[setting] ?? 'See the table of settings.' });
  }
  problems.push(...incomplete(clean));
  return { settings: parsed.success ? parsed.data : null, problems };
}

/** Settings that say something only together; a file stands for its value, whether it was read or not. */
function incomplete(env: Readonly<Record<string, string>>): readonly Problem[] {
  const given = (name: string): boolean => (env[name] ?? env[`${name}_FILE`]) !== undefined;
  const missing = (setting: string, message: string): Problem => ({
    setting,
    message,
    hint: HINTS[setting] ?? '',
  });
  const [token, chat] = [given('TELEGRAM_BOT_TOKEN'), given('TELEGRAM_CHAT_ID')];
  const [deployment, build] = [given('STOPKEEPER_DEPLOYMENT'), given('STOPKEEPER_BUILD_ID')];
  const secretAlone = given('STOPKEEPER_ALERT_WEBHOOK_SECRET') && !given('STOPKEEPER_ALERT_WEBHOOK');
  return [
    ...(token === chat ? [] : [missing(token ? 'TELEGRAM_CHAT_ID' : 'TELEGRAM_BOT_TOKEN', 'is missing')]),
    ...(deployment === build
      ? []
      : [missing(deployment ? 'STOPKEEPER_BUILD_ID' : 'STOPKEEPER_DEPLOYMENT', 'is missing')]),
    ...(secretAlone
      ? [missing('STOPKEEPER_ALERT_WEBHOOK', 'is missing: there is a secret to sign with, and no address')]
      : []),
  ];
}

/** An empty variable is an unset one: compose files pass `VAR=` for what nobody set. */
export function withoutBlanks(env: Environment): Readonly<Record<string, string>> {
  const entries = Object.entries(env).flatMap(([name, value]) =>
    value === undefined || value.trim() === '' ? [] : [[name, value.trim()] as const],
  );
  return Object.fromEntries(entries);
}
