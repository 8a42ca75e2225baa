/** Accounts by alias: venue, address and keys of each, from the environment or from key files. */
import { z } from 'zod';
import { shown, type Problem } from './config-error.ts';
import { VENUES } from './config-environment.ts';
import { sourced, type FileSource } from './config-files.ts';
import { Secret } from './secret.ts';
import type { VenueName } from './exchange/port.ts';

export interface AccountConfig {
  readonly alias: string;
  readonly venue: VenueName;
  /** Base URL of the venue's HTTP API; `null`: the venue's own. Always set for `paper` in a worker. */
  readonly venueUrl: string | null;
  readonly apiKey: Secret;
  readonly apiSecret: Secret;
}

/** Names of an account's variables: `main` has the plain ones, `desk-2` has `BYBIT_DESK_2_API_KEY` and so on. */
export function accountVariables(alias: string): {
  readonly key: string;
  readonly secret: string;
  readonly venue: string;
  readonly venueUrl: string;
} {
  const infix = alias === 'main' ? '' : `${alias.toUpperCase().replaceAll('-', '_')}_`;
  return {
    key: `BYBIT_${infix}API_KEY`,
    secret: `BYBIT_${infix}API_SECRET`,
    venue: `STOPKEEPER_${infix}VENUE`,
    venueUrl: `STOPKEEPER_${infix}VENUE_URL`,
  };
}

/** What the default scenario of the paper exchange accepts. */
const PAPER_KEYS = { key: 'paper-key', secret: 'paper-secret' } as const;

const venueSchema = z.enum(VENUES);
const urlSchema = z.url({ protocol: /^https?$/ });

interface Source extends FileSource {
  /** True where `npm start` gives paper accounts their address later. */
  readonly paperUrlLater: boolean;
}

/** Every account that could be read, with every problem of all of them. */
export function readAccounts(
  aliases: readonly string[],
  source: Source,
): { readonly accounts: readonly AccountConfig[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const accounts = aliases.flatMap((alias) => readAccount(alias, source, problems) ?? []);
  problems.push(...sharedKeys(accounts, source.paperUrlLater));
  return { accounts, problems };
}

function readAccount(alias: string, source: Source, problems: Problem[]): AccountConfig | undefined {
  const names = accountVariables(alias);
  const before = problems.length;
  const inherits = source.env[names.venue] === undefined;
  const venueName = inherits ? 'STOPKEEPER_VENUE' : names.venue;
  const venue = venueSchema.safeParse(source.env[venueName] ?? 'paper');
  if (!venue.success) {
    const problem = {
      setting: venueName,
      message: `is ${shown(source.env[venueName])}, expected one of ${VENUES.join(', ')}`,
      hint: 'Leave it unset for the paper exchange.',
    };
    // Accounts that inherit the same wrong venue have one problem, not one each.
    if (!problems.some((known) => known.setting === venueName)) problems.push(problem);
    return undefined;
  }
  // An address goes with its venue: an account on another venue does not inherit it.
  const urlName =
    inherits && source.env[names.venueUrl] === undefined ? 'STOPKEEPER_VENUE_URL' : names.venueUrl;
  const venueUrl = readUrl(urlName, names.venueUrl, venue.data, source, problems);
  const paper = venue.data === 'paper';
  const apiKey = readSecret(names.key, alias, paper ? PAPER_KEYS.key : null, source, problems);
  const apiSecret = readSecret(names.secret, alias, paper ? PAPER_KEYS.secret : null, source, problems);
  if (problems.length > before || apiKey === null || apiSecret === null) return undefined;
  return { alias, venue: venue.data, venueUrl, apiKey, apiSecret };
}

function readUrl(
  name: string,
  ownName: string,
  venue: VenueName,
  source: Source,
  problems: Problem[],
): string | null {
  const text = source.env[name];
  if (text === undefined) {
    if (venue !== 'paper' || source.paperUrlLater) return null;
    problems.push({
      setting: ownName,
      message: 'is missing: the paper exchange has no address of its own',
      hint: 'npm start sets it by itself. For a worker alone run "npm run paper" and give the URL that it prints.',
    });
    return null;
  }
  const refuse = (message: string, hint: string): null => {
    if (!problems.some((known) => known.setting === name)) problems.push({ setting: name, message, hint });
    return null;
  };
  const url = urlSchema.safeParse(text).success ? new URL(text) : null;
  if (url === null || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    return refuse(
      'is not a plain http or https URL (no user, password or query)',
      'Example: http://127.0.0.1:8900. Leave it unset for the address of the venue itself.',
    );
  }
  const loopback = ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  if (venue !== 'paper' && url.protocol === 'http:' && !loopback) {
    return refuse(`would send signed requests for ${venue} unencrypted`, 'Use https.');
  }
  return url.href.replace(/\/+$/, '');
}

/** The value of `NAME`, or of the file that `NAME_FILE` names; `null` with a problem when there is none. */
function readSecret(
  name: string,
  alias: string,
  fallback: string | null,
  source: Source,
  problems: Problem[],
): Secret | null {
  const found = sourced(name, source);
  switch (found.kind) {
    case 'problem':
      problems.push(found.problem);
      return null;
    case 'value':
      return plausible(found.from, found.text, problems);
    case 'absent':
      if (fallback !== null) return plausible(name, fallback, problems);
      problems.push({
        setting: name,
        message: `is missing (account ${alias})`,
        hint: `Set it, or ${name}_FILE to the path of a file that holds it. Keys of one Bybit environment do not work on another.`,
      });
      return null;
  }
}

/** Refuses what cannot be a key (spaces, quotes, line breaks): pasted wrongly, it would only fail at the venue. */
function plausible(name: string, text: string, problems: Problem[]): Secret | null {
  if (/^[\x21-\x7e]{4,200}$/.test(text) && !/["'`]/.test(text)) return new Secret(text);
  problems.push({
    setting: name,
    message: 'does not look like a key: 4 to 200 characters without spaces or quotes (value not shown)',
    hint: 'Copy it again from the venue.',
  });
  return null;
}

/** Two aliases for one account of the venue would guard each position twice, each fighting the other's stop. */
function sharedKeys(accounts: readonly AccountConfig[], paperUrlLater: boolean): readonly Problem[] {
  return accounts.flatMap((account, index) => {
    const twin = accounts.slice(0, index).find(
      (other) =>
        other.venue === account.venue &&
        other.venueUrl === account.venueUrl &&
        other.apiKey.reveal() === account.apiKey.reveal() &&
        // npm start gives each such account a paper exchange of its own.
        !(paperUrlLater && account.venue === 'paper' && account.venueUrl === null),
    );
    if (twin === undefined) return [];
    return {
      setting: accountVariables(account.alias).key,
      message: `accounts ${twin.alias} and ${account.alias} have the same key on ${account.venue}`,
      hint: 'Give each alias the key of its own account, or remove one from STOPKEEPER_ACCOUNTS.',
    };
  });
}
