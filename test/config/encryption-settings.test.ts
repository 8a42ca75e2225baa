/** The settings of payload keys and of the codec server. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { secretsOf } from '../../src/config.ts';
import { formatProblems } from '../../src/config-error.ts';
import { load, PAPER, problems } from '../support/loaded-config.ts';

describe('payload keys', () => {
  const hex = (digits: string): string => digits.repeat(16);
  const text = `2027-01:${hex('4e5f')},2026-07:${hex('0a1b')}`;

  test('come in order from the variable or its file, and are scrubbed from the log', () => {
    const plain = load({ ...PAPER, STOPKEEPER_PAYLOAD_KEYS: text });
    expect(plain.payloadKeys?.map(({ id }) => id)).toEqual(['2027-01', '2026-07']);
    expect(secretsOf(plain).map((one) => one.reveal())).toContain(hex('0a1b'));
    const env = { ...PAPER, STOPKEEPER_PAYLOAD_KEYS_FILE: '/run/secrets/keys' };
    expect(load(env, { '/run/secrets/keys': text.replace(',', '\n') }).payloadKeys).toHaveLength(2);
    expect(inspect(plain, { depth: 9 }) + JSON.stringify(plain)).not.toContain(hex('4e5f'));
  });

  test('without them nothing is encrypted', () => {
    expect(load(PAPER).payloadKeys).toBeNull();
  });

  test('are refused entry by entry, without a word of them', () => {
    const found = problems({ ...PAPER, STOPKEEPER_PAYLOAD_KEYS: `a:${hex('beef')}ff,${hex('feed')}` });
    expect(found.map(({ setting }) => setting)).toEqual([
      'STOPKEEPER_PAYLOAD_KEYS',
      'STOPKEEPER_PAYLOAD_KEYS',
    ]);
    expect(formatProblems('x', found)).not.toMatch(/beef|feed/);
    expect(found[0]?.hint).toContain('openssl rand -hex 32');
  });
});

describe('the codec server', () => {
  test('listens where only this machine can ask', () => {
    expect(load(PAPER).codec).toEqual({ host: '127.0.0.1', port: 8234 });
    expect(load({ ...PAPER, STOPKEEPER_CODEC: '[::1]:9000' }).codec).toEqual({ host: '::1', port: 9000 });
    const inContainer = load({ ...PAPER, STOPKEEPER_CODEC: 'container:8234' }).codec;
    expect(inContainer).toEqual({ host: '0.0.0.0', port: 8234 });
    for (const beyond of ['0.0.0.0:8234', '10.0.0.5:8234', '8234']) {
      expect(problems({ ...PAPER, STOPKEEPER_CODEC: beyond })).toMatchObject([
        { setting: 'STOPKEEPER_CODEC' },
      ]);
    }
  });

  test('knows origins, not addresses of pages', () => {
    for (const text of ['*', 'http://127.0.0.1:8233/', '127.0.0.1:8233', 'file:///x']) {
      expect(problems({ ...PAPER, STOPKEEPER_CODEC_ORIGINS: text })).toMatchObject([
        { setting: 'STOPKEEPER_CODEC_ORIGINS', message: expect.stringContaining(text) },
      ]);
    }
  });
});
