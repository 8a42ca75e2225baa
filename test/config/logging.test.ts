/** The log's lines: their shape, and that no secret is ever in one (I9). */
import { expect, test } from 'vitest';
import { createLogger } from '../../src/logging.ts';
import { Secret } from '../../src/secret.ts';

function lines(write: (log: ReturnType<typeof createLogger>) => void): { text: string; json: unknown[] } {
  const written: string[] = [];
  const log = createLogger({
    level: 'info',
    secrets: [new Secret('live-secret-0001'), new Secret('with"quote-0002')],
    stream: { write: (line: string) => void written.push(line) },
  });
  write(log);
  return { text: written.join(''), json: written.map((line): unknown => JSON.parse(line)) };
}

test('a line is JSON with an ISO time, the level as a word, the event and the message', () => {
  const { json } = lines((log) =>
    log.warn({ event: 'balance.fallback', total: '12.5' }, 'balance from a fallback'),
  );
  expect(json).toEqual([
    {
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      event: 'balance.fallback',
      total: '12.5',
      msg: 'balance from a fallback',
    },
  ]);
});

test('lines below the level are not written', () => {
  expect(lines((log) => log.debug('check done')).text).toBe('');
});

test('a secret is scrubbed from messages, fields, nested fields and errors', () => {
  const { text } = lines((log) => {
    log.info({ apiKey: 'k-0001', account: { apiSecret: 's-0001', deep: { token: 't-0001' } } }, 'keys');
    log.info('sent live-secret-0001');
    log.error({ err: new Error('bad signature for live-secret-0001') }, 'failed');
    log.info({ url: 'https://x/?q=with"quote-0002' }, 'escaped');
    log.info({ headers: { 'X-BAPI-SIGN': 'sig-0001' } }, 'request');
  });
  expect(text).not.toMatch(/000[12]/);
  expect(text.match(/\[secret\]/g)?.length).toBeGreaterThanOrEqual(7);
});

test("an error is written with its words and its stack, also under the SDK's name for it", () => {
  const { json } = lines((log) => log.error({ error: new Error('no such key: live-secret-0001') }, 'failed'));
  expect(json).toEqual([
    expect.objectContaining({
      error: expect.objectContaining({
        message: 'no such key: [secret]',
        stack: expect.stringContaining('logging.test'),
      }),
    }),
  ]);
});
