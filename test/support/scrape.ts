/** What a scrape answered, read as Prometheus reads it: series by name with their labels and values. */

export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^(?<name>[a-zA-Z_:][\w:]*)(?:\{(?<labels>.*)\})? (?<value>\S+)(?: \d+)?$/;
const LABEL = /(?<label>\w+)="(?<value>(?:[^"\\]|\\.)*)"/g;

/** Throws on a line that is neither a comment nor a sample. */
export function seriesOf(text: string): readonly Series[] {
  return text.split('\n').flatMap((line) => {
    if (line.trim() === '' || line.startsWith('#')) return [];
    const { name, labels = '', value } = LINE.exec(line)?.groups ?? {};
    if (name === undefined || value === undefined) throw new Error(`not a sample: ${line}`);
    const pairs = [...labels.matchAll(LABEL)].map(
      ({ groups }) => [groups?.['label'] ?? '', groups?.['value'] ?? ''] as const,
    );
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value.replace('Inf', 'Infinity')) }];
  });
}

/** The first series of this name with these labels; `undefined` where there is none. */
export function valueIn(
  text: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const wanted = Object.entries(labels);
  return seriesOf(text).find(
    (series) => series.name === name && wanted.every(([label, value]) => series.labels[label] === value),
  )?.value;
}
