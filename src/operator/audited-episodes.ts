/** The ended episodes that the audit log tells of, by account. */
import { readAudit, type AuditReading } from '../audit/audit-reader.ts';
import { endedEpisode, type EndedEpisode } from '../domain/history.ts';

export interface AuditedEpisodes {
  readonly episodes: readonly EndedEpisode[];
  readonly reading: AuditReading;
}

/** Reads the whole log once, for all accounts; throws the system's error where a file cannot be read. */
export async function readAuditedEpisodes(
  path: string,
  accounts: readonly string[],
): Promise<(account: string) => AuditedEpisodes> {
  const found = new Map<string, EndedEpisode[]>(accounts.map((account) => [account, []]));
  const reading = await readAudit(path, (entry) => {
    if (entry.kind !== 'episode-ended' && entry.kind !== 'released') return;
    const { leg, workflowId: guard, runId, at, account } = entry;
    const ending =
      entry.kind === 'released'
        ? ({ ended: 'released', reason: entry.reason } as const)
        : ({ ended: 'closed', report: entry.report } as const);
    const endedAt = new Date(at).toISOString();
    found.get(account)?.push(endedEpisode(leg, { guard, runId, endedAt }, ending, null, 'audit'));
  });
  return (account) => ({ episodes: found.get(account) ?? [], reading });
}
