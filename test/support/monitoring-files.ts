/** What `deploy` hands to Prometheus and Grafana, as their programs would read it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export const DEPLOY = fileURLToPath(new URL('../../deploy/', import.meta.url));

export interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface Target {
  readonly expr: string;
  readonly datasource: { readonly uid: string };
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly targets?: readonly Target[];
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number };
}

export interface Dashboard {
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
  readonly templating: {
    readonly list: readonly {
      readonly name: string;
      readonly definition?: string;
      readonly current: { readonly value: string };
    }[];
  };
}

export function readYaml(path: string): unknown {
  return parse(readFileSync(`${DEPLOY}${path}`, 'utf8'));
}

export function alertRules(): readonly Rule[] {
  const file = readYaml('prometheus/rules.yml') as {
    readonly groups: readonly { readonly rules: readonly Rule[] }[];
  };
  return file.groups.flatMap(({ rules }) => rules);
}

export function dashboard(): Dashboard {
  return JSON.parse(readFileSync(`${DEPLOY}grafana/dashboards/stopkeeper.json`, 'utf8')) as Dashboard;
}

/** Every expression of the dashboard, with Grafana's variables put in as it would. */
export function dashboardQueries(): readonly { readonly where: string; readonly expr: string }[] {
  const { panels, annotations } = dashboard();
  const filled = (expr: string): string =>
    expr.replaceAll('$__rate_interval', '1m').replaceAll('$account', '.*');
  return [
    ...panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => ({ where: `panel "${title}"`, expr: filled(expr) })),
    ),
    ...annotations.list.map(({ expr }) => ({ where: 'annotations', expr: filled(expr) })),
  ];
}
