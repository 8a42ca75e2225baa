/** Every return code of the venue that Stopkeeper knows, what a writer of a stop concludes from it, and what to do about it. */

export type CodeClass =
  | 'applied'
  | 'unchanged'
  | 'refused-crossed-price'
  | 'refused-no-position'
  | 'refused-mode-mismatch'
  | 'refused-other'
  | 'auth'
  | 'clock'
  | 'rate'
  | 'unknown-outcome'
  | 'unavailable';

export interface CodeRule {
  readonly code: number;
  /** Where one code means several things, only the text tells them apart; the first rule that matches counts. */
  readonly text?: RegExp;
  readonly class: CodeClass;
  /** Own words in place of the venue's, for what a person must act on. */
  readonly words?: string;
  /** What to check or do. */
  readonly hint: string;
}

const READ_BACK = 'Read the position before trying again; it may have been executed.';
const BUG = 'The request is malformed: report it with the text of this message.';
const PERSON = 'A person must act in the Bybit account; Stopkeeper cannot.';
const WINDING_DOWN =
  'The symbol is winding down or not trading: close the position by hand if it must not stay open.';
const MARGIN = 'Check the free margin of the account; closing orders should not need any.';
const SETTINGS = 'The setting already has this value; nothing to do.';
const PRE_MARKET =
  'Stops cannot be set during a pre-market auction: watch this position by hand until trading starts.';
const GONE = 'The order is already gone; read the position.';
const NOT_OURS = 'Stopkeeper does not send such requests: another program may share this key.';

/** Ordered: rules with a text come before the catch-all of their code. Source: Bybit V5 error codes and recorded answers. */
export const CODE_RULES: readonly CodeRule[] = [
  rule(0, 'applied', 'Confirm by reading the position.'),
  rule(
    34040,
    'unchanged',
    'The value is already set, or a parameter was missing: read the position to know which.',
  ),
  rule(10001, 'refused-no-position', 'The leg has no size (yet): read the position.', /zero position/i),
  rule(
    10001,
    'refused-mode-mismatch',
    'Read the symbol and use the positionIdx of its row.',
    /position idx not match/i,
  ),
  rule(10001, 'refused-crossed-price', 'The price has passed the stop: compute it again.', /base_price:/i),
  words(10001, 'auth', 'the request lacks its authentication headers', BUG, /openapi sign params error/i),
  rule(10001, 'refused-other', 'Check symbol, size and price in the text of this message.'),
  rule(10002, 'clock', 'Check that this machine keeps its time with NTP; the offset was measured again.'),
  rule(-1, 'clock', 'Check that this machine keeps its time with NTP; the offset was measured again.'),
  words(
    10003,
    'auth',
    'API key is invalid',
    'Check the key, and that it belongs to this venue (mainnet, testnet or demo).',
  ),
  words(
    10004,
    'auth',
    'API request signature is wrong',
    'Check the API secret: it does not belong to this key.',
  ),
  words(
    10005,
    'auth',
    'API key lacks the {permission} permission',
    'Give the key this permission, or make a new key with it.',
  ),
  rule(10006, 'rate', 'Too many requests from this user id; other programs on the account count too.'),
  words(10007, 'auth', 'user authentication failed', 'Check the API key and its secret.'),
  words(10008, 'auth', 'the account is banned', PERSON),
  words(10009, 'auth', 'the service is restricted for this region', PERSON),
  words(
    10010,
    'auth',
    'API key is bound to other IP addresses',
    'Add the address of this machine to the key, or run on a bound one.',
  ),
  rule(10014, 'refused-other', 'The venue saw this request twice: read the position.'),
  rule(10016, 'unknown-outcome', READ_BACK),
  rule(10017, 'refused-other', 'The path is unknown to the venue: check the base URL.'),
  rule(10018, 'rate', 'Too many requests from this IP address.'),
  rule(10000, 'unknown-outcome', READ_BACK),
  rule(10019, 'unknown-outcome', READ_BACK),
  words(10024, 'auth', 'compliance rules of the venue forbid this', PERSON),
  words(10027, 'auth', 'the account is banned from trading', PERSON),
  words(10028, 'auth', 'the account is not a unified account', 'Upgrade it to a unified trading account.'),
  rule(10029, 'refused-other', 'The symbol is not on the whitelist of this key.'),
  rule(10032, 'refused-other', 'Demo trading does not have this endpoint.'),
  rule(10403, 'rate', 'Too many requests from this IP address.'),
  rule(10404, 'refused-other', BUG),
  rule(10429, 'rate', 'The venue protects itself from load: ask again later.'),
  rule(429, 'unknown-outcome', READ_BACK),
  words(
    33004,
    'auth',
    'API key has expired',
    'Renew the key, or make a new one; keys without bound IP addresses live 90 days.',
  ),
  rule(34036, 'unchanged', SETTINGS),
  rule(110001, 'refused-other', GONE),
  rule(110003, 'refused-other', 'The price is outside the bounds of the symbol.'),
  ...[110004, 110006, 110007, 110012, 110014, 110044, 110045, 110051, 110052, 110053].map((code) =>
    rule(code, 'refused-other', MARGIN),
  ),
  rule(110005, 'refused-other', 'The position is being liquidated or deleveraged: read it.'),
  rule(110008, 'refused-other', GONE),
  rule(
    110009,
    'refused-other',
    'Cancel conditional orders of this symbol: the venue allows no more of them.',
  ),
  rule(110010, 'refused-other', GONE),
  ...[110011, 110039, 110040, 110046].map((code) =>
    rule(code, 'refused-other', 'It would trigger a liquidation: reduce the position or add margin.'),
  ),
  rule(110013, 'refused-other', NOT_OURS),
  rule(110017, 'refused-no-position', 'The leg has no size: read the position.', /position is zero/i),
  rule(110017, 'refused-other', 'Wrong side, or other reduce-only orders already cover the whole size.'),
  rule(
    110021,
    'refused-other',
    'The open-interest limit of the symbol is reached; it concerns opening only.',
  ),
  ...[110023, 110042, 30228].map((code) => rule(code, 'refused-other', WINDING_DOWN)),
  ...[110024, 110028, 110029].map((code) => rule(code, 'refused-other', NOT_OURS)),
  ...[110025, 110026, 110027, 110043].map((code) => rule(code, 'unchanged', SETTINGS)),
  rule(110030, 'unchanged', 'The earlier attempt exists: look the order up.'),
  rule(110034, 'refused-no-position', 'The leg has no size: read the position.'),
  rule(110058, 'refused-other', 'The remaining size is too small for a stop.'),
  rule(110059, 'refused-other', 'The order is already filled in part.'),
  rule(110060, 'refused-other', BUG),
  rule(110061, 'refused-other', 'Cancel partial stops of this position: the venue allows twenty.'),
  rule(110063, 'unavailable', 'Settlement is in progress: it is tried again afterwards.'),
  rule(110066, 'unavailable', 'Trading is currently not allowed: it is tried again.'),
  rule(110072, 'unchanged', 'The earlier attempt exists: look the order up by its orderLinkId.'),
  rule(110073, 'refused-other', NOT_OURS),
  rule(3400045, 'refused-other', NOT_OURS),
  rule(110074, 'refused-other', WINDING_DOWN),
  rule(110079, 'unknown-outcome', READ_BACK),
  rule(110092, 'refused-crossed-price', 'The price has passed the trigger: compute it again.'),
  rule(110093, 'refused-crossed-price', 'The price has passed the trigger: compute it again.'),
  rule(110094, 'refused-other', 'The order is worth less than the minimum of the symbol.'),
  ...[110095, 110096, 110097, 110098, 110099, 110100].map((code) => rule(code, 'refused-other', PRE_MARKET)),
  ...[110123, 110124, 110125, 110132].map((code) =>
    words(code, 'auth', 'the account has terms to accept or is restricted', PERSON),
  ),
  rule(100028, 'refused-other', 'The endpoint is not for unified accounts.'),
  rule(170007, 'unknown-outcome', READ_BACK),
  rule(170032, 'unknown-outcome', READ_BACK),
  rule(181017, 'refused-other', BUG),
];

/** What a code that nobody described yet means: refused, and worth reading back. */
const UNLISTED: Omit<CodeRule, 'code'> = {
  class: 'refused-other',
  hint: 'This code is not in the table: read the position, and report the code with its text.',
};

/** The rule for an answer; unlisted codes are refusals (a read follows every refusal). */
export function codeRule(code: number, text: string): CodeRule {
  const found = CODE_RULES.find((each) => each.code === code && (each.text?.test(text) ?? true));
  return found ?? { code, ...UNLISTED };
}

function rule(code: number, codeClass: CodeClass, hint: string, text?: RegExp): CodeRule {
  return { code, class: codeClass, hint, ...(text && { text }) };
}

function words(code: number, codeClass: CodeClass, own: string, hint: string, text?: RegExp): CodeRule {
  return { ...rule(code, codeClass, hint, text), words: own };
}
