/** The Temporal CLI command that goes with an alert: what an operator pastes first (DESIGN §5). */
import type { Alert, AlertKind } from '../domain/alert.ts';
import { guardId, watchId } from '../domain/names.ts';

/** Told of an account as a whole, with nothing to be done by a message. */
const OF_ACCOUNT: readonly AlertKind[] = ['all-clear', 'not-all-clear', 'audit-failed'];

/**
 * One line for a POSIX shell. Alerts of the watcher name the watcher, since the guard they tell of may not run.
 *
 * @example operatorCommand(alert) // temporal workflow update execute -w guard:main:BTCUSDT --name reprotectNow
 */
export function operatorCommand(alert: Alert): string {
  const { account, leg, kind } = alert;
  const watcher = watchId(account);
  if (OF_ACCOUNT.includes(kind)) return `temporal workflow query -w ${quoted(watcher)} --type board`;
  if (leg === null || alert.id.startsWith(`${watcher}/`)) return signal(watcher, 'reprotect');
  const guard = guardId(account, leg);
  switch (kind) {
    case 'unprotected':
    case 'unprotected-emergency':
    case 'stop-vanished':
    case 'not-tightened':
    case 'blind':
      return `temporal workflow update execute -w ${quoted(guard)} --name reprotectNow`;
    case 'key-rejected':
      // With the key mended every guard of the account has something to do.
      return signal(watcher, 'reprotect');
    case 'stop-passed':
    case 'floor-passed':
    case 'wrong-side':
    case 'no-legal-stop':
      return `temporal workflow update execute -w ${quoted(guard)} --name closeNow -i ${quoted(JSON.stringify({ reason: kind, confirm: leg.symbol }))}`;
    case 'another-writer':
      return `${signal(guard, 'release')} -i ${quoted(JSON.stringify({ reason: 'another program writes its stop' }))}`;
    case 'memory-lost':
      return `temporal workflow list -q ${quoted(`WorkflowId="${guard}"`)}`;
    case 'liquidating':
    case 'liquidation-near':
    case 'liquidation-cross':
    case 'emergency-close':
    case 'resolved':
    case 'all-clear':
    case 'not-all-clear':
    case 'audit-failed':
      return `temporal workflow query -w ${quoted(guard)} --type status`;
  }
}

/** How to stop the reminders of an alert that is repeated; `null` for what is told once. A name is to be put in. */
export function acknowledgeCommand({ account, leg, level, id }: Alert): string | null {
  if (level !== 'EMERGENCY' || leg === null) return null;
  const watcher = watchId(account);
  const { symbol, positionIdx } = leg;
  // The guard tells the watcher; what the watcher tells by itself may have no guard.
  const told = id.startsWith(`${watcher}/`) ? { symbol, positionIdx } : {};
  const target = id.startsWith(`${watcher}/`) ? watcher : guardId(account, leg);
  return `${signal(target, 'acknowledge')} -i ${quoted(JSON.stringify({ by: 'YOUR NAME', ...told }))}`;
}

function signal(workflowId: string, name: string): string {
  return `temporal workflow signal -w ${quoted(workflowId)} --name ${name}`;
}

/** The symbol in it comes from the venue; what a person pastes into a shell must stay one word. */
function quoted(word: string): string {
  return /^[\w:.-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
