/** Connections to Temporal, configured by TEMPORAL_* variables and Temporal's own configuration file (DESIGN §9). */
import { devNull } from 'node:os';
import {
  Connection,
  defaultGrpcRetryOptions,
  isGrpcServiceError,
  makeGrpcRetryInterceptor,
  type ConnectionOptions,
} from '@temporalio/client';
import { loadClientConnectConfig, type ClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection } from '@temporalio/worker';
import { withoutBlanks, type Environment } from './config-environment.ts';
import { ConfigError, type Problem } from './config-error.ts';
import { tlsProblem } from './tls-probe.ts';

const DEFAULT_ADDRESS = 'localhost:7233';
/** Longer than the server holds any long poll of ours; without it a call that the server has lost never ends, ms. */
const CALL_LIMIT_MS = 70_000;
/** gRPC status codes that are told apart below. */
const GRPC_NOT_FOUND = 5;
const GRPC_PERMISSION_DENIED = 7;
const GRPC_UNAUTHENTICATED = 16;

export interface TemporalSettings {
  /** host:port */
  readonly address: string;
  readonly namespace: string;
  readonly connectionOptions: ClientConnectConfig['connectionOptions'];
}

/** Temporal cannot be used as configured; `problem` says which address, why and what to do. */
export class TemporalConnectionError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem, options?: { cause?: unknown }) {
    super(`${problem.setting}: ${problem.message}`, options);
    this.name = 'TemporalConnectionError';
    this.problem = problem;
  }
}

/**
 * Settings from the environment and, where there is one, Temporal's configuration file; throws `ConfigError`. With TEMPORAL_CONFIG_FILE set
 * to the null device no file is read: a person's own may hold another server's keys.
 */
export function temporalSettings(env: Environment): TemporalSettings {
  const loaded = load(env);
  const address = loaded.connectionOptions.address ?? DEFAULT_ADDRESS;
  return {
    address,
    namespace: loaded.namespace ?? 'default',
    connectionOptions: { ...loaded.connectionOptions, address },
  };
}

/**
 * Whether a server is named: by its address, or by a profile or configuration file that has one. A person's own file that no variable names
 * does not count: `npm start` would put its guards on whatever server was used last. Throws `ConfigError`.
 */
export function namesServer(env: Environment): boolean {
  const {
    TEMPORAL_ADDRESS: address,
    TEMPORAL_PROFILE: profile,
    TEMPORAL_CONFIG_FILE: file,
  } = withoutBlanks(env);
  if (address !== undefined) return true;
  const named = profile !== undefined || (file !== undefined && file !== devNull);
  return named && load(env).connectionOptions.address !== undefined;
}

function load(env: Environment): ClientConnectConfig {
  try {
    const disableFile = env['TEMPORAL_CONFIG_FILE'] === devNull;
    return loadClientConnectConfig({ disableFile, overrideEnvVars: { ...withoutBlanks(env) } });
  } catch (error) {
    throw new ConfigError(
      [
        {
          setting: 'TEMPORAL_*',
          message: `Temporal's settings cannot be read: ${(error as Error).message}`,
          hint: 'Check the TEMPORAL_* variables and the file that TEMPORAL_CONFIG_FILE names.',
        },
      ],
      { cause: error },
    );
  }
}

/** A client connection, proven to reach the namespace; throws `TemporalConnectionError`. The caller closes it. */
export async function connectClient(settings: TemporalSettings, timeoutMs = 10_000): Promise<Connection> {
  let connection: Connection | undefined;
  try {
    const { address, tls, apiKey, metadata } = settings.connectionOptions;
    connection = await Connection.connect({
      address: address ?? settings.address,
      connectTimeout: timeoutMs,
      interceptors: [makeGrpcRetryInterceptor(defaultGrpcRetryOptions()), boundedCalls()],
      ...(tls === undefined || tls === null ? {} : { tls }),
      ...(apiKey === undefined ? {} : { apiKey }),
      ...(metadata === undefined ? {} : { metadata }),
    });
    await checkNamespace(connection, settings.namespace, timeoutMs);
    return connection;
  } catch (error) {
    await connection?.close();
    throw (await tlsError(settings, error)) ?? connectionError(settings, error);
  }
}

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number];

/** Gives every try of a call without a deadline one, `limitMs` from its start; those that have one keep it. */
export function boundedCalls(limitMs = CALL_LIMIT_MS): Interceptor {
  return (options, nextCall) =>
    // grpc-js asks for its class and uses its interface.
    nextCall({ ...options, deadline: options.deadline ?? Date.now() + limitMs }) as ReturnType<Interceptor>;
}

/** Certificates that do not fit, with the reason that gRPC keeps to itself; `null` where that is not the trouble. */
async function tlsError(
  { address, connectionOptions }: TemporalSettings,
  error: unknown,
): Promise<TemporalConnectionError | null> {
  const { apiKey, tls = apiKey !== undefined } = connectionOptions;
  if (tls === null || tls === false || grpcCode(error) !== undefined) return null;
  const reason = await tlsProblem(address, tls === true ? {} : tls);
  if (reason === null || /ECONNREFUSED|ENOTFOUND|EAI_AGAIN/.test(reason)) return null;
  return new TemporalConnectionError(
    {
      setting: 'TEMPORAL_TLS_*',
      message: `no TLS connection to ${address} (${reason})`,
      hint: 'Check the certificates and the server name that TEMPORAL_TLS_* or the profile give; TEMPORAL_TLS=false turns TLS off.',
    },
    { cause: error },
  );
}

/** The worker's connection; throws `TemporalConnectionError`. The caller closes it. */
export async function connectWorker(settings: TemporalSettings): Promise<NativeConnection> {
  try {
    return await NativeConnection.connect(settings.connectionOptions);
  } catch (error) {
    throw connectionError(settings, error);
  }
}

async function checkNamespace(connection: Connection, namespace: string, timeoutMs: number): Promise<void> {
  const call = () => connection.workflowService.describeNamespace({ namespace });
  try {
    await connection.withDeadline(Date.now() + timeoutMs, call);
  } catch (error) {
    // A key may lack the right to describe its namespace and still run workflows in it.
    if (isGrpcServiceError(error) && error.code === GRPC_PERMISSION_DENIED) return;
    throw error;
  }
}

function connectionError(settings: TemporalSettings, error: unknown): TemporalConnectionError {
  const code = grpcCode(error);
  if (code === GRPC_NOT_FOUND) {
    return new TemporalConnectionError(
      {
        setting: 'TEMPORAL_NAMESPACE',
        message: `the server at ${settings.address} has no namespace "${settings.namespace}"`,
        hint: `Create it: temporal operator namespace create --address ${settings.address} -n ${settings.namespace} --retention 14d`,
      },
      { cause: error },
    );
  }
  if (code === GRPC_UNAUTHENTICATED || code === GRPC_PERMISSION_DENIED) {
    return new TemporalConnectionError(
      {
        setting: 'TEMPORAL_API_KEY',
        message: `the server at ${settings.address} refuses these credentials`,
        hint: 'Check TEMPORAL_API_KEY or the certificates that TEMPORAL_TLS_* name.',
      },
      { cause: error },
    );
  }
  const why = reasonOf(error);
  return new TemporalConnectionError(
    {
      setting: 'TEMPORAL_ADDRESS',
      message: `no Temporal server answers at ${settings.address} (${why})`,
      hint: 'Start it or correct the address; unset TEMPORAL_ADDRESS and "npm start" brings up a server of its own.',
    },
    { cause: error },
  );
}

/** The SDK wraps what a server answers to its first call. */
function grpcCode(error: unknown): number | undefined {
  if (isGrpcServiceError(error)) return error.code;
  return error instanceof Error ? grpcCode(error.cause) : undefined;
}

/** The innermost message of a chain of causes, on one line. */
function reasonOf(error: unknown): string {
  let inner: unknown = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  const text = inner instanceof Error ? inner.message : String(inner);
  return text.split('\n')[0]?.slice(0, 160) ?? 'unknown reason';
}
