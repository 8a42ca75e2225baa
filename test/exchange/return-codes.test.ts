/** Every return code that is documented or recorded means what the venue's tables say (fixture written apart from the code). */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ENDPOINTS } from '../../src/exchange/endpoints.ts';
import { VenueError } from '../../src/exchange/port.ts';
import { NO_RATE_HEADERS, type RateHeaders, type Reply } from '../../src/exchange/reply.ts';
import { CODE_RULES, codeRule, type CodeClass } from '../../src/exchange/return-codes.ts';
import { answerOf, isBan, judge, outcomeOf, rateWaitMs } from '../../src/exchange/verdict.ts';

interface KnownCode {
  readonly code: number;
  readonly text: string;
  readonly class: CodeClass;
}

const KNOWN = JSON.parse(
  readFileSync(new URL('./fixtures/return-codes.json', import.meta.url), 'utf8'),
) as readonly KnownCode[];
const NOW = 1_700_000_000_000;

function reply(retCode: number, retMsg = '', httpStatus = 200, rate: RateHeaders = NO_RATE_HEADERS): Reply {
  return { kind: 'envelope', httpStatus, retCode, retMsg, result: {}, time: NOW, rate };
}

function foreign(httpStatus: number): Reply {
  return { kind: 'foreign', httpStatus, excerpt: '<html>' };
}

/** What a write of a stop concludes: the outcome, or the type of the failure that it throws. */
function written(answer: Reply): string {
  try {
    const outcome = outcomeOf(judge(answer, ENDPOINTS.setStop, NOW));
    return outcome.kind === 'refused' ? `refused ${outcome.failure.reason}` : outcome.kind;
  } catch (error) {
    if (error instanceof VenueError) return `throws ${error.info.type}`;
    throw error;
  }
}

/** What a read concludes: `answer`, or the type of the failure. */
function readOutcome(answer: Reply): string {
  try {
    answerOf(judge(answer, ENDPOINTS.positions, NOW));
    return 'answer';
  } catch (error) {
    if (error instanceof VenueError) return error.info.type;
    throw error;
  }
}

const WRITE_MEANS: Record<CodeClass, string> = {
  applied: 'applied',
  unchanged: 'unchanged',
  'refused-crossed-price': 'refused crossed-price',
  'refused-no-position': 'refused no-position',
  'refused-mode-mismatch': 'refused mode-mismatch',
  'refused-other': 'refused other',
  auth: 'throws VenueAuth',
  clock: 'throws VenueClock',
  rate: 'throws VenueRateLimited',
  'unknown-outcome': 'unknown',
  unavailable: 'throws VenueUnavailable',
};

const READ_MEANS: Record<CodeClass, string> = {
  applied: 'answer',
  unchanged: 'VenueUnavailable',
  'refused-crossed-price': 'VenueRefused',
  'refused-no-position': 'VenueRefused',
  'refused-mode-mismatch': 'VenueRefused',
  'refused-other': 'VenueRefused',
  auth: 'VenueAuth',
  clock: 'VenueClock',
  rate: 'VenueRateLimited',
  'unknown-outcome': 'VenueUnavailable',
  unavailable: 'VenueUnavailable',
};

describe('a return code', () => {
  test.each(KNOWN)('$code $text is $class', (known) => {
    expect(codeRule(known.code, known.text).class).toBe(known.class);
    expect(written(reply(known.code, known.text))).toBe(WRITE_MEANS[known.class]);
    expect(readOutcome(reply(known.code, known.text))).toBe(READ_MEANS[known.class]);
  });

  test('of every rule is exercised by the fixture', () => {
    const reached = new Set(KNOWN.map(({ code, text }) => codeRule(code, text)));
    expect(CODE_RULES.filter((rule) => !reached.has(rule))).toEqual([]);
  });

  test('always comes with something to do', () => {
    expect(CODE_RULES.filter((rule) => rule.hint.length < 10)).toEqual([]);
  });

  test('decides by itself where the text is in another language', () => {
    expect(written(reply(10002, 'solicitação inválida, verifique o horário'))).toBe('throws VenueClock');
    expect(written(reply(10001, 'o preço é inválido'))).toBe('refused other');
  });
});

describe('the words for a person', () => {
  function told(code: number, text: string, endpoint: keyof typeof ENDPOINTS) {
    const verdict = judge(reply(code, text), ENDPOINTS[endpoint], NOW);
    if (verdict.kind === 'ok') throw new Error('expected a failure');
    return verdict.failure;
  }

  test.each([
    [33004, 'wallet', 'API key has expired'],
    [10003, 'wallet', 'API key is invalid'],
    [10005, 'wallet', "API key lacks the 'Read' permission"],
    [10005, 'setStop', "API key lacks the 'Position' permission"],
    [10005, 'createOrder', "API key lacks the 'Order' permission"],
    [10010, 'positions', 'API key is bound to other IP addresses'],
  ] as const)('%i on %s are %j, with a hint', (code, endpoint, words) => {
    const failure = told(code, "the venue's own text", endpoint);
    expect(failure.message).toContain(words);
    expect(failure.message).not.toContain("venue's own text");
    expect(failure.code).toBe(String(code));
    expect(failure.hint).not.toBe('');
  });

  test('keep the text of the venue where that is what helps', () => {
    const text = 'StopLoss:324000000 set for Buy position should lower than base_price:161600000??LastPrice';
    expect(told(10001, text, 'setStop')).toMatchObject({
      reason: 'crossed-price',
      message: expect.stringContaining(text),
    });
  });
});

describe('an HTTP status', () => {
  test.each([
    [401, 'throws VenueAuth', 'VenueAuth'],
    [403, 'throws VenueRateLimited', 'VenueRateLimited'],
    [429, 'throws VenueRateLimited', 'VenueRateLimited'],
    [400, 'refused other', 'VenueRefused'],
    [404, 'refused other', 'VenueRefused'],
    [200, 'unknown', 'VenueUnavailable'],
    [204, 'unknown', 'VenueUnavailable'],
    ...[302, 408, 418, 451, 499, 500, 502, 503, 504, 520, 523, 524, 530].map(
      (status) => [status, 'unknown', 'VenueUnavailable'] as const,
    ),
  ] as const)('%i without an envelope: a write is %s, a read %s', (status, write, read) => {
    expect(written(foreign(status))).toBe(write);
    expect(readOutcome(foreign(status))).toBe(read);
  });

  test('5xx leaves a write unknown whatever code its body claims', () => {
    for (const code of [0, 10001, 10006, 34040]) expect(written(reply(code, '', 502))).toBe('unknown');
    expect(readOutcome(reply(0, 'OK', 502))).toBe('VenueUnavailable');
  });

  test('403 is a ban, but not where the body names a key problem', () => {
    expect(isBan(foreign(403))).toBe(true);
    expect(isBan(reply(10018, 'access too frequent', 403))).toBe(true);
    expect(isBan(reply(10010, 'Unmatched IP', 403))).toBe(false);
    expect(written(reply(10010, 'Unmatched IP', 403))).toBe('throws VenueAuth');
    expect(isBan(foreign(429))).toBe(false);
  });
});

describe('a lost answer', () => {
  test('leaves a write unknown if the request may have left, and not executed if it did not', () => {
    expect(written({ kind: 'lost', sent: true, detail: 'reset' })).toBe('unknown');
    expect(written({ kind: 'lost', sent: false, detail: 'refused' })).toBe('throws VenueUnavailable');
    expect(readOutcome({ kind: 'lost', sent: true, detail: 'reset' })).toBe('VenueUnavailable');
  });
});

describe('a rate refusal', () => {
  test('waits until the moment that the header names, else a default, and never longer than a bound', () => {
    expect(rateWaitMs(NOW + 700, NOW)).toBe(700);
    expect(rateWaitMs(null, NOW)).toBe(1_500);
    expect(rateWaitMs(NOW, NOW)).toBe(1_500);
    expect(rateWaitMs(NOW + 86_400_000, NOW)).toBe(30_000);
  });

  test('tells its wait', () => {
    const rate = { limit: 10, remaining: 0, resetAt: NOW + 420 };
    const verdict = judge(reply(10006, 'Too many visits!', 200, rate), ENDPOINTS.setStop, NOW);
    expect(verdict).toMatchObject({ failure: { type: 'VenueRateLimited', retryAfterMs: 420 } });
  });
});
