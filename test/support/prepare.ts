/**
 * Global set-up of the projects that need more than sources: builds `dist` with the workflow bundle and finds the two Temporal
 * servers; the tests read the paths from STOPKEEPER_WORKFLOW_BUNDLE, STOPKEEPER_TEMPORAL_CLI and STOPKEEPER_TEST_SERVER.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBuilt } from '../../scripts/build.mjs';
import { findTemporalCli } from '../../scripts/temporal-cli.mjs';
import { findTestServer } from '../../scripts/test-server.mjs';

export default async function prepare(): Promise<void> {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  await ensureBuilt(root);
  process.env['STOPKEEPER_WORKFLOW_BUNDLE'] = join(root, 'dist', 'workflow-bundle.js');
  process.env['STOPKEEPER_TEMPORAL_CLI'] = await findTemporalCli();
  process.env['STOPKEEPER_TEST_SERVER'] = await findTestServer();
}
