/** Reads PromQL with Prometheus' own grammar: which series an expression asks for, and which labels it relies on. */
import { parser } from '@prometheus-io/lezer-promql';

export interface Asked {
  readonly metric: string;
  /** Matched in its selector, or grouped, joined by around it: each has to be a label of the metric. */
  readonly labels: readonly string[];
  /** Values that a selector asks for by name: one that never occurs would match nothing, and nobody would notice. */
  readonly values: readonly { readonly label: string; readonly value: string }[];
}

type Tree = ReturnType<typeof parser.parse>;
type Node = Tree['topNode'];

/** Labels that Prometheus itself adds to what it scrapes, and the bucket's bound. */
const GIVEN = new Set(['__name__', 'instance', 'job', 'le']);

/** Throws where the expression does not parse. Grafana's variables are to be put in before. */
export function askedBy(expr: string): readonly Asked[] {
  const tree = parser.parse(expr);
  const asked: Asked[] = [];
  const visit = (node: Node, grouped: readonly string[]): void => {
    if (node.type.isError) throw new Error(`not PromQL at ${node.from}: ${expr}`);
    const inner = [...grouped, ...groupingOf(node, expr)];
    if (node.name === 'VectorSelector') asked.push(...selected(node, expr, inner));
    else for (const child of childrenOf(node)) visit(child, inner);
  };
  visit(tree.topNode, []);
  return asked;
}

function childrenOf(node: Node): readonly Node[] {
  const found: Node[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) found.push(child);
  return found;
}

const textOf = (node: Node, expr: string): string => expr.slice(node.from, node.to);

function namesOf(node: Node, name: string): readonly Node[] {
  return childrenOf(node).flatMap((child) =>
    child.name === name ? [child] : child.name === 'VectorSelector' ? [] : namesOf(child, name),
  );
}

/** Labels of `by (...)`: an aggregation by a label that is not there would quietly lump everything together. */
function groupingOf(node: Node, expr: string): readonly string[] {
  if (node.name !== 'AggregateExpr') return [];
  const modifier = node.getChild('AggregateModifier');
  if (modifier === null || modifier.getChild('By') === null) return [];
  return namesOf(modifier, 'LabelName').map((label) => textOf(label, expr));
}

function selected(node: Node, expr: string, grouped: readonly string[]): readonly Asked[] {
  const matchers = namesOf(node, 'UnquotedLabelMatcher').map((matcher) => ({
    label: textOf(matcher.getChild('LabelName') ?? matcher, expr),
    value: textOf(matcher.getChild('StringLiteral') ?? matcher, expr).slice(1, -1),
    positive: ['EqlSingle', 'EqlRegex'].includes(matcher.getChild('MatchOp')?.firstChild?.name ?? ''),
  }));
  const identifier = node.getChild('Identifier');
  const named = matchers.find(({ label }) => label === '__name__')?.value.split('|') ?? [];
  const metrics = identifier === null ? named : [textOf(identifier, expr)];
  if (metrics.length === 0) throw new Error(`a selector without a metric: ${textOf(node, expr)}`);
  const labels = [...new Set([...grouped, ...matchers.map(({ label }) => label)])].filter(
    (label) => !GIVEN.has(label),
  );
  const values = matchers.flatMap(({ label, value, positive }) =>
    GIVEN.has(label) || !positive || value === '.*'
      ? []
      : value.split('|').map((one) => ({ label, value: one })),
  );
  return metrics.map((metric) => ({ metric, labels, values }));
}
