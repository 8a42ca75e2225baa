/** CPU time and memory of a process as the kernel counts them: independent of what the process says about itself (Linux). */
import { readdirSync, readFileSync, statSync } from 'node:fs';

/** `sysconf(_SC_CLK_TCK)`; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** What follows the name in `/proc/PID/stat`: state, parent, ... */
function statOf(pid: number): readonly string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function ticks(fields: readonly string[], from: number, to: number): number {
  return fields.slice(from, to).reduce((sum, field) => sum + Number(field), 0);
}

/** User and system time of the process and its threads since it began, ms. */
export function cpuMs(pid: number): number {
  return (ticks(statOf(pid), 11, 13) * 1_000) / TICKS_PER_SECOND;
}

/** The same of a process and its children, those that have ended included: a PostgreSQL has one for each connection. */
export function familyCpuMs(pid: number): number {
  const all = readdirSync('/proc').filter((name) => /^\d+$/u.test(name));
  const children = all.flatMap((name) => {
    try {
      const fields = statOf(Number(name));
      return Number(fields[1]) === pid ? [ticks(fields, 11, 13)] : [];
    } catch {
      // It ended meanwhile.
      return [];
    }
  });
  const own = ticks(statOf(pid), 11, 15);
  return (children.reduce((sum, one) => sum + one, own) * 1_000) / TICKS_PER_SECOND;
}

/** Resident memory, MB. */
export function rssMb(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB/mu.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? Number.NaN) / 1_024;
}

/** Busy share of all cores since boot, in core-ms, and the idle part: to tell how busy the machine was beside the measurement. */
export function machineCpuMs(): { readonly busy: number; readonly idle: number } {
  const [, ...fields] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').split(/\s+/u);
  const ms = fields.map((field) => (Number(field) * 1_000) / TICKS_PER_SECOND);
  const idle = (ms[3] ?? 0) + (ms[4] ?? 0);
  return { busy: ms.slice(0, 8).reduce((sum, part) => sum + part, 0) - idle, idle };
}

/** Bytes of a SQLite database with its write-ahead log. */
export function databaseBytes(file: string): number {
  return [file, `${file}-wal`].reduce(
    (sum, name) => sum + (statSync(name, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}
