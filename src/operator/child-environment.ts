/** The environments in which the programs of a system run: each with what it needs and no key that it does not. */
import { devNull, totalmem } from 'node:os';
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

/** A Go program's heap may grow to five times its live data before it is collected, not to twice: a twelfth less CPU for twice the memory (docs/performance.md). */
const GOGC_PERCENT = 400;
/** With more than this share of the machine's memory it collects as often as it must. */
const GO_MEMORY_SHARE = 0.25;
/** Its threads take turns on one core: a tenth less CPU, since none looks for work on the others. One core serves some five thousand guards. */
const GO_CORES = 1;

/** What the Temporal server of `npm start` is started with; whoever set GOGC, GOMEMLIMIT or GOMAXPROCS has the say. */
export function goEnvironment(env: Environment): Environment {
  return {
    GOGC: String(GOGC_PERCENT),
    GOMEMLIMIT: String(Math.floor(totalmem() * GO_MEMORY_SHARE)),
    GOMAXPROCS: String(GO_CORES),
    ...env,
  };
}
