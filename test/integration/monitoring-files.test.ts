/** The alert rules by Prometheus' own promtool: each fires and stays silent as its tests say, and those tests can fail. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { findPromtool } from '../../scripts/promtool.mjs';
import { alertRules, dashboard, DEPLOY, readYaml, type Rule } from '../support/monitoring-files.ts';

let promtool = '';
let folder = '';

beforeAll(async () => {
  promtool = await findPromtool();
  folder = await mkdtemp(join(tmpdir(), 'stopkeeper-rules-'));
  await cp(join(DEPLOY, 'prometheus'), folder, { recursive: true });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What promtool said; rejects where it found a problem. */
async function check(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(promtool, [...args], { cwd: folder });
  return stdout;
}

interface Failure {
  readonly alert: string;
  /** The test expected nothing to fire. */
  readonly silent: boolean;
}

/** The rule tests that fail with `change` made to every rule. */
async function failuresWith(change: Partial<Rule>): Promise<readonly Failure[]> {
  const file = parse(await readFile(join(DEPLOY, 'prometheus/rules.yml'), 'utf8')) as {
    groups: { rules: Rule[] }[];
  };
  for (const group of file.groups) {
    group.rules = group.rules.map((rule) => ({ ...rule, ...change }));
  }
  await writeFile(join(folder, 'rules.yml'), stringify(file));
  try {
    await check('test', 'rules', 'rules.test.yml');
    return [];
  } catch (error) {
    const { stderr } = error as { readonly stderr: string };
    return [...stderr.matchAll(/name: (\w+): [^\n]*\n[^\n]*\n\s*exp:\[(\]?)/g)].map(([, name = '', end]) => ({
      alert: name,
      silent: end === ']',
    }));
  } finally {
    await cp(join(DEPLOY, 'prometheus/rules.yml'), join(folder, 'rules.yml'));
  }
}

describe('the alert rules', () => {
  it('and the configuration that loads them are valid', async () => {
    expect(await check('check', 'config', 'prometheus.yml')).toContain('SUCCESS');
  });

  it('fire and stay silent as their tests say', async () => {
    expect(await check('test', 'rules', 'rules.test.yml')).toContain('SUCCESS');
  });

  it('have tests that notice a rule that never fires, each of them', async () => {
    const noticed = await failuresWith({ expr: 'vector(1) > 2' });
    const firing = noticed.flatMap(({ alert, silent }) => (silent ? [] : [alert]));
    expect(new Set(firing)).toEqual(new Set(alertRules().map(({ alert }) => alert)));
  });

  it('have tests that notice a rule that always fires, each of them', async () => {
    const noticed = await failuresWith({ expr: 'vector(1)', for: '0s' });
    const silent = noticed.flatMap((failure) => (failure.silent ? [failure.alert] : []));
    expect(new Set(silent)).toEqual(new Set(alertRules().map(({ alert }) => alert)));
  });

  it('say how bad it is, what is so and what to do', () => {
    for (const { alert, labels, annotations } of alertRules()) {
      expect(['critical', 'warning'], alert).toContain(labels['severity']);
      expect(annotations['summary']?.length, alert).toBeGreaterThan(20);
      expect(annotations['description']?.length, alert).toBeGreaterThan(60);
    }
  });
});

describe('what Grafana is given', () => {
  it('names one data source everywhere, the one that is provisioned', () => {
    const { datasources } = readYaml('grafana/provisioning/datasources/prometheus.yml') as {
      datasources: { uid: string; url: string }[];
    };
    const variable = dashboard().templating.list.find(({ name }) => name === 'datasource');
    expect(datasources.map(({ uid }) => uid)).toEqual([variable?.current.value]);
    const used = dashboard().panels.flatMap(({ targets = [] }) =>
      targets.map(({ datasource }) => datasource.uid),
    );
    expect(new Set(used)).toEqual(new Set(['${datasource}']));
  });

  it('has panels that say what they show, none over another', () => {
    const panels = dashboard().panels;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const described = panels.filter(({ type }) => type !== 'row');
    for (const { title, description = '' } of described)
      expect(description.length, title).toBeGreaterThan(20);
    const cells = panels.flatMap(({ gridPos: { h, w, x, y } }) =>
      Array.from({ length: h * w }, (_, at) => `${x + (at % w)}/${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
  });
});
