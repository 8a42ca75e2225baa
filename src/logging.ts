/** The log: JSON lines in production, readable on a terminal, to standard error or a file; never a secret (I9). */
import { isatty } from 'node:tty';
import { destination, pino, stdSerializers, type DestinationStream, type Logger } from 'pino';
import pretty from 'pino-pretty';
import type { Config } from './config.ts';
import { secretsOf } from './config.ts';
import type { Secret } from './secret.ts';

export type { Logger } from 'pino';

export interface LoggingOptions {
  readonly level: Config['logLevel'];
  /** Values that are replaced wherever they appear in a line. */
  readonly secrets: readonly Secret[];
  /** Path of a file (appended to); standard error where absent. */
  readonly file?: string;
  /** Where to write instead; for tests. */
  readonly stream?: DestinationStream;
}

/** Keys whose values are never logged, whatever they hold; the scrubber below catches the known values elsewhere. */
const SECRET_KEYS = [
  'apiKey',
  'apiSecret',
  'secret',
  'token',
  'password',
  'authorization',
  'X-BAPI-API-KEY',
  'X-BAPI-SIGN',
];
const REDACTED_PATHS = SECRET_KEYS.flatMap((key) => [
  `["${key}"]`,
  `*["${key}"]`,
  `*.*["${key}"]`,
  `*.*.*["${key}"]`,
]);

/** A logger whose every line carries `time` (ISO 8601), `level` as a word and `msg`; events carry `event`. */
export function createLogger(options: LoggingOptions): Logger {
  const scrub = scrubber(options.secrets);
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      // The SDK hands over errors under this name; as they are, they would be written as {}.
      serializers: { error: stdSerializers.err },
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED_PATHS, censor: '[secret]' },
      hooks: { streamWrite: scrub },
    },
    options.stream ?? streamFor(options.file),
  );
}

/** The logger of a process with this configuration. */
export function loggerFor(config: Config, file?: string): Logger {
  return createLogger({
    level: config.logLevel,
    secrets: secretsOf(config),
    ...(file === undefined ? {} : { file }),
  });
}

/** Synchronous: a process that is about to die must have said why. */
function streamFor(file: string | undefined): DestinationStream {
  if (file !== undefined) return destination({ dest: file, sync: true, append: true, mkdir: true });
  if (!isatty(2)) return destination({ dest: 2, sync: true });
  return pretty({ destination: 2, sync: true, translateTime: 'SYS:HH:MM:ss', ignore: 'pid,hostname' });
}

/** Replaces each known secret in a finished line, also where JSON escaped it: error messages quote anything. */
export function scrubber(secrets: readonly Secret[]): (line: string) => string {
  // Very short values would cut ordinary words out of the log; keys and tokens are far longer.
  const values = secrets.map((item) => item.reveal()).filter((value) => value.length >= 8);
  const patterns = [...new Set(values.flatMap((value) => [value, JSON.stringify(value).slice(1, -1)]))];
  return (line) => patterns.reduce((text, value) => text.replaceAll(value, '[secret]'), line);
}
