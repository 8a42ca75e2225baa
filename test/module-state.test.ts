/** The modules of the workflows are loaded once for each thread and serve every run there: one that remembers anything would mix the runs up. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from 'oxc-parser';
import { describe, expect, it } from 'vitest';

interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

const CHANGING_CALLS = new Set([
  'set',
  'add',
  'push',
  'unshift',
  'delete',
  'clear',
  'splice',
  'pop',
  'shift',
]);

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}

function childrenOf(node: Node): readonly Node[] {
  return Object.values(node)
    .flatMap((value) => (Array.isArray(value) ? value : [value]))
    .filter(isNode);
}

/** The name at the beginning of `name.field[0]`. */
function rootOf(node: unknown): string | null {
  if (!isNode(node)) return null;
  if (node.type === 'Identifier') return String(node['name']);
  return node.type === 'MemberExpression' ? rootOf(node['object']) : null;
}

/** What a node changes, if anything. */
function changed(node: Node): unknown {
  if (node.type === 'AssignmentExpression') return node['left'];
  if (node.type === 'UpdateExpression') return node['argument'];
  if (node.type === 'UnaryExpression') return node['operator'] === 'delete' ? node['argument'] : null;
  const callee = node['callee'];
  if (node.type !== 'CallExpression' || !isNode(callee) || callee.type !== 'MemberExpression') return null;
  const { name } = callee['property'] as { readonly name?: string };
  return CHANGING_CALLS.has(name ?? '') ? callee['object'] : null;
}

function changesIn(node: Node, inFunction: boolean): readonly string[] {
  const inside = inFunction || /Function/.test(node.type) || node.type === 'MethodDefinition';
  const name = inside ? rootOf(changed(node)) : null;
  return [...(name === null ? [] : [name]), ...childrenOf(node).flatMap((child) => changesIn(child, inside))];
}

/** The names at the top of a module that it could change later: `let`s, and what any function of it changes. */
function stateOf(source: string): readonly string[] {
  const program = parseSync('module.ts', source).program as unknown as Node;
  const declared = childrenOf(program)
    .map((node) => (isNode(node['declaration']) ? node['declaration'] : node))
    .filter(({ type }) => type === 'VariableDeclaration')
    .flatMap((node) =>
      childrenOf(node).map((one) => ({ name: rootOf(one['id']), fixed: node['kind'] === 'const' })),
    );
  const changes = new Set(changesIn(program, false));
  return declared.flatMap(({ name, fixed }) =>
    name !== null && (!fixed || changes.has(name)) ? [name] : [],
  );
}

const ROOT = join(import.meta.dirname, '..');
const MODULES = ['src/workflows', 'src/domain'].flatMap((folder) =>
  readdirSync(join(ROOT, folder)).map((name) => join(folder, name)),
);

describe('what the workflows are made of', () => {
  it.each(MODULES)('%s remembers nothing', (file) => {
    expect(stateOf(readFileSync(join(ROOT, file), 'utf8'))).toEqual([]);
  });

  it.each([
    ['a variable', 'let count = 0;', ['count']],
    ['an exported variable', 'export let count = 0;', ['count']],
    ['a list that grows', 'const all = [];\nexport function see(x) { all.push(x); }', ['all']],
    ['a map that is filled', 'const by = new Map();\nexport const see = (x) => by.set(x, 1);', ['by']],
    ['a field that is set', 'const now = { at: 0 };\nclass A { tick() { now.at += 1; } }', ['now']],
    ['a field that is counted', 'const now = { at: 0 };\nfunction tick() { now.at++; }', ['now']],
    ['a field that is deleted', 'const now = { at: 0 };\nfunction tick() { delete now.at; }', ['now']],
    ['a constant', 'export const all = new Set([1]);\nexport const has = (x) => all.has(x);', []],
    ['what is set up once', 'const Exact = Big();\nExact.DP = 40;', []],
  ])('would be seen: %s', (_, source, state) => {
    expect(stateOf(source)).toEqual(state);
  });
});
