/** Which process a pid meant: pids come round again, so a process is a pid and the moment it was born. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** Start of the process as the system tells it; empty where it cannot be told, and the pid alone decides. */
  readonly bornAt: string;
}

export function identityOf(pid: number): ProcessIdentity {
  return { pid, bornAt: bornAt(pid) };
}

/** True while the very process that was identified lives (a zombie that nobody has reaped yet does not count). */
export function isAlive(identity: ProcessIdentity): boolean {
  // 0 and negative numbers mean groups of processes to the system: never a process of ours.
  if (!Number.isInteger(identity.pid) || identity.pid <= 0) return false;
  try {
    process.kill(identity.pid, 0);
  } catch (error) {
    // Another user's process may not be signalled, but it lives.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const stat = statOf(identity.pid);
  if (stat?.[0] === 'Z') return false;
  return bornAt(identity.pid) === identity.bornAt;
}

function bornAt(pid: number): string {
  if (process.platform === 'linux') return statOf(pid)?.[19] ?? '';
  if (process.platform === 'win32') return '';
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
}

/** Fields of /proc/PID/stat from the state on: the name before them may hold any character. */
function statOf(pid: number): readonly string[] | null {
  if (process.platform !== 'linux') return null;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}
