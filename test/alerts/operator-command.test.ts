/** The command that goes with an alert: one for each kind, safe to paste. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { acknowledgeCommand, operatorCommand } from '../../src/alerts/operator-command.ts';
import type { AlertKind } from '../../src/domain/alert.ts';
import { anAlert } from '../support/alert-data.ts';

const GUARD = 'guard:main:BTCUSDT';

describe('a guard', () => {
  it.each<readonly [AlertKind, string]>([
    ['unprotected', `update execute -w ${GUARD} --name reprotectNow`],
    ['unprotected-emergency', `update execute -w ${GUARD} --name reprotectNow`],
    ['stop-vanished', `update execute -w ${GUARD} --name reprotectNow`],
    ['not-tightened', `update execute -w ${GUARD} --name reprotectNow`],
    ['blind', `update execute -w ${GUARD} --name reprotectNow`],
    ['key-rejected', 'signal -w watch:main --name reprotect'],
    [
      'wrong-side',
      `update execute -w ${GUARD} --name closeNow -i '{"reason":"wrong-side","confirm":"BTCUSDT"}'`,
    ],
    ['another-writer', `signal -w ${GUARD} --name release -i '{"reason":"another program writes its stop"}'`],
    ['memory-lost', `list -q 'WorkflowId="${GUARD}"'`],
    ['liquidating', `query -w ${GUARD} --type status`],
    ['resolved', `query -w ${GUARD} --type status`],
  ])('that says %s is asked by: %s', (kind, command) => {
    expect(operatorCommand(anAlert({ kind }))).toBe(`temporal workflow ${command}`);
  });
});

describe('the watcher', () => {
  it('is woken itself, for the guard that it tells of may not run', () => {
    const alert = anAlert({ id: 'watch:main/BTCUSDT#0/4', kind: 'unprotected-emergency' });
    expect(operatorCommand(alert)).toBe('temporal workflow signal -w watch:main --name reprotect');
    expect(operatorCommand(anAlert({ leg: null, kind: 'blind' }))).toContain('watch:main');
  });
});

describe('an alert that is repeated', () => {
  it('carries the command that ends its reminders, for a name to be put in', () => {
    const alert = anAlert({ level: 'EMERGENCY', kind: 'unprotected-emergency' });
    expect(acknowledgeCommand(alert)).toBe(
      `temporal workflow signal -w guard:main:BTCUSDT --name acknowledge -i '{"by":"YOUR NAME"}'`,
    );
  });

  it('of the watcher is acknowledged at the watcher, for its leg', () => {
    const alert = anAlert({
      id: 'watch:main/BTCUSDT:0/4',
      level: 'EMERGENCY',
      kind: 'unprotected-emergency',
    });
    expect(acknowledgeCommand(alert)).toBe(
      `temporal workflow signal -w watch:main --name acknowledge -i '{"by":"YOUR NAME","symbol":"BTCUSDT","positionIdx":0}'`,
    );
  });

  it.each(['CRITICAL', 'RESOLVED', 'INFO'] as const)('is none of those told once: %s', (level) => {
    expect(acknowledgeCommand(anAlert({ level }))).toBeNull();
  });
});

describe('what is told of an account', () => {
  it.each(['all-clear', 'not-all-clear', 'audit-failed'] as const)('%s leads to the board', (kind) => {
    const alert = anAlert({ leg: null, kind });
    expect(operatorCommand(alert)).toBe('temporal workflow query -w watch:main --type board');
  });
});

describe('a symbol that a shell would read', () => {
  it('stays one word of the command', () => {
    const symbol = `X'; echo $HOME "USDT`;
    const alert = anAlert({ kind: 'wrong-side', leg: { symbol, positionIdx: 0 } });
    const words = operatorCommand(alert).replace(/^temporal/, String.raw`printf '%s\n'`);
    const lines = execFileSync('sh', ['-c', words], { encoding: 'utf8' }).trimEnd().split('\n');
    const input = JSON.stringify({ reason: 'wrong-side', confirm: symbol });
    expect(lines.slice(0, 4)).toEqual(['workflow', 'update', 'execute', '-w']);
    expect(lines.slice(4)).toEqual([`guard:main:${symbol}`, '--name', 'closeNow', '-i', input]);
  });
});
