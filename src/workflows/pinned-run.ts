/**
 * Worker versioning of guards (docs/temporal.md §11): a run stays with the build that began it, so that new code never replays what old
 * code did (I11), and the run that continues it goes to the build that is current then.
 */
import type { WorkflowDefinitionOptions } from '@temporalio/common';
import { workflowInfo } from '@temporalio/workflow';
// oxlint-disable-next-line no-restricted-imports -- what a run claims with its last task has no public call in the SDK
import { getActivator } from '@temporalio/workflow/lib/global-attributes.js';

/** The options of a run as it begins. A worker without a version has to claim no behaviour: the server refuses its tasks otherwise. */
export function pinRun(): WorkflowDefinitionOptions {
  const deployment = workflowInfo().currentDeploymentVersion?.deploymentName ?? '';
  return deployment === '' ? {} : { versioningBehavior: 'PINNED' };
}

/**
 * Directly before continue-as-new: the next run inherits the build of a run that ends pinned. The SDK's `initialVersioningBehavior` says
 * the same, but server 1.29.1 does not know it, so the behaviour that goes with this last task is changed instead.
 */
export function leavePinnedBuild(): void {
  const activator = getActivator();
  if (activator.versioningBehavior === 'PINNED') activator.versioningBehavior = 'AUTO_UPGRADE';
}
