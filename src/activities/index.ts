/** All activities of a worker, made from what the process provides. */
import type { ActivityDeps } from './deps.ts';
import { createGuardActivities } from './guards.ts';
import { createLedgerActivities, createLedgerAuxActivities } from './ledger.ts';
import { createNotifyActivities } from './notify.ts';
import { createProtectionActivities } from './protection.ts';
import { createSessionActivities } from './session.ts';
import { createSweepActivities } from './sweep.ts';

/** Activities of the main queue: reads and protective writes; nothing here waits for workflows or people. */
export function createActivities(deps: ActivityDeps) {
  return {
    ...createProtectionActivities(deps),
    ...createSessionActivities(deps),
    ...createLedgerActivities(deps),
  };
}

/** Activities of the auxiliary queue: what waits for workflows, webhooks or people. */
export function createAuxActivities(deps: ActivityDeps) {
  return {
    ...createGuardActivities(deps),
    ...createLedgerAuxActivities(deps),
    ...createSweepActivities(deps),
    ...createNotifyActivities(deps),
  };
}

export type Activities = ReturnType<typeof createActivities>;
export type AuxActivities = ReturnType<typeof createAuxActivities>;
