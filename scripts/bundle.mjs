/** `node scripts/bundle.mjs BUILT DIST OUT`: makes the workflow bundle of a build, its paths those where the files will stand. */
import { existsSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import process from 'node:process';
import { bundleWorkflowCode } from '@temporalio/worker';

const MAP =
  /(?<head>\/\/# sourceMappingURL=data:application\/json;charset=utf-8;base64,)(?<map>[A-Za-z0-9+/=]+)/u;

const [built, dist, out] = process.argv.slice(2);
if (built === undefined || dist === undefined || out === undefined) {
  throw new Error('usage: bundle.mjs BUILT DIST OUT');
}
/** @param {string} name a module of the workflows, which a project need not have @returns {readonly string[]} its path, where it is there */
const module = (name) => [join(built, 'workflows', name)].filter((path) => existsSync(path));
const [payloadConverterPath] = module('payload-converter.js');
const [failureConverterPath] = module('failure-converter.js');
const workflowInterceptorModules = module('query-first.js');
const workflowsPath = join(built, 'workflows', 'index.js');
const { code } = await bundleWorkflowCode({
  workflowsPath,
  workflowInterceptorModules: [...workflowInterceptorModules],
  // Once for each thread instead of once for each run; what they hold is frozen, and none has a state of its own (test/module-state.test.ts).
  preloadModules: [workflowsPath, ...workflowInterceptorModules],
  ...(payloadConverterPath !== undefined && { payloadConverterPath }),
  ...(failureConverterPath !== undefined && { failureConverterPath }),
});
const root = join(dist, '..');
const bundled = moved(code).replace(MAP, (_, head, map) => head + movedMap(map));
writeFileSync(out, bundled);

/** The bundler writes paths of the scratch folder into the code. @param {string} text */
function moved(text) {
  const names = [relative(root, built ?? ''), relative(root, dist ?? '')];
  return text.replaceAll(names[0] ?? '', names[1] ?? '');
}

/** And absolute ones into the map, which shall hold on any machine. @param {string} encoded */
function movedMap(encoded) {
  const map = /** @type {{ sources: string[] }} */ (
    JSON.parse(moved(Buffer.from(encoded, 'base64').toString('utf8')))
  );
  map.sources = map.sources.map((source) => (source.startsWith(root) ? relative(root, source) : source));
  return Buffer.from(JSON.stringify(map).replaceAll(root, '.')).toString('base64');
}
