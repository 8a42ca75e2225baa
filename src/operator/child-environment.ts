/** The environments in which the programs of a system run: each with what it needs and no key that it does not. */
import { devNull } from 'node:os';
import type { Environment } from '../config-environment.ts';

/** `env` with every TEMPORAL_* of another server gone, a personal configuration file included: it may hold a cloud's key. */
export function localTemporalEnv(env: Environment, address: string, namespace: string): Environment {
  const others = Object.entries(env).filter(([name]) => !name.startsWith('TEMPORAL_'));
  return {
    ...Object.fromEntries(others),
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    TEMPORAL_CONFIG_FILE: devNull,
  };
}

/** What a program that needs no key is started with (I9). */
export function withoutSecrets(env: Environment): Environment {
  const secret = /^(BYBIT_|TELEGRAM_|TEMPORAL_)|^STOPKEEPER_(ALERT|HEARTBEAT|PAYLOAD|CODEC)_/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !secret.test(name)));
}
