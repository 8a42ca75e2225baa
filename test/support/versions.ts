/** Worker versioning as an operator handles it in tests. */
import { until, type System } from './system.ts';

/** Makes a build the current one, once the server knows it from its polling; answers when that was done, ms. */
export async function makeCurrent(system: System, deployment: string, build: string): Promise<number> {
  const version = ['--deployment-name', deployment, '--build-id', build, '--yes'];
  await until(`${build} is known to the server`, async () => {
    try {
      await system.temporal('worker', 'deployment', 'set-current-version', ...version);
      return true;
    } catch {
      return false;
    }
  });
  return Date.now();
}
