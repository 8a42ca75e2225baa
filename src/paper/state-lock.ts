/** One process for each state file: a lock beside it names the holder; a holder that is gone holds nothing. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { StateFileError } from './state-file.ts';

/** Takes the lock of a state file and returns how to give it back; throws `StateFileError` while another process lives that holds it. */
export function lockState(statePath: string): () => void {
  const path = `${statePath}.lock`;
  const holder = holderOf(path);
  if (holder !== undefined) {
    throw new StateFileError(
      `${statePath} is in use by process ${holder}; stop that paper exchange, or give another --state file`,
    );
  }
  writeFileSync(path, `${process.pid}\n`);
  return () => rmSync(path, { force: true });
}

function holderOf(path: string): number | undefined {
  let pid: number;
  try {
    pid = Number(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return undefined;
  try {
    process.kill(pid, 0);
  } catch {
    return undefined;
  }
  return isPaperExchange(pid) ? pid : undefined;
}

/** After a crash its number may belong to another program; where the system tells, that is no holder. */
function isPaperExchange(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('paper');
  } catch {
    return true;
  }
}
