/** The workflows as a worker loads them: the bundle made at build time, or one like it, made now, where there is none. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, type WorkerOptions } from '@temporalio/worker';

// Both stand on the bundle's first line, so that its source map still holds.

/** What `src/workflows/failure-converter.ts` looks for. */
const ENCODES_FAILURES = 'var STOPKEEPER_ENCODES_FAILURES = true; ';
/**
 * The SDK takes a stack trace for each promise of a workflow, for the UI's view of where it waits: of ten mapped frames that was a fifth of a check
 * (docs/performance.md). An error that is thrown still names where, and who called.
 */
const FEW_FRAMES = 'Error.stackTraceLimit = 2; ';

const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** `encrypts`: failures of workflows carry their words where the codec encrypts them. */
export async function workflowBundle(
  encrypts: boolean,
): Promise<NonNullable<WorkerOptions['workflowBundle']>> {
  const path = beside('./workflow-bundle.js');
  const code = existsSync(path) ? await readFile(path, 'utf8') : await bundledNow();
  return { code: asLoaded(code, encrypts) };
}

/** The code of a bundle as a worker loads it. */
export function asLoaded(code: string, encrypts: boolean): string {
  return (encrypts ? ENCODES_FAILURES : '') + FEW_FRAMES + code;
}

async function bundledNow(): Promise<string> {
  const workflowsPath = beside('./workflows/index.js');
  const workflowInterceptorModules = [beside('./workflows/query-first.js')];
  const { code } = await bundleWorkflowCode({
    workflowsPath,
    workflowInterceptorModules,
    preloadModules: [workflowsPath, ...workflowInterceptorModules],
    payloadConverterPath: beside('./workflows/payload-converter.js'),
    failureConverterPath: beside('./workflows/failure-converter.js'),
  });
  return code;
}
