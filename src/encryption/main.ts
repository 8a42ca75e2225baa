/** `npm run codec-server`: lets the Temporal UI and CLI of this machine read what the worker encrypts. */
import { readFileSync } from 'node:fs';
import {
  READER_FILE_SETTINGS,
  readEnvironment,
  withoutBlanks,
  type EnvironmentSettings,
} from '../config-environment.ts';
import { ConfigError, formatProblems } from '../config-error.ts';
import { withFileValues } from '../config-files.ts';
import { createLogger } from '../logging.ts';
import { Secret } from '../secret.ts';
import { createCodecServer } from './codec-server.ts';
import type { PayloadKeys } from './payload-keys.ts';

/** Everything but the keys has a default. Throws `ConfigError`. */
function readSettings(): EnvironmentSettings & { readonly STOPKEEPER_PAYLOAD_KEYS: PayloadKeys } {
  const files = withFileValues(READER_FILE_SETTINGS, {
    env: withoutBlanks(process.env),
    cwd: process.cwd(),
    readFile: (path) => readFileSync(path, 'utf8'),
  });
  const { settings, problems } = readEnvironment(files.env);
  const all = [...files.problems, ...problems];
  if (settings === null || all.length > 0) throw new ConfigError(all);
  const { STOPKEEPER_PAYLOAD_KEYS: keys } = settings;
  if (keys !== undefined) return { ...settings, STOPKEEPER_PAYLOAD_KEYS: keys };
  const hint = 'Give it the keys of the worker, in STOPKEEPER_PAYLOAD_KEYS or STOPKEEPER_PAYLOAD_KEYS_FILE.';
  throw new ConfigError([
    { setting: 'STOPKEEPER_PAYLOAD_KEYS', message: 'is missing: nothing is encrypted without it', hint },
  ]);
}

async function serve(): Promise<void> {
  const settings = readSettings();
  const keys = settings.STOPKEEPER_PAYLOAD_KEYS;
  const { host, port } = settings.STOPKEEPER_CODEC;
  const token =
    settings.STOPKEEPER_CODEC_TOKEN === undefined ? null : new Secret(settings.STOPKEEPER_CODEC_TOKEN);
  const secrets = [...keys.map((key) => key.hex), ...(token === null ? [] : [token])];
  const log = createLogger({ level: settings.STOPKEEPER_LOG_LEVEL, secrets });
  const app = createCodecServer({ keys, origins: settings.STOPKEEPER_CODEC_ORIGINS, token, log });
  let url: string;
  try {
    url = await app.listen({ host, port });
  } catch (error) {
    const message = `cannot listen on ${host}:${port} (${(error as NodeJS.ErrnoException).code ?? String(error)})`;
    throw new ConfigError(
      [{ setting: 'STOPKEEPER_CODEC', message, hint: 'Give another port, or port 0 for any free one.' }],
      { cause: error },
    );
  }
  const stop = (): void => void app.close();
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.stdout.write(`${JSON.stringify({ listening: url, keys: keys.map(({ id }) => id) })}\n`);
}

try {
  await serve();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${formatProblems('the codec server cannot start', error.problems)}\n`);
  process.exitCode = 2;
}
