/** Configuration as tests read it: from an environment and files that are nowhere else. */
import { loadConfig, type Config, type LoadOptions } from '../../src/config.ts';
import { ConfigError, type Problem } from '../../src/config-error.ts';

/** What a worker on the paper exchange needs at least. */
export const PAPER = { STOPKEEPER_VENUE_URL: 'http://127.0.0.1:8900' };

export type Env = Record<string, string>;

/** The configuration of an environment and the files it names. */
export function load(env: Env, files: Record<string, string> = {}, options: LoadOptions = {}): Config {
  const readFile = (path: string): string => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return text;
  };
  return loadConfig(env, { cwd: '/app', readFile, ...options });
}

/** What is wrong with it; throws where it is accepted. */
export function problems(env: Env, files: Record<string, string> = {}): readonly Problem[] {
  try {
    load(env, files);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error('the configuration was accepted');
}
