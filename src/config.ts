/** Configuration, read once from the environment and the policy file, every problem reported at once (DESIGN §9). */
import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { readAccounts, type AccountConfig } from './config-accounts.ts';
import {
  BAN_PAUSE_MS,
  FILE_SETTINGS,
  readEnvironment,
  withoutBlanks,
  type Environment,
  type EnvironmentSettings,
  type ListenAddress,
  type ReadFile,
} from './config-environment.ts';
import { ConfigError, SHOWN_CHARACTERS, type Problem } from './config-error.ts';
import { withFileValues } from './config-files.ts';
import { readPolicyFile } from './config-policy.ts';
import type { PayloadKeys } from './encryption/payload-keys.ts';
import type { PolicyFile } from './policy-schema.ts';
import { Secret } from './secret.ts';

export { resolvePolicy } from './config-policy.ts';
export type { AccountConfig } from './config-accounts.ts';

export interface AlertTargets {
  readonly webhookUrl: Secret | null;
  /** What the webhook's body is signed with; `null`: unsigned. */
  readonly webhookSecret: Secret | null;
  readonly telegram: {
    readonly botToken: Secret;
    readonly chatId: string;
    /** Base URL of the Bot API, without a slash at its end. */
    readonly apiUrl: string;
  } | null;
}

/** The audit log beside Temporal. */
export interface AuditSettings {
  /** Absolute path of the file that is written. */
  readonly path: string;
  readonly maxBytes: number;
  /** Files in all, that one included. */
  readonly files: number;
}

export interface Config {
  readonly accounts: readonly AccountConfig[];
  readonly policyFile: PolicyFile;
  /** Path of the policy file that was read; `null` where there is none. */
  readonly policyPath: string | null;
  /** Absolute. */
  readonly dataDir: string;
  readonly temporalCli: string | null;
  readonly logLevel: EnvironmentSettings['STOPKEEPER_LOG_LEVEL'];
  /** `null`: no endpoint. */
  readonly metrics: ListenAddress | null;
  readonly alerts: AlertTargets;
  readonly heartbeatUrl: Secret | null;
  /** `null`: off. */
  readonly audit: AuditSettings | null;
  /** When the daily all-clear is sent, minutes after midnight UTC; `null`: never. */
  readonly allClearAt: number | null;
  /** What Temporal stores is encrypted with the first of them; `null`: it is stored as it is. */
  readonly payloadKeys: PayloadKeys | null;
  /** Where `npm run codec-server` listens. */
  readonly codec: ListenAddress;
  /** Worker processes that share one account's limits; each takes its part. */
  readonly workers: number;
  /** How long nothing is sent after the venue has banned this address, ms. */
  readonly banPauseMs: number;
  /** Temporal's worker versioning; `null`: off. */
  readonly version: { readonly deploymentName: string; readonly buildId: string } | null;
}

export interface LoadOptions {
  readonly cwd?: string;
  readonly readFile?: ReadFile;
  /** `npm start` brings up the paper exchange after the configuration is read; a worker must be given its address. */
  readonly paperUrlLater?: boolean;
}

/**
 * Reads everything and throws one `ConfigError` that names every problem; values of secrets are never in it.
 *
 * @example loadConfig({ STOPKEEPER_VENUE: 'kraken' }) // ConfigError: STOPKEEPER_VENUE: is "kraken", expected one of ...
 */
export function loadConfig(env: Environment, options: LoadOptions = {}): Config {
  const cwd = options.cwd ?? process.cwd();
  const readFile = options.readFile ?? ((path) => readFileSync(path, 'utf8'));
  const plain = withoutBlanks(env);
  const files = withFileValues(FILE_SETTINGS, { env: plain, cwd, readFile });
  const clean = files.env;
  const environment = readEnvironment(clean);
  const settings = environment.settings;
  // With the plain variables unreadable the rest is still read, so that its problems are in the same list.
  const aliases = settings?.STOPKEEPER_ACCOUNTS ?? ['main'];
  const source = { env: clean, cwd, readFile, paperUrlLater: options.paperUrlLater ?? false };
  const { accounts, problems: accountProblems } = readAccounts(aliases, source);
  const policy = readPolicyFile(clean['STOPKEEPER_CONFIG'], aliases, source);
  const problems = [
    ...files.problems,
    ...environment.problems,
    ...(settings === null ? [] : hastyAfterBan(settings, accounts)),
    ...accountProblems,
    ...policy.problems,
  ];
  if (settings === null || problems.length > 0) throw new ConfigError(withoutSecrets(problems, clean));
  return {
    accounts,
    policyFile: policy.file,
    policyPath: policy.path,
    dataDir: isAbsolute(settings.STOPKEEPER_DATA)
      ? settings.STOPKEEPER_DATA
      : join(cwd, settings.STOPKEEPER_DATA),
    temporalCli: settings.STOPKEEPER_TEMPORAL_CLI ?? null,
    logLevel: settings.STOPKEEPER_LOG_LEVEL,
    metrics: settings.STOPKEEPER_METRICS,
    alerts: alertTargets(settings),
    heartbeatUrl: secret(settings.STOPKEEPER_HEARTBEAT_URL),
    audit: auditSettings(settings, cwd),
    allClearAt: settings.STOPKEEPER_ALL_CLEAR,
    payloadKeys: settings.STOPKEEPER_PAYLOAD_KEYS ?? null,
    codec: settings.STOPKEEPER_CODEC,
    workers: settings.STOPKEEPER_WORKERS,
    banPauseMs: settings.STOPKEEPER_BAN_PAUSE_MS,
    version: versionOf(settings),
  };
}

/** An address that asks again too soon stays banned; the paper exchange is told how long its bans last. */
function hastyAfterBan(
  { STOPKEEPER_BAN_PAUSE_MS: pauseMs }: EnvironmentSettings,
  accounts: readonly AccountConfig[],
): readonly Problem[] {
  const real = accounts.find(({ venue }) => venue !== 'paper');
  if (real === undefined || pauseMs >= BAN_PAUSE_MS) return [];
  return [
    {
      setting: 'STOPKEEPER_BAN_PAUSE_MS',
      message: `is ${pauseMs}, expected at least ${BAN_PAUSE_MS} on ${real.venue}: a banned address must send nothing for ten minutes`,
      hint: 'Leave it unset; shorter pauses are for the paper exchange.',
    },
  ];
}

function versionOf(settings: EnvironmentSettings): Config['version'] {
  const { STOPKEEPER_DEPLOYMENT: deploymentName, STOPKEEPER_BUILD_ID: buildId } = settings;
  return deploymentName === undefined || buildId === undefined ? null : { deploymentName, buildId };
}

const SECRET_NAMES =
  /_(?:API_KEY|API_SECRET|WEBHOOK|WEBHOOK_SECRET|BOT_TOKEN|HEARTBEAT_URL|PAYLOAD_KEYS|CODEC_TOKEN)$/;
/** Shorter values are words that messages use, and no secrets. */
const SHORTEST_SECRET = 8;

/** A secret that was pasted into another variable too is not shown as that variable's wrong value (I9). */
function withoutSecrets(
  problems: readonly Problem[],
  env: Readonly<Record<string, string>>,
): readonly Problem[] {
  const secrets = Object.entries(env)
    .filter(([name, value]) => SECRET_NAMES.test(name) && value.length >= SHORTEST_SECRET)
    // A long value is shown cut.
    .flatMap(([, value]) => [value, JSON.stringify(value).slice(1, SHOWN_CHARACTERS)])
    .toSorted((a, b) => b.length - a.length);
  const scrubbed = (text: string): string =>
    secrets.reduce((clean, secret) => clean.replaceAll(secret, '[secret]'), text);
  return problems.map((problem) => ({ ...problem, message: scrubbed(problem.message) }));
}

/** Relative paths are the working folder's, for the worker that writes and for whoever reads. */
export function auditSettings(settings: EnvironmentSettings, cwd: string): AuditSettings | null {
  const {
    STOPKEEPER_AUDIT: path,
    STOPKEEPER_AUDIT_MAX_MB: megabytes,
    STOPKEEPER_AUDIT_FILES: files,
  } = settings;
  if (path === null) return null;
  return { path: isAbsolute(path) ? path : join(cwd, path), maxBytes: megabytes * 1_000_000, files };
}

function alertTargets(settings: EnvironmentSettings): AlertTargets {
  const { TELEGRAM_BOT_TOKEN: token, TELEGRAM_CHAT_ID: chatId, TELEGRAM_API_URL: apiUrl } = settings;
  return {
    webhookUrl: secret(settings.STOPKEEPER_ALERT_WEBHOOK),
    webhookSecret: secret(settings.STOPKEEPER_ALERT_WEBHOOK_SECRET),
    telegram:
      token === undefined || chatId === undefined ? null : { botToken: new Secret(token), chatId, apiUrl },
  };
}

function secret(value: string | undefined): Secret | null {
  return value === undefined ? null : new Secret(value);
}

/** Every secret of a configuration: what the log scrubs from its lines (I9). */
export function secretsOf(config: Config): readonly Secret[] {
  const { webhookUrl, webhookSecret, telegram } = config.alerts;
  const targets = [webhookUrl, webhookSecret, telegram?.botToken ?? null, config.heartbeatUrl];
  return [
    ...config.accounts.flatMap((account) => [account.apiKey, account.apiSecret]),
    ...targets.filter((target) => target !== null),
    ...(config.payloadKeys ?? []).map((key) => key.hex),
  ];
}
