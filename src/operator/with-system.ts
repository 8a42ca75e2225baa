/** Runs something on a system of its own: locks the data folder, brings the system up, and stops it whatever happens. */
import type { Config } from '../config.ts';
import { lockDataFolder } from './data-lock.ts';
import { bringUp, type BringUpOptions, type RunningSystem } from './running-system.ts';
import { Interrupted, StartError } from './start-error.ts';

export async function withSystem<T>(
  options: BringUpOptions & { readonly config: Config },
  work: (system: RunningSystem) => Promise<T>,
): Promise<T> {
  refuseVersion(options.config);
  const unlock = lockDataFolder(options.config.dataDir);
  try {
    const system = await bringUp(options);
    try {
      return await work(system);
    } finally {
      await system.stop();
    }
  } finally {
    unlock();
  }
}

/** Workers that are started and stopped together need no versions, and with one nothing is served until an operator makes it current. */
function refuseVersion({ version }: Config): void {
  if (version === null) return;
  throw new StartError([
    {
      setting: 'STOPKEEPER_DEPLOYMENT, STOPKEEPER_BUILD_ID',
      message: `worker versioning is for workers that run by themselves; here is ${version.deploymentName} ${version.buildId}`,
      hint: 'Unset both, or start the worker with "npm run worker" (docs/deployment.md).',
    },
  ]);
}

/** `work`, unless the person gives up or a program of the system keeps ending before it is done. */
export async function unlessStopped<T>(
  work: Promise<T>,
  signal: AbortSignal,
  broken: Promise<never> | null,
): Promise<T> {
  const interrupted = new Promise<never>((_resolve, reject) => {
    const give = (): void => reject(new Interrupted());
    if (signal.aborted) give();
    else signal.addEventListener('abort', give, { once: true });
  });
  // The losers of the race may reject later, when nobody waits for them.
  interrupted.catch(() => undefined);
  work.catch(() => undefined);
  return Promise.race([work, interrupted, ...(broken === null ? [] : [broken])]);
}
