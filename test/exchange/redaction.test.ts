/** No key, secret or signature survives in a text (I9). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRedactor } from '../../src/exchange/redaction.ts';

const KEY = 'STOPKEEPERKEY';
const SECRET = 'stopkeeper/secret+1';
const redact = createRedactor([KEY, SECRET]);

describe('redaction', () => {
  test.each([
    `error sign! origin_string[1700000000000${KEY}5000category=linear]`,
    `key ${KEY} with secret ${SECRET}`,
    `in a URL: ${encodeURIComponent(SECRET)}`,
    `X-BAPI-SIGN: 7ce8b68461b8eabca666f2976f78754c7e8e34d15cb9d1e2e18853dfec0644f1`,
  ])('cleans %j', (text) => {
    const clean = redact(text);
    for (const secret of [KEY, SECRET, encodeURIComponent(SECRET), '7ce8b684'])
      expect(clean).not.toContain(secret);
    expect(clean).toContain('redacted');
  });

  test('leaves codes, prices and order ids readable', () => {
    const text =
      'StopLoss:324000000 base_price:161600000??LastPrice 8c065341-7b52-4ca9-ac2c-37e31ac55c94 sk-0123456789abcdef0123456789abcd';
    expect(redact(text)).toBe(text);
  });

  test('holds wherever the secrets stand', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        const clean = redact(before + KEY + after + SECRET + before);
        expect(clean.includes(KEY) || clean.includes(SECRET)).toBe(false);
      }),
    );
  });
});
