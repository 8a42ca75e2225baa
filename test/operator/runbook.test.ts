/** The runbook covers every alert, guard state and session status that the domain knows, and its links lead somewhere. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { operatorCommand } from '../../src/alerts/operator-command.ts';
import type { Alert, AlertKind } from '../../src/domain/alert.ts';
import type { ProtectionState } from '../../src/domain/board.ts';
import type { SessionStatus } from '../../src/domain/report.ts';
import type { WatchedLeg } from '../../src/domain/watch-state.ts';
import { anchorOf, broken, parseRunbook } from '../support/runbook.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const sections = parseRunbook(readFileSync(join(ROOT, 'docs/runbook.md'), 'utf8'));

/** As records, so that the compiler asks for a kind that the domain gained. */
const ALERTS: Record<AlertKind, true> = {
  unprotected: true,
  'unprotected-emergency': true,
  'key-rejected': true,
  blind: true,
  'stop-vanished': true,
  'stop-passed': true,
  'floor-passed': true,
  'wrong-side': true,
  'another-writer': true,
  liquidating: true,
  'liquidation-near': true,
  'liquidation-cross': true,
  'not-tightened': true,
  'no-legal-stop': true,
  'emergency-close': true,
  'memory-lost': true,
  'all-clear': true,
  'not-all-clear': true,
  'audit-failed': true,
  resolved: true,
};
const STATES: Record<ProtectionState | WatchedLeg['state'], true> = {
  PROTECTED: true,
  UNPROTECTED: true,
  UNCERTAIN: true,
  BLIND: true,
  CONFIRMING: true,
  CLOSED: true,
  RELEASED: true,
  UNREADABLE: true,
};
const SESSIONS: Record<SessionStatus, true> = { SUCCESS: true, WARNING: true, FAILED: true };

const scriptsOf = (title: string): readonly string[] | undefined =>
  sections.find((section) => section.title === title)?.blocks.map(({ script }) => script);

describe('the runbook', () => {
  test.each(Object.keys(ALERTS) as AlertKind[])(
    'has a section for the alert %s, with its command',
    (kind) => {
      const leg = { symbol: 'BTCUSDT', positionIdx: 0 as const };
      const alert: Alert = {
        id: 'guard:main:BTCUSDT/0/0',
        level: 'WARNING',
        kind,
        account: 'main',
        leg,
        message: '',
        todo: '',
        unprotectedSeconds: null,
        at: 0,
      };
      expect(scriptsOf(`\`${kind}\``)).toContain(operatorCommand(alert));
    },
  );

  test.each([...Object.keys(STATES), ...Object.keys(SESSIONS)])(
    'has a section for the state %s, with a command',
    (state) => {
      expect(scriptsOf(state)?.length).toBeGreaterThan(0);
    },
  );

  test.each(['Balance extraction failed', 'Protection failed', 'Monitor failed to start'])(
    'has a section for "%s"',
    (title) => {
      expect(scriptsOf(title)?.length).toBeGreaterThan(1);
    },
  );
});

describe('a block of commands', () => {
  const page = (marked: string, after: string): string =>
    `# Title\n\n\`\`\`${marked}\nls\n\`\`\`\n\n${after}\n`;
  const blockOf = (text: string) => parseRunbook(text)[0]?.blocks[0];

  test.each([
    ['sh', 'Nothing about it.'],
    ['sh', 'Shows what it shows.'],
    ['sh no-run', 'Shows `a`.'],
  ])('%s that goes on with "%s" is refused', (marked, after) => {
    expect(() => parseRunbook(page(marked, after))).toThrow(
      'line 3: the block does not say what it shows: ls',
    );
  });

  test('that shows less than it says, or ends otherwise, is broken', () => {
    const ran = { code: 0, out: 'one two', err: '' };
    const shows = blockOf(page('sh', 'Shows `one`, `three`.'));
    const fails = blockOf(page('sh', 'Fails with `one`.'));
    const silent = blockOf(page('sh', 'Shows nothing.'));
    if (shows === undefined || fails === undefined || silent === undefined) throw new Error('no block');
    expect(broken(shows, ran)[0]).toContain('it does not show three');
    expect(broken(shows, { ...ran, out: 'one three' })).toEqual([]);
    expect(broken(shows, { ...ran, code: 1 })[0]).toContain('exit code 1');
    expect(broken(fails, ran)[0]).toContain('exit code 0');
    expect(broken(fails, { ...ran, code: 1 })).toEqual([]);
    expect(broken(silent, ran)[0]).toContain('it shows something');
  });
});

describe('links', () => {
  test.each(['docs/runbook.md', 'docs/deployment.md', 'SECURITY.md', 'CONTRIBUTING.md'])(
    'of %s lead somewhere',
    (file) => {
      const text = readFileSync(join(ROOT, file), 'utf8');
      const targets = [...text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, target = '']) => target);
      expect(targets.length).toBeGreaterThan(0);
      expect(targets.filter((target) => !leadsSomewhere(file, target))).toEqual([]);
    },
  );
});

function leadsSomewhere(file: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const page = path === '' ? join(ROOT, file) : join(ROOT, dirname(file), path);
  return existsSync(page) && (anchor === undefined || anchorsOf(page).includes(anchor));
}

function anchorsOf(page: string): readonly string[] {
  return [...readFileSync(page, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => anchorOf(title));
}
