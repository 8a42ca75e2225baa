/** The workflows as a worker loads them: the bundle made at build time, or one like it, made now, where there is none. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, type WorkerOptions } from '@temporalio/worker';

/** What `src/workflows/failure-converter.ts` looks for; on the bundle's first line, so that its source map still holds. */
const ENCODES_FAILURES = 'var STOPKEEPER_ENCODES_FAILURES = true; ';

const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** `encrypts`: failures of workflows carry their words where the codec encrypts them. */
export async function workflowBundle(
  encrypts: boolean,
): Promise<NonNullable<WorkerOptions['workflowBundle']>> {
  const codePath = beside('./workflow-bundle.js');
  const built = existsSync(codePath);
  if (built && !encrypts) return { codePath };
  const code = built ? await readFile(codePath, 'utf8') : await bundledNow();
  return { code: encrypts ? ENCODES_FAILURES + code : code };
}

async function bundledNow(): Promise<string> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: beside('./workflows/index.js'),
    payloadConverterPath: beside('./workflows/payload-converter.js'),
    failureConverterPath: beside('./workflows/failure-converter.js'),
  });
  return code;
}
