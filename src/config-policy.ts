/** Reads the policy file with every problem named by its key, and resolves the policy of one leg. */
import { isAbsolute, join } from 'node:path';
import { DEFAULT_POLICY, type Policy } from './domain/policy.ts';
import { shown, type Problem } from './config-error.ts';
import { policyFileSchema, type PolicyFile, type PolicyOverrides } from './policy-schema.ts';
import type { ReadFile } from './config-environment.ts';
import type { z } from 'zod';

const DEFAULT_FILE = 'stopkeeper.json';

export interface PolicyReading {
  /** Absolute path of the file that was read; `null` where there was none. */
  readonly path: string | null;
  readonly file: PolicyFile;
  readonly problems: readonly Problem[];
}

/** Reads `STOPKEEPER_CONFIG`, else `stopkeeper.json` if it is there; only a file that was named must exist. */
export function readPolicyFile(
  named: string | undefined,
  accounts: readonly string[],
  from: { readonly cwd: string; readonly readFile: ReadFile },
): PolicyReading {
  const given = named ?? DEFAULT_FILE;
  const path = isAbsolute(given) ? given : join(from.cwd, given);
  const failed = (setting: string, message: string, hint: string): PolicyReading => ({
    path,
    file: {},
    problems: [{ setting, message, hint }],
  });
  let text: string;
  try {
    text = from.readFile(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    if (named === undefined && code === 'ENOENT') return { path: null, file: {}, problems: [] };
    return failed('STOPKEEPER_CONFIG', `cannot read ${path} (${code})`, 'Give the path of a readable file.');
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const where = placeOf(error, text);
    return failed(
      path,
      `is not valid JSON${where}`,
      'Check it with an editor; stopkeeper.schema.json helps.',
    );
  }
  const parsed = policyFileSchema.safeParse(json);
  if (!parsed.success) {
    return { path, file: {}, problems: parsed.error.issues.map((issue) => problemOf(issue, json)) };
  }
  const unknown = Object.keys(parsed.data.accounts ?? {}).filter((alias) => !accounts.includes(alias));
  const problems = unknown.map((alias) => ({
    setting: `policy accounts.${alias}`,
    message: `there is no account ${shown(alias)} (accounts: ${accounts.join(', ')})`,
    hint: 'Correct the alias, or add it to STOPKEEPER_ACCOUNTS.',
  }));
  return { path, file: parsed.data, problems };
}

/** Line and column of a JSON syntax error, in words; empty where the parser does not say. */
function placeOf(error: unknown, text: string): string {
  const position = /position (\d+)/.exec(String(error))?.[1];
  if (position === undefined) return text.trim() === '' ? ' (the file is empty)' : '';
  const before = text.slice(0, Number(position)).split('\n');
  return ` (line ${before.length}, column ${(before.at(-1) ?? '').length + 1})`;
}

function problemOf(issue: z.core.$ZodIssue, json: unknown): Problem {
  const path = issue.path.map(String);
  const value = path.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined),
    json,
  );
  const got = typeof value === 'object' ? '' : `, not ${shown(value)}`;
  return {
    setting: `policy ${path.length === 0 ? '(top level)' : path.join('.')}`,
    message: `${issue.message}${issue.code === 'unrecognized_keys' ? '' : got}`,
    hint: 'Keys and ranges: stopkeeper.schema.json.',
  };
}

/** The policy of one leg: defaults, over them the account's, over them the symbol's. Lists replace, objects merge. */
export function resolvePolicy(
  config: { readonly policyFile: PolicyFile },
  account: string,
  symbol: string | null = null,
): Policy {
  const { defaults, accounts, symbols } = config.policyFile;
  const layers: readonly (PolicyOverrides | undefined)[] = [
    defaults,
    accounts?.[account],
    symbol === null ? undefined : symbols?.[symbol],
  ];
  return layers.reduce<Policy>(
    (policy, layer) => (layer === undefined ? policy : over(policy, layer)),
    DEFAULT_POLICY,
  );
}

function over(policy: Policy, layer: PolicyOverrides): Policy {
  const { trailing, liquidation, escalation, ...flat } = layer;
  return {
    ...policy,
    ...given(flat),
    trailing: { ...policy.trailing, ...given(trailing ?? {}) },
    liquidation: { ...policy.liquidation, ...given(liquidation ?? {}) },
    escalation: { ...policy.escalation, ...given(escalation ?? {}) },
  };
}

/** The keys that have a value: `undefined` must not overwrite a lower layer. */
function given<T extends object>(layer: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(layer).filter(([, value]) => value !== undefined);
  // Entries of T without its undefined values are exactly this type; Object.fromEntries cannot say so.
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
