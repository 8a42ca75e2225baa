/** Signals, updates and queries by their wire names (DESIGN §5); a constant is its wire name plus its kind. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Alert } from '../domain/alert.ts';
import type { Board, GuardStatus } from '../domain/board.ts';
import type { LogEntry } from '../domain/decision-log.ts';
import type { EndedReport } from '../domain/guard-state.ts';
import type {
  AcknowledgeInput,
  AcknowledgeLegInput,
  AdoptInput,
  CloseAnswer,
  CloseNowInput,
  Released,
  ReleaseInput,
  ReprotectAnswer,
  ReprotectInput,
} from '../domain/messages.ts';
import type { PolicyChange } from '../domain/policy-change.ts';
import type { Policy } from '../domain/policy.ts';

export interface SetPolicyInput {
  readonly policy: PolicyChange;
  readonly allowLooser?: boolean;
}

/** On a guard: read now and put back what is missing or too loose. On the watcher: the same for all legs. */
export const reprotectSignal = defineSignal<[ReprotectInput?]>('reprotect');
export const reprotectNowUpdate = defineUpdate<ReprotectAnswer, [ReprotectInput?]>('reprotectNow');
export const setPolicyUpdate = defineUpdate<Policy, [SetPolicyInput]>('setPolicy');
export const releaseSignal = defineSignal<[ReleaseInput?]>('release');
/** An operator looks after what was told: no more reminders of it. On the watcher: of what the watcher tells. */
export const acknowledgeSignal = defineSignal<[(AcknowledgeInput | AcknowledgeLegInput)?]>('acknowledge');
export const closeNowUpdate = defineUpdate<CloseAnswer, [CloseNowInput]>('closeNow');
export const statusQuery = defineQuery<GuardStatus>('status');
/** The policy in force. */
export const policyQuery = defineQuery<Policy>('policy');
/** How the last episodes ended while this guard went on. */
export const episodesQuery = defineQuery<readonly EndedReport[]>('episodes');
export const decisionsQuery = defineQuery<readonly LogEntry[]>('decisions');

export const adoptUpdate = defineUpdate<
  { readonly adopted: boolean; readonly message: string },
  [AdoptInput]
>('adopt');
export const boardQuery = defineQuery<Board>('board');
export const releasedQuery = defineQuery<readonly Released[]>('released');
/** A guard hands over what it released, and alerts that it could not deliver before its end. */
export const legReleasedSignal = defineSignal<[Released]>('legReleased');
export const alertsLeftSignal = defineSignal<[readonly Alert[]]>('alertsLeft');
