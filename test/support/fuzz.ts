/** Breaks documents by structure for the fuzz tests: a recorded answer with a few fields dropped, retyped, swapped or respelled. */
import fc from 'fast-check';

/** Printed in the name of every fuzz test; `FC_SEED` repeats a run. */
export const SEED = Number(process.env['FC_SEED'] ?? Date.now() % 1_000_000_007);

/** A test's part of the 100,000 cases; `FC_RUNS` replaces it. */
export function casesOf(part: number): number {
  return Number(process.env['FC_RUNS'] ?? part);
}

type Key = string | number;
type Container = Record<Key, unknown>;

const KINDS = ['drop', 'replace', 'respell', 'retype', 'swap', 'repeat', 'wrap', 'rename', 'add'] as const;

/** One breakage; `at` and `other` are taken modulo what the document holds, so that every edit fits every document. */
interface Edit {
  readonly kind: (typeof KINDS)[number];
  readonly at: number;
  readonly other: number;
}

/** What venues, editors and other people's programs write where a figure, a name or a flag should be. */
const HOSTILE_BY_KIND: readonly (readonly unknown[])[] = [
  [
    '',
    ' ',
    '0',
    '0.00',
    '-0',
    '-1',
    '1e-7',
    '1E5',
    '1e99',
    '1e400',
    '1e-400',
    'NaN',
    'Infinity',
    '-Infinity',
  ],
  [
    '0x10',
    '1,5',
    '1_000',
    '٣',
    '１００',
    '.5',
    '5.',
    '+5',
    'null',
    'true',
    'Buy',
    'Sell',
    'None',
    '__proto__',
  ],
  ['constructor', '\u0000', '\ud800', '🧨', '9'.repeat(400), '0.'.padEnd(70, '1'), 'x'.repeat(5_000)],
  [null, true, false, 0, -0, -1, 1.5, 2, 3, 1e308, 2 ** 53, -(2 ** 53), 1e-320, 44_000, 1_697_673_600_012],
  [[], {}, [[]], [null], { list: [] }, { toString: 1 }, [1, '1']],
];
const HOSTILE = HOSTILE_BY_KIND.flat();

/** Other spellings of a text, mostly of a figure. */
const RESPELLED: readonly ((text: string) => string)[] = [
  (text) => ` ${text}`,
  (text) => `${text} `,
  (text) => `-${text}`,
  (text) => `+${text}`,
  (text) => `0${text}`,
  (text) => `${text}0`,
  (text) => `${text}.`,
  (text) => `${text}e1`,
  (text) => `${text}e-30`,
  (text) => text.slice(0, -1),
  (text) => text.slice(1),
  (text) => text.replace('.', ','),
  (text) => text.replace('.', ''),
  (text) => text.toLowerCase(),
  (text) => `${text}\u200b`,
  (text) => text.repeat(20),
  (text) => Array.from(text).toReversed().join(''),
];

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null;
}

interface Place {
  readonly container: Container;
  readonly key: Key;
}

/** The place that the number `at` leads to: mostly down to the fields of rows, one time in six to what is on the way. */
function placeIn(root: Container, at: number): Place | null {
  let state = at;
  const draw = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let container = root; ;) {
    const keys: readonly Key[] = Array.isArray(container) ? [...container.keys()] : Object.keys(container);
    const inner = keys.filter((key) => isContainer(container[key]));
    const key = inner[draw(inner.length)];
    const next = key === undefined ? undefined : container[key];
    if (!isContainer(next) || draw(6) === 0) {
      const chosen = keys[draw(keys.length)];
      return chosen === undefined ? null : { container, key: chosen };
    }
    container = next;
  }
}

function respelled(value: unknown, by: number): unknown {
  const spell = RESPELLED[by % RESPELLED.length];
  if (typeof value === 'string' && spell !== undefined) return spell(value);
  // Cloned: what is broken further must neither hold itself nor break the next case.
  return structuredClone(HOSTILE[by % HOSTILE.length]);
}

function retyped(value: unknown): unknown {
  if (typeof value === 'string') return Number.isNaN(Number(value)) ? [value] : Number(value);
  if (Array.isArray(value)) return Object.fromEntries(value.entries());
  return isContainer(value) ? Object.values(value) : String(value);
}

/** Sets without running into the accessors of the prototype. */
function put(container: Container, key: Key, value: unknown): void {
  Object.defineProperty(container, key, { value, enumerable: true, configurable: true, writable: true });
}

function apply(root: Container, { kind, at, other }: Edit): void {
  const place = placeIn(root, at);
  const second = placeIn(root, other);
  if (place === null || second === null) return;
  const { container, key } = place;
  const value = container[key];
  switch (kind) {
    case 'drop':
      if (Array.isArray(container)) container.splice(Number(key), 1);
      else delete container[key];
      return;
    case 'replace':
      return put(container, key, structuredClone(HOSTILE[other % HOSTILE.length]));
    case 'respell':
      return put(container, key, respelled(value, other));
    case 'retype':
      return put(container, key, retyped(value));
    case 'swap': {
      const there = structuredClone(second.container[second.key]);
      put(second.container, second.key, structuredClone(value));
      return put(container, key, there);
    }
    case 'repeat':
      if (Array.isArray(container))
        container.splice(other % (container.length + 1), 0, structuredClone(value));
      else put(container, `${key}${other % 3}`, structuredClone(value));
      return;
    case 'wrap':
      return put(container, key, other % 2 === 0 ? [value] : { value });
    case 'rename':
      delete container[key];
      return put(container, String(key).toUpperCase(), value);
    case 'add':
      return put(container, `extra${other % 3}`, structuredClone(HOSTILE[other % HOSTILE.length]));
  }
}

const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom(...KINDS),
  at: fc.nat({ max: 100_000 }),
  other: fc.nat({ max: 100_000 }),
});

/** `document` with one to `most` breakages; with `least` 0 it may come whole. */
export function broken(document: unknown, { least = 1, most = 4 } = {}): fc.Arbitrary<unknown> {
  const text = JSON.stringify(document);
  return fc.array(edit, { minLength: least, maxLength: most }).map((edits) => {
    const root: Container = { document: JSON.parse(text) };
    for (const one of edits) apply(root, one);
    return root['document'];
  });
}

/** One of `documents`, broken. */
export function brokenOneOf(
  documents: readonly unknown[],
  bounds?: Parameters<typeof broken>[1],
): fc.Arbitrary<unknown> {
  return fc.constantFrom(...documents).chain((document) => broken(document, bounds));
}

/** The document as bytes on the wire: one in twelve cut short, or with one character changed. */
export function asText(documents: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  const harm = fc.record({
    kind: fc.constantFrom('cut' as const, 'change' as const),
    at: fc.nat({ max: 100_000 }),
    by: fc.constantFrom('"', '0', '}', ']', '-', ',', '.', 'x', '\u0000'),
  });
  const damage = fc.oneof({ weight: 11, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: harm });
  return fc.tuple(documents, damage).map(([document, done]) => {
    // A document that an edit dropped is no text at all, whatever the declaration says.
    const text = (JSON.stringify(document) as string | undefined) ?? '';
    if (done === null || text === '') return text;
    const at = done.at % text.length;
    return text.slice(0, at) + (done.kind === 'cut' ? '' : done.by + text.slice(at + 1));
  });
}

/** What a JSON parser makes of bytes; `undefined` where they are no JSON. */
export function parsedOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
