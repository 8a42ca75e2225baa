/** The systematic set: every place of a source where an operator, a condition, a constant or a decimal comparison can be another one. */
import { parseSync } from 'oxc-parser';

export interface SourceMutant {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly operator: string;
  /** UTF-16 offsets of what is replaced. */
  readonly start: number;
  readonly end: number;
  readonly put: string;
  /** `before → after`, cut. */
  readonly change: string;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

interface Replacement {
  readonly operator: string;
  readonly start: number;
  readonly end: number;
  readonly put: string;
}

/** Comparisons at their boundary and turned round; arithmetic and logic by their opposites. */
const BINARY: Readonly<Record<string, readonly (readonly [operator: string, put: string])[]>> = {
  '<': [
    ['boundary', '<='],
    ['comparison', '>='],
  ],
  '<=': [
    ['boundary', '<'],
    ['comparison', '>'],
  ],
  '>': [
    ['boundary', '>='],
    ['comparison', '<='],
  ],
  '>=': [
    ['boundary', '>'],
    ['comparison', '<'],
  ],
  '===': [['comparison', '!==']],
  '!==': [['comparison', '===']],
  '==': [['comparison', '!=']],
  '!=': [['comparison', '==']],
  '+': [['arithmetic', '-']],
  '-': [['arithmetic', '+']],
  '*': [['arithmetic', '/']],
  '/': [['arithmetic', '*']],
  '%': [['arithmetic', '*']],
  '&&': [['logic', '||']],
  '||': [['logic', '&&']],
  '??': [['logic', '&&']],
};

/** Methods of decimals and lists. */
const METHODS: Readonly<Record<string, readonly (readonly [operator: string, put: string])[]>> = {
  gt: [
    ['boundary', 'gte'],
    ['comparison', 'lte'],
  ],
  gte: [
    ['boundary', 'gt'],
    ['comparison', 'lt'],
  ],
  lt: [
    ['boundary', 'lte'],
    ['comparison', 'gte'],
  ],
  lte: [
    ['boundary', 'lt'],
    ['comparison', 'gt'],
  ],
  plus: [['arithmetic', 'minus']],
  minus: [['arithmetic', 'plus']],
  times: [['arithmetic', 'div']],
  div: [['arithmetic', 'times']],
  some: [['quantifier', 'every']],
  every: [['quantifier', 'some']],
  min: [['extreme', 'max']],
  max: [['extreme', 'min']],
};

/** Answers that are negated. */
const PREDICATES: readonly string[] = ['eq', 'includes', 'has', 'test'];

function isNode(value: unknown): value is Node {
  return (
    typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
  );
}

/** Types and imports are not judgement. */
function isCode({ type }: Node): boolean {
  const wrapped =
    type === 'TSAsExpression' || type === 'TSSatisfiesExpression' || type === 'TSNonNullExpression';
  return (
    wrapped || !(type.startsWith('TS') || type === 'ImportDeclaration' || type === 'ExportAllDeclaration')
  );
}

function childrenOf(node: Node): readonly Node[] {
  return Object.values(node)
    .flatMap((value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]))
    .filter(isNode)
    .filter(isCode);
}

function isText(node: unknown): boolean {
  return (
    isNode(node) &&
    (node.type === 'TemplateLiteral' || (node.type === 'Literal' && typeof node['value'] === 'string'))
  );
}

function binary(node: Node, source: string): readonly Replacement[] {
  const { left, right, operator } = node as unknown as { left: Node; right: Node; operator: string };
  // Texts are put together with +, and nothing else can be done to them.
  if (operator === '+' && (isText(left) || isText(right))) return [];
  const at = source.indexOf(operator, left.end);
  if (at < 0 || at >= right.start) return [];
  return (BINARY[operator] ?? []).map(([name, put]) => ({
    operator: name,
    start: at,
    end: at + operator.length,
    put,
  }));
}

function call(node: Node, source: string): readonly Replacement[] {
  const { callee } = node as unknown as { callee: Node };
  const property = callee.type === 'MemberExpression' ? callee['property'] : null;
  if (!isNode(property) || property.type !== 'Identifier') return [];
  const { start, end } = property;
  const name = source.slice(start, end);
  const renamed = Object.hasOwn(METHODS, name) ? (METHODS[name] ?? []) : [];
  return [
    ...renamed.map(([operator, put]) => ({ operator, start, end, put })),
    ...(PREDICATES.includes(name)
      ? [
          {
            operator: 'negation',
            start: node.start,
            end: node.end,
            put: `!${source.slice(node.start, node.end)}`,
          },
        ]
      : []),
    ...(name === 'abs' ? [{ operator: 'sign', start: start - 1, end: node.end, put: '' }] : []),
  ];
}

function condition(node: Node): readonly Replacement[] {
  const { test, consequent, alternate } = node as unknown as {
    test: Node;
    consequent: Node;
    alternate: Node | null;
  };
  const returns =
    consequent.type === 'ReturnStatement' || bodyOf(consequent).at(-1)?.type === 'ReturnStatement';
  const early = node.type === 'IfStatement' && returns && alternate === null;
  return [
    { operator: 'condition true', start: test.start, end: test.end, put: 'true' },
    {
      operator: early ? 'early return removed' : 'condition false',
      start: test.start,
      end: test.end,
      put: 'false',
    },
  ];
}

function bodyOf(node: Node): readonly Node[] {
  return node.type === 'BlockStatement' ? (node['body'] as readonly Node[]) : [];
}

function literal(node: Node): readonly Replacement[] {
  const { start, end, value } = node as unknown as { start: number; end: number; value: unknown };
  if (typeof value === 'boolean') return [{ operator: 'constant', start, end, put: String(!value) }];
  return typeof value === 'number' ? [{ operator: 'constant', start, end, put: String(value + 1) }] : [];
}

function unary(node: Node, source: string): readonly Replacement[] {
  const { operator, argument } = node as unknown as { operator: string; argument: Node };
  if (operator !== '!' && operator !== '-') return [];
  const put = source.slice(argument.start, argument.end);
  return [{ operator: operator === '!' ? 'negation' : 'sign', start: node.start, end: node.end, put }];
}

function replacementsAt(node: Node, source: string): readonly Replacement[] {
  switch (node.type) {
    case 'BinaryExpression':
    case 'LogicalExpression':
      return binary(node, source);
    case 'CallExpression':
      return call(node, source);
    case 'IfStatement':
    case 'ConditionalExpression':
      return condition(node);
    case 'Literal':
      return literal(node);
    case 'UnaryExpression':
      return unary(node, source);
    default:
      return [];
  }
}

function walked(node: Node, source: string): readonly Replacement[] {
  return [...replacementsAt(node, source), ...childrenOf(node).flatMap((child) => walked(child, source))];
}

function shown(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length <= 40 ? line : `${line.slice(0, 37)}...`;
}

/** Every mutant of one source, in the order of the text; throws `Error` where it does not parse. */
export function mutantsOf(file: string, source: string): readonly SourceMutant[] {
  const { program, errors } = parseSync(file, source);
  const [problem] = errors;
  if (problem !== undefined) throw new Error(`${file} does not parse: ${problem.message}`);
  return walked(program as unknown as Node, source)
    .filter(({ start, end, put }) => source.slice(start, end) !== put)
    .map(({ operator, start, end, put }) => ({
      file,
      operator,
      start,
      end,
      put,
      line: source.slice(0, start).split('\n').length,
      change: `${shown(source.slice(start, end))} → ${put === '' ? '(nothing)' : shown(put)}`,
    }))
    .toSorted((a, b) => a.start - b.start || a.end - b.end);
}
