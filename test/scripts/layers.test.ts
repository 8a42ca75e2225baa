/** Proves on scratch files that the linter's rules fire: a rule that is misspelt, or overridden by a later one, says nothing. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Case {
  readonly name: string;
  readonly file: string;
  readonly code: string;
  /** The rule that must speak; null: none may. */
  readonly rule: string | null;
}

const IMPORTS = 'no-restricted-imports';

const refused: readonly (readonly [string, string])[] = [
  ['src/domain/a.ts', `import 'zod';`],
  ['src/domain/b.ts', `import 'node:fs';`],
  ['src/domain/c.ts', `import 'fs';`],
  ['src/domain/d.ts', `import '@temporalio/workflow';`],
  ['src/domain/e.ts', `import type { Port } from '../exchange/port.ts'; export type P = Port;`],
  ['src/domain/f.ts', `import '../config.ts';`],
  ['src/workflows/a.ts', `import 'zod';`],
  ['src/workflows/b.ts', `import 'node:crypto';`],
  ['src/workflows/c.ts', `import 'fs';`],
  ['src/workflows/d.ts', `import { createActivities } from '../activities/index.ts'; createActivities();`],
  ['src/workflows/f.ts', `import type { Port } from '../exchange/port.ts'; export type P = Port;`],
  ['src/workflows/g.ts', `import '@temporalio/client';`],
  ['src/workflows/i.ts', `import type { Stats } from 'node:fs'; export type S = Stats;`],
  ['src/workflows/j.ts', `import type { ZodType } from 'zod'; export type S = ZodType;`],
  ['src/metrics/a.ts', `import { createGate } from '../exchange/gate.ts'; createGate();`],
  ['src/metrics/b.ts', `import '@temporalio/client';`],
  ['src/metrics/c.ts', `import '../alerts/delivery.ts';`],
  ['src/paper/a.ts', `import '../domain/decimal.ts';`],
  ['src/paper/b.ts', `import type { Port } from '../exchange/port.ts'; export type P = Port;`],
  ['src/paper/c.ts', `import 'ccxt';`],
  ['src/paper/d.ts', `import '@temporalio/worker';`],
  ['src/exchange/a.ts', `import 'ccxt';`],
  ['src/exchange/b.ts', `import '@temporalio/activity';`],
  ['src/exchange/c.ts', `import '../activities/index.ts';`],
  ['src/exchange/bybit-client.ts', `import '../workflows/index.ts';`],
  ['src/activities/a.ts', `import '../workflows/index.ts';`],
  ['src/activities/b.ts', `import '@temporalio/workflow';`],
  ['src/activities/c.ts', `import 'ccxt';`],
  ['src/alerts/a.ts', `import '../activities/index.ts';`],
  ['src/alerts/b.ts', `import '@temporalio/activity';`],
  ['src/audit/a.ts', `import '../activities/index.ts';`],
  ['src/audit/b.ts', `import '@temporalio/client';`],
  ['src/alerts/c.ts', `import type { Port } from '../exchange/port.ts'; export type P = Port;`],
  ['src/encryption/a.ts', `import '../domain/decimal.ts';`],
  ['src/encryption/b.ts', `import '@temporalio/client';`],
  ['src/encryption/c.ts', `import 'ccxt';`],
  ['src/operator/a.ts', `import '../paper/main.ts';`],
  ['src/operator/b.ts', `import 'ccxt';`],
  ['src/worker.ts', `import 'ccxt';`],
  ['scripts/a.mjs', `import 'zod';`],
];

const allowed: readonly (readonly [string, string])[] = [
  ['src/domain/ok.ts', `import Big from 'big.js'; import './decimal.ts'; export const x = Big;`],
  [
    'src/workflows/ok.ts',
    `import '@temporalio/workflow'; import '../domain/decimal.ts'; import { defineSearchAttributeKey, type Duration } from '@temporalio/common'; defineSearchAttributeKey('x', 'KEYWORD');
     import type { Activities } from '../activities/index.ts'; export type X = readonly [Duration, Activities];`,
  ],
  ['src/paper/ok.ts', `import 'node:http'; import 'fastify'; import './clock.ts'; import 'zod';`],
  ['src/exchange/ok.ts', `import '../domain/decimal.ts'; import 'zod'; import './port.ts';`],
  [
    'src/activities/ok.ts',
    `import '@temporalio/activity'; import '../exchange/port.ts'; import '../domain/decimal.ts';`,
  ],
  ['src/alerts/ok.ts', `import 'node:crypto'; import '../domain/decimal.ts'; import '../secret.ts';`],
  [
    'src/encryption/ok.ts',
    `import 'node:crypto'; import 'fastify'; import '@temporalio/common'; import '../secret.ts'; import '../config-environment.ts';`,
  ],
  ['scripts/ok.mjs', `import 'node:fs'; import 'node:fs/promises'; import './a.mjs';`],
];

const other: readonly Case[] = [
  {
    name: 'a promise that nobody awaits',
    file: 'src/rules/a.ts',
    code: `export async function f(): Promise<void> { await f(); }\nf();`,
    rule: 'no-floating-promises',
  },
  {
    name: 'a promise as a condition',
    file: 'src/rules/b.ts',
    code: `export async function f(): Promise<boolean> { return await f(); }\nexport const x = f() ? 1 : 2;`,
    rule: 'no-misused-promises',
  },
  {
    name: 'a switch that forgets a member',
    file: 'src/rules/c.ts',
    code: `export function f(x: 'a' | 'b'): number { switch (x) { case 'a': return 1; } return 2; }`,
    rule: 'switch-exhaustiveness-check',
  },
  {
    name: 'a condition that is always true',
    file: 'src/rules/d.ts',
    code: `export function f(x: string): number { return x === undefined ? 1 : 2; }`,
    rule: 'no-unnecessary-condition',
  },
  {
    name: 'an import of types that is not marked so',
    file: 'src/rules/e.ts',
    code: `import { Stats } from 'node:fs'; export type X = Stats;`,
    rule: 'consistent-type-imports',
  },
  {
    name: 'any',
    file: 'src/rules/f.ts',
    code: `export const x = (y: any): unknown => y;`,
    rule: 'no-explicit-any',
  },
  {
    name: 'a clock in the domain',
    file: 'src/domain/g.ts',
    code: `export const x = performance.now();`,
    rule: 'no-restricted-globals',
  },
  {
    name: 'the process in a workflow',
    file: 'src/workflows/h.ts',
    code: `export const x = process.pid;`,
    rule: 'no-restricted-globals',
  },
];

const cases: readonly Case[] = [
  ...refused.map(([file, code]) => ({ name: code, file, code, rule: IMPORTS })),
  ...allowed.map(([file, code]) => ({ name: code, file, code, rule: null })),
  ...other,
];

describe('the linter', () => {
  const folder = mkdtempSync(join(tmpdir(), 'stopkeeper-layers-'));
  let found: ReadonlyMap<string, readonly string[]> = new Map();

  beforeAll(async () => {
    for (const file of ['.oxlintrc.json', 'tsconfig.json', 'package.json'])
      cpSync(join(ROOT, file), join(folder, file));
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    for (const { file, code } of cases) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), `${code}\n`);
    }
    found = await lint(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(cases.filter(({ rule }) => rule !== null))('refuses in $file: $name', ({ file, rule }) => {
    expect(found.get(file) ?? []).toContain(rule);
  });

  it.each(cases.filter(({ rule }) => rule === null))('lets pass in $file: $name', ({ file }) => {
    expect(found.get(file) ?? []).not.toContain(IMPORTS);
  });
});

/** Answers the rules that spoke, for each file. */
async function lint(folder: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const program = join(ROOT, 'node_modules', 'oxlint', 'bin', 'oxlint');
  const output = await new Promise<string>((resolve) => {
    execFile(
      process.execPath,
      [program, '--type-aware', '-f', 'unix', 'src', 'scripts'],
      { cwd: folder, maxBuffer: 1e8 },
      (_, stdout) => resolve(stdout),
    );
  });
  const rules = new Map<string, string[]>();
  for (const line of output.split('\n')) {
    const match = /^(?<file>[^:]+):\d+:\d+: .*\[\w+\/[\w-]+\((?<rule>[\w-]+)\)\]$/u.exec(line);
    const { file, rule } = match?.groups ?? {};
    if (file !== undefined && rule !== undefined) rules.set(file, [...(rules.get(file) ?? []), rule]);
  }
  return rules;
}
