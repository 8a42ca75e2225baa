/** What a person hears when the audit log cannot be written, and when it can be again: protection goes on meanwhile. */
import type { Alert } from '../domain/alert.ts';

export interface AuditSpell {
  readonly path: string;
  /** What is wrong now; `null`: it is over. */
  readonly trouble: { readonly since: number; readonly reason: string } | null;
  readonly before: { readonly since: number } | null;
  /** ms */
  readonly now: number;
}

export function auditAlert(account: string, { path, trouble, before, now }: AuditSpell): Alert {
  const since = (trouble ?? before)?.since ?? now;
  const head = { account, leg: null, unprotectedSeconds: null, at: now } as const;
  if (trouble === null) {
    return {
      ...head,
      id: `audit/${process.pid}/${since}/end`,
      level: 'INFO',
      kind: 'audit-failed',
      message: `the audit log is written again, after ${Math.round((now - since) / 1_000)} s`,
      todo: 'nothing',
    };
  }
  return {
    ...head,
    id: `audit/${process.pid}/${since}`,
    level: 'WARNING',
    kind: 'audit-failed',
    message: `the audit log ${path} cannot be written (${trouble.reason}); positions are protected as before`,
    todo: 'check that the disk has room and the folder can be written; entries wait in memory until then',
  };
}
