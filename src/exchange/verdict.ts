/** Judges one reply: success, or which failure of DESIGN §4 it is, for a read and for a write (I3). Pure. */
import type { FailureInfo, RefusalReason, VenueFailureType, WriteOutcome } from '../domain/failure.ts';
import type { Endpoint } from './endpoints.ts';
import { VenueError } from './port.ts';
import type { Reply } from './reply.ts';
import { codeRule, type CodeClass } from './return-codes.ts';

export interface Answer {
  readonly retCode: number;
  readonly retMsg: string;
  readonly result: unknown;
  /** ms of the venue's clock. */
  readonly time: number | null;
}

export type Verdict =
  | { readonly kind: 'ok'; readonly answer: Answer }
  | { readonly kind: 'failed'; readonly class: CodeClass; readonly failure: FailureInfo };

/** Wait after a rate refusal whose headers do not say how long, ms. */
const DEFAULT_RATE_WAIT_MS = 1_500;
const LONGEST_RATE_WAIT_MS = 30_000;

/** `venueNow` is the venue's clock, ms: rate headers name a moment of that clock. */
export function judge(reply: Reply, endpoint: Endpoint, venueNow: number): Verdict {
  switch (reply.kind) {
    case 'envelope': {
      const byStatus = statusClass(reply.httpStatus);
      if (byStatus === 'ok' && reply.retCode === 0) return { kind: 'ok', answer: reply };
      return judgeEnvelope(reply, byStatus, endpoint, venueNow);
    }
    case 'foreign': {
      const byStatus = statusClass(reply.httpStatus);
      const about = `HTTP ${reply.httpStatus} without a usable answer: ${reply.excerpt}`;
      const code = byStatus === 'ok' ? null : `HTTP ${reply.httpStatus}`;
      return failed(byStatus === 'ok' ? 'unknown-outcome' : byStatus, endpoint, {
        code,
        about,
        hint: statusHint(reply.httpStatus),
        ...(byStatus === 'rate' && { retryAfterMs: DEFAULT_RATE_WAIT_MS }),
      });
    }
    case 'lost':
      return failed(reply.sent ? 'unknown-outcome' : 'unavailable', endpoint, {
        code: null,
        about: reply.detail,
        hint: 'Check the network of this machine and the status page of the venue; it is tried again.',
      });
  }
}

function judgeEnvelope(
  reply: Extract<Reply, { kind: 'envelope' }>,
  byStatus: CodeClass | 'ok',
  endpoint: Endpoint,
  venueNow: number,
): Verdict {
  const rule = codeRule(reply.retCode, reply.retMsg);
  const codeSays = reply.retCode === 0 ? 'ok' : rule.class;
  const codeClass = combine(byStatus, codeSays);
  const words =
    codeClass === rule.class ? rule.words?.replace('{permission}', `'${endpoint.permission}'`) : undefined;
  const status = byStatus === 'ok' ? '' : ` (HTTP ${reply.httpStatus})`;
  return failed(codeClass, endpoint, {
    code: reply.retCode === 0 ? `HTTP ${reply.httpStatus}` : String(reply.retCode),
    about: `${words ?? (reply.retMsg || 'no text')}${status}`,
    hint: codeClass === rule.class ? rule.hint : statusHint(reply.httpStatus),
    ...(codeClass === 'rate' && { retryAfterMs: rateWaitMs(reply.rate.resetAt, venueNow) }),
  });
}

/** A 5xx says nothing about execution whatever its body claims; a known auth code explains a 401 or 403. */
function combine(byStatus: CodeClass | 'ok', codeSays: CodeClass | 'ok'): CodeClass {
  if (byStatus === 'ok') return codeSays === 'ok' ? 'unknown-outcome' : codeSays;
  if (codeSays === 'ok' || byStatus === 'unknown-outcome') return byStatus;
  if (byStatus === 'auth' || byStatus === 'rate') return codeSays === 'auth' ? 'auth' : byStatus;
  return codeSays;
}

/** What an HTTP status alone proves about a request. */
function statusClass(status: number): CodeClass | 'ok' {
  if (status >= 200 && status < 300) return 'ok';
  if (status === 401) return 'auth';
  if (status === 403 || status === 429) return 'rate';
  if (status === 400 || status === 404) return 'refused-other';
  return 'unknown-outcome';
}

/** True where the venue has shut this IP address out: all traffic must stop (the body rarely says why). */
export function isBan(reply: Reply): boolean {
  if (reply.kind === 'lost' || reply.httpStatus !== 403) return false;
  return reply.kind === 'foreign' || codeRule(reply.retCode, reply.retMsg).class !== 'auth';
}

function statusHint(status: number): string {
  if (status === 401) return 'Check the API key and its secret.';
  if (status === 403)
    return 'Too many requests from this IP address, or an address in a region that the venue refuses; all traffic stops for a while.';
  if (status === 429) return 'The venue protects itself from load; it is tried again.';
  if (status === 400 || status === 404) return 'Check the base URL of the venue.';
  return 'The venue or something before it answers wrongly; it is tried again.';
}

/** From the reset moment that the headers name, else a default; bounded, so that a wrong header cannot stop protection. */
export function rateWaitMs(resetAt: number | null, venueNow: number): number {
  if (resetAt === null || resetAt <= venueNow) return DEFAULT_RATE_WAIT_MS;
  return Math.min(resetAt - venueNow, LONGEST_RATE_WAIT_MS);
}

interface Told {
  readonly code: string | null;
  readonly about: string;
  readonly hint: string;
  readonly retryAfterMs?: number;
}

function failed(codeClass: CodeClass, endpoint: Endpoint, told: Told): Verdict {
  const write = endpoint.method === 'POST';
  const reason = REASONS[codeClass];
  const code = told.code === null || told.code.startsWith('HTTP') ? '' : `${told.code} `;
  return {
    kind: 'failed',
    class: codeClass,
    failure: {
      type: failureType(codeClass, write),
      code: told.code,
      message: `${endpoint.method} ${endpoint.path}: ${code}${told.about}`,
      hint: told.hint,
      ...(reason && { reason }),
      ...(told.retryAfterMs !== undefined && { retryAfterMs: told.retryAfterMs }),
    },
  };
}

const REASONS: Partial<Record<CodeClass, RefusalReason>> = {
  'refused-crossed-price': 'crossed-price',
  'refused-no-position': 'no-position',
  'refused-mode-mismatch': 'mode-mismatch',
  'refused-other': 'other',
};

function failureType(codeClass: CodeClass, write: boolean): VenueFailureType {
  switch (codeClass) {
    case 'refused-crossed-price':
    case 'refused-no-position':
    case 'refused-mode-mismatch':
    case 'refused-other':
      return 'VenueRefused';
    case 'auth':
      return 'VenueAuth';
    case 'clock':
      return 'VenueClock';
    case 'rate':
      return 'VenueRateLimited';
    case 'unknown-outcome':
      return write ? 'VenueUnknown' : 'VenueUnavailable';
    case 'applied':
    case 'unchanged':
    case 'unavailable':
      return 'VenueUnavailable';
  }
}

/** The answer of a read; throws `VenueError` for anything else. */
export function answerOf(verdict: Verdict): Answer {
  if (verdict.kind === 'ok') return verdict.answer;
  throw new VenueError(verdict.failure);
}

/** What is known after a write; throws `VenueError` only where it certainly was not executed. */
export function outcomeOf(verdict: Verdict): WriteOutcome {
  if (verdict.kind === 'ok') return { kind: 'applied' };
  switch (verdict.class) {
    case 'unchanged':
      return { kind: 'unchanged', message: verdict.failure.message };
    case 'refused-crossed-price':
    case 'refused-no-position':
    case 'refused-mode-mismatch':
    case 'refused-other':
      return { kind: 'refused', failure: verdict.failure };
    case 'applied':
    case 'unknown-outcome':
      return { kind: 'unknown', failure: verdict.failure };
    case 'auth':
    case 'clock':
    case 'rate':
    case 'unavailable':
      throw new VenueError(verdict.failure);
  }
}

/** A read whose answer is not what it must be. */
export function unavailable(message: string, code: string | null = null): VenueError {
  return new VenueError({
    type: 'VenueUnavailable',
    code,
    message,
    hint: 'Nothing is concluded from this read; it is tried again.',
  });
}
